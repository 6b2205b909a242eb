"""Taxonomy view: treemap of groups and clusters, and a panel to rename, merge, split, move and pin them."""

import pandas as pd
import streamlit as st

from app.charts.treemap import treemap
from app.data import cached_results
from app.details import edit_actions
from app.shell import deep_links
from app.state.session import Session, current_session
from app.state.widget_state import picked_points
from app.ui.errors import guarded
from app.ui.figures import dark
from app.views.taxonomy.history import show_history_bar
from app.views.taxonomy.panel import show_panel
from gem_core._formatting import percent

HEIGHT = 620


@st.fragment
def show_view(session: Session) -> None:
    """Show the treemap and the panel; one selection drives both."""
    with guarded():
        _show_view(session)


def _show_view(session: Session) -> None:
    edit_actions.show_outcome(session)
    left, right = st.columns([1.45, 1], gap="medium")
    with left:
        show_history_bar(session)
        _show_treemap(session)
    with right, st.container(key="gem-panel", height=HEIGHT + 70, border=False, gap="xsmall"):
        show_panel(session)
    _show_table(session)
    deep_links.keep(session)


def _show_treemap(session: Session) -> None:
    taxonomy = session.taxonomy
    heading, size_column = st.columns([1.6, 1], vertical_alignment="center")
    tile_size = size_column.segmented_control(
        "Size of a tile",
        ("Documents", "Tokens"),
        default="Documents",
        required=True,
        key="taxonomy_sized",
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    shares = {
        p.number: sum(
            taxonomy.cluster(c).share_documents if tile_size == "Documents" else taxonomy.cluster(c).share_tokens
            for c in p.children
        )
        for p in taxonomy.groups
    }
    heading.markdown(
        f"**{len(taxonomy.clusters)} clusters in {len(shares)} groups, the largest {percent(max(shares.values()))}**"
    )

    def on_choose() -> None:
        tiles = picked_points("taxonomy_treemap")
        if tiles:
            kind, number = tiles[0]
            session.select(None, int(number) if kind == "cluster" else None)
            session.group = int(number) if kind == "parent" else None

    st.plotly_chart(
        treemap(
            taxonomy,
            tile_size="Tokens" if tile_size == "Tokens" else "Documents",
            cluster=session.cluster,
            group_number=session.group,
            dark=dark(),
            height=HEIGHT,
        ),
        key="taxonomy_treemap",
        on_select=on_choose,
        selection_mode="points",
        theme="streamlit",
        config={"displayModeBar": False},
        alt="Treemap of groups and their clusters; the table below lists them",
    )


def _show_table(session: Session) -> None:
    taxonomy = session.taxonomy
    with st.expander("Show as table", icon=":material/table_rows:"):
        rows = [taxonomy.cluster(c) for p in taxonomy.groups for c in p.children]
        purity = cached_results.label_purity(session.workspace, taxonomy)
        pure_labels = [purity.get(c.number, ("", 0.0)) for c in rows]
        label_column = [f"{value} {percent(share)}" if value else "" for value, share in pure_labels]
        st.dataframe(
            pd.DataFrame(
                {
                    "Group": [taxonomy.group(c.group).label for c in rows],
                    "Cluster": [c.label for c in rows],
                    **({"Label": label_column} if any(label_column) else {}),
                    "Documents": [c.documents for c in rows],
                    "Tokens": [c.tokens for c in rows],
                    "Share of documents": [percent(c.share_documents) for c in rows],
                    "Share of tokens": [percent(c.share_tokens) for c in rows],
                    "Named by": [c.label_source for c in rows],
                    "Keywords": [", ".join(term for term, _ in c.keywords) for c in rows],
                }
            ),
            hide_index=True,
            key="taxonomy_table",
            alt="Groups, clusters and their shares",
            column_config={name: st.column_config.NumberColumn(format="localized") for name in ("Documents", "Tokens")},
        )


cached_results.warm_up()
show_view(current_session())
