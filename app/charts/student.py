"""Figure and colors of the Student screen. Names are escaped by `plain`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.ui.text import plain, short
from gem_core._formatting import count, percent
from gem_core.workspace import Taxonomy

NAMED = 48  # clusters whose names stand at the axes
GROUND = {True: ("#131b29", "#2a7f78", "#4fd8c3"), False: ("#f4f6f9", "#8fc4bb", "#0b6e62")}
GRAY = "#8a94a3"


def color_lookup(taxonomy: Taxonomy | None) -> Callable[[int], str]:
    """Return what gives a cluster's color by its number; gray where the taxonomy no longer exists."""
    return lambda number: taxonomy.cluster(number).color if taxonomy is not None and taxonomy.has(number) else GRAY


def matrix(table: NDArray[np.int64], names: Sequence[str], *, dark: bool) -> go.Figure:
    """Heat map of the rows' shares: teacher down, student across; empty cells stay empty."""
    k = len(names)
    part = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    facts = np.full((k, k), "", dtype=object)
    for i, j in np.argwhere(table > 0):
        facts[i, j] = (
            f"{plain(short(names[i], 60))} → {plain(short(names[j], 60))}<br>"
            f"{count(table[i, j])} documents, {percent(part[i, j])} of the first"
        )
    low, middle, high = GROUND[dark]
    figure = go.Figure(
        go.Heatmap(
            z=np.where(table > 0, part, np.nan),
            customdata=facts,
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
            zmin=0,
            zmax=1,
            xgap=1 if k <= NAMED else 0,
            ygap=1 if k <= NAMED else 0,
            colorscale=[[0, low], [0.25, middle], [1, high]],
            colorbar={"tickformat": ".0%", "thickness": 8, "outlinewidth": 0, "len": 0.5, "y": 1, "yanchor": "top"},
        )
    )
    axis: dict[str, Any] = {
        "tickvals": np.arange(k) if k <= NAMED else [],
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "automargin": True,
        "tickfont": {"size": 11 if k <= 30 else 9},
    }
    figure.update_yaxes(ticktext=[plain(short(name, 22)) for name in names], autorange="reversed", **axis)
    figure.update_xaxes(ticktext=[plain(short(name, 20)) for name in names], tickangle=-60, **axis)
    return figure.update_layout(
        height=int(np.clip(22 * k + 150, 360, 700)),
        hoverlabel={"align": "left"},
        margin={"l": 4, "r": 4, "t": 6, "b": 4},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
