"""Taxonomy view: treemap of groups and clusters, and a panel to rename, merge, split, move and pin them."""

import pandas as pd
import streamlit as st

from app.charts.chart import show_chart
from app.charts.treemap import Frame, TileSize, area_frames, group_frames, treemap
from app.cluster_card import edit_actions
from app.data import cached_results
from app.shell import deep_links
from app.state.session import Session, current_session
from app.state.widget_state import picked_points
from app.ui.errors import guarded
from app.ui.levels import has_many
from app.ui.text import escape, short
from app.views.taxonomy.history import show_history_bar
from app.views.taxonomy.panel import show_panel
from gem_core._formatting import count, percent
from gem_core.workspace import Cluster, Taxonomy

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
    size: TileSize = "Tokens" if tile_size == "Tokens" else "Documents"
    frames, title = _frames(session, taxonomy, size)
    heading.markdown(f"**{title}**")

    def on_choose() -> None:
        tiles = picked_points("taxonomy_treemap")
        if tiles:
            kind, number = tiles[0]
            session.select(None, int(number) if kind == "cluster" else None)
            session.group = int(number) if kind == "parent" else None

    show_chart(
        lambda is_dark: treemap(
            frames,
            total=sum(_size(cluster, size) for cluster in taxonomy.clusters if not cluster.excluded),
            tile_size=size,
            selected=[
                (kind, number)
                for kind, number in (("cluster", session.cluster), ("parent", session.group))
                if number is not None
            ],
            dark=is_dark,
            height=HEIGHT,
        ),
        key="taxonomy_treemap",
        on_select=on_choose,
        alt="Treemap of groups and their clusters; the table below lists them",
    )


def _frames(session: Session, taxonomy: Taxonomy, size: TileSize) -> tuple[list[Frame], str]:
    """Return the tiles and their title: all clusters, or with very many of them one level, with a way back up."""
    if not has_many(taxonomy):
        frames = group_frames(taxonomy, size)
        largest = max(frame.size for frame in frames) / max(sum(frame.size for frame in frames), 1.0)
        return frames, f"{len(taxonomy.clusters)} clusters in {len(frames)} groups, the largest {percent(largest)}"
    group = session.group
    if session.cluster is not None and taxonomy.has(session.cluster):
        group = taxonomy.cluster(session.cluster).group
    areas = cached_results.areas(session.workspace, taxonomy)
    if group is None or group not in {parent.number for parent in taxonomy.groups}:
        levels = f"{len(taxonomy.groups)} groups" + (f" in {len(areas)} areas" if areas else "")
        return area_frames(taxonomy, areas, size), f"{count(len(taxonomy.clusters))} clusters in {levels}"
    area = next((f"{area.label}: " for area in areas if group in area.groups), "")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "All groups",
            icon=":material/arrow_upward:",
            type="tertiary",
            key="taxonomy_up",
            on_click=session.clear_selection,
        )
        if session.cluster is not None:
            label = escape(short(taxonomy.group(group).label, 50))
            st.button(
                label,
                icon=":material/arrow_upward:",
                type="tertiary",
                key="taxonomy_up_group",
                on_click=_select_group,
                args=(session, group),
            )
    frames = group_frames(taxonomy, size, group)
    share = percent(frames[0].size / max(sum(_size(cluster, size) for cluster in taxonomy.clusters), 1.0))
    name = escape(short(f"{area}{taxonomy.group(group).label}", 90))
    return frames, f"{name}, {len(frames[0].leaves)} clusters, {share} of the {size.lower()}"


def _select_group(session: Session, number: int) -> None:
    session.select(None, None)
    session.group = number


def _size(cluster: Cluster, size: TileSize) -> float:
    return float(cluster.documents if size == "Documents" else cluster.tokens)


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
