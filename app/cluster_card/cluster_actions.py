"""Actions on one cluster or several: merge, split, move to a group, pin, exclude."""

from collections.abc import Sequence

import streamlit as st

from app.cluster_card import edit_actions
from app.cluster_card.split_dialog import split_dialog
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.glossary import HINTS
from app.ui.text import short
from gem_core._formatting import count
from gem_core.pipeline import Exclude, Merge, Move, Pin, Regroup
from gem_core.pipeline.editing.operations import Op
from gem_core.pipeline.search.cluster_profile import nearest_clusters
from gem_core.taxonomy.name_parts import MIXED
from gem_core.workspace import Cluster, Taxonomy

NEW = -1  # stands for a new cluster or group in a list of choices


def show_cluster_actions(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    """Show the row of actions for one cluster."""
    number = cluster.number
    is_mixed = cluster.label_source == "vocabulary" and cluster.label.startswith(MIXED)
    if is_mixed:
        st.caption("No single subject covers these documents. Split divides them into parts with names of their own.")
    with st.container(horizontal=True, gap="xsmall", key="cluster_actions"):
        with st.popover(
            "Merge",
            icon=":material/merge:",
            disabled=len(taxonomy.clusters) < 2,
            help="Merge this cluster with another.",
            key=f"merge_open_{number}",
            on_change="rerun",
        ):
            _show_merge(session, taxonomy, number)
        if st.button(
            "Split",
            icon=":material/call_split:",
            key=f"split_{number}",
            type="primary" if is_mixed else "secondary",
            disabled=cluster.documents < 2,
            help="Divide this cluster. You preview the parts first.",
        ):
            split_dialog(session, taxonomy, number)
        with st.popover(
            "Group",
            icon=":material/account_tree:",
            help="Move this cluster to another group.",
            key=f"group_open_{number}",
            on_change="rerun",
        ):
            _show_regroup(session, taxonomy, cluster)
        pinned, excluded = cluster.pinned, cluster.excluded
        st.button(
            "Unpin" if pinned else "Pin",
            icon=":material/keep_off:" if pinned else ":material/keep:",
            key=f"pin_{number}",
            on_click=edit_actions.on_edit,
            args=(session, Pin(number, not pinned)),
            help=HINTS["pinned"],
        )
        st.button(
            "Include" if excluded else "Exclude",
            key=f"exclude_{number}",
            on_click=edit_actions.on_edit,
            icon=":material/add_circle:" if excluded else ":material/block:",
            args=(session, Exclude((number,), not excluded)),
            help=HINTS["excluded"],
        )
    state_texts = [
        word
        for word, applies in (
            ("Pinned: a refit keeps its name and documents together.", pinned),
            ("Excluded: not counted in shares or weights.", excluded),
        )
        if applies
    ]
    if state_texts:
        st.caption("  ".join(state_texts))


def show_bulk_actions(session: Session, taxonomy: Taxonomy, numbers: Sequence[int]) -> None:
    """Show the row of actions for the clusters selected in the table."""
    clusters = [taxonomy.cluster(number) for number in numbers]
    any_selected, several = bool(clusters), len(clusters) > 1
    pinning, excluding = not all(c.pinned for c in clusters), not all(c.excluded for c in clusters)
    documents = sum(c.documents for c in clusters)

    def on_merge() -> None:
        taxonomy_after = edit_actions.apply_edit(session, Merge(tuple(numbers)))
        if taxonomy_after is not None:
            largest = max(clusters, key=lambda c: (c.documents, -c.number)).number
            session.select(None, largest)

    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="marked_actions"):
        st.button(
            f"Merge {len(clusters)}" if several else "Merge",
            icon=":material/merge:",
            key="marked_merge",
            disabled=not several,
            on_click=on_merge,
            help="Merge the selected clusters into one.",
        )
        st.button(
            "Pin" if pinning or not any_selected else "Unpin",
            icon=":material/keep:",
            key="marked_pin",
            disabled=not any_selected,
            on_click=edit_actions.on_edit,
            args=(session, *_pin_operations(numbers, pinning)),
            help=HINTS["pinned"],
        )
        st.button(
            "Exclude" if excluding or not any_selected else "Include",
            icon=":material/block:",
            key="marked_exclude",
            disabled=not any_selected,
            on_click=edit_actions.on_edit,
            args=(session, Exclude(tuple(numbers), excluding)),
            help=HINTS["excluded"],
        )
        st.markdown(
            f":small[:gray[{len(clusters)} selected, {count(documents)} documents]]"
            if any_selected
            else ":small[:gray[Select clusters to edit them together]]",
            width="content",
        )


def _pin_operations(numbers: Sequence[int], pinned: bool) -> tuple[Op, ...]:
    return tuple(Pin(number, pinned) for number in numbers)


def _choice_label(taxonomy: Taxonomy, number: int) -> str:
    return "New cluster" if number == NEW else short(taxonomy.cluster(number).label, 60)


def _show_merge(session: Session, taxonomy: Taxonomy, number: int) -> None:
    key = f"merge_with_{number}"

    def on_merge() -> None:
        other = widget(key)
        if other is not None and edit_actions.apply_edit(session, Merge((number, other))) is not None:
            preset(f"merge_open_{number}", False)
            larger = max((taxonomy.cluster(number), taxonomy.cluster(other)), key=lambda c: (c.documents, -c.number))
            session.select(None, larger.number)

    st.selectbox(
        "Merge with",
        [other for other, _ in nearest_clusters(taxonomy, number)],
        key=key,
        format_func=lambda c: _choice_label(taxonomy, c),
        help="Most similar first. The larger cluster keeps its number, color and group; the result is pinned.",
    )
    st.button("Merge clusters", key=f"merge_{number}", type="primary", on_click=on_merge)


def _show_regroup(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    groups = [p.number for p in taxonomy.groups if p.number != cluster.group]
    alone = len(taxonomy.group(cluster.group).children) == 1
    key = f"group_of_{cluster.number}"

    def on_move() -> None:
        target = widget(key)
        if target is not None:
            operation = Regroup(cluster.number, None if target == NEW else target)
            edit_actions.on_edit_in_popover(session, f"group_open_{cluster.number}", operation)

    st.selectbox(
        "Group",
        [*groups, *([] if alone else [NEW])],
        key=key,
        format_func=lambda g: "New group" if g == NEW else short(taxonomy.group(g).label, 60),
    )
    st.button("Move to group", key=f"regroup_{cluster.number}", type="primary", on_click=on_move)


def show_move_documents(session: Session, taxonomy: Taxonomy, rows: Sequence[int], *, key: str) -> None:
    """Show a popover that moves documents to another cluster or to a new one."""
    cluster_numbers = {int(number) for number in taxonomy.documents["cluster_id"].to_numpy()[list(rows)]}
    own_cluster = next(iter(cluster_numbers)) if len(cluster_numbers) == 1 else None
    choices = (
        [c.number for c in taxonomy.clusters if c.number != own_cluster]
        if own_cluster is None
        else [other for other, _ in nearest_clusters(taxonomy, own_cluster)]
    )
    box = f"move_{key}_to"

    def on_move() -> None:
        target = widget(box)
        if target is not None:
            operation = Move(tuple(int(row) for row in rows), None if target == NEW else target)
            edit_actions.on_edit_in_popover(session, f"move_open_{key}", operation)

    what = "this document" if len(rows) == 1 else f"{count(len(rows))} documents"
    with st.popover(
        "Move to" if len(rows) == 1 else f"Move {count(len(rows))}",
        icon=":material/drive_file_move:",
        help=f"Move {what} to another cluster.",
        key=f"move_open_{key}",
        on_change="rerun",
    ):
        st.selectbox(
            "Move to",
            [*choices, NEW],
            key=box,
            format_func=lambda c: _choice_label(taxonomy, c),
            help="The target cluster is pinned, so a refit keeps the move.",
        )
        st.button(f"Move {what}", key=f"move_{key}", type="primary", on_click=on_move)
