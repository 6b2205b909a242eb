"""Balance view, target shares: equal, natural, with a floor, or custom."""

import numpy as np
import streamlit as st

from app.components.share_editor import ShareLine, share_editor
from app.components.share_editor.own_shares import OwnShares
from app.data import cached_results
from app.state.session import Session
from app.ui.text import short
from gem_core.clustering.target import floor_target, parse_floor
from gem_core.workspace import Taxonomy
from gem_core.workspace.settings import Target

KINDS = {"uniform": "Equal", "natural": "Natural", "floor": "Floor", "own": "Custom"}
KIND_HELP = (
    "Target shares of the clusters. Equal: the same for all. Natural: the corpus's own. Floor: "
    "natural with a minimum. Custom: set each share."
)


def target_of(session: Session, taxonomy: Taxonomy, own: OwnShares, now: Target, n_clusters: int, key: str) -> Target:
    """Show the controls of the target; `key` ends in the round of the draft."""
    present = "own" if not isinstance(now, str) else "floor" if parse_floor(now) is not None else now
    kind = (
        st.segmented_control(
            "Target",
            list(KINDS),
            default=present,
            format_func=KINDS.__getitem__,
            required=True,
            key=f"balance-target-{key}",
            help=KIND_HELP,
            width="stretch",
        )
        or present
    )
    if kind == "floor":
        return _floor(now, n_clusters, key)
    if kind != "own":
        return kind
    if n_clusters != len(taxonomy.clusters):
        if isinstance(now, tuple) and len(now) == n_clusters:  # of the fit before clusters were merged or split
            return now
        st.caption(
            f":material/info: Custom shares are set per cluster: apply {n_clusters} clusters first. Until then the "
            "target is equal."
        )
        return "uniform"
    return _own(session, taxonomy, own, now, key)


def _floor(now: Target, n_clusters: int, key: str) -> str:
    """Percent of the corpus that every cluster has at least."""
    most = int(1e4 / n_clusters) / 100  # rounded down: one for each cluster must fit
    current_floor = parse_floor(now)
    value = min(most, 100 * current_floor if current_floor is not None else round(50 / n_clusters, 1))
    floor = st.number_input(
        "Minimum share (%)",
        min_value=0.0,
        max_value=most,
        value=round(value, 4),
        step=min(0.5, most),
        format="%.2f",
        key=f"balance-floor-{key}-{n_clusters}",
        help=f"Minimum share of each cluster, up to {most:g}% with {n_clusters} clusters. Others keep their "
        "natural proportions.",
    )
    return floor_target((value if floor is None else float(floor)) / 100)


def _own(session: Session, taxonomy: Taxonomy, own: OwnShares, now: Target, key: str) -> tuple[float, ...]:
    natural = natural_of(session, taxonomy)
    if len(own.shares) != len(taxonomy.clusters):
        own.start(now if isinstance(now, tuple) else tuple(float(share) for share in natural))
    lines = [
        ShareLine(short(c.label, 100), c.color, share, float(natural[i]), own.locked[i])
        for i, (c, share) in enumerate(zip(taxonomy.clusters, own.shares, strict=True))
    ]
    share_editor(lines, key=f"balance-shares-{key}", on_change=own.change, height=300)
    if own.note:
        st.caption(f":orange[:material/info: {own.note}]")
    else:
        st.caption("Other shares rescale proportionally. Tick = natural share.")
    count = len(lines)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "All equal",
            type="tertiary",
            key=f"balance-own-equal-{key}",
            on_click=own.start,
            args=((1.0 / count,) * count,),
        )
        st.button(
            "All natural",
            type="tertiary",
            key=f"balance-own-natural-{key}",
            on_click=own.start,
            args=(tuple(float(share) for share in natural),),
        )
    return own.shares


def natural_of(session: Session, taxonomy: Taxonomy) -> np.ndarray:
    """Natural shares of the present clusters; as applied while there is no balance path."""
    shares = cached_results.natural_shares(session.workspace, taxonomy)
    return taxonomy.fit.masses if shares is None else shares
