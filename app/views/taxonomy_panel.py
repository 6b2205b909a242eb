"""The panel of Taxonomy: all names as an editable list, or one name with its evidence."""

from typing import Any

import cached
import links
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
    facts,
    percent,
    reader,
    refusal,
    title,
)

from gem_core.errors import GemError
from gem_core.pipeline import Rename, edit
from gem_core.pipeline.edits import MAX_LABEL, Kind
from gem_core.workspace import Cluster, Parent, Taxonomy

SOURCE = {"keywords": "Named by its keywords", "llm": "Named by a language model", "person": "Named by a person"}
BLANK = "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'/>"
ERROR, TRIES = "rename_error", "rename_tries"


def panel(session: Session) -> None:
    """Show the document, the cluster or the group that is selected, else all names."""
    taxonomy = cached.taxonomy(session.root)
    if session.row is not None:
        st.button("Back to the evidence", icon=":material/arrow_back:", type="tertiary", key="taxonomy_back",
                  on_click=lambda: session.read(None))
        stepper(session, taxonomy, session.row)
        reader(cached.workspace(session.root), taxonomy, session.row)
    elif session.cluster is not None and taxonomy.has(session.cluster):
        _cluster(session, taxonomy, taxonomy.cluster(session.cluster))
    elif session.parent is not None and session.parent in {p.number for p in taxonomy.parents}:
        _parent(session, taxonomy, taxonomy.parent(session.parent))
    else:
        _names(session, taxonomy)


def _back(session: Session) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", key="panel_top"):
        st.button("All names", icon=":material/arrow_back:", type="tertiary", key="taxonomy_back",
                  on_click=session.clear)
        links.copy_button("taxonomy")


def _rename(session: Session, kind: Kind, number: int, label: str) -> None:
    """Write a name; a refusal is kept for the next run to show."""
    session.drafts.pop(ERROR, None)
    try:
        edit(cached.workspace(session.root), Rename(kind, number, label))
    except GemError as error:
        session.drafts[ERROR] = str(error)


def _refused(session: Session) -> None:
    if ERROR in session.drafts:
        refusal("This name cannot be taken", session.drafts[ERROR])


def _names(session: Session, taxonomy: Taxonomy) -> None:
    st.markdown("**Edit a name in place; click a tile for its evidence**")
    _refused(session)
    kinds: list[tuple[Kind, int]] = []
    rows: list[dict[str, Any]] = []
    for parent in taxonomy.parents:
        kinds.append(("parent", parent.number))
        rows.append({"group": circle(parent.colour, filled=False), " ": BLANK, "Name": parent.label,
                     "Share": 100 * sum(taxonomy.cluster(c).share_documents for c in parent.children),
                     "Named by": parent.label_source})
        for number in parent.children:
            cluster = taxonomy.cluster(number)
            kinds.append(("cluster", number))
            rows.append({"group": BLANK, " ": circle(cluster.colour), "Name": cluster.label,
                         "Share": 100 * cluster.share_documents, "Named by": cluster.label_source})
    key = f"names_{session.drafts.get(TRIES, 0)}"

    def edited() -> None:
        for place, cells in widget(key)["edited_rows"].items():
            label = cells.get("Name")
            if label is not None and label != rows[int(place)]["Name"]:
                _rename(session, *kinds[int(place)], str(label))
        if ERROR in session.drafts:  # a new key forgets what was refused
            session.drafts[TRIES] = session.drafts.get(TRIES, 0) + 1

    st.data_editor(
        pd.DataFrame(rows), key=key, hide_index=True, on_change=edited, row_height=32,
        height=min(len(rows), 18) * 32 + 38,
        disabled=["group", " ", "Share", "Named by"], alt="Names of groups and clusters, in the order of the tree",
        column_config={
            "group": dot_column("Tree"), " ": dot_column(),
            "Name": st.column_config.TextColumn(width=185, required=True, max_chars=MAX_LABEL,
                                                help="Double-click, or press Enter, to edit."),
            "Share": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100, width=92,
                                                     help=HINTS["share_documents"]),
            "Named by": st.column_config.TextColumn(width=76)})


def _form(session: Session, kind: Kind, item: Cluster | Parent) -> None:
    key = f"name_{kind}_{item.number}"
    with st.form(f"form_{key}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name", item.label, key=key, max_chars=MAX_LABEL, label_visibility="collapsed",
                      placeholder="A short name")
        st.form_submit_button("Rename", on_click=lambda: _rename(session, kind, item.number, str(widget(key) or "")))
    _refused(session)
    st.caption(SOURCE[item.label_source])


def _cluster(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    _back(session)
    title(cluster.label, cluster.colour, f"in {taxonomy.parent(cluster.parent).label}")
    _form(session, "cluster", cluster)
    facts([("Documents", percent(cluster.share_documents), "share_documents"),
           ("Tokens", percent(cluster.share_tokens), "share_tokens"), ("Mass", percent(cluster.mass), "mass"),
           ("Within", f"{cluster.within_cosine:.3f}", "within")])
    st.markdown("**Keywords**", help="Phrases that set the cluster apart, weighted by how typical their documents are.")
    words = pd.DataFrame(list(cluster.keywords), columns=["Keyword", "Score"])
    words = words.sort_values("Score", ascending=False, kind="stable")
    if words.empty:
        st.caption("No phrase sets this cluster apart.")
    else:
        st.dataframe(words, hide_index=True, key=f"keywords_{cluster.number}", row_height=28,
                     height=28 * min(len(words), 7) + 38, alt="Keywords with their scores",
                     column_config={"Score": st.column_config.ProgressColumn(
                         format="%.3f", min_value=0, max_value=float(words["Score"].max()) or 1.0)})
    st.markdown("**Exemplars**", help=HINTS["gis"])
    document_list(session, cluster.exemplars, key=f"evidence_{cluster.number}", show=("gis",))


def _parent(session: Session, taxonomy: Taxonomy, parent: Parent) -> None:
    _back(session)
    title(parent.label, parent.colour)
    _form(session, "parent", parent)
    children = [taxonomy.cluster(c) for c in parent.children]
    facts([("Clusters", str(len(children)), ""), ("Documents", count(sum(c.documents for c in children)), ""),
           ("Share", percent(sum(c.share_documents for c in children)), "share_documents"),
           ("Tokens", percent(sum(c.share_tokens for c in children)), "share_tokens")])

    def chosen() -> None:
        cells = widget("parent_clusters")["selection"]["cells"]
        if cells:
            session.pick(None, children[cells[0][0]].number)

    st.dataframe(
        pd.DataFrame({" ": [circle(c.colour) for c in children], "Cluster": [c.label for c in children],
                      "Share": [100 * c.share_documents for c in children],
                      "Keywords": [", ".join(term for term, _ in c.keywords[:6]) for c in children]}),
        key="parent_clusters", hide_index=True, row_height=32, on_select=chosen, selection_mode="single-cell",
        alt="Clusters of the group; choose one to see it",
        column_config={" ": dot_column(), "Cluster": st.column_config.TextColumn(width=180),
                       "Share": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100,
                                                                width=100)})
