"""Search results of Explore: the selected documents as a list and by cluster."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.components.row_list import ListColumn, show_row_list
from app.documents.document_list import show_document_list
from app.state.session import Session
from app.views.explore.saved_selections import show_save_and_download
from gem_core._formatting import count, percent
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
            announce=_heading(session, len(selection)),
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
    total = int(counts.sum())
    parts = [counts[k] / max(taxonomy.clusters[k].documents, 1) for k in order]
    show_row_list(
        [
            ListColumn("", [c.color for c in clusters], "dot", width=30),
            ListColumn("Cluster", [c.label for c in clusters], lines=2),
            ListColumn(
                "Share",
                [float(counts[k] / total) for k in order],
                "bar",
                [percent(counts[k] / total) for k in order],
                "Share of the selected documents in this cluster",
                width=104,
            ),
            ListColumn(
                "Documents", [int(counts[k]) for k in order], "number", [count(counts[k]) for k in order], width=88
            ),
            ListColumn(
                "Of cluster",
                [float(part) for part in parts],
                "number",
                [percent(part) for part in parts],
                "Share of the cluster that is selected",
                width=84,
            ),
        ],
        key="found_clusters",
        label="Clusters of the selected documents",
        on_open=lambda index: session.select(None, clusters[index].number),
        height=420,
    )
