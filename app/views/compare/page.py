"""Compare: two ways to group the documents, how steadily they come back, and how many clusters to ask for."""

import streamlit as st

from app.data import groupings as cached_groupings
from app.shell import deep_links
from app.state.session import Session, current_session
from app.ui.errors import guarded
from app.ui.text import escape, short
from app.views.compare.cluster_counts import counts
from app.views.compare.flows import flows
from app.views.compare.measures import figures, qualities
from app.views.compare.moved_documents import moved
from app.views.compare.picker import both_at_hand, pick
from app.views.compare.stability import steady
from gem_core.pipeline.compare.comparison import headline

GROUPINGS, STEADY, COUNTS = "Two groupings", "Stability", "How many clusters?"


def screen(session: Session) -> None:
    """Three questions, one at a time."""
    view = st.segmented_control(
        "Question",
        (GROUPINGS, STEADY, COUNTS),
        default=GROUPINGS,
        required=True,
        key="compare_view",
        persist_state="session",
        label_visibility="collapsed",
    )
    with guarded():
        if view == STEADY:
            steady(session)
        elif view == COUNTS:
            counts(session)
        else:
            groupings(session)


@st.fragment
def groupings(session: Session) -> None:
    """Two groupings held against each other."""
    with guarded():
        a, b = pick(session)
        if a == b:
            st.caption("Choose two different groupings: there is nothing to compare in one with itself.")
            return
        if not both_at_hand(session, a, b):
            return
        found = cached_groupings.comparison(session.root, a, b)
        st.markdown(f"### {escape(short(headline(found), 240))}")
        figures(found)
        flows(found)
        moved(session, found)
        qualities(session, found)


with guarded():
    screen(current_session())
deep_links.keep(current_session())
