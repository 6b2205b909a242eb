"""Compare view: two groupings side by side, stability across seeds, and the number of clusters."""

import streamlit as st

from app.data import groupings as cached_groupings
from app.shell import deep_links
from app.state.session import Session, current_session
from app.ui.errors import guarded
from app.ui.figures import heading
from app.ui.text import escape, short
from app.views.compare.flows import show_flows
from app.views.compare.measures import show_agreement, show_quality
from app.views.compare.moved_documents import show_moved_documents
from app.views.compare.number_of_clusters import show_cluster_counts
from app.views.compare.picker import choose_groupings, ensure_partitions
from app.views.compare.stability import show_stability
from gem_core.pipeline.compare.comparison import headline

GROUPINGS, STABILITY, COUNTS = "Two groupings", "Stability", "Number of clusters"


def show_view(session: Session) -> None:
    """Show one of three tabs: two groupings, stability, number of clusters."""
    view = st.segmented_control(
        "Question",
        (GROUPINGS, STABILITY, COUNTS),
        default=GROUPINGS,
        required=True,
        key="compare_view",
        persist_state="session",
        label_visibility="collapsed",
    )
    with guarded():
        if view == STABILITY:
            show_stability(session)
        elif view == COUNTS:
            show_cluster_counts(session)
        else:
            show_groupings(session)


@st.fragment
def show_groupings(session: Session) -> None:
    """Compare two groupings of the documents."""
    with guarded():
        a, b = choose_groupings(session)
        deep_links.keep(session)  # A changed side runs this fragment alone.
        if a == b:
            st.caption("Choose two different groupings.")
            return
        if not ensure_partitions(session, a, b):
            return
        comparison = cached_groupings.comparison(session.workspace, session.taxonomy, a, b)
        heading(escape(short(headline(comparison), 240)))
        show_agreement(comparison)
        show_flows(comparison)
        show_moved_documents(session, comparison)
        show_quality(session, comparison)


with guarded():
    show_view(current_session())
deep_links.keep(current_session())
