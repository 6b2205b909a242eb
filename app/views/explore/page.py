"""Explore: the corpus on a map, and what lies under the finger."""

import numpy as np
import pandas as pd
import streamlit as st

from app.components.share_bar import share_strip, strip_title
from app.data import cached_results
from app.shell import deep_links
from app.state.session import Session, session
from app.ui.errors import guarded
from app.views.explore.document_query import asked, chips
from app.views.explore.map import HEIGHT as MAP_HEIGHT
from app.views.explore.map import controls, draw
from app.views.explore.panel import panel
from gem_core._formatting import percent
from gem_core.pipeline.search.filters import Selected


@st.fragment
def screen(current: Session) -> None:
    """Map, panel and strip: one selection drives all three, so they run together."""
    with guarded():
        _screen(current)


def _screen(current: Session) -> None:
    left, right = st.columns([1.72, 1], gap="medium")
    with left:
        shown = controls(current)
        found = asked(current)
        chips(current, found)
        draw(current, shown, found)
    with right, st.container(key="gem-panel", height=MAP_HEIGHT + 108, border=False, gap="xsmall"):
        panel(current, found)
    _strip(current, found)
    deep_links.keep(current)


def _strip(current: Session, found: Selected | None) -> None:
    taxonomy = cached_results.taxonomy(current.root)
    part = None
    if found is not None and len(found):
        part = np.bincount(taxonomy.positions[found.mask], minlength=len(taxonomy.clusters))

    st.markdown(strip_title(taxonomy, current.cluster, part))
    share_strip(
        taxonomy,
        selected=current.cluster,
        part=part,
        key="explore_strip",
        on_pick=lambda number: current.pick(None, number),
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


screen(session())
