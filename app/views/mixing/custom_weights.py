"""Custom weights: sliders for clusters, for groups, and for the clusters inside a group."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.share_editor import Change, ShareLine, share_editor
from app.components.share_editor.own_shares import OwnShares
from app.data import mixing
from app.state.session import Session
from app.ui.text import short
from app.views.mixing.mix_settings import Mix
from gem_core.pipeline.mixing.domains import Domains
from gem_core.workspace import Taxonomy

CLUSTERS, GROUPS = "Clusters", "Groups"


def group_members(taxonomy: Taxonomy, domains: Domains) -> dict[int, list[int]]:
    """Return the domain indices of each group that has any: {group number: indices, largest natural share first}."""
    index = {number: at for at, number in enumerate(domains.numbers)}
    members = {
        group.number: sorted((index[n] for n in group.children if n in index), key=lambda at: -domains.natural[at])
        for group in taxonomy.groups
    }
    return {number: indices for number, indices in members.items() if indices}


def change_group_weight(
    mix: Mix, groups: Sequence[Sequence[int]], change: Change, natural: NDArray[np.float64]
) -> None:
    """Set the weight of a group or its lock; its clusters keep their proportions, and so do the other groups.

    A group with a locked cluster keeps its weight while another one changes.
    """
    own, shares = mix.own, np.array(mix.own.shares)
    if change.lock is not None:
        for at in groups[change.at]:
            own.locked[at] = change.lock
        own.note = ""
        return
    sums = OwnShares(
        tuple(float(shares[list(members)].sum()) for members in groups),
        [any(own.locked[at] for at in members) for members in groups],
    )
    sums.change(change)
    for members, total in zip(map(list, groups), sums.shares, strict=True):
        inside = shares[members] if shares[members].sum() > 0 else natural[members]
        shares[members] = total * inside / max(float(inside.sum()), 1e-300)
    own.shares, own.note = tuple((shares / shares.sum()).tolist()), sums.note
    mix.touched |= set(range(len(shares)))


def change_inside_group(mix: Mix, members: Sequence[int], change: Change) -> None:
    """Set the weight of a cluster as a part of its group, or its lock; the weight of the group stays."""
    own, shares = mix.own, np.array(mix.own.shares)
    total = float(shares[list(members)].sum())
    if change.lock is None and total <= 0:
        own.note = "This group has no weight. Set the weight of the group first."
        return
    parts = OwnShares(tuple((shares[list(members)] / max(total, 1e-300)).tolist()), [own.locked[at] for at in members])
    parts.change(change)
    for at, part, is_locked in zip(members, parts.shares, parts.locked, strict=True):
        own.locked[at] = is_locked
        shares[at] = total * part
    own.shares, own.note = tuple(shares.tolist()), parts.note
    if change.value is not None:
        mix.touched |= set(members)


def show_custom_weights(session: Session, mix: Mix) -> None:
    """Show the sliders of the chosen level."""
    taxonomy = session.mixing_taxonomy
    domains = mixing.domains(session.workspace, taxonomy)
    members = group_members(taxonomy, domains)
    names = {group.number: group.label for group in taxonomy.groups}
    level: str | int = CLUSTERS
    if len(members) > 1:
        levels: tuple[str | int, ...] = (CLUSTERS, GROUPS, *members)
        level = st.selectbox(
            "Weights of",
            levels,
            format_func=lambda choice: f"Inside {short(names[choice], 40)}" if isinstance(choice, int) else choice,
            key="mixing-level",
            help="Weight the groups first, then the clusters inside a group. A group keeps its weight meanwhile.",
        )
    if level == GROUPS:
        _show_groups(session, mix, members)
    elif isinstance(level, int):
        _show_inside(session, mix, members[level])
    else:
        _show_clusters(session, mix)
    if mix.own.note:
        st.caption(f":orange[:material/info: {mix.own.note}]")
    else:
        st.caption("Other weights rescale proportionally. Tick = natural share.")
    equal = (1.0 / len(domains.numbers),) * len(domains.numbers)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "All equal",
            type="tertiary",
            key="mixing-own-equal",
            on_click=mix.start,
            args=(equal, set(range(len(equal)))),
        )
        st.button(
            "All natural",
            type="tertiary",
            key="mixing-own-natural",
            on_click=mix.start,
            args=(tuple(domains.natural.tolist()), set()),
        )


def _show_clusters(session: Session, mix: Mix) -> None:
    domains = mixing.domains(session.workspace, session.mixing_taxonomy)
    order = np.argsort(-domains.natural, kind="stable").tolist()  # as in the charts
    share_editor(
        _lines(session, mix, order, 1.0, 1.0),
        key=f"mixing-own-{mix.round}",
        height=300,
        what="Weight",
        on_change=lambda change: mix.change(replace(change, at=order[change.at])),
    )


def _show_groups(session: Session, mix: Mix, members: dict[int, list[int]]) -> None:
    taxonomy = session.mixing_taxonomy
    domains = mixing.domains(session.workspace, taxonomy)
    groups, shares = list(members.values()), np.array(mix.own.shares)
    lines = [
        ShareLine(
            short(group.label, 100),
            group.color,
            float(shares[members[group.number]].sum()),
            float(domains.natural[members[group.number]].sum()),
            all(mix.own.locked[at] for at in members[group.number]),
        )
        for group in taxonomy.groups
        if group.number in members
    ]
    share_editor(
        lines,
        key=f"mixing-own-groups-{mix.round}",
        height=300,
        what="Weight",
        on_change=lambda change: change_group_weight(mix, groups, change, domains.natural),
    )


def _show_inside(session: Session, mix: Mix, members: list[int]) -> None:
    domains, shares = mixing.domains(session.workspace, session.mixing_taxonomy), np.array(mix.own.shares)
    share_editor(
        _lines(session, mix, members, float(shares[members].sum()), float(domains.natural[members].sum())),
        key=f"mixing-own-inside-{members[0]}-{mix.round}",
        height=300,
        what="Weight",
        on_change=lambda change: change_inside_group(mix, members, change),
    )


def _lines(session: Session, mix: Mix, order: list[int], total: float, natural_total: float) -> list[ShareLine]:
    """Return a slider for each cluster; shares are parts of `total`, ticks are parts of `natural_total`."""
    taxonomy = session.mixing_taxonomy
    domains = mixing.domains(session.workspace, taxonomy)
    return [
        ShareLine(
            short(domains.names[at], 100),
            taxonomy.cluster(domains.numbers[at]).color,
            mix.own.shares[at] / max(total, 1e-300),
            float(domains.natural[at]) / max(natural_total, 1e-300),
            mix.own.locked[at],
        )
        for at in order
    ]
