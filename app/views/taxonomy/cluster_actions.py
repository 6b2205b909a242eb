"""What can be done to the selected cluster, or to several that are marked."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.state.session import Session
from app.state.widget_state import widget
from app.ui.glossary import HINTS
from app.ui.text import short
from app.views.taxonomy import edit_actions
from app.views.taxonomy.split_dialog import split_dialog
from gem_core._formatting import count
from gem_core.pipeline import Exclude, Merge, Move, Pin, Regroup
from gem_core.pipeline.editing.operations import Op
from gem_core.workspace import Cluster, Taxonomy

OWN = -1  # stands for a new cluster or group in a list of choices


def actions(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    """One row of buttons for a cluster."""
    number = cluster.number
    with st.container(horizontal=True, gap="xsmall", key="cluster_actions"):
        with st.popover(
            "Merge",
            icon=":material/merge:",
            disabled=len(taxonomy.clusters) < 2,
            help="Make one cluster of this and another.",
        ):
            _merge(session, taxonomy, number)
        if st.button(
            "Split",
            icon=":material/call_split:",
            key=f"split_{number}",
            disabled=cluster.documents < 2,
            help="Divide this cluster; you see the parts first.",
        ):
            split_dialog(session, taxonomy, number)
        with st.popover("Group", icon=":material/account_tree:", help="Put this cluster into another group."):
            _regroup(session, taxonomy, cluster)
        pinned, excluded = cluster.pinned, cluster.excluded
        st.button(
            "Unpin" if pinned else "Pin",
            icon=":material/keep_off:" if pinned else ":material/keep:",
            key=f"pin_{number}",
            on_click=edit_actions.apply,
            args=(session, Pin(number, not pinned)),
            help=HINTS["pinned"],
        )
        st.button(
            "Take in" if excluded else "Exclude",
            key=f"exclude_{number}",
            on_click=edit_actions.apply,
            icon=":material/add_circle:" if excluded else ":material/block:",
            args=(session, Exclude((number,), not excluded)),
            help=HINTS["excluded"],
        )
    states = [
        word
        for word, on in (
            ("Pinned: a refit keeps its documents together.", pinned),
            ("Excluded: in no share and no weight.", excluded),
        )
        if on
    ]
    if states:
        st.caption("  ".join(states))


def marked_actions(session: Session, taxonomy: Taxonomy, numbers: Sequence[int]) -> None:
    """One row of buttons for marked clusters; empty space while none is marked."""
    chosen = [taxonomy.cluster(number) for number in numbers]
    some, several = bool(chosen), len(chosen) > 1
    pin, out = not all(c.pinned for c in chosen), not all(c.excluded for c in chosen)
    documents = sum(c.documents for c in chosen)

    def merged() -> None:
        found = edit_actions.apply(session, Merge(tuple(numbers)))
        if found is not None:
            largest = max(chosen, key=lambda c: (c.documents, -c.number)).number
            session.select(None, largest)

    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="marked_actions"):
        st.button(
            f"Merge {len(chosen)}" if several else "Merge",
            icon=":material/merge:",
            key="marked_merge",
            disabled=not several,
            on_click=merged,
            help="Make one cluster of those that are marked.",
        )
        st.button(
            "Pin" if pin or not some else "Unpin",
            icon=":material/keep:",
            key="marked_pin",
            disabled=not some,
            on_click=edit_actions.apply,
            args=(session, *_each(numbers, pin)),
            help=HINTS["pinned"],
        )
        st.button(
            "Exclude" if out or not some else "Take in",
            icon=":material/block:",
            key="marked_exclude",
            disabled=not some,
            on_click=edit_actions.apply,
            args=(session, Exclude(tuple(numbers), out)),
            help=HINTS["excluded"],
        )
        st.markdown(
            f":small[:gray[{len(chosen)} marked, {count(documents)} documents]]"
            if some
            else ":small[:gray[Mark clusters to edit several]]",
            width="content",
        )


def _each(numbers: Sequence[int], on: bool) -> tuple[Op, ...]:
    return tuple(Pin(number, on) for number in numbers)


def near(taxonomy: Taxonomy, number: int) -> list[int]:
    """Other clusters, the most alike first (cosine of the centres)."""
    at = taxonomy.place(number)
    cosine = taxonomy.fit.centers @ taxonomy.fit.centers[at]
    return [taxonomy.clusters[k].number for k in np.argsort(-cosine, kind="stable") if k != at]


def _name(taxonomy: Taxonomy, number: int) -> str:
    return "A new cluster" if number == OWN else short(taxonomy.cluster(number).label, 60)


def _merge(session: Session, taxonomy: Taxonomy, number: int) -> None:
    key = f"merge_with_{number}"

    def merged() -> None:
        other = widget(key)
        if other is not None and edit_actions.apply(session, Merge((number, other))) is not None:
            larger = max((taxonomy.cluster(number), taxonomy.cluster(other)), key=lambda c: (c.documents, -c.number))
            session.select(None, larger.number)

    st.selectbox(
        "Merge with",
        near(taxonomy, number),
        key=key,
        format_func=lambda c: _name(taxonomy, c),
        help="The most alike first. The larger keeps its number, colour and group; the result is pinned.",
    )
    st.button("Merge the two", key=f"merge_{number}", type="primary", on_click=merged)


def _regroup(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    groups = [p.number for p in taxonomy.parents if p.number != cluster.parent]
    alone = len(taxonomy.parent(cluster.parent).children) == 1
    key = f"group_of_{cluster.number}"

    def moved() -> None:
        to = widget(key)
        if to is not None:
            edit_actions.apply(session, Regroup(cluster.number, None if to == OWN else to))

    st.selectbox(
        "Put it into",
        [*groups, *([] if alone else [OWN])],
        key=key,
        format_func=lambda g: "A group of its own" if g == OWN else short(taxonomy.parent(g).label, 60),
    )
    st.button("Move to this group", key=f"regroup_{cluster.number}", type="primary", on_click=moved)


def move_documents(session: Session, taxonomy: Taxonomy, rows: Sequence[int], *, key: str) -> None:
    """A popover that moves documents into another cluster, or into a new one."""
    inside = {int(number) for number in taxonomy.documents["cluster_id"].to_numpy()[list(rows)]}
    only = next(iter(inside)) if len(inside) == 1 else None
    choices = [c.number for c in taxonomy.clusters if c.number != only] if only is None else near(taxonomy, only)
    box = f"move_{key}_to"

    def moved() -> None:
        to = widget(box)
        if to is not None:
            edit_actions.apply(session, Move(tuple(int(row) for row in rows), None if to == OWN else to))

    what = "this document" if len(rows) == 1 else f"{count(len(rows))} documents"
    with st.popover(
        "Move to" if len(rows) == 1 else f"Move {count(len(rows))}",
        icon=":material/drive_file_move:",
        help=f"Put {what} into another cluster.",
    ):
        st.selectbox(
            "Move to",
            [*choices, OWN],
            key=box,
            format_func=lambda c: _name(taxonomy, c),
            help="The cluster is pinned, so that a refit keeps what you put there.",
        )
        st.button(f"Move {what}", key=f"move_{key}", type="primary", on_click=moved)
