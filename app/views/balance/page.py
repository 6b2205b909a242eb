"""Balance view: preview how strongly to balance the clusters, then apply."""

from dataclasses import replace

import streamlit as st

from app.data import cached_results
from app.shell import deep_links
from app.state.session import Session, current_session
from app.ui.errors import guarded
from app.ui.progress import progress_bar
from app.views.balance.apply import show_buttons
from app.views.balance.controls import controls
from app.views.balance.details import show_details
from app.views.balance.draft import BalanceDraft, applied, draft_of
from app.views.balance.results import show_charts, show_summary
from gem_core.pipeline import Preview
from gem_core.workspace import Taxonomy


@st.fragment
def screen() -> None:
    """Show the controls on the left and their effect on the right."""
    session = current_session()
    taxonomy = session.taxonomy
    draft = draft_of(session, taxonomy)
    link_strength = deep_links.take_link_strength(session)
    if link_strength is not None:
        draft.put(replace(draft.settings, strength=link_strength))
    with st.container(horizontal=True, wrap=False, gap="large", key="gem-columns-balance"):
        left, right = st.container(width=300), st.container(width="stretch")
    with left, guarded():
        controls(session, draft, taxonomy)
        changed = draft.settings != applied(taxonomy)
        show_buttons(session, taxonomy, draft, changed=changed)
        if not changed:
            st.caption("No changes. Adjust a setting to preview its effect.")
    with right:
        preview, progress_slot = None, st.empty()  # Always present, so that what follows keeps its position.
        with guarded():
            preview = _preview(session, taxonomy, draft, progress_slot) if changed else None
        with guarded():
            show_summary(taxonomy, preview)
            show_charts(session, taxonomy, preview, draft)
            show_details(session, taxonomy, preview)
    strength = draft.settings.strength
    deep_links.keep(session, strength if strength != taxonomy.settings.strength else None)


def _preview(
    session: Session, taxonomy: Taxonomy, draft: BalanceDraft, slot: st.delta_generator.DeltaGenerator
) -> Preview:
    """Fit with the draft's settings; a preview that is cached shows no progress."""
    workspace = session.workspace
    if cached_results.has_preview(workspace, taxonomy, draft.settings):
        return cached_results.preview_settings(workspace, taxonomy, draft.settings)
    with slot.container(), progress_bar("Preview") as progress:
        return cached_results.preview_settings(workspace, taxonomy, draft.settings, progress)


with guarded():
    screen()
cached_results.warm_up()
