"""Explore view: map, detail panel and share bar, driven by one selection."""

import numpy as np
import pandas as pd
import streamlit as st

from app.cluster_card import edit_actions
from app.components.share_bar import share_bar, share_bar_title
from app.shell import deep_links
from app.state.session import Session, current_session
from app.ui.errors import guarded
from app.views.explore.document_query import query_documents, show_query_parts
from app.views.explore.map import HEIGHT as MAP_HEIGHT
from app.views.explore.map import show_controls, show_map
from app.views.explore.panel import show_panel
from gem_core._formatting import percent
from gem_core.pipeline.search.filters import Selected


@st.fragment
def show_view(session: Session) -> None:
    """Show the map, the panel and the share bar; one selection drives all three, so they run together."""
    with guarded():
        _show_view(session)


def _show_view(session: Session) -> None:
    edit_actions.show_outcome(session)
    left, right = st.columns([1.72, 1], gap="medium")
    with left:
        choices = show_controls(session)
        selection = query_documents(session)
        show_query_parts(session, selection)
        with st.container(key="gem-map", gap="xsmall"):
            show_map(session, choices, selection)
    with right, st.container(key="gem-panel", height=MAP_HEIGHT + 108, border=False, gap="xsmall"):
        show_panel(session, selection)
    _show_share_bar(session, selection)
    deep_links.keep(session)


def _show_share_bar(session: Session, selection: Selected | None) -> None:
    taxonomy = session.taxonomy
    selected_counts = None
    if selection is not None and len(selection):
        selected_counts = np.bincount(taxonomy.positions[selection.mask], minlength=len(taxonomy.clusters))

    st.markdown(share_bar_title(taxonomy, session.cluster, selected_counts))
    share_bar(
        taxonomy,
        selected=session.cluster,
        selected_counts=selected_counts,
        key="explore_strip",
        on_pick=lambda number: session.select(None, number),
        isolated=session.filter.clusters,
        on_isolate=lambda numbers: session.update_filter(clusters=numbers),
    )
    with st.expander("Show as table", icon=":material/table_rows:"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Cluster": [c.label for c in taxonomy.clusters],
                    "Group": [taxonomy.group(c.group).label for c in taxonomy.clusters],
                    "Documents": [c.documents for c in taxonomy.clusters],
                    "Share of documents": [percent(c.share_documents) for c in taxonomy.clusters],
                    "Share of tokens": [percent(c.share_tokens) for c in taxonomy.clusters],
                    "Mass": [percent(c.mass) for c in taxonomy.clusters],
                    "Keywords": [", ".join(term for term, _ in c.keywords) for c in taxonomy.clusters],
                }
            ),
            hide_index=True,
            key="explore_table",
            alt="Every cluster on the map",
        )


show_view(current_session())
