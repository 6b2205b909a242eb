"""Balance view: apply or reset a draft, undo and redo."""

import streamlit as st

from app.components.reliable_button import reliable_button
from app.state.session import Session
from app.ui.errors import guarded
from app.ui.progress import progress_bar
from app.views.balance.draft import BalanceDraft, applied
from app.views.balance.missing_path import is_part_of_apply
from gem_core.pipeline import align_target_shares, ensure_path, fit_taxonomy
from gem_core.workspace import Settings, Taxonomy


def show_buttons(session: Session, taxonomy: Taxonomy, draft: BalanceDraft, *, changed: bool) -> None:
    """Apply, reset, undo and redo."""
    workspace = session.workspace
    undo, redo = workspace.steps()
    grid = st.grid(2, min_column_width=100, gap="small")
    with grid.cell():
        apply = reliable_button(
            session,
            "Apply",
            key="balance-apply",
            type="primary",
            width="stretch",
            disabled=not changed,
            help="Refit with these settings and name the clusters. Can be undone.",
        )
    grid.button(
        "Reset",
        disabled=not changed,
        key="balance-reset",
        on_click=draft.put,
        args=(applied(taxonomy),),
        width="stretch",
        help="Reset the controls to the applied settings.",
    )
    with grid.cell():
        undo_pressed = _history_button(session, "Undo", bool(undo), "Return to the previous taxonomy.")
    with grid.cell():
        redo_pressed = _history_button(session, "Redo", bool(redo), "Redo the undone step.")
    if apply and changed:
        _apply(session, draft.settings)
    if undo_pressed and undo:
        workspace.undo()
        st.rerun()
    if redo_pressed and redo:
        workspace.redo()
        st.rerun()


def _history_button(session: Session, name: str, enabled: bool, help: str) -> bool:
    key = name.lower()
    return reliable_button(
        session,
        name,
        key=f"balance-{key}",
        icon=f":material/{key}:",
        width="stretch",
        disabled=not enabled,
        help=help,
    )


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
            if is_part_of_apply(workspace, workspace.taxonomy()):
                ensure_path(workspace, progress=progress)
        is_applied = True
    if is_applied:
        st.rerun()
    if st.button("Close", key="balance-close"):
        st.rerun()
