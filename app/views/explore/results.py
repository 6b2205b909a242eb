"""The documents that a question selects, as a list and by cluster; and what to do when it cannot be asked."""

import numpy as np
import pandas as pd
import streamlit as st

from app.documents.document_list import document_list
from app.state.session import Session
from app.state.widget_state import widget
from app.ui.clusters import circle, dot_column
from app.views.explore.saved_selections import take_away
from gem_core._formatting import count
from gem_core.pipeline.search.filters import Selected
from gem_core.workspace import Taxonomy

LISTED = 200  # documents that a list shows


def found_panel(session: Session, taxonomy: Taxonomy, found: Selected) -> None:
    """Show the selected documents, best first, and where they lie."""
    if not len(found):
        words = bool(session.document_filter.text.strip()) and not session.filter
        st.markdown("**No document holds all these words**" if words else "**No document passes all of this**")
        st.caption(
            "Try fewer words, or the beginning of a word: the last word may be incomplete."
            if words
            else "Take one of the tests above off."
        )
        return
    st.markdown(f"**{_heading(session, len(found))}**")
    take_away(session, found)
    documents, clusters = st.tabs(["Documents", "Clusters"], key="found_tabs")
    with documents:
        rows = [int(row) for row in found.rows[:LISTED]]
        values = None if found.cosine is None else {"Cosine": [float(c) for c in found.cosine[:LISTED]]}
        document_list(
            session,
            rows,
            key="found_documents",
            show=() if values else ("gis",),
            clusters=True,
            values=values,
            height=min(len(rows), 14) * 32 + 38,
        )
        if len(found) > LISTED:
            which = "nearest" if values else "best" if session.document_filter.text else "most typical"
            st.caption(f"Listed: the {LISTED} {which} of {count(len(found))}. Map, file and figures hold all.")
    with clusters:
        _clusters(session, taxonomy, found)


def _heading(session: Session, number: int) -> str:
    documents = f"{count(number)} {'document' if number == 1 else 'documents'}"
    if session.is_semantic:
        return f"The {documents} nearest in meaning"
    if session.document_filter.text.strip() and not session.filter:
        return f"{documents} {'holds' if number == 1 else 'hold'} these words"
    return f"{documents} selected"


def _clusters(session: Session, taxonomy: Taxonomy, found: Selected) -> None:
    counts = np.bincount(taxonomy.positions[found.mask], minlength=len(taxonomy.clusters))
    order = [k for k in np.argsort(-counts, kind="stable") if counts[k]]
    shown = [taxonomy.clusters[k] for k in order]
    table = pd.DataFrame(
        {
            " ": [circle(c.colour) for c in shown],
            "Cluster": [c.label for c in shown],
            "Share": 100 * counts[order] / counts.sum(),
            "Documents": counts[order],
            "Of cluster": [100 * counts[k] / max(taxonomy.clusters[k].documents, 1) for k in order],
        }
    )

    def chosen() -> None:
        cells = widget("found_clusters")["selection"]["cells"]
        if cells:
            session.select(None, shown[cells[0][0]].number)

    st.dataframe(
        table,
        key="found_clusters",
        hide_index=True,
        row_height=32,
        selection_mode="single-cell",
        on_select=chosen,
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
                help="Of the selected documents",
            ),
            "Documents": st.column_config.NumberColumn(format="localized", width=82),
            "Of cluster": st.column_config.NumberColumn(
                format="%.1f%%", width=78, help="Part of the cluster that is selected"
            ),
        },
    )
