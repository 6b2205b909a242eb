"""Plotly figures of the Mixing view; cluster names are escaped by `plain`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.style import ROW, SLATE, SMALL, lay_out_rows, row_bars, sheer
from app.ui.text import plain, short
from gem_core._formatting import percent


@dataclass(frozen=True)
class LossRow:
    """Predicted loss of a cluster under natural shares and under the proposed weights, nats per token."""

    name: str
    color: str
    natural: float
    proposed: float


def loss_chart(rows: Sequence[LossRow], *, changed: bool) -> go.Figure:
    """Return bars of the loss change per cluster, or of the loss if nothing changes, aligned with `balance.shares`."""
    places = np.arange(len(rows))
    change = np.array([row.proposed - row.natural if changed else row.natural for row in rows])
    form = "+.3f" if changed else ".3f"
    facts = [[plain(row.name), f"{row.natural:.3f}", f"{row.proposed:.3f}"] for row in rows]
    wide = max(float(np.abs(change).max(initial=0)), 0.01)
    hover = "%{customdata[0]}<br>natural %{customdata[1]}<br>predicted %{customdata[2]}<extra></extra>"
    figure = go.Figure(row_bars(change, [row.color for row in rows], width=0.5, facts=facts, hover=hover))
    figure.add_scatter(
        y=places,
        x=np.full(len(rows), 1.55 * wide),
        mode="text",
        textposition="middle left",
        text=[format(value, form) for value in change],
        textfont={"size": 11},
        hoverinfo="skip",
        cliponaxis=False,
    )
    figure.add_vline(x=0, line={"color": SLATE, "width": 1})
    lay_out_rows(figure, [row.name for row in rows])
    figure.update_xaxes(
        tickformat="+.3~f" if changed else ".3~f",
        nticks=6,
        range=[-1.1 * wide if changed else 0, 1.55 * wide],
    )
    return figure


@dataclass(frozen=True)
class MixColumn:
    """A mix beside others: its name and the weight of each cluster, (K,)."""

    name: str
    weights: NDArray[np.float64]


MIX_COLORS = ("#14a08e", "#d9822b", "#5b6ee1", "#b5507f", "#7d8998", "#8a7a1f")  # readable on light and dark
MIX_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "cross")


def mixes_chart(names: Sequence[str], natural: NDArray[np.float64], mixes: Sequence[MixColumn]) -> go.Figure:
    """Return the weights of several mixes as marks on one row per cluster; a tick is the natural share."""
    rows = np.arange(len(names))
    widest = max(float(natural.max()), *(float(mix.weights.max()) for mix in mixes))
    labels, hover = [plain(name) for name in names], "%{customdata}<br>natural %{x:.1%}<extra></extra>"
    figure = go.Figure(
        row_bars(natural, sheer(SLATE, 0.22), width=0.66, facts=labels, hover=hover, name="Natural share")
    )
    for mix, color, symbol in zip(mixes, MIX_COLORS, MIX_SYMBOLS, strict=False):
        figure.add_scatter(
            y=rows,
            x=mix.weights,
            mode="markers",
            name=plain(short(mix.name, 30)),
            marker={"color": color, "symbol": symbol, "size": 9},
            customdata=[[plain(name), plain(short(mix.name, 30))] for name in names],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]} %{x:.1%}<extra></extra>",
        )
    lay_out_rows(figure, names)
    figure.update_xaxes(tickformat=".0%", range=[0, 1.06 * widest], side="top")
    return figure.update_layout(
        showlegend=True,
        height=len(rows) * ROW + 84,
        legend={"orientation": "h", "y": 0, "yanchor": "top", "x": 0},
        margin={"l": 4, "r": 8, "t": 28, "b": 8},
    )


def trained_line(
    parts: Sequence[float], gains: Sequence[float], *, checked: tuple[float, float, float], noise: float
) -> go.Figure:
    """Return trained gains on the way from natural shares to a proposal, and the mean of the fresh seeds.

    Parameters
    ----------
    parts : sequence of float
        Part of the way of each mixture; 0 is natural shares.
    gains : sequence of float
        Fall of the goal loss with one seed, nats per token.
    checked : (part, gain, error)
        Of the fresh seeds; the error bar is two standard errors.
    noise : float
        Standard deviation of natural shares over seeds; drawn as a band around 0 where it is known.
    """
    part, gain, error = checked
    figure = go.Figure()
    if np.isfinite(noise):
        figure.add_hrect(y0=-noise, y1=noise, fillcolor="rgba(125,137,152,0.2)", line={"width": 0})
    figure.add_hline(y=0, line={"color": SLATE, "width": 1})
    figure.add_scatter(
        x=list(parts),
        y=list(gains),
        mode="lines+markers",
        name="One seed",
        line={"color": SLATE, "width": 1.5, "dash": "dot"},
        marker={"size": 7, "color": SLATE},
        hovertemplate="part %{x:.2f}: gain %{y:+.4f}, one seed<extra></extra>",
    )
    figure.add_scatter(
        x=[part],
        y=[gain],
        mode="markers",
        name="Fresh seeds, ± 2 standard errors",
        marker={"size": 11, "color": MIX_COLORS[0]},
        error_y={"type": "data", "array": [2 * error], "color": MIX_COLORS[0], "thickness": 2, "width": 6},
        hovertemplate=f"part {part:g}: gain {gain:+.4f} ± {error:.4f}, fresh seeds<extra></extra>",
    )
    figure.update_xaxes(
        title={"text": "Natural shares to proposal", "font": SMALL},
        range=[-0.04, 1.04],
        fixedrange=True,
        zeroline=False,
    )
    figure.update_yaxes(
        title={"text": "Gain, nats", "font": SMALL}, tickformat="+.3~f", fixedrange=True, zeroline=False, nticks=5
    )
    return figure.update_layout(
        height=250,
        hovermode="closest",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": SMALL},
        margin={"l": 4, "r": 8, "t": 8, "b": 40},
    )


def curve(steps: Sequence[int], table: NDArray[np.float64], names: Sequence[str], colors: Sequence[str]) -> go.Figure:
    """Return a line chart of the cluster weights over the steps of a run."""
    figure = go.Figure()
    for name, color, line in zip(names, colors, table.T, strict=True):
        figure.add_scatter(
            x=list(steps),
            y=line,
            mode="lines",
            line={"color": color, "width": 1.8},
            customdata=[[plain(short(name, 50)), percent(value)] for value in line],
            hovertemplate="%{customdata[0]}<br>step %{x}: %{customdata[1]}<extra></extra>",
        )
    figure.update_xaxes(title={"text": "Step", "font": SMALL}, fixedrange=True, zeroline=False)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", fixedrange=True, zeroline=False)
    return figure.update_layout(
        showlegend=False, height=260, margin={"l": 4, "r": 8, "t": 8, "b": 40}, hovermode="closest"
    )
