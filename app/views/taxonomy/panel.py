"""Detail panel of Taxonomy: the table of names, or one document, cluster or group."""

import streamlit as st

from app.cluster_card import edit_actions
from app.cluster_card.cluster_actions import show_move_documents
from app.cluster_card.cluster_card import show_cluster_card, show_rename_form
from app.components.row_list import ListColumn, show_row_list
from app.documents.pager import show_pager
from app.documents.reader import show_document
from app.shell import deep_links
from app.state.session import Session
from app.ui.clusters import title
from app.ui.figures import facts
from app.views.taxonomy.automatic_names import show_automatic_names
from app.views.taxonomy.llm_labels import naming
from app.views.taxonomy.names_table import show_names_table
from gem_core._formatting import count, percent
from gem_core.workspace import Cluster, Group, Taxonomy
from gem_core.workspace.store import is_read_only

SOURCE = {
    "keywords": "Named from its clusters",
    "vocabulary": "Named by the vocabulary",
    "llm": "Named by a language model",
    "person": "Named by a person",
}


def show_panel(session: Session) -> None:
    """Show the selected document, cluster or group, else the table of names."""
    taxonomy = session.taxonomy
    if session.row is not None:
        with st.container(horizontal=True, horizontal_alignment="distribute", key="panel_top"):
            st.button(
                "Back to cluster" if session.cluster is not None else "All clusters",
                icon=":material/arrow_back:",
                type="tertiary",
                key="taxonomy_back",
                on_click=lambda: session.open_document(None),
            )
            deep_links.copy_button("taxonomy")
        show_pager(session, taxonomy, session.row)
        edit_actions.show_refusal(session)
        show_move_documents(session, taxonomy, [session.row], key=f"row_{session.row}")
        show_document(session.workspace, taxonomy, session.row)
    elif session.cluster is not None and taxonomy.has(session.cluster):
        _show_cluster(session, taxonomy, taxonomy.cluster(session.cluster))
    elif session.group is not None and session.group in {p.number for p in taxonomy.groups}:
        _show_group(session, taxonomy, taxonomy.group(session.group))
    else:
        if not is_read_only():
            naming(session)
            show_automatic_names(session, taxonomy)
        show_names_table(session, taxonomy)


def _show_back_button(session: Session) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", key="panel_top"):
        st.button(
            "All clusters",
            icon=":material/arrow_back:",
            type="tertiary",
            key="taxonomy_back",
            on_click=session.clear_selection,
        )
        deep_links.copy_button("taxonomy")


def _show_cluster(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    _show_back_button(session)
    show_cluster_card(session, taxonomy, cluster, subtopics=True)


def _show_group(session: Session, taxonomy: Taxonomy, parent: Group) -> None:
    _show_back_button(session)
    title(parent.label, parent.color)
    if not is_read_only():
        show_rename_form(session, "parent", parent)
    st.caption(SOURCE[parent.label_source])
    children = [taxonomy.cluster(c) for c in parent.children]
    facts(
        [
            ("Clusters", str(len(children)), ""),
            ("Documents", count(sum(c.documents for c in children)), ""),
            ("Share", percent(sum(c.share_documents for c in children)), "share_documents"),
            ("Tokens", percent(sum(c.share_tokens for c in children)), "share_tokens"),
        ]
    )

    show_row_list(
        [
            ListColumn("", [c.color for c in children], "dot", width=30),
            ListColumn("Cluster", [c.label for c in children], lines=2),
            ListColumn(
                "Share",
                [c.share_documents for c in children],
                "bar",
                [percent(c.share_documents) for c in children],
                width=112,
            ),
            ListColumn("Keywords", [", ".join(term for term, _ in c.keywords[:6]) for c in children], lines=2),
        ],
        key="parent_clusters",
        label="Clusters of the group",
        on_open=lambda index: session.select(None, children[index].number),
    )
