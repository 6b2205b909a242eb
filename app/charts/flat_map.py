"""Flat map: one WebGL figure with a trace for each group and no document text."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.data.map_data import Coloring
from app.ui.text import plain, short

FAINT, CLEAR = 0.1, 0.8
GRAY = "#8b97a8"


def flat_map(
    flat: NDArray[np.float32],
    rows: NDArray[np.int32],
    coloring: Coloring,
    *,
    selected: int | None,
    row: int | None,
    matches: NDArray[np.bool_] | None,
    revision: str,
    dark: bool,
    height: int,
) -> go.Figure:
    """Draw the documents `rows`; every point carries its row as custom data.

    Parameters
    ----------
    flat : (n, 2) positions of all documents
    rows : (m,) documents to draw
    coloring : Coloring
    selected : int, optional
        Group that stays clear while the others fade.
    row : int, optional
        The open document.
    matches : (n,) bool, optional
        Documents that answer a search or lie in the lasso; the others turn gray.
    revision : str
        A change of it drops what Plotly itself has marked as selected: our drawing shows the selection.
    dark : bool
    height : int
    """
    figure = go.Figure()
    size = float(np.clip(9.5 - 1.5 * np.log10(max(len(rows), 1)), 2.5, 7.0))
    for group in [-1, *range(len(coloring.names))]:
        group_rows = rows[coloring.groups[rows] == group]
        if matches is not None:
            group_rows = group_rows[matches[group_rows]]
        if len(group_rows):
            prominent = selected is None or group == selected
            figure.add_trace(
                _points(
                    flat,
                    group_rows,
                    size * (1.5 if matches is not None else 1.0),
                    CLEAR if prominent else FAINT,
                    _marker_color(coloring, group, group_rows),
                    plain(short(coloring.names[group], 40)) if group >= 0 else "no value",
                )
            )
    if matches is not None and not matches[rows].all():
        rest = _points(flat, rows[~matches[rows]], size, 0.18, {"color": GRAY}, "no match")
        figure.add_trace(rest)
        figure.data = (figure.data[-1], *figure.data[:-1])
    if row is not None:
        ring = {"size": 15, "color": "rgba(0,0,0,0)", "line": {"width": 2.5, "color": "#fff" if dark else "#111"}}
        figure.add_trace(
            go.Scattergl(
                x=flat[[row], 0], y=flat[[row], 1], mode="markers", hoverinfo="skip", customdata=[row], marker=ring
            )
        )
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        dragmode="pan",
        hovermode="closest",
        uirevision="map",
        selectionrevision=revision,
        selections=[],
        clickmode="event+select",
        modebar={"bgcolor": "rgba(0,0,0,0)", "orientation": "v"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        xaxis={"visible": False, "range": _range_of(flat[:, 0])},
        yaxis={"visible": False, "range": _range_of(flat[:, 1])},
    )
    return figure


def _range_of(values: NDArray[np.float32]) -> list[float]:
    """Return the ends of an axis with a small margin: the map fills its box, and equal areas stay equal."""
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low) or 1.0
    return [low - margin, high + margin]


def _marker_color(coloring: Coloring, group: int, group_rows: NDArray[np.int32]) -> dict[str, Any]:
    if coloring.values is not None:
        return {"color": coloring.values[group_rows].astype(np.float32), "colorscale": "Viridis", "cmin": 0, "cmax": 1}
    return {"color": coloring.colors[group] if group >= 0 else GRAY}


def _points(
    flat: NDArray[np.float32], rows: NDArray[np.int32], size: float, opacity: float, color: dict[str, Any], name: str
) -> go.Scattergl:
    return go.Scattergl(
        x=flat[rows, 0],
        y=flat[rows, 1],
        customdata=rows.astype(np.int32),
        mode="markers",
        name=name,
        hovertemplate="%{fullData.name}<extra></extra>",
        marker={"size": size, "opacity": opacity, "line": {"width": 0}, **color},
        selected={"marker": {"opacity": max(opacity, 0.9)}},
        unselected={"marker": {"opacity": min(opacity, 0.15)}},
    )
