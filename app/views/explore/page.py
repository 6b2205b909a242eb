"""Explore: the corpus on a map, and what lies under the finger."""

import numpy as np
import pandas as pd
import streamlit as st

from app.components.share_bar import share_strip, strip_title
from app.data import cached_results
from app.shell import deep_links
from app.state.session import Session, current_session
from app.ui.errors import guarded
from app.views.explore.document_query import asked, chips
from app.views.explore.map import HEIGHT as MAP_HEIGHT
from app.views.explore.map import controls, draw
from app.views.explore.panel import panel
from gem_core._formatting import percent
from gem_core.pipeline.search.filters import Selected


@st.fragment
def screen(session: Session) -> None:
    """Map, panel and strip: one selection drives all three, so they run together."""
    with guarded():
        _screen(session)


def _screen(session: Session) -> None:
    left, right = st.columns([1.72, 1], gap="medium")
    with left:
        shown = controls(session)
        found = asked(session)
        chips(session, found)
        draw(session, shown, found)
    with right, st.container(key="gem-panel", height=MAP_HEIGHT + 108, border=False, gap="xsmall"):
        panel(session, found)
    _strip(session, found)
    deep_links.keep(session)


def _strip(session: Session, found: Selected | None) -> None:
    taxonomy = cached_results.taxonomy(session.root)
    part = None
    if found is not None and len(found):
        part = np.bincount(taxonomy.positions[found.mask], minlength=len(taxonomy.clusters))

    st.markdown(strip_title(taxonomy, session.cluster, part))
    share_strip(
        taxonomy,
        selected=session.cluster,
        part=part,
        key="explore_strip",
        on_pick=lambda number: session.select(None, number),
    )
    with st.expander("Show as table", icon=":material/table_rows:"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Cluster": [c.label for c in taxonomy.clusters],
                    "Group": [taxonomy.parent(c.parent).label for c in taxonomy.clusters],
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


screen(current_session())
