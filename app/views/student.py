"""Student: teach a small word model the clusters, see how far it agrees with them, label a folder with it."""

import cached_students
import links
import streamlit as st
from state import Session, session
from views.student_agreement import agreement
from views.student_jobs import active, ask, choose, empty
from views.student_label import label
from widgets import guarded

AGREEMENT, LABEL = "Agreement", "Label a folder"


def screen(current: Session) -> None:
    """Without a student one button; with one, two questions, one at a time."""
    active(current)
    kept = cached_students.students(current.root)
    if not kept:
        empty(current)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="student-head"):
        view = st.segmented_control("Question", (AGREEMENT, LABEL), default=AGREEMENT, required=True,
                                    key="student_view", persist_state="session", label_visibility="collapsed")
        student = choose(current, kept)
        with st.popover("Distil another", key="student-another", icon=":material/school:"):
            ask(current, "another")
    with guarded():
        if view == LABEL:
            label(current, student)
        else:
            agreement(current, student)


with guarded():
    screen(session())
links.keep(session())
