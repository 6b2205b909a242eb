"""Layer over the flat map: names by zoom, outlines of groups, and how the document under the pointer begins."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.globe.message import clean
from gem_core.export.globe_modules import SHARED_MODULES, join_modules

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "gem_flat_names",
    html='<div class="layer" aria-hidden="true"><svg></svg><div class="names"></div><p class="tip" hidden></p></div>',
    css=(_HERE / "flat_names.css").read_text(encoding="utf-8"),
    js=join_modules([SHARED_MODULES[0], _HERE / "flat_names.js"]),
)


def show_flat_names(
    container: str,
    *,
    names: Sequence[str],
    positions: NDArray[np.float64],
    counts: NDArray[np.integer],
    numbers: Sequence[int],
    selected: int | None,
    outlines: Sequence[tuple[str, Sequence[NDArray[np.float64]]]],
    span: float,
    excerpts: str,
    subtopics: str,
    key: str,
) -> None:
    """Show the layer over the Plotly chart of the same container.

    Parameters
    ----------
    container : str
        Key of the container that holds the chart and this layer.
    names : sequence of str
        Name of each color group; shown as text, whatever it holds.
    positions : (K, 2)
        Where they stand, in the chart's coordinates; NaN for an empty group.
    counts : (K,) int
        Documents drawn of each group: larger groups are named first.
    numbers : sequence of int
        Number of each group under `subtopics`.
    selected : int, optional
        Group that is always named.
    outlines : sequence of (color, lines)
        Closed lines, (m, 2) each.
    span : float
        Width of the whole map in the chart's coordinates; what is seen of it says how far a person has zoomed in.
    excerpts, subtopics : str
        Paths of this server that answer "PATH/ROW" and "PATH/NUMBER"; "" asks for nothing.
    key : str
        Fixed key.
    """
    data: dict[str, Any] = {
        "container": container,
        "names": [
            {
                "text": clean(names[k], 60),
                "at": positions[k].round(4).tolist(),
                "count": int(counts[k]),
                "index": int(k),
            }
            for k in np.argsort(-counts, kind="stable")
            if counts[k] and np.isfinite(positions[k]).all()
        ],
        "numbers": [int(number) for number in numbers],
        "selected": selected,
        "outlines": [
            {"color": color, "lines": [line.round(3).tolist() for line in lines]} for color, lines in outlines if lines
        ],
        "span": float(span),
        "excerpts": excerpts,
        "subtopics": subtopics,
    }
    _component(key=key, data=data)
