"""The panel of Explore: what is this? Corpus, cluster, document, lasso or search."""

import cached
import links
import numpy as np
import pandas as pd
import streamlit as st
from state import Session, widget
from stepper import stepper
from widgets import (
    HINTS,
    circle,
    count,
    document_list,
    dot_column,
    escape,
    facts,
    keyword_badges,
    percent,
    reader,
    short,
    title,
)

from gem_core.workspace import Cluster, Taxonomy

LISTED = 200  # documents of a lasso or search that a list shows


def panel(session: Session) -> None:
    """Show what is selected, the smallest thing first."""
    taxonomy = cached.taxonomy(session.root)
    if session.row is not None:
        _document(session, taxonomy, session.row)
    elif session.lasso:
        _lasso(session, taxonomy)
    elif session.cluster is not None and taxonomy.has(session.cluster):
        _cluster(session, taxonomy, taxonomy.cluster(session.cluster))
    elif session.query.strip():
        _found(session)
    else:
        _overview(session, taxonomy)


def _back(session: Session, taxonomy: Taxonomy) -> None:
    """One button that says where it leads."""
    target, go = "All clusters", session.clear
    if session.row is not None and session.lasso:
        target, go = "Documents in the lasso", lambda: session.read(None)
    elif session.row is not None and session.cluster is not None and taxonomy.has(session.cluster):
        target, go = escape(short(taxonomy.cluster(session.cluster).label, 44)), lambda: session.read(None)
    elif session.query.strip():
        target = "Search results"
    with st.container(horizontal=True, horizontal_alignment="distribute", key="panel_top"):
        st.button(target, icon=":material/arrow_back:", type="tertiary", on_click=go, key="panel_back")
        if session.row is not None or session.cluster is not None:
            links.copy_button("explore")


def _overview(session: Session, taxonomy: Taxonomy) -> None:
    shares = [cluster.share_documents for cluster in taxonomy.clusters]
    st.markdown(f"**{len(shares)} clusters, from {percent(min(shares))} to {percent(max(shares))} of the documents**")
    words = st.text_input("Filter clusters", key="panel_filter", type="search", live="300ms", max_chars=100,
                          placeholder="Filter by label, group or keyword", label_visibility="collapsed",
                          icon=":material/filter_list:")
    listed = [cluster for cluster in sorted(taxonomy.clusters, key=lambda c: (-c.documents, c.number))
              if _answers(cluster, taxonomy, str(words or ""))]
    if not listed:
        st.caption("No cluster has this in its label, group or keywords. Clear the filter to see all.")
        return
    table = pd.DataFrame({
        " ": [circle(c.colour) for c in listed], "Cluster": [c.label for c in listed],
        "Share": [100 * c.share_documents for c in listed], "Documents": [c.documents for c in listed],
        "Group": [taxonomy.parent(c.parent).label for c in listed]})

    def chosen() -> None:
        cells = widget("panel_clusters")["selection"]["cells"]
        if cells:
            session.pick(None, listed[cells[0][0]].number)

    st.dataframe(
        table, key="panel_clusters", hide_index=True, height=min(len(listed), 16) * 32 + 38, on_select=chosen,
        selection_mode="single-cell",
        row_height=32, alt="Clusters with their shares; choose one to see it",
        column_config={
            " ": dot_column(), "Cluster": st.column_config.TextColumn(width=165),
            "Share": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100 * max(shares),
                                                     width=104, help=HINTS["share_documents"]),
            "Documents": st.column_config.NumberColumn(format="localized", width=82),
            "Group": st.column_config.TextColumn(width="medium")})


def _answers(cluster: Cluster, taxonomy: Taxonomy, words: str) -> bool:
    text = " ".join((cluster.label, taxonomy.parent(cluster.parent).label, *(term for term, _ in cluster.keywords)))
    return all(word in text.casefold() for word in words.casefold().split())


def _cluster(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    _back(session, taxonomy)
    title(cluster.label, cluster.colour, f"in {taxonomy.parent(cluster.parent).label}")
    facts([("Documents", percent(cluster.share_documents), "share_documents"),
           ("Tokens", percent(cluster.share_tokens), "share_tokens"),
           ("Mass", percent(cluster.mass), "mass"),
           ("Concentration", f"{cluster.concentration:,.1f}", "concentration")])
    keyword_badges(cluster.keywords)
    tabs = st.tabs(["Exemplars", "Borderline", "Least typical"], key="panel_tabs")
    with tabs[0]:
        st.caption("The most typical documents, near-duplicates left out.", help=HINTS["gis"])
        document_list(session, cluster.exemplars, key=f"exemplars_{cluster.number}",
                      show=("gis", "confidence", "centrality", "density"))
    with tabs[1]:
        st.caption("The documents that lie closest to another cluster.", help=HINTS["margin"])
        document_list(session, cluster.borderline, key=f"borderline_{cluster.number}", show=("margin", "gis"))
    with tabs[2]:
        st.caption("The documents with the lowest score of the cluster.", help=HINTS["gis"])
        document_list(session, cluster.atypical, key=f"atypical_{cluster.number}",
                      show=("gis", "confidence", "centrality", "density"))


def _document(session: Session, taxonomy: Taxonomy, row: int) -> None:
    _back(session, taxonomy)
    workspace = cached.workspace(session.root)
    stepper(session, taxonomy, row)
    reader(workspace, taxonomy, row)
    st.markdown("**Similar documents**", help="Nearest in meaning: the highest cosine between the vectors.")
    near, cosine = cached.similar(session.root, row)
    document_list(session, near, key=f"similar_{row}", show=(), clusters=True, values={"Cosine": cosine}, height=290)


def _lasso(session: Session, taxonomy: Taxonomy) -> None:
    _back(session, taxonomy)
    rows = np.asarray(session.lasso)
    total = max(session.lasso_total, len(rows))
    of = taxonomy.documents["cluster_id"].to_numpy()[rows]
    numbers, counts = np.unique(of, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    st.markdown(f"**{count(total)} documents in the lasso, from {len(numbers)} "
                f"{'cluster' if len(numbers) == 1 else 'clusters'}**")
    table = pd.DataFrame({
        " ": [circle(taxonomy.cluster(k).colour) for k in numbers[order]],
        "Cluster": [taxonomy.cluster(k).label for k in numbers[order]],
        "Share": 100 * counts[order] / counts.sum(), "Documents": counts[order]})

    def chosen() -> None:
        cells = widget("lasso_clusters")["selection"]["cells"]
        if cells:
            session.pick(None, int(numbers[order][cells[0][0]]))

    st.dataframe(table, key="lasso_clusters", hide_index=True, row_height=32, selection_mode="single-cell",
                 on_select=chosen, height=min(6, len(table)) * 32 + 38, alt="Clusters inside the lasso",
                 column_config={" ": dot_column(), "Cluster": st.column_config.TextColumn(width="medium"),
                                "Share": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100),
                                "Documents": st.column_config.NumberColumn(format="localized", width=82)})
    typical = rows[np.argsort(-taxonomy.documents["gis"].to_numpy()[rows], kind="stable")][:LISTED]
    document_list(session, typical.tolist(), key="lasso_documents", show=("gis",), clusters=True, height=340)
    if total > len(typical):
        st.caption(f"Listed: the {len(typical)} most typical"
                   f"{f' of {count(len(rows))} taken evenly' if total > len(rows) else ''}.", help=HINTS["gis"])


def _found(session: Session) -> None:
    rows = cached.found(session.root, session.query)
    if not rows:
        st.markdown("**No document holds all these words**")
        st.caption("Try fewer words, or the beginning of a word: the last word may be incomplete.")
        return
    more = " or more" if len(rows) >= cached.MOST_FOUND else ""
    st.markdown(f"**{count(len(rows))}{more} {'document holds' if len(rows) == 1 else 'documents hold'} these words**")
    document_list(session, rows[:LISTED], key="found_documents", show=("gis",), clusters=True, height=560)
    if len(rows) > LISTED:
        st.caption(f"Listed: the best {LISTED}. The map marks {'them' if more else 'all'}.")
