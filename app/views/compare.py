"""Compare: two ways to group the documents, how steadily they come back, and how many clusters to ask for."""

import cached_groupings
import links
import streamlit as st
from state import Session, session
from views.compare_counts import counts
from views.compare_flow import flows
from views.compare_measures import figures, qualities
from views.compare_moved import moved
from views.compare_pick import both_at_hand, pick
from views.compare_steady import steady
from widgets import escape, guarded, short

from gem_core.pipeline.compare import headline

GROUPINGS, STEADY, COUNTS = "Two groupings", "Stability", "How many clusters?"


def screen(current: Session) -> None:
    """Three questions, one at a time."""
    view = st.segmented_control("Question", (GROUPINGS, STEADY, COUNTS), default=GROUPINGS, required=True,
                                key="compare_view", persist_state="session", label_visibility="collapsed")
    with guarded():
        if view == STEADY:
            steady(current)
        elif view == COUNTS:
            counts(current)
        else:
            groupings(current)


@st.fragment
def groupings(current: Session) -> None:
    """Two groupings held against each other."""
    with guarded():
        a, b = pick(current)
        if a == b:
            st.caption("Choose two different groupings: there is nothing to compare in one with itself.")
            return
        if not both_at_hand(current, a, b):
            return
        found = cached_groupings.comparison(current.root, a, b)
        st.markdown(f"### {escape(short(headline(found), 240))}")
        figures(found)
        flows(found)
        moved(current, found)
        qualities(current, found)


with guarded():
    screen(session())
links.keep(session())
