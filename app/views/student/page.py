"""Student: teach a small word model the clusters, see how far it agrees with them, label a folder with it."""

import streamlit as st

from app.data import students
from app.shell import deep_links
from app.state.session import Session, current_session
from app.ui.errors import guarded
from app.views.student.agreement import agreement
from app.views.student.label_folder import label
from app.views.student.train import active, ask, choose, empty

AGREEMENT, LABEL = "Agreement", "Label a folder"


def screen(session: Session) -> None:
    """Without a student one button; with one, two questions, one at a time."""
    active(session)
    kept = students.students(session.root)
    if not kept:
        empty(session)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="student-head"):
        view = st.segmented_control(
            "Question",
            (AGREEMENT, LABEL),
            default=AGREEMENT,
            required=True,
            key="student_view",
            persist_state="session",
            label_visibility="collapsed",
        )
        student = choose(session, kept)
        with st.popover("Distil another", key="student-another", icon=":material/school:"):
            ask(session, "another")
    with guarded():
        if view == LABEL:
            label(session, student)
        else:
            agreement(session, student)


with guarded():
    screen(current_session())
deep_links.keep(current_session())
