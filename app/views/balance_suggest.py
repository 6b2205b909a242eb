"""Balance: the strength that the balance path suggests, and why."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from gem_core.clustering import Suggestion, suggest_strength
from gem_core.workspace import Settings, Taxonomy

HELP = ("Sets the strength where further balance begins to cost more than it brings: imbalance that is gone against "
        "how much less of the documents the clusters describe.")


def suggest(taxonomy: Taxonomy, settings: Settings, applied: Settings, shown: bool, key: str,
            take: Callable[[Suggestion], None]) -> None:
    """Offer the suggestion; when it is `shown`, its reason stands under the button as long as it is followed."""
    other = replace(settings, strength=applied.strength) != applied
    why = ("The path belongs to what is applied: apply or reset the other changes first." if other else
           HELP if taxonomy.has_path else "The balance path is not there yet.")
    ready = taxonomy.has_path and not other
    suggestion = suggest_strength(taxonomy.path) if ready else None
    st.button("Suggest a strength", key=f"balance-suggest-{key}", icon=":material/lightbulb:", type="tertiary",
              disabled=suggestion is None, help=why, on_click=take, args=(suggestion,))
    if shown and suggestion is not None and suggestion.strength in (None, settings.strength):
        same = suggestion.strength == applied.strength
        st.caption(suggestion.sentence + (" It is what is applied." if same else ""))

