"""Plotly figures of the Balance screen. Names are escaped by `plain`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.style import ACCENT, SLATE, SMALL, lay_out_rows, pale, row_bars
from app.ui.text import plain
from gem_core._formatting import percent, strength_text
from gem_core.clustering import BalancePath
from gem_core.workspace import Taxonomy


@dataclass(frozen=True)
class ShareRow:
    """One line of the share chart: a cluster with its share now and as drafted; None where there is no such cluster."""

    name: str
    color: str
    before: float | None
    after: float | None
    target: float | None
    number: int = -1


def rows_at_level(rows: Sequence[ShareRow], taxonomy: Taxonomy, group: int | None) -> list[ShareRow]:
    """Return the rows of the clusters of a group, or one row per group, the largest first; new clusters last."""
    group_of = {cluster.number: cluster.group for cluster in taxonomy.clusters}
    if group is not None:
        return [row for row in rows if group_of.get(row.number) == group]
    new = [row for row in rows if row.number not in group_of]
    members: dict[int, list[ShareRow]] = {parent.number: [] for parent in taxonomy.groups}
    for row in rows:
        if row.number in group_of:
            members[group_of[row.number]].append(row)
    sums = [ShareRow(parent.label, parent.color, *_sum_rows(members[parent.number])) for parent in taxonomy.groups]
    sums.sort(key=lambda row: -(row.before or 0.0))
    return sums + ([ShareRow(f"New clusters ({len(new)})", SLATE, *_sum_rows(new))] if new else [])


def _sum_rows(rows: Sequence[ShareRow]) -> tuple[float | None, float | None, float | None]:
    """Sum each of the three shares; None where no row has one."""
    columns = ([row.before for row in rows], [row.after for row in rows], [row.target for row in rows])
    numbers = [[value for value in column if value is not None] for column in columns]
    before, after, target = (sum(values) if values else None for values in numbers)
    return before, after, target


def shares(rows: Sequence[ShareRow], *, changed: bool, names: tuple[str, str] = ("Applied", "Preview")) -> go.Figure:
    """Paired bars: pale = as applied, solid = as drafted, a short line = the target; `names` are those of the two."""
    places = np.arange(len(rows))
    before = np.array([row.before or 0.0 for row in rows])
    after = np.array([row.after or 0.0 for row in rows])
    facts = [[plain(row.name), _share(row.before, "none"), _share(row.after, "removed")] for row in rows]
    first, second = (name.lower() for name in names)
    hover = f"%{{customdata[0]}}<br>{first} %{{customdata[1]}}<br>{second} %{{customdata[2]}}<extra></extra>"
    pale_colors, colors = [pale(row.color) for row in rows], [row.color for row in rows]
    figure = go.Figure(
        [
            row_bars(before, pale_colors, width=0.82, facts=facts, hover=hover, name=names[0]),
            row_bars(after, colors, width=0.42, facts=facts, hover=hover, name=names[1]),
        ]
    )
    aims = [(y_position, row.target) for y_position, row in zip(places, rows, strict=True) if row.target is not None]
    if aims:
        figure.add_scatter(
            y=[p for p, _ in aims],
            x=[t for _, t in aims],
            mode="markers",
            name="Target",
            hovertemplate="target %{x:.1%}<extra></extra>",
            marker={"symbol": "line-ns", "size": 13, "line": {"width": 1.6, "color": SLATE}},
        )
    words = [
        f"{_share(row.before, 'new')} → {_share(row.after, 'removed')}" if changed else _share(row.before)
        for row in rows
    ]
    wide = float(max(before.max(initial=0), after.max(initial=0), *(t for _, t in aims), 1e-9))
    wide *= 1.4 if changed else 1.16
    figure.add_scatter(
        y=places,
        x=np.full(len(rows), wide),
        mode="text",
        text=words,
        textposition="middle left",
        textfont={"size": 11},
        hoverinfo="skip",
        cliponaxis=False,
    )
    lay_out_rows(figure, [row.name for row in rows])
    figure.update_xaxes(tickformat=".0%", range=[0, wide])
    return figure.update_layout(barmode="overlay")


@dataclass(frozen=True)
class PathPoint:
    """A fit on or beside the path: its strength and its masses."""

    name: str
    strength: float
    effective: float
    largest: float
    smallest: float


def path(balance: BalancePath, points: Sequence[PathPoint]) -> go.Figure:
    """Effective clusters, largest and smallest mass against strength (log axis, 0 and exact set apart)."""
    strengths = np.asarray(balance.strengths, dtype=float)
    x = axis_places(strengths, strengths)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.09, row_heights=[0.5, 0.5])
    marks = [[i, strength_text(float(s))] for i, s in enumerate(strengths)]
    for row, name, y, color, dash, form in (
        (1, "Effective clusters", balance.effective_clusters, ACCENT, "solid", ".1f"),
        (2, "Largest", balance.largest, ACCENT, "solid", ".1%"),
        (2, "Smallest", balance.smallest, SLATE, "dot", ".1%"),
    ):
        figure.add_scatter(
            x=x,
            y=np.asarray(y),
            mode="lines+markers",
            name=name,
            row=row,
            col=1,
            customdata=marks,
            line={"color": color, "width": 2, "dash": dash},
            marker={"size": 7, "color": color},
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            hovertemplate=f"{name} %{{y:{form}}} at strength %{{customdata[1]}}<extra></extra>",
        )
    for point in points:
        x_position = float(axis_places(np.array([point.strength]), strengths)[0])
        draft = point.name == "draft"
        figure.add_vline(
            x=x_position, line={"color": ACCENT if draft else SLATE, "width": 1.5, "dash": "solid" if draft else "dash"}
        )
        figure.add_annotation(
            x=x_position,
            y=1.0 if draft else 1.07,
            yref="paper",
            text=point.name,
            showarrow=False,
            xanchor="left",
            xshift=3,
            yanchor="bottom",
            font={"size": 11},
        )
        for row, value, form in ((1, point.effective, ".1f"), (2, point.largest, ".1%"), (2, point.smallest, ".1%")):
            figure.add_scatter(
                x=[x_position],
                y=[value],
                mode="markers",
                row=row,
                col=1,
                hovertemplate=f"{point.name} %{{y:{form}}}<extra></extra>",
                customdata=[[-1, ""]],
                marker={
                    "size": 12,
                    "color": ACCENT if draft else "rgba(0,0,0,0)",
                    "line": {"width": 2, "color": ACCENT if draft else SLATE},
                },
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 1}},
            )
    ticks = _tick_strengths(strengths)
    figure.update_xaxes(
        fixedrange=True,
        zeroline=False,
        tickvals=axis_places(ticks, strengths),
        ticktext=[strength_text(float(s)) for s in ticks],
    )
    figure.update_xaxes(
        title={"text": "Balance strength (log scale; 0 and exact separate)", "font": SMALL}, row=2, col=1
    )
    figure.update_yaxes(fixedrange=True, rangemode="tozero", zeroline=False)
    figure.update_yaxes(range=[0, 1.06 * balance.masses.shape[1]], row=1, col=1)
    figure.update_yaxes(tickformat=".0%", row=2, col=1)
    for row, name, y, up in (
        (1, "effective clusters", balance.effective_clusters, False),
        (2, "largest mass", balance.largest, True),
        (2, "smallest mass", balance.smallest, bool(balance.smallest[0] < 0.06)),
    ):
        figure.add_annotation(
            x=x[0],
            y=float(y[0]),
            text=name,
            showarrow=False,
            xanchor="left",
            row=row,
            col=1,
            yanchor="bottom" if up else "top",
            yshift=5 if up else -5,
            font={"size": 12},
        )
    return figure.update_layout(
        height=360,
        showlegend=False,
        margin={"l": 4, "r": 12, "t": 34, "b": 44},
        hovermode="closest",
        dragmode=False,
        clickmode="event+select",
    )


def axis_places(strengths: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Positions on the strength axis: log10 between the ends, 0 and infinity half a decade or more outside."""
    inner = grid[(grid > 0) & np.isfinite(grid)]
    low, high = (np.log10(inner.min()), np.log10(inner.max())) if inner.size else (-1.0, 1.0)
    gap = max(0.4, 0.12 * (high - low))
    with np.errstate(divide="ignore"):
        places = np.log10(strengths)
    return np.where(strengths == 0, low - gap, np.where(np.isinf(strengths), high + gap, np.clip(places, low, high)))


def trace(values: np.ndarray) -> go.Figure:
    """Objective after each iteration."""
    figure = go.Figure()
    figure.add_scatter(
        x=np.arange(1, len(values) + 1),
        y=values,
        mode="lines+markers",
        marker={"size": 5},
        line={"color": ACCENT, "width": 2},
        hovertemplate="iteration %{x}: %{y:.6f} nats<extra></extra>",
    )
    figure.update_xaxes(title={"text": "Iteration", "font": SMALL}, fixedrange=True, zeroline=False)
    figure.update_yaxes(title={"text": "Objective (nats per document)", "font": SMALL}, fixedrange=True, zeroline=False)
    return figure.update_layout(height=240, showlegend=False, margin={"l": 4, "r": 8, "t": 8, "b": 40})


def _tick_strengths(strengths: np.ndarray) -> np.ndarray:
    inner = strengths[(strengths > 0) & np.isfinite(strengths)]
    decades = (
        10.0 ** np.arange(np.ceil(np.log10(inner.min())), np.floor(np.log10(inner.max())) + 1)
        if inner.size
        else np.array([1.0])
    )
    ends = [s for s in (0.0, np.inf) if s in strengths]
    return np.array(sorted({*decades.tolist(), *ends}))


def _share(value: float | None, missing: str = "none") -> str:
    return missing if value is None else percent(value)
