"""Apply, undo and redo taxonomy edits from callbacks; report the result or the error on the next run."""

from dataclasses import dataclass
from itertools import count as counter

import streamlit as st

from app.components.notice import show_notice
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.errors import refusal
from app.ui.text import short
from gem_core.errors import GemError
from gem_core.pipeline import Rename, edit
from gem_core.pipeline.editing.operations import Op
from gem_core.workspace import Taxonomy

_serial = counter(1)


@dataclass
class EditMessages:
    """Messages of the last edit: `outcome` and `notice` end with the sentence and the button of the notice.

    `taxonomy_key` is the key of the taxonomy that the page shows: a click was made on this one.
    """

    refusal: str = ""
    outcome: tuple[str, str] | None = None
    notice: tuple[int, str, str] = (0, "", "Undo")
    taxonomy_key: str = ""


def apply_edit(session: Session, *ops: Op) -> Taxonomy | None:
    """Apply edits as one step, for a callback; None if they were rejected (`show_refusal` shows why)."""
    session.drafts.get(EditMessages).refusal = ""
    try:
        workspace = session.workspace
        taxonomy = edit(workspace, *ops, made_on=session.drafts.get(EditMessages).taxonomy_key)
    except GemError as error:
        typed = "".join(f" The name was: {op.label}" for op in ops if isinstance(op, Rename))
        session.drafts.get(EditMessages).refusal = str(error) + typed
        return None
    sentence = session.workspace.history().steps[-1].sentence
    session.drafts.get(EditMessages).outcome = (sentence, "Undo")
    return taxonomy


def report(session: Session, sentence: str) -> None:
    """Show a notice with Undo for an edit that was made outside a callback, and run the page again."""
    session.drafts.get(EditMessages).outcome = (sentence, "Undo")
    st.rerun(scope="app")


def on_edit(session: Session, *ops: Op) -> None:
    """Apply edits as the callback of a widget."""
    apply_edit(session, *ops)


def on_edit_in_popover(session: Session, popover: str, *ops: Op) -> None:
    """Apply edits as the callback of a widget in a popover, and close the popover if they were accepted."""
    if apply_edit(session, *ops) is not None:
        preset(popover, False)


def step_history(session: Session, by: int) -> None:
    """Undo (negative) or redo a number of steps, for a callback."""
    workspace = session.workspace
    session.drafts.get(EditMessages).refusal = ""
    history = workspace.history()
    steps, position = history.steps, history.position
    target = min(max(position + by, 0), len(steps) - 1)
    if target == position:
        return
    step = steps[position] if by < 0 else steps[target]
    try:
        for _ in range(abs(target - position)):
            if not (workspace.undo() if by < 0 else workspace.redo()):
                break
    except GemError as error:
        session.drafts.get(EditMessages).refusal = str(error)
        return
    verb, reverse = ("Undone", "Redo") if by < 0 else ("Redone", "Undo")
    session.drafts.get(EditMessages).outcome = (f"{verb}: {step.sentence}", reverse)


def show_outcome(session: Session) -> None:
    """Start a fragment that edits: after an edit, rerun the whole page so that the header agrees, then show a notice.

    The notice carries Undo, and Ctrl+Z and Ctrl+Shift+Z work wherever this is called.
    """
    messages = session.drafts.get(EditMessages)
    messages.taxonomy_key = session.taxonomy.key
    if messages.outcome is not None:
        messages.notice, messages.outcome = (next(_serial), *messages.outcome), None
        st.rerun(scope="app")
    serial, sentence, action = messages.notice
    show_notice(
        short(sentence, 200),
        action,
        serial=serial,
        key="edit_notice",
        on_undo=lambda: step_history(session, -1),
        on_redo=lambda: step_history(session, 1),
    )


def show_refusal(session: Session) -> None:
    """Show why the last edit was rejected."""
    text = session.drafts.get(EditMessages).refusal
    if text:
        refusal("Cannot apply this edit", text)


def follow_value(key: str, value: object) -> None:
    """Set a field to the value it edits whenever that value has changed elsewhere, as after undo or a split."""
    follow_key = f"{key}_follows"
    if widget(key) is None or widget(follow_key) != value:
        preset(key, value)
        preset(follow_key, value)
