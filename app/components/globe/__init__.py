"""Globe: documents on a sphere, drawn by a Streamlit component of its own.

Drawn with Canvas 2-D (pixels blended by hand, see ``pixels.js``), so a page keeps its one WebGL context for Plotly.
The JavaScript is ES modules joined into one inline module at import: no bundler, no CDN, no request. Geometry, pixels
and label text are shared with the HTML report (``gem_core/export/globe_modules``).

What travels to the browser: per document three 16-bit coordinates, a row id, a color group, and where asked a value
and a size; per cluster its color, its name and a direction. Never a document's text. 24,000 documents are 290 kB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from app.components.globe.message import MOST_CORNERS, joined_script, pack
from app.state.widget_state import widget

__all__ = ["GlobePick", "globe"]

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "gem_globe",
    html=(_HERE / "globe.html").read_text(encoding="utf-8"),
    css=(_HERE / "globe.css").read_text(encoding="utf-8"),
    js=joined_script(_HERE),
)


@dataclass(frozen=True)
class GlobePick:
    """Event on the globe since the last run; false when nothing happened.

    Attributes
    ----------
    event : str or None
        ``"row"`` (a document was clicked), ``"cluster"`` (a label was clicked, or Enter pressed), ``"lasso"``,
        ``"clear"`` (Escape, or a click on nothing), or None.
    row, cluster : int or None
        Row id and color group of the pick. A clicked document gives both, a cluster only the second.
    outline : tuple of (x, y)
        Corners of the lasso, in radii from the middle of the globe with y upwards.
    turn : tuple of 9 float
        Rows of the rotation under which it was drawn: a document at p stands at R p, the near side has z > 0.
    """

    row: int | None = None
    cluster: int | None = None
    event: str | None = None
    outline: tuple[tuple[float, float], ...] = ()
    turn: tuple[float, ...] = ()

    def __bool__(self) -> bool:
        return self.event is not None


def _integer(value: Any) -> int | None:
    """Return a number from the browser as an int, or None if it is not a number."""
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _read(value: Any, rows: np.ndarray, groups: int) -> GlobePick:
    """Return the message of the browser as a pick; drop rows that left the globe during a rerun."""
    if not isinstance(value, dict) or value.get("event") not in {"row", "cluster", "lasso", "clear"}:
        return GlobePick()
    event, row, cluster = value["event"], _integer(value.get("row")), _integer(value.get("cluster"))
    if cluster is not None and not 0 <= cluster < groups:
        cluster = None
    if event == "row" and (row is None or not np.any(rows == row)):
        return GlobePick()
    if event == "cluster" and cluster is None:
        return GlobePick()
    if event == "lasso":
        corners = [_numbers(corner, 2, 50.0) for corner in _list(value.get("outline"))[:MOST_CORNERS]]
        turn = _numbers(value.get("turn"), 9, 1.001)
        if len(corners) < 3 or not turn or not all(corners):
            return GlobePick()
        return GlobePick(None, None, event, tuple((c[0], c[1]) for c in corners), turn)
    return GlobePick(row, cluster, event)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _numbers(value: Any, count: int, most: float) -> tuple[float, ...]:
    """Return `count` finite numbers of at most `most` in size, or () if the value is anything else."""
    items = _list(value)
    if len(items) != count or not all(isinstance(v, (int, float)) and abs(v) <= most for v in items):
        return ()
    return tuple(float(v) for v in items)


def globe(
    *,
    xyz: np.ndarray,
    rows: np.ndarray,
    cluster: np.ndarray,
    colors: Sequence[str],
    labels: Sequence[tuple[str, Sequence[float], int]] = (),
    values: np.ndarray | None = None,
    legend: tuple[str, str, str] | None = None,
    sizes: np.ndarray | None = None,
    caps: Sequence[tuple[Any, ...]] | None = None,
    selected_row: int | None = None,
    selected_cluster: int | None = None,
    note: str = "",
    look: Sequence[float] | None = None,
    dark: bool | None = None,
    height: int = 620,
    key: str = "globe",
    excerpts: str = "",
    subtopics: str = "",
    numbers: Sequence[int] = (),
    outlines: Sequence[tuple[str, Sequence[np.ndarray]]] = (),
    on_pick: Callable[[GlobePick], None] | None = None,
) -> GlobePick:
    """Show documents on the globe; returns what was picked on it in this run.

    Parameters
    ----------
    xyz : (n, 3) float array
        Unit directions of the documents (``projection.layout(X).sphere``). n may be 0; up to about 100,000.
    rows : (n,) int array
        Stable row id of each document, 0 <= id < 2**31.
    cluster : (n,) int array
        Color group of each document, an index into `colors`; -1 = none (gray).
    colors : sequence of "#rrggbb"
        Color of each group.
    labels : sequence of (text, (x, y, z), group)
        Name of each group and where it stands. Text is shown as text, whatever it holds.
    values : (n,) float array in [0, 1], optional
        Colors the documents by value (viridis) instead of by group; NaN is gray.
    legend : (title, low, high), optional
        Three short texts for the color bar of `values`.
    sizes : (n,) float array, optional
        Relative sizes, 1 = usual, drawn between 0.35 and 4 in steps of a factor 1.41.
    caps : sequence of (center, angular radius in radians[, group]), optional
        Faint circles; without a group the k-th belongs to group k.
    selected_row, selected_cluster : int, optional
        The selection. A change of either turns the globe to it when it is out of sight.
    note : str
        A few words on the globe, such as how many documents are selected; a change drops the lasso that was drawn.
    look : (x, y, z), optional
        A direction of interest: the globe turns to it once when it is out of sight.
    dark : bool, optional
        None follows Streamlit's theme.
    height : int
        CSS pixels.
    key : str
        Fixed key; the camera (rotation, zoom) is remembered under it for as long as the browser tab lives.
    excerpts : str
        Path of this server that answers "PATH/ROW" with the beginning of a document; the document under the pointer is
        asked for. "" shows none.
    subtopics : str
        Path of this server that answers "PATH/NUMBER" with the names and positions of a cluster's subtopics; asked for
        the clusters in the middle when a person has zoomed in. "" shows none.
    numbers : sequence of int
        The number of each color group under that path.
    outlines : sequence of (color, lines)
        Closed lines around groups, (m, 3) unit directions each.
    on_pick : callable, optional
        Called with the pick before the script runs again, as Streamlit's callbacks are: set session state here.

    Returns
    -------
    GlobePick
        False (nothing picked) in every run that was not caused by the globe.

    Raises
    ------
    ValueError
        Arrays of different lengths, values that are not finite, groups outside `colors`, colors not "#rrggbb".
    """
    ids = np.asarray(rows)
    payload = pack(
        xyz=xyz,
        rows=ids,
        cluster=cluster,
        colors=colors,
        labels=labels,
        values=values,
        legend=legend,
        sizes=sizes,
        caps=caps or (),
        row=selected_row,
        selected=selected_cluster,
        note=note,
        look=look,
        dark=dark,
        height=height,
        key=key,
        excerpts=excerpts,
        subtopics=subtopics,
        numbers=numbers,
        outlines=outlines,
    )

    def changed() -> None:
        state = widget(key)
        pick = _read(state.get("pick") if state else None, ids, len(colors))
        if on_pick is not None and pick:
            on_pick(pick)

    result = _component(key=key, data=payload, on_pick_change=changed)
    return _read(result.get("pick"), ids, len(colors))
