"""What speaks for a label: who gave it, the keywords, what the cluster is made of, the documents that show it."""

import pandas as pd
import streamlit as st

from app.data import cached_results
from app.documents.document_list import document_list
from app.state.session import Session
from app.state.widget_state import widget
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from gem_core._formatting import percent
from gem_core.pipeline import model_of
from gem_core.workspace import Cluster, Taxonomy


def evidence(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    """Show the evidence for the label of one cluster; a document in it opens in the reader."""
    st.caption(source(session, cluster))
    _keywords(cluster)
    parts = st.container(key="subtopics")  # drawn last: they are found while the rest can be read
    st.markdown("**Exemplars**", help=HINTS["gis"])
    document_list(session, cluster.exemplars, key=f"evidence_{cluster.number}", show=("gis",))
    with parts:
        _subtopics(session, cluster)


def source(session: Session, cluster: Cluster) -> str:
    """Say who gave a label, safe in Markdown."""
    if cluster.label_source == "person":
        return "Named by a person"
    if cluster.label_source == "keywords":
        return "Named by its keywords"
    model = model_of(cached_results.workspace(session.root), cluster)
    which = f"the language model {escape(short(model, 60))}" if model else "a language model"
    return f"Named by {which}, which was shown the keywords and exemplars below"


def _keywords(cluster: Cluster) -> None:
    st.markdown("**Keywords**", help="Phrases that set the cluster apart, weighted by how typical their documents are.")
    words = pd.DataFrame(list(cluster.keywords), columns=["Keyword", "Score"])
    words = words.sort_values("Score", ascending=False, kind="stable")
    if words.empty:
        st.caption("No phrase sets this cluster apart.")
        return
    st.dataframe(
        words,
        hide_index=True,
        key=f"keywords_{cluster.number}",
        row_height=28,
        height=28 * min(len(words), 7) + 38,
        alt="Keywords with their scores",
        column_config={
            "Score": st.column_config.ProgressColumn(
                format="%.3f", min_value=0, max_value=float(words["Score"].max()) or 1.0
            )
        },
    )


def _subtopics(session: Session, cluster: Cluster) -> None:
    hint = (
        "Parts that a quick fit inside the cluster finds, named by what sets each apart from the rest of it. "
        "Nothing is changed; Split does that."
    )
    with st.spinner("Looking for sub-topics"):
        parts = cached_results.subtopics(session.root, cluster.number)
    if not parts:
        st.markdown("**Sub-topics**", help=hint)
        st.caption("It does not fall into parts." if cluster.documents >= 24 else "Too few documents to divide.")
        return
    st.markdown(f"**Falls into {len(parts)} sub-topics, the largest {percent(parts[0].share)}**", help=hint)
    key = f"subtopics_{cluster.number}"

    def opened() -> None:
        cells = widget(key)["selection"]["cells"]
        if cells:
            session.open_document(parts[cells[0][0]].exemplar)

    st.dataframe(
        pd.DataFrame(
            {
                "Sub-topic": [part.label for part in parts],
                "Share": [100 * part.share for part in parts],
                "Also": [
                    ", ".join(w for w in part.keywords if w.casefold() not in part.label.casefold()) for part in parts
                ],
            }
        ),
        key=key,
        hide_index=True,
        row_height=32,
        on_select=opened,
        selection_mode="single-cell",
        alt="Sub-topics; choose one to read its most typical document",
        column_config={
            "Sub-topic": st.column_config.TextColumn(width=185),
            "Share": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100, width=92),
        },
    )
