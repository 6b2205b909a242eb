"""Balance, left side: what a person sets before a fit."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st
from state import Session
from widgets import HINTS, short, strength_text

from gem_core.workspace import Settings, Taxonomy

STRENGTHS = (0.44, 0.7, 1.2, 1.9, 3.0, 30.0)  # between and beyond the points of the balance path
MARKS = ((0.0, "Plain"), (1.0, "Matched"), (float("inf"), "Exact"))
CONCENTRATIONS = {"per_cluster": "Each its own", "shared": "Shared", "fixed": "Fixed"}
TARGETS = {"uniform": "Equal", "natural": "Natural", "own": "Own"}
WEIGHTINGS = {"documents": "Documents", "tokens": "Tokens"}


@dataclass
class Draft:
    """Settings that are tried and not applied.

    `round` counts how often they were set from outside the widgets; `shares` is the table of own shares as the editor
    got it, which must stay the same for the editor to keep a person's changes.
    """

    key: str
    settings: Settings
    round: int = 0
    shares: tuple[float, ...] = ()

    def put(self, settings: Settings) -> None:
        """Set the draft; the widgets start anew from it."""
        self.settings, self.round, self.shares = settings, self.round + 1, ()


def applied(taxonomy: Taxonomy) -> Settings:
    """Settings of the present taxonomy; own shares in the order of its cluster numbers."""
    settings = taxonomy.settings
    if isinstance(settings.target, str):
        return settings
    return replace(settings, target=tuple(float(share) for share in taxonomy.fit.target))


def draft_of(session: Session, taxonomy: Taxonomy) -> Draft:
    """Return the draft of this screen, a new one after every apply, undo or change of workspace."""
    key = f"{taxonomy.data_hash}/{taxonomy.key}"
    found = session.drafts.get("balance")
    if found is None or found.key != key:
        found = Draft(key, applied(taxonomy), 0 if found is None else found.round + 1)
        session.drafts["balance"] = found
    return found


def controls(draft: Draft, taxonomy: Taxonomy) -> None:
    """Show the controls and write what they hold into the draft."""
    now = draft.settings
    strength = _strength(draft, taxonomy)
    n_clusters = st.number_input("Clusters", min_value=1, value=now.n_clusters, step=1, key=_key(draft, "clusters"),
                                 help="How many clusters to form. A change fits from the start.") or now.n_clusters
    target = _target(draft, taxonomy, int(n_clusters))
    weighting = _choice(draft, "Count shares in", WEIGHTINGS, now.weighting, "weighting",
                        "What a share counts: documents, or the tokens in them.")
    with st.expander("More", key=_key(draft, "more")):
        concentration = _concentration(draft, taxonomy)
        seed = st.number_input("Seed", min_value=0, value=now.seed, step=1, key=_key(draft, "seed"),
                               help="Starts the random choices of a fit: the same seed gives the same result.")
    draft.settings = replace(now, strength=strength, n_clusters=int(n_clusters), target=target, seed=int(seed or 0),
                             concentration=concentration, weighting=weighting)


def grid(draft: Draft, taxonomy: Taxonomy) -> list[float]:
    """Strengths on the slider: those of the balance path, more between them, and what is applied or drafted."""
    own = {taxonomy.settings.strength, draft.settings.strength}
    path = set(map(float, taxonomy.path.strengths)) if taxonomy.has_path else set()
    near = {s for s in STRENGTHS if all(not 0 < p < np.inf or abs(np.log(s / p)) > 0.08 for p in path | own | {1.0})}
    return sorted({0.0, 1.0, float("inf")} | own | path | near)


def _strength(draft: Draft, taxonomy: Taxonomy) -> float:
    names = {0.0: "0 plain", 1.0: "1 matched", float("inf"): "exact"}
    chosen = st.select_slider(
        "Balance strength", grid(draft, taxonomy), value=draft.settings.strength, key=_key(draft, "strength"),
        format_func=lambda s: names.get(s, strength_text(s)), help=HINTS["strength"] + " Log scale.")
    with st.container(horizontal=True, horizontal_alignment="distribute", gap=None):
        for strength, name in MARKS:
            st.button(name, type="tertiary", key=_key(draft, name), disabled=chosen == strength,
                      on_click=lambda to=strength: draft.put(replace(draft.settings, strength=to)))
    return float(chosen)


def _target(draft: Draft, taxonomy: Taxonomy, n_clusters: int) -> Literal["uniform", "natural"] | tuple[float, ...]:
    now = draft.settings.target
    kind = _choice(draft, "Target", TARGETS, now if isinstance(now, str) else "own", "target",
                   "Shares the clusters are pulled to: all equal, the corpus's own (those at strength 0), or yours.")
    if kind != "own":
        return "natural" if kind == "natural" else "uniform"
    if n_clusters != len(taxonomy.clusters):
        st.caption(f":material/info: Own shares name clusters: apply {n_clusters} clusters first. Until then the "
                   "target is equal.")
        return "uniform"
    if len(draft.shares) != n_clusters:
        draft.shares = now if isinstance(now, tuple) else tuple(c.share_documents for c in taxonomy.clusters)
    base = pd.DataFrame({"Cluster": [short(cluster.label, 60) for cluster in taxonomy.clusters],
                         "Target": [round(100 * share, 2) for share in draft.shares]})
    edited = st.data_editor(
        base, key=_key(draft, "shares"), hide_index=True, disabled=["Cluster"], height=260, row_height=30,
        column_config={"Target": st.column_config.NumberColumn(format="%.2f%%", min_value=0.0, width=80)},
        alt="Target share of each cluster, in percent")
    values = edited["Target"].to_numpy(np.float64)
    if not np.isfinite(values).all() or values.sum() <= 0 or (values < 0).any():
        st.caption(":orange[:material/warning: Every share must be 0 or more, and their sum above 0. The target is "
                   "equal until then.]")
        return "uniform"
    st.caption(f"They sum to {values.sum():.1f}% and are scaled to 100%.")
    shares = draft.shares if np.array_equal(values, base["Target"]) else values / values.sum()
    return tuple(float(share) for share in shares)


def _concentration(draft: Draft, taxonomy: Taxonomy) -> Literal["per_cluster", "shared"] | float:
    now = draft.settings.concentration
    kind = _choice(draft, "Concentration", CONCENTRATIONS, now if isinstance(now, str) else "fixed", "concentration",
                   HINTS["concentration"])
    if kind != "fixed":
        return "shared" if kind == "shared" else "per_cluster"
    usual = float(np.mean([cluster.concentration for cluster in taxonomy.clusters]))
    value = st.number_input("Fixed concentration", min_value=0.1, max_value=1e6, step=1.0, format="%.1f",
                            value=round(usual, 1) if isinstance(now, str) else float(now), key=_key(draft, "kappa"))
    return float(value or usual)


def _choice(draft: Draft, label: str, options: dict[str, str], now: str, key: str, hint: str) -> str:
    return st.segmented_control(label, list(options), default=now, format_func=options.__getitem__, required=True,
                                key=_key(draft, key), help=hint, width="stretch") or now


def _key(draft: Draft, name: str) -> str:
    return f"balance-{name.lower()}-{draft.round}"
