"""Balance view: apply or reset a draft, undo and redo."""

import streamlit as st

from app.state.session import Session
from app.ui.errors import guarded
from app.ui.progress import progress_bar
from app.ui.read_only import writing_options
from app.views.balance.draft import BalanceDraft, applied
from gem_core.pipeline import align_target_shares, ensure_path, fit_taxonomy
from gem_core.workspace import Settings, Taxonomy


def show_buttons(session: Session, taxonomy: Taxonomy, draft: BalanceDraft, *, changed: bool) -> None:
    """Apply, reset, undo and redo."""
    workspace = session.workspace
    undo, redo = workspace.steps()
    grid = st.grid(2, min_column_width=100, gap="small")
    if grid.button(
        "Apply",
        type="primary",
        key="balance-apply",
        width="stretch",
        **writing_options(not changed, "Refit with these settings and name the clusters. Can be undone."),
    ):
        _apply(session, draft.settings)
    grid.button(
        "Reset",
        disabled=not changed,
        key="balance-reset",
        on_click=draft.put,
        args=(applied(taxonomy),),
        width="stretch",
        help="Reset the controls to the applied settings.",
    )
    if grid.button(
        "Undo",
        key="balance-undo",
        icon=":material/undo:",
        width="stretch",
        **writing_options(not undo, "Return to the previous taxonomy."),
    ):
        workspace.undo()
        st.rerun()
    if grid.button(
        "Redo",
        key="balance-redo",
        icon=":material/redo:",
        width="stretch",
        **writing_options(not redo, "Redo the undone step."),
    ):
        workspace.redo()
        st.rerun()


@st.dialog("Apply", dismissible=False, icon=":material/balance:")
def _apply(session: Session, settings: Settings) -> None:
    is_applied = False
    with guarded():
        st.caption("Refits from scratch so that the result is reproducible. Stopping changes nothing.")
        workspace, taxonomy = session.workspace, session.taxonomy
        with progress_bar("Starting") as progress:
            if st.button("Stop", key="balance-stop"):  # Interrupts the run below when the progress bar moves next.
                st.rerun()
            fit_taxonomy(
                workspace, align_target_shares(workspace, taxonomy, settings, progress=progress), progress=progress
            )
            ensure_path(workspace, progress=progress)
        is_applied = True
    if is_applied:
        st.rerun()
    if st.button("Close", key="balance-close"):
        st.rerun()
