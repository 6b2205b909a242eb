"""Balance view, left side: the settings of a fit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import streamlit as st

from app.data.cached_results import reference_concentration
from app.state.session import Session
from app.state.widget_state import widget
from app.ui.glossary import HINTS
from app.views.balance.draft import BalanceDraft, applied
from app.views.balance.target import target_of
from gem_core._formatting import strength_text
from gem_core.clustering import Suggestion, suggest_strength
from gem_core.errors import InputError
from gem_core.workspace import Settings, Taxonomy

STRENGTHS = (0.44, 0.7, 1.2, 1.9, 3.0, 30.0)  # between and beyond the points of the balance path
MARKS = ((0.0, "Off"), (1.0, "Default"), (float("inf"), "Exact"))
CONCENTRATIONS = {"per_cluster": "Per cluster", "shared": "Shared", "fixed": "Fixed"}
WEIGHTINGS = {"documents": "Documents", "tokens": "Tokens"}


def controls(session: Session, draft: BalanceDraft, taxonomy: Taxonomy) -> None:
    """Show the controls and write what they hold into the draft."""
    now = draft.settings
    strength = _strength(draft, taxonomy)
    reason = st.container(gap="xxsmall")
    n_clusters = (
        st.number_input(
            "Clusters",
            min_value=1,
            value=now.n_clusters,
            step=1,
            key=_key(draft, "clusters"),
            help="Number of clusters (K).",
        )
        or now.n_clusters
    )
    with st.container():
        target = target_of(session, taxonomy, draft.own, now.target, int(n_clusters), str(draft.round))
    weighting = _choice(
        draft,
        "Measure shares by",
        WEIGHTINGS,
        now.weighting,
        "weighting",
        "Shares of documents or of tokens.",
    )
    with st.expander("More", key=_key(draft, "more")):
        concentration = _concentration(draft, taxonomy)
        seed = st.number_input("Seed", min_value=0, value=now.seed, step=1, key=_key(draft, "seed"), help=HINTS["seed"])
        penalty_slot = st.container()
    draft.settings = replace(
        now,
        strength=strength,
        n_clusters=int(n_clusters),
        target=target,
        seed=int(seed or 0),
        concentration=concentration,
        weighting="tokens" if weighting == "tokens" else "documents",
    )
    with penalty_slot:
        _penalty(session, draft, taxonomy)
    with reason:
        suggest_control(taxonomy, draft.settings, applied(taxonomy), draft.suggested, str(draft.round), draft.take)


def grid(draft: BalanceDraft, taxonomy: Taxonomy) -> list[float]:
    """Strengths on the slider: those of the balance path, more between them, and what is applied or drafted."""
    own = {taxonomy.settings.strength, draft.settings.strength}
    path = set(map(float, taxonomy.path.strengths)) if taxonomy.has_path else set()
    near = {s for s in STRENGTHS if all(not 0 < p < np.inf or abs(np.log(s / p)) > 0.08 for p in path | own | {1.0})}
    return sorted({0.0, 1.0, float("inf")} | own | path | near)


def _strength(draft: BalanceDraft, taxonomy: Taxonomy) -> float:
    names = {0.0: "0 off", 1.0: "1 default", float("inf"): "exact"}
    slider_value = st.select_slider(
        "Balance strength",
        grid(draft, taxonomy),
        value=draft.settings.strength,
        key=_key(draft, "strength"),
        format_func=lambda s: names.get(s, strength_text(s)),
        help=HINTS["strength"] + " Log scale.",
    )
    with st.container(horizontal=True, horizontal_alignment="distribute", gap=None):
        for strength, name in MARKS:
            st.button(
                name,
                type="tertiary",
                key=_key(draft, name),
                disabled=slider_value == strength,
                on_click=lambda to=strength: draft.put(replace(draft.settings, strength=to)),
            )
    return float(slider_value)


def _penalty(session: Session, draft: BalanceDraft, taxonomy: Taxonomy) -> None:
    """Show lambda and kappa_0 of the drafted settings; a changed lambda sets the strength."""
    settings = draft.settings
    try:
        reference = reference_concentration(
            session.workspace, taxonomy, settings.n_clusters, settings.concentration, settings.weighting
        )
    except InputError:  # The preview of these settings shows the same error.
        return
    finite = np.isfinite(settings.strength)
    key = _key(draft, f"penalty-{settings.strength}-{reference}")

    def set_strength() -> None:
        penalty = widget(key)
        if penalty is not None:
            draft.put(replace(settings, strength=float(penalty) / reference))

    st.number_input(
        "Penalty",
        min_value=0.0,
        step=100.0,
        format="%.1f",
        value=settings.strength * reference if finite else None,
        placeholder="Exact",
        key=key,
        on_change=set_strength,
        help=HINTS["penalty"],
    )
    st.caption(f"Penalty = strength {strength_text(settings.strength)} x concentration {reference:,.1f}.")


def _concentration(draft: BalanceDraft, taxonomy: Taxonomy) -> Literal["per_cluster", "shared"] | float:
    now = draft.settings.concentration
    kind = _choice(
        draft,
        "Concentration",
        CONCENTRATIONS,
        now if isinstance(now, str) else "fixed",
        "concentration",
        HINTS["concentration"],
    )
    if kind != "fixed":
        return "shared" if kind == "shared" else "per_cluster"
    usual = float(np.mean([cluster.concentration for cluster in taxonomy.clusters]))
    value = st.number_input(
        "Fixed concentration",
        min_value=0.1,
        max_value=1e6,
        step=1.0,
        format="%.1f",
        value=round(usual, 1) if isinstance(now, str) else float(now),
        key=_key(draft, "kappa"),
    )
    return float(value or usual)


def _choice(draft: BalanceDraft, label: str, options: dict[str, str], now: str, key: str, hint: str) -> str:
    return (
        st.segmented_control(
            label,
            list(options),
            default=now,
            format_func=options.__getitem__,
            required=True,
            key=_key(draft, key),
            help=hint,
            width="stretch",
        )
        or now
    )


def _key(draft: BalanceDraft, name: str) -> str:
    return f"balance-{name.lower()}-{draft.round}"


HELP = (
    "Finds the strength beyond which more balance costs more fit than it gains: less imbalance "
    "against how well the clusters describe the documents."
)


def suggest_control(
    taxonomy: Taxonomy,
    settings: Settings,
    applied: Settings,
    show_reason: bool,
    key: str,
    take: Callable[[Suggestion], None],
) -> None:
    """Offer the suggestion; when it is `show_reason`, its reason stands under the button as long as it is followed."""
    other = replace(settings, strength=applied.strength) != applied
    why = (
        "The balance path is for the applied settings. Apply or reset the other changes first."
        if other
        else HELP
        if taxonomy.has_path
        else "The balance path has not been computed yet."
    )
    ready = taxonomy.has_path and not other
    suggestion = suggest_strength(taxonomy.path) if ready else None
    st.button(
        "Suggest strength",
        key=f"balance-suggest-{key}",
        icon=":material/lightbulb:",
        type="tertiary",
        disabled=suggestion is None,
        help=why,
        on_click=take,
        args=(suggestion,),
    )
    if show_reason and suggestion is not None and suggestion.strength in (None, settings.strength):
        same = suggestion.strength == applied.strength
        st.caption(suggestion.sentence + (" Already applied." if same else ""))
