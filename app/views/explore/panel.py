"""Detail panel of Explore: all clusters, one cluster, one document, or the search results."""

import streamlit as st

from app.cluster_card.cluster_card import show_cluster_card
from app.components.row_list import ListColumn, show_row_list
from app.data import cached_results
from app.documents.document_list import show_document_list
from app.documents.pager import show_pager
from app.documents.reader import show_document
from app.shell import deep_links
from app.state.session import Session
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from app.views.explore.document_query import encoder_missing
from app.views.explore.encoder_form import ask_for_encoder
from app.views.explore.near_duplicates import show_near_duplicates
from app.views.explore.results import show_results
from gem_core._formatting import count, percent
from gem_core.pipeline.search.filters import Selected
from gem_core.workspace import Cluster, Taxonomy


def show_panel(session: Session, selection: Selected | None) -> None:
    """Show the selected document or cluster, else the search results, else all clusters."""
    taxonomy = session.taxonomy
    if session.row is not None:
        _show_document(session, taxonomy, session.row)
    elif session.cluster is not None and taxonomy.has(session.cluster):
        _show_cluster(session, taxonomy, taxonomy.cluster(session.cluster))
    elif session.duplicate_threshold is not None:
        show_near_duplicates(session)
    elif encoder_missing(session):
        ask_for_encoder(session)
    elif selection is not None:
        show_results(session, taxonomy, selection)
    else:
        _show_overview(session, taxonomy)


def _show_back_button(session: Session, taxonomy: Taxonomy) -> None:
    """Show the back button, labeled with its target."""
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


def _show_overview(session: Session, taxonomy: Taxonomy) -> None:
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
    clusters = [
        cluster
        for cluster in sorted(taxonomy.clusters, key=lambda c: (-c.documents, c.number))
        if _matches_filter(cluster, taxonomy, str(words or ""))
    ]
    if not clusters:
        st.caption("No cluster matches by label, group or keyword. Clear the filter to see all.")
        return
    show_row_list(
        [
            ListColumn("", [c.color for c in clusters], "dot", width=30),
            ListColumn("Cluster", [c.label for c in clusters], lines=2),
            ListColumn(
                "Share",
                [c.share_documents for c in clusters],
                "bar",
                [percent(c.share_documents) for c in clusters],
                HINTS["share_documents"],
                width=112,
            ),
            ListColumn(
                "Documents", [c.documents for c in clusters], "number", [count(c.documents) for c in clusters], width=88
            ),
            ListColumn("Group", [taxonomy.group(c.group).label for c in clusters], width=128, optional=True),
        ],
        key="panel_clusters",
        announce=f"{len(clusters)} of {len(shares)} clusters match" if words else "",
        label="Clusters",
        on_open=lambda index: session.select(None, clusters[index].number),
        height=560,
        highlight=str(words or "").split(),
    )


def _matches_filter(cluster: Cluster, taxonomy: Taxonomy, words: str) -> bool:
    text = " ".join((cluster.label, taxonomy.group(cluster.group).label, *(term for term, _ in cluster.keywords)))
    return all(word in text.casefold() for word in words.casefold().split())


def _show_cluster(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    _show_back_button(session, taxonomy)
    show_cluster_card(session, taxonomy, cluster)


def _show_document(session: Session, taxonomy: Taxonomy, row: int) -> None:
    _show_back_button(session, taxonomy)
    workspace = session.workspace
    show_pager(session, taxonomy, row)
    show_document(workspace, taxonomy, row)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("**Similar documents**", width="content", help="Closest in meaning (highest cosine).")
        st.button(
            "Find similar documents",
            key="select_like",
            type="tertiary",
            icon=":material/join:",
            on_click=_select_similar,
            args=(session, row),
        )
    similar_rows, cosine = cached_results.similar_documents(workspace, taxonomy, row)
    show_document_list(
        session, similar_rows, key=f"similar_{row}", show=(), clusters=True, values={"Cosine": cosine}, height=290
    )


def _select_similar(session: Session, row: int) -> None:
    session.clear_selection()
    session.duplicate_threshold, session.similar_to = None, row
