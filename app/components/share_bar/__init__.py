"""The strip under the map: the share of every cluster as one bar in the order of the tree, and a selection's below.

A small Streamlit component of our own: the start page needs no Plotly, whose code takes a browser a second to load, and
every piece can be reached by keys.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.state.widget_state import widget
from app.ui.text import escape, short
from gem_core._formatting import count, percent
from gem_core.geometry import effective_number
from gem_core.workspace import Taxonomy

__all__ = ["share_strip", "strip_title"]

Counts = NDArray[np.integer]
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "gem_strip",
    html='<div class="strip"><div class="bars" role="toolbar"></div><div class="groups"></div>'
    '<div class="tip" hidden></div></div>',
    css=(_HERE / "share_bar.css").read_text(encoding="utf-8"),
    js=(_HERE / "share_bar.js").read_text(encoding="utf-8"),
)


def strip_title(taxonomy: Taxonomy, selected: int | None, part: Counts | None = None) -> str:
    """Say what the strip shows; `part` counts the selected documents of each cluster."""
    shares = np.array([cluster.share_documents for cluster in taxonomy.clusters])
    if selected is not None and taxonomy.has(selected):
        cluster = taxonomy.cluster(selected)
        rank = int((shares > cluster.share_documents).sum()) + 1
        size = f"number {rank} of {len(shares)} by size" if rank > 1 else f"the largest of {len(shares)}"
        return (
            f"**{escape(short(cluster.label))} holds {percent(cluster.share_documents)} "
            f"of the documents** :gray[{size}]"
        )
    if part is not None:
        most = int(part.argmax())
        return (
            f"**{percent(part[most] / part.sum())} of the {count(part.sum())} selected lie in "
            f"{escape(short(taxonomy.clusters[most].label, 50))}** "
            f":gray[which holds {percent(shares[most])} of all; {int((part > 0).sum())} of {len(part)} clusters]"
        )
    even = float(effective_number(shares))
    return (
        f"**Largest cluster {percent(shares.max())}, smallest {percent(shares.min())}** "
        f":gray[as even as {even:.1f} clusters of one size]"
    )


def share_strip(
    taxonomy: Taxonomy, *, selected: int | None, part: Counts | None, key: str, on_pick: Callable[[int], None]
) -> None:
    """Show the shares; `on_pick` is called with the number of a cluster before the script runs again."""

    def picked() -> None:
        state = widget(key)
        number = state.get("pick") if state else None
        if isinstance(number, int) and not isinstance(number, bool) and taxonomy.has(number):
            on_pick(number)

    _component(key=key, data=_data(taxonomy, selected, part), on_pick_change=picked)


def _data(taxonomy: Taxonomy, selected: int | None, part: Counts | None) -> dict[str, Any]:
    """What the browser gets: bars of pieces in the order of the tree, and groups by their widths."""
    order = [number for parent in taxonomy.parents for number in parent.children]
    clusters = [taxonomy.cluster(number) for number in order]
    bars = [{"name": "all", "of": "of all documents", "shares": [cluster.share_documents for cluster in clusters]}]
    if part is not None:
        chosen = part / part.sum()
        bars.append(
            {
                "name": "selected",
                "of": "of the selected",
                "shares": [float(chosen[taxonomy.place(number)]) for number in order],
            }
        )
    return {
        "pieces": [
            {"number": cluster.number, "name": short(cluster.label), "colour": cluster.colour} for cluster in clusters
        ],
        "bars": bars,
        "selected": selected,
        "groups": [
            {"name": parent.label, "share": sum(taxonomy.cluster(number).share_documents for number in parent.children)}
            for parent in taxonomy.parents
        ],
        "what": "Share of each cluster in the documents, in the order of the tree"
        + ("; below it the same for the selected documents" if part is not None else ""),
    }
