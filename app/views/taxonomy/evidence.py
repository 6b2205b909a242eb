"""Evidence for a cluster label: its source, keywords, subtopics and exemplars."""

import pandas as pd
import streamlit as st

from app.components.row_list import ListColumn, show_row_list
from app.data import cached_results
from app.details.document_list import show_document_list
from app.state.session import Session
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from gem_core._formatting import percent
from gem_core.pipeline import model_of
from gem_core.workspace import Cluster, Taxonomy


def show_evidence(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    """Show the evidence for the label of one cluster; a document opens in the reader."""
    st.caption(describe_label_source(session, cluster))
    _show_keywords(cluster)
    parts = st.container(key="subtopics")  # Filled last, so that the rest can be read while the subtopics are computed.
    st.markdown("**Exemplars**", help=HINTS["gis"])
    show_document_list(session, cluster.exemplars, key=f"evidence_{cluster.number}", show=("gis",))
    with parts:
        _show_subtopics(session, cluster)


def describe_label_source(session: Session, cluster: Cluster) -> str:
    """Describe who named a cluster, safe in Markdown."""
    if cluster.label_source == "person":
        return "Named by a person"
    if cluster.label_source == "keywords":
        return "Named from its keywords"
    model = model_of(cached_results.workspace(session.root), cluster)
    which = f"the language model {escape(short(model, 60))}" if model else "a language model"
    return f"Named by {which} from the keywords and exemplars below"


def _show_keywords(cluster: Cluster) -> None:
    st.markdown("**Keywords**", help=HINTS["keyword"])
    words = pd.DataFrame(list(cluster.keywords), columns=["Keyword", "Score"])
    words = words.sort_values("Score", ascending=False, kind="stable")
    if words.empty:
        st.caption("No distinctive keywords.")
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


def _show_subtopics(session: Session, cluster: Cluster) -> None:
    hint = "Parts found by a quick fit inside the cluster, named by what sets them apart. Split makes them clusters."
    with st.spinner("Finding subtopics"):
        parts = cached_results.subtopics(session.root, cluster.number)
    if not parts:
        st.markdown("**Subtopics**", help=hint)
        st.caption("No clear subtopics." if cluster.documents >= 24 else "Too few documents for subtopics.")
        return
    st.markdown(f"**{len(parts)} subtopics, largest {percent(parts[0].share)}**", help=hint)
    more = [", ".join(w for w in part.keywords if w.casefold() not in part.label.casefold()) for part in parts]
    show_row_list(
        [
            ListColumn("Subtopic", [part.label for part in parts], lines=2),
            ListColumn(
                "Share", [part.share for part in parts], "bar", [percent(part.share) for part in parts], width=104
            ),
            ListColumn("More keywords", more, lines=2),
        ],
        key=f"subtopics_{cluster.number}",
        label="Subtopics; a row opens its most typical document",
        on_open=lambda index: session.open_document(parts[index].exemplar),
    )
