"""Plotly figures of two groupings held against each other: flows and overlap. Names leave through `widgets.plain`."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.style import mixed, sheer
from app.ui.text import plain, short
from gem_core._formatting import count, percent
from gem_core.pipeline.compare.comparison import Comparison, Partition

THIN = 0.01  # part of the documents below which a flow is folded
MOST = 40  # groups of a side that are drawn one by one
GREY = "#8a94a3"
OTHER = "Thin flows"


@dataclass(frozen=True)
class Side:
    """The groups of one side as they are drawn, from the top; the last may stand for all small ones."""

    names: tuple[str, ...]
    colours: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]


def side(partition: Partition, order: NDArray[np.integer]) -> Side:
    """Order the groups of a side; beyond `MOST` the smallest are drawn as one."""
    sizes = partition.sizes
    kept = set(np.argsort(-sizes, kind="stable")[: MOST if len(sizes) <= MOST else MOST - 1].tolist())
    shown = [int(k) for k in order if int(k) in kept and sizes[k] > 0]
    rest = tuple(int(k) for k in order if int(k) not in kept and sizes[k] > 0)
    names = [partition.names[k] for k in shown] + ([f"{len(rest)} smaller ones"] if rest else [])
    colours = [partition.colours[k] for k in shown] + ([GREY] if rest else [])
    return Side(tuple(names), tuple(colours), tuple((k,) for k in shown) + ((rest,) if rest else ()))


def folded(found: Comparison) -> tuple[Side, Side, NDArray[np.float64]]:
    """Both sides as they are drawn, and the documents between their groups."""
    a, b = side(found.a, found.order_a), side(found.b, found.order_b)
    table = np.array([[found.table[np.ix_(one, two)].sum() for two in b.groups] for one in a.groups], dtype=np.float64)
    return a, b, table


def thin_share(found: Comparison) -> float:
    """Part of the documents in flows that are too thin to be drawn."""
    _, _, table = folded(found)
    return float(table[table < THIN * table.sum()].sum() / table.sum())


def sankey(found: Comparison, *, dark: bool, height: int = 560) -> go.Figure:
    """Flows of documents from the groups of `a` on the left to those of `b` on the right.

    Flows below 1% of the documents run together through one grey node in the middle, so that every group keeps its
    height.
    """
    a, b, table = folded(found)
    n = float(table.sum())
    thin = (table > 0) & (table < THIN * n)
    middle = len(a.names) + len(b.names)
    sources, targets, values, colours, hovers = [], [], [], [], []

    def flow(source: int, target: int, value: float, colour: str, words: str) -> None:
        sources.append(source)
        targets.append(target)
        values.append(value)
        colours.append(sheer(colour, 0.42 if colour != GREY else 0.22))
        hovers.append(f"{words}<br>{count(value)} documents, {percent(value / n)}")

    for i, j in np.argwhere((table > 0) & ~thin):
        flow(
            int(i),
            len(a.names) + int(j),
            float(table[i, j]),
            a.colours[i],
            f"{_label(a.names[i])} → {_label(b.names[j])}",
        )
    for i in np.flatnonzero(thin.any(axis=1)):
        flow(int(i), middle, float(table[i][thin[i]].sum()), GREY, f"{_label(a.names[i])} → thin flows")
    for j in np.flatnonzero(thin.any(axis=0)):
        flow(
            middle,
            len(a.names) + int(j),
            float(table[:, j][thin[:, j]].sum()),
            GREY,
            f"thin flows → {_label(b.names[j])}",
        )
    ends = [
        *zip(a.names, a.colours, table.sum(axis=1), strict=True),
        *zip(b.names, b.colours, table.sum(axis=0), strict=True),
    ]
    places = [*_places(table.sum(axis=1), height), *_places(table.sum(axis=0), height)]
    x = [0.001] * len(a.names) + [0.999] * len(b.names)
    if thin.any():
        ends.append((OTHER, GREY, float(table[thin].sum())))
        places.append(0.5)
        x.append(0.5)
    figure = go.Figure(
        go.Sankey(
            arrangement="fixed",
            valueformat=",.0f",
            node={
                "label": [
                    plain(short(name, 24)) if size >= 0.008 * n or name == OTHER else "" for name, _, size in ends
                ],
                "color": [colour for _, colour, _ in ends],
                "x": x,
                "y": places,
                "pad": _pad(len(ends)),
                "thickness": 12,
                "line": {"width": 0},
                "customdata": [
                    f"{_label(name)}<br>{count(size)} documents, {percent(size / n)}" for name, _, size in ends
                ],
                "hovertemplate": "%{customdata}<extra></extra>",
            },
            link={
                "source": sources,
                "target": targets,
                "value": values,
                "color": colours,
                "customdata": hovers,
                "hovertemplate": "%{customdata}<extra></extra>",
            },
            textfont={"size": 12, "color": "#e5eaf1" if dark else "#1b2430", "shadow": "none"},
        )
    )
    return figure.update_layout(
        height=height,
        margin={"l": 4, "r": 4, "t": 6, "b": 6},
        hoverlabel={"align": "left"},
        paper_bgcolor="rgba(0,0,0,0)",
    )


def overlap(found: Comparison, *, dark: bool, height: int = 560) -> go.Figure:
    """Part of each group of `a` that lies in each group of `b`, matched groups along the diagonal."""
    a, b, table = folded(found)
    part = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    facts = [
        [
            f"{_label(one)} in {_label(two)}<br>{count(table[i, j])} documents, {percent(part[i, j])} of the first, "
            f"{percent(table[i, j] / max(table[:, j].sum(), 1.0))} of the second"
            for j, two in enumerate(b.names)
        ]
        for i, one in enumerate(a.names)
    ]
    ground, ink = ("#131b29", "#4fd8c3") if dark else ("#f4f6f9", "#0b6e62")
    figure = go.Figure(
        go.Heatmap(
            z=part,
            customdata=facts,
            hovertemplate="%{customdata}<extra></extra>",
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            colorscale=[[0, ground], [0.25, mixed(ground, ink, 0.42)], [1, ink]],
            colorbar={"tickformat": ".0%", "thickness": 8, "outlinewidth": 0, "len": 0.5, "y": 1, "yanchor": "top"},
        )
    )
    small = {"size": 11 if max(part.shape) <= 30 else 9}
    figure.update_yaxes(
        tickvals=np.arange(len(a.names)),
        ticktext=[plain(short(name, 22)) for name in a.names],
        autorange="reversed",
        fixedrange=True,
        showgrid=False,
        ticks="",
        automargin=True,
        tickfont=small,
    )
    figure.update_xaxes(
        tickvals=np.arange(len(b.names)),
        ticktext=[plain(short(name, 20)) for name in b.names],
        fixedrange=True,
        showgrid=False,
        ticks="",
        tickangle=-60,
        automargin=True,
        tickfont=small,
    )
    return figure.update_layout(
        height=height,
        margin={"l": 4, "r": 4, "t": 6, "b": 4},
        hoverlabel={"align": "left"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )


def _label(name: str) -> str:
    return plain(short(name, 60))


def _pad(nodes: int) -> float:
    return 7.0 if nodes <= 60 else 3.0


def _places(sizes: NDArray[np.float64], height: int) -> list[float]:
    """Middles of the nodes of one side, top to bottom, as parts of the height."""
    gap = _pad(2 * len(sizes)) / height
    heights = sizes / sizes.sum() * max(1.0 - gap * (len(sizes) - 1), 0.2)
    tops = np.concatenate([[0.0], np.cumsum(heights + gap)[:-1]])
    return [float(min(max(place, 0.001), 0.999)) for place in tops + heights / 2]
