"""Share bar: the share of every cluster as one bar in the order of the tree, and a selection's shares below it.

A Streamlit component of its own: the start page needs no Plotly, whose code takes a browser a second to load, and
every segment can be reached by keyboard.
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

__all__ = ["share_bar", "share_bar_title"]

Counts = NDArray[np.integer]
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "gem_strip",
    html='<div class="strip"><div class="bars" role="toolbar"></div>'
    '<div class="groups" role="toolbar" aria-label="Groups to show alone"></div>'
    '<div class="tip" hidden></div></div>',
    css=(_HERE / "share_bar.css").read_text(encoding="utf-8"),
    js=(_HERE / "share_bar.js").read_text(encoding="utf-8"),
)


def share_bar_title(taxonomy: Taxonomy, selected: int | None, selected_counts: Counts | None = None) -> str:
    """Return the title of the bar; `selected_counts` holds the selected documents of each cluster."""
    shares = np.array([cluster.share_documents for cluster in taxonomy.clusters])
    if selected is not None and taxonomy.has(selected):
        cluster = taxonomy.cluster(selected)
        rank = int((shares > cluster.share_documents).sum()) + 1
        size = f"number {rank} of {len(shares)} by size" if rank > 1 else f"largest of {len(shares)}"
        return (
            f"**{escape(short(cluster.label))} holds {percent(cluster.share_documents)} "
            f"of the documents** :gray[{size}]"
        )
    if selected_counts is not None:
        largest, total = int(selected_counts.argmax()), int(selected_counts.sum())
        return (
            f"**{percent(selected_counts[largest] / total)} of the {count(total)} selected are in "
            f"{escape(short(taxonomy.clusters[largest].label, 50))}** "
            f":gray[{percent(shares[largest])} of all documents; {int((selected_counts > 0).sum())} of "
            f"{len(selected_counts)} clusters]"
        )
    effective = float(effective_number(shares))
    return (
        f"**Largest cluster {percent(shares.max())}, smallest {percent(shares.min())}** "
        f":gray[equivalent to {effective:.1f} equal clusters]"
    )


def share_bar(
    taxonomy: Taxonomy,
    *,
    selected: int | None,
    selected_counts: Counts | None,
    key: str,
    on_pick: Callable[[int], None],
    isolated: tuple[int, ...] = (),
    on_isolate: Callable[[tuple[int, ...]], None] | None = None,
) -> None:
    """Show the shares, which are the legend of the maps too.

    Parameters
    ----------
    taxonomy : Taxonomy
    selected : int, optional
        Number of the selected cluster.
    selected_counts : (K,) int, optional
        Selected documents of each cluster, for a second bar.
    key : str
        Fixed key.
    on_pick : callable
        Called with the number of a clicked cluster before the script runs again.
    isolated : tuple of int
        Clusters that are shown alone; empty means all.
    on_isolate : callable, optional
        Called with the new `isolated` when a group's name was clicked, or a cluster with Shift, Ctrl or Command.
    """

    def on_click() -> None:
        state = widget(key)
        number = state.get("pick") if state else None
        if isinstance(number, int) and not isinstance(number, bool) and taxonomy.has(number):
            on_pick(number)

    def on_toggle() -> None:
        state = widget(key)
        numbers = state.get("isolate") if state else None
        if on_isolate and isinstance(numbers, list):
            on_isolate(toggle_clusters(isolated, tuple(n for n in numbers if taxonomy.has(n))))

    data = {**_data(taxonomy, selected, selected_counts), "isolated": list(isolated)}
    _component(key=key, data=data, on_pick_change=on_click, on_isolate_change=on_toggle)


def toggle_clusters(isolated: tuple[int, ...], numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Add clusters to those shown alone; take them out if all of them are among these already.

    Examples
    --------
    >>> toggle_clusters((1, 2), (2, 3)), toggle_clusters((1, 2, 3), (2, 3))
    ((1, 2, 3), (1,))
    """
    if set(numbers) <= set(isolated):
        return tuple(number for number in isolated if number not in numbers)
    return tuple(sorted({*isolated, *numbers}))


def _data(taxonomy: Taxonomy, selected: int | None, selected_counts: Counts | None) -> dict[str, Any]:
    """Return the data for the browser: bars of segments in the order of the tree, and the groups with their widths."""
    order = [number for parent in taxonomy.groups for number in parent.children]
    clusters = [taxonomy.cluster(number) for number in order]
    bars = [{"name": "all", "of": "of all documents", "shares": [cluster.share_documents for cluster in clusters]}]
    if selected_counts is not None:
        selected_shares = selected_counts / selected_counts.sum()
        bars.append(
            {
                "name": "selected",
                "of": "of the selected",
                "shares": [float(selected_shares[taxonomy.index_of(number)]) for number in order],
            }
        )
    return {
        "pieces": [
            {"number": cluster.number, "name": short(cluster.label), "color": cluster.color} for cluster in clusters
        ],
        "bars": bars,
        "selected": selected,
        "groups": [
            {
                "name": parent.label,
                "share": sum(taxonomy.cluster(number).share_documents for number in parent.children),
                "numbers": list(parent.children),
            }
            for parent in taxonomy.groups
        ],
        "what": "Share of documents by cluster, in the order of the tree"
        + ("; below: the selected documents" if selected_counts is not None else ""),
    }
