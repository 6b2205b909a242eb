"""Balance: try how strongly to balance the clusters, see at once what changes, apply it."""

from dataclasses import replace

import streamlit as st

from app.data import cached_results
from app.shell import deep_links
from app.state.session import current_session
from app.ui.errors import guarded
from app.ui.progress import progress_bar
from app.views.balance.apply import buttons
from app.views.balance.controls import controls
from app.views.balance.details import details
from app.views.balance.draft import Draft, applied, draft_of
from app.views.balance.results import figures, summary
from gem_core.pipeline import Preview, ensure_path


@st.fragment
def screen() -> None:
    """Show the controls on the left and their effect on the right."""
    session = current_session()
    taxonomy = cached_results.taxonomy(session.root)
    draft = draft_of(session, taxonomy)
    asked = session.drafts.pop(deep_links.STRENGTH, None)  # from the address
    if asked is not None:
        draft.put(replace(draft.settings, strength=asked))
    with st.container(horizontal=True, wrap=False, gap="large"):
        left, right = st.container(width=264), st.container(width="stretch")
    with left, guarded():
        controls(session, draft, taxonomy)
        changed = draft.settings != applied(taxonomy)
        buttons(session, taxonomy, draft, changed=changed)
        if not changed:
            st.caption("Nothing differs from what is applied. Move a control to see what would change.")
    with right:
        found, place = None, st.empty()  # always there: what comes below keeps its place from run to run
        with guarded():
            found = _preview(draft, place) if changed else None
        with guarded():
            summary(taxonomy, found)
            figures(session, taxonomy, found, draft, _path)
            details(session, taxonomy, found)
    strength = draft.settings.strength
    deep_links.keep(session, strength if strength != taxonomy.settings.strength else None)


def _preview(draft: Draft, place: st.delta_generator.DeltaGenerator) -> Preview:
    """Fit under the draft; only what is not at hand yet shows progress."""
    root = current_session().root
    if cached_results.has_preview(root, draft.settings):
        return cached_results.preview_settings(root, draft.settings)
    with place.container(), progress_bar("Preview") as progress:
        return cached_results.preview_settings(root, draft.settings, progress)


def _path() -> None:
    """Compute the balance path of the present taxonomy."""
    slot = st.empty()
    with slot.container():
        st.caption("No balance path yet. Fitting at 16 strengths, each started from the previous one.")
        with progress_bar("Balance path") as progress:
            ensure_path(cached_results.workspace(current_session().root), progress=progress)
    st.rerun()


with guarded():
    screen()
cached_results.warm_up()
