"""Note and "checked" mark of a cluster."""

import streamlit as st

from app.cluster_card import edit_actions
from app.state.session import Session
from app.state.widget_state import widget
from gem_core.pipeline import Check, Note
from gem_core.pipeline.editing.operations import MAX_NOTE
from gem_core.workspace import Cluster


def show_note(session: Session, cluster: Cluster) -> None:
    """Show the mark and the note of a cluster, and let a person change both."""
    checked, field, popover = (f"{name}_{cluster.number}" for name in ("checked", "note", "note_open"))
    edit_actions.follow_value(checked, cluster.checked)
    edit_actions.follow_value(field, cluster.note)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="cluster_note"):
        st.checkbox(
            "Checked",
            key=checked,
            on_change=lambda: _on_check(session, cluster, bool(widget(checked))),
            help="Marks a cluster you have looked at. It is kept in the history and in exports.",
        )
        with st.popover(
            "Edit note" if cluster.note else "Add note", icon=":material/edit_note:", key=popover, on_change="rerun"
        ):
            st.text_area(
                "Note", key=field, max_chars=MAX_NOTE, height=120, placeholder="Shown in exports and the report"
            )
            st.button(
                "Save note",
                key=f"note_save_{cluster.number}",
                type="primary",
                on_click=lambda: edit_actions.on_edit_in_popover(
                    session, popover, Note(cluster.number, str(widget(field) or ""))
                ),
            )
    if cluster.note:
        with st.container(border=True, key="cluster_note_text"):
            st.text(cluster.note)


def _on_check(session: Session, cluster: Cluster, value: bool) -> None:
    # On a slow connection a browser may send the value that the box had already; that is no edit.
    if value != cluster.checked:
        edit_actions.on_edit(session, Check(cluster.number, value))
