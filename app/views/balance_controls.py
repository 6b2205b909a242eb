"""Balance, left side: what a person sets before a fit."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import streamlit as st
from state import Session
from views.balance_suggest import suggest
from views.balance_target import OwnShares, target_of
from widgets import HINTS, strength_text

from gem_core.clustering import Suggestion
from gem_core.workspace import Settings, Taxonomy

STRENGTHS = (0.44, 0.7, 1.2, 1.9, 3.0, 30.0)  # between and beyond the points of the balance path
MARKS = ((0.0, "Plain"), (1.0, "Matched"), (float("inf"), "Exact"))
CONCENTRATIONS = {"per_cluster": "Each its own", "shared": "Shared", "fixed": "Fixed"}
WEIGHTINGS = {"documents": "Documents", "tokens": "Tokens"}


@dataclass
class Draft:
    """Settings that are tried and not applied.

    `round` counts how often they were set from outside the widgets, `own` holds the shares that a person sets one by
    one, `suggested` whether the reason of the suggested strength is shown.
    """

    key: str
    settings: Settings
    round: int = 0
    own: OwnShares = field(default_factory=OwnShares)
    suggested: bool = False

    def put(self, settings: Settings) -> None:
        """Set the draft; the widgets start anew from it."""
        if settings.target != self.settings.target:
            self.own = OwnShares()
        self.settings, self.round = settings, self.round + 1

    def take(self, suggestion: Suggestion) -> None:
        """Follow a suggestion and show its reason."""
        self.suggested = True
        if suggestion.strength is not None:
            self.put(replace(self.settings, strength=suggestion.strength))


def applied(taxonomy: Taxonomy) -> Settings:
    """Settings of the present taxonomy; own shares in the order of its clusters."""
    settings = taxonomy.settings
    if isinstance(settings.target, str) or settings.n_clusters != len(taxonomy.clusters):
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


def controls(here: Session, draft: Draft, taxonomy: Taxonomy) -> None:
    """Show the controls and write what they hold into the draft."""
    now = draft.settings
    strength = _strength(draft, taxonomy)
    reason = st.container(gap="xxsmall")
    n_clusters = st.number_input("Clusters", min_value=1, value=now.n_clusters, step=1, key=_key(draft, "clusters"),
                                 help="How many clusters to form. A change fits from the start.") or now.n_clusters
    with st.container():
        target = target_of(here, taxonomy, draft.own, now.target, int(n_clusters), str(draft.round))
    weighting = _choice(draft, "Count shares in", WEIGHTINGS, now.weighting, "weighting",
                        "What a share counts: documents, or the tokens in them.")
    with st.expander("More", key=_key(draft, "more")):
        concentration = _concentration(draft, taxonomy)
        seed = st.number_input("Seed", min_value=0, value=now.seed, step=1, key=_key(draft, "seed"), help=HINTS["seed"])
    draft.settings = replace(now, strength=strength, n_clusters=int(n_clusters), target=target, seed=int(seed or 0),
                             concentration=concentration, weighting=weighting)
    with reason:
        suggest(taxonomy, draft.settings, applied(taxonomy), draft.suggested, str(draft.round), draft.take)


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
