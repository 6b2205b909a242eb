"""The panel of Explore: what is this? Corpus, cluster, document, or the documents of a question."""

import pandas as pd
import streamlit as st

from app.data import cached_results
from app.documents.document_list import document_list
from app.documents.pager import stepper
from app.documents.reader import reader
from app.shell import deep_links
from app.state.session import Session
from app.state.widget_state import widget
from app.ui.clusters import circle, dot_column, keyword_badges, title
from app.ui.figures import facts
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from app.views.explore.document_query import encoder_missing
from app.views.explore.encoder_form import name_the_encoder
from app.views.explore.near_duplicates import twins_panel
from app.views.explore.results import found_panel
from gem_core._formatting import percent
from gem_core.pipeline.search.filters import Selected
from gem_core.workspace import Cluster, Taxonomy


def panel(session: Session, found: Selected | None) -> None:
    """Show what is selected, the smallest thing first."""
    taxonomy = cached_results.taxonomy(session.root)
    if session.row is not None:
        _document(session, taxonomy, session.row)
    elif session.cluster is not None and taxonomy.has(session.cluster):
        _cluster(session, taxonomy, taxonomy.cluster(session.cluster))
    elif session.duplicate_threshold is not None:
        twins_panel(session)
    elif encoder_missing(session):
        name_the_encoder(session)
    elif found is not None:
        found_panel(session, taxonomy, found)
    else:
        _overview(session, taxonomy)


def _back(session: Session, taxonomy: Taxonomy) -> None:
    """One button that says where it leads."""
    target, go = "All clusters", session.clear_selection
    if session.row is not None and session.document_list and session.has_query:
        target, go = "Selected documents", session.clear_selection
    elif session.row is not None and session.cluster is not None and taxonomy.has(session.cluster):
        target, go = escape(short(taxonomy.cluster(session.cluster).label, 44)), lambda: session.open_document(None)
    elif session.has_query:
        target = "Selected documents"
    with st.container(horizontal=True, horizontal_alignment="distribute", key="panel_top"):
        st.button(target, icon=":material/arrow_back:", type="tertiary", on_click=go, key="panel_back")
        if session.row is not None or session.cluster is not None:
            deep_links.copy_button("explore")


def _overview(session: Session, taxonomy: Taxonomy) -> None:
    shares = [cluster.share_documents for cluster in taxonomy.clusters]
    st.markdown(f"**{len(shares)} clusters, from {percent(min(shares))} to {percent(max(shares))} of the documents**")
    words = st.text_input(
        "Filter clusters",
        key="panel_filter",
        type="search",
        live="300ms",
        max_chars=100,
        placeholder="Filter by label, group or keyword",
        label_visibility="collapsed",
        icon=":material/filter_list:",
    )
    listed = [
        cluster
        for cluster in sorted(taxonomy.clusters, key=lambda c: (-c.documents, c.number))
        if _answers(cluster, taxonomy, str(words or ""))
    ]
    if not listed:
        st.caption("No cluster has this in its label, group or keywords. Clear the filter to see all.")
        return
    table = pd.DataFrame(
        {
            " ": [circle(c.colour) for c in listed],
            "Cluster": [c.label for c in listed],
            "Share": [100 * c.share_documents for c in listed],
            "Documents": [c.documents for c in listed],
            "Group": [taxonomy.parent(c.parent).label for c in listed],
        }
    )

    def chosen() -> None:
        cells = widget("panel_clusters")["selection"]["cells"]
        if cells:
            session.select(None, listed[cells[0][0]].number)

    st.dataframe(
        table,
        key="panel_clusters",
        hide_index=True,
        height=min(len(listed), 16) * 32 + 38,
        on_select=chosen,
        selection_mode="single-cell",
        row_height=32,
        alt="Clusters with their shares; choose one to see it",
        column_config={
            " ": dot_column(),
            "Cluster": st.column_config.TextColumn(width=165),
            "Share": st.column_config.ProgressColumn(
                format="%.1f%%", min_value=0, max_value=100 * max(shares), width=104, help=HINTS["share_documents"]
            ),
            "Documents": st.column_config.NumberColumn(format="localized", width=82),
            "Group": st.column_config.TextColumn(width="medium"),
        },
    )


def _answers(cluster: Cluster, taxonomy: Taxonomy, words: str) -> bool:
    text = " ".join((cluster.label, taxonomy.parent(cluster.parent).label, *(term for term, _ in cluster.keywords)))
    return all(word in text.casefold() for word in words.casefold().split())


def _cluster(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    _back(session, taxonomy)
    title(cluster.label, cluster.colour, f"in {taxonomy.parent(cluster.parent).label}")
    facts(
        [
            ("Documents", percent(cluster.share_documents), "share_documents"),
            ("Tokens", percent(cluster.share_tokens), "share_tokens"),
            ("Mass", percent(cluster.mass), "mass"),
            ("Concentration", f"{cluster.concentration:,.1f}", "concentration"),
        ]
    )
    keyword_badges(cluster.keywords)
    tabs = st.tabs(["Exemplars", "Borderline", "Least typical"], key="panel_tabs")
    with tabs[0]:
        st.caption("The most typical documents, near-duplicates left out.", help=HINTS["gis"])
        document_list(
            session,
            cluster.exemplars,
            key=f"exemplars_{cluster.number}",
            show=("gis", "confidence", "centrality", "density"),
        )
    with tabs[1]:
        st.caption("The documents that lie closest to another cluster.", help=HINTS["margin"])
        document_list(session, cluster.borderline, key=f"borderline_{cluster.number}", show=("margin", "gis"))
    with tabs[2]:
        st.caption("The documents with the lowest score of the cluster.", help=HINTS["gis"])
        document_list(
            session,
            cluster.atypical,
            key=f"atypical_{cluster.number}",
            show=("gis", "confidence", "centrality", "density"),
        )


def _document(session: Session, taxonomy: Taxonomy, row: int) -> None:
    _back(session, taxonomy)
    workspace = cached_results.workspace(session.root)
    stepper(session, taxonomy, row)
    reader(workspace, taxonomy, row)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            "**Similar documents**", width="content", help="Nearest in meaning: the highest cosine between the vectors."
        )
        st.button(
            "Select documents like this",
            key="select_like",
            type="tertiary",
            icon=":material/join:",
            on_click=_like,
            args=(session, row),
        )
    near, cosine = cached_results.similar(session.root, row)
    document_list(session, near, key=f"similar_{row}", show=(), clusters=True, values={"Cosine": cosine}, height=290)


def _like(session: Session, row: int) -> None:
    session.clear_selection()
    session.duplicate_threshold, session.similar_to = None, row
