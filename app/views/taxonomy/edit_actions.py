"""Edits of the taxonomy from any screen: do it, say what was done, or keep the refusal for the next run."""

import streamlit as st

from app.data import cached_results
from app.state.session import Session
from app.ui.errors import refusal
from app.ui.text import escape, short
from gem_core.errors import GemError
from gem_core.pipeline import edit
from gem_core.pipeline.editing.operations import Op
from gem_core.workspace import Taxonomy

REFUSED, SAID = "edit_refused", "edit_said"


def apply(session: Session, *ops: Op) -> Taxonomy | None:
    """Do edits as one step, for a callback; None when they were refused, which `outcome` then shows."""
    session.drafts.pop(REFUSED, None)
    try:
        found = edit(cached_results.workspace(session.root), *ops)
    except GemError as error:
        session.drafts[REFUSED] = str(error)
        return None
    session.drafts[SAID] = cached_results.workspace(session.root).history().steps[-1].sentence
    return found


def walk(session: Session, by: int) -> None:
    """Undo (negative) or redo so many steps, for a callback."""
    workspace = cached_results.workspace(session.root)
    session.drafts.pop(REFUSED, None)
    history = workspace.history()
    steps = history.steps
    gone = steps[history.position] if by < 0 else steps[min(history.position + by, len(steps) - 1)]
    try:
        for _ in range(abs(by)):
            if not (workspace.undo() if by < 0 else workspace.redo()):
                break
    except GemError as error:
        session.drafts[REFUSED] = str(error)
        return
    session.drafts[SAID] = f"{'Undone' if by < 0 else 'Done again'}: {gone.sentence}"


def outcome(session: Session) -> None:
    """Begin a fragment that edits: after an edit the whole page runs, so that the line above the screen agrees."""
    said = session.drafts.pop(SAID, None)
    if said is not None:
        session.drafts["edit_toast"] = said
        st.rerun(scope="app")
    toast = session.drafts.pop("edit_toast", None)
    if toast is not None:
        st.toast(escape(short(toast, 160)), icon=":material/check:")


def refused(session: Session) -> None:
    """Show why the last edit was refused."""
    if REFUSED in session.drafts:
        refusal("This edit cannot be made", session.drafts[REFUSED])
