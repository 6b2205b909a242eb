"""Apply, undo and redo taxonomy edits from callbacks; report the result or the error on the next run."""

import streamlit as st

from app.data import cached_results
from app.state.session import Session
from app.ui.errors import refusal
from app.ui.text import escape, short
from gem_core.errors import GemError
from gem_core.pipeline import edit
from gem_core.pipeline.editing.operations import Op
from gem_core.workspace import Taxonomy

REFUSED, DONE = "edit_refused", "edit_said"


def apply_edit(session: Session, *ops: Op) -> Taxonomy | None:
    """Apply edits as one step, for a callback; None if they were rejected (`show_refusal` shows why)."""
    session.drafts.pop(REFUSED, None)
    try:
        taxonomy = edit(cached_results.workspace(session.root), *ops)
    except GemError as error:
        session.drafts[REFUSED] = str(error)
        return None
    session.drafts[DONE] = cached_results.workspace(session.root).history().steps[-1].sentence
    return taxonomy


def on_edit(session: Session, *ops: Op) -> None:
    """Apply edits as the callback of a widget."""
    apply_edit(session, *ops)


def step_history(session: Session, by: int) -> None:
    """Undo (negative) or redo a number of steps, for a callback."""
    workspace = cached_results.workspace(session.root)
    session.drafts.pop(REFUSED, None)
    history = workspace.history()
    steps = history.steps
    step = steps[history.position] if by < 0 else steps[min(history.position + by, len(steps) - 1)]
    try:
        for _ in range(abs(by)):
            if not (workspace.undo() if by < 0 else workspace.redo()):
                break
    except GemError as error:
        session.drafts[REFUSED] = str(error)
        return
    session.drafts[DONE] = f"{'Undone' if by < 0 else 'Redone'}: {step.sentence}"


def show_outcome(session: Session) -> None:
    """Start a fragment that edits: after an edit, rerun the whole page so that the header agrees, and show a toast."""
    done = session.drafts.pop(DONE, None)
    if done is not None:
        session.drafts["edit_toast"] = done
        st.rerun(scope="app")
    toast = session.drafts.pop("edit_toast", None)
    if toast is not None:
        st.toast(escape(short(toast, 160)), icon=":material/check:")


def show_refusal(session: Session) -> None:
    """Show why the last edit was rejected."""
    if REFUSED in session.drafts:
        refusal("Cannot apply this edit", session.drafts[REFUSED])
