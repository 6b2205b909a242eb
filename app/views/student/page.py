"""Student view: train a small classifier on the clusters, check its agreement, label folders."""

import streamlit as st

from app.data import students
from app.shell import deep_links
from app.state.session import Session, current_session
from app.ui.errors import guarded
from app.views.student.agreement import agreement
from app.views.student.label_folder import label
from app.views.student.train import active, choose_student, empty, show_train_form

AGREEMENT, LABEL = "Agreement", "Label a folder"


def screen(session: Session) -> None:
    """Show a training form where there is no student, else the agreement or the labeling of a folder."""
    active(session)
    saved_students = students.students(session.workspace)
    if not saved_students:
        empty(session)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="student-head"):
        view = st.segmented_control(
            "View",
            (AGREEMENT, LABEL),
            default=AGREEMENT,
            required=True,
            key="student_view",
            persist_state="session",
            label_visibility="collapsed",
        )
        student = choose_student(session, saved_students)
        with st.popover("Train another", key="student-another", icon=":material/school:"):
            show_train_form(session, "another")
    with guarded():
        if view == LABEL:
            label(session, student)
        else:
            agreement(session, student)


with guarded():
    screen(current_session())
deep_links.keep(current_session())
