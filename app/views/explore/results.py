"""Search results of Explore: the selected documents as a list and by cluster."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from app.details.document_list import show_document_list
from app.state.session import Session
from app.state.widget_state import widget
from app.ui.clusters import circle, dot_column
from app.views.explore.saved_selections import show_save_and_download
from gem_core._formatting import count
from gem_core.pipeline.search.filters import Selected
from gem_core.workspace import Taxonomy

MAX_LISTED = 200  # documents that a list shows


def show_results(session: Session, taxonomy: Taxonomy, selection: Selected) -> None:
    """Show the selected documents, best match first, and their clusters."""
    if not len(selection):
        words = bool(session.document_filter.text.strip()) and not session.filter
        st.markdown("**No document contains all these words**" if words else "**No document matches these filters**")
        st.caption("Try fewer words. The last word may be incomplete." if words else "Remove one of the filters above.")
        return
    st.markdown(f"**{_heading(session, len(selection))}**")
    show_save_and_download(session, selection)
    documents, clusters = st.tabs(["Documents", "Clusters"], key="found_tabs")
    with documents:
        rows = [int(row) for row in selection.rows[:MAX_LISTED]]
        values: dict[str, Sequence[float]] | None = (
            (None) if selection.cosine is None else {"Cosine": [float(c) for c in selection.cosine[:MAX_LISTED]]}
        )
        show_document_list(
            session,
            rows,
            key="found_documents",
            show=() if values else ("gis",),
            clusters=True,
            values=values,
            height=min(len(rows), 14) * 32 + 38,
        )
        if len(selection) > MAX_LISTED:
            which = "closest" if values else "best" if session.document_filter.text else "most typical"
            st.caption(
                f"Showing the {MAX_LISTED} {which} of {count(len(selection))}. The map and the download include all."
            )
    with clusters:
        _show_clusters(session, taxonomy, selection)


def _heading(session: Session, number: int) -> str:
    documents = f"{count(number)} {'document' if number == 1 else 'documents'}"
    if session.is_semantic:
        return f"{documents} closest in meaning"
    if session.document_filter.text.strip() and not session.filter:
        return f"{documents} {'matches' if number == 1 else 'match'}"
    return f"{documents} selected"


def _show_clusters(session: Session, taxonomy: Taxonomy, selection: Selected) -> None:
    counts = np.bincount(taxonomy.positions[selection.mask], minlength=len(taxonomy.clusters))
    order = [k for k in np.argsort(-counts, kind="stable") if counts[k]]
    clusters = [taxonomy.clusters[k] for k in order]
    table = pd.DataFrame(
        {
            " ": [circle(c.color) for c in clusters],
            "Cluster": [c.label for c in clusters],
            "Share": 100 * counts[order] / counts.sum(),
            "Documents": counts[order],
            "Of cluster": [100 * counts[k] / max(taxonomy.clusters[k].documents, 1) for k in order],
        }
    )

    def on_choose() -> None:
        cells = widget("found_clusters")["selection"]["cells"]
        if cells:
            session.select(None, clusters[cells[0][0]].number)

    st.dataframe(
        table,
        key="found_clusters",
        hide_index=True,
        row_height=32,
        selection_mode="single-cell",
        on_select=on_choose,
        height=min(12, len(table)) * 32 + 38,
        alt="Clusters of the selected documents",
        column_config={
            " ": dot_column(),
            "Cluster": st.column_config.TextColumn(width=170),
            "Share": st.column_config.ProgressColumn(
                format="%.1f%%",
                min_value=0,
                width=96,
                max_value=float(table["Share"].max()),
                help="Share of the selected documents in this cluster",
            ),
            "Documents": st.column_config.NumberColumn(format="localized", width=82),
            "Of cluster": st.column_config.NumberColumn(
                format="%.1f%%", width=78, help="Share of the cluster that is selected"
            ),
        },
    )
