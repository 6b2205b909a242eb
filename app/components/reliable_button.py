"""A button whose press survives a page run that is interrupted.

``st.button`` is true in the one run that the press starts. When another fragment makes the page run again at that
moment, this run ends before the button is reached and the press is lost. A callback always runs, but with the values
that its fields had when it was drawn. So the callback notes the press, and the next run that draws the button acts.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app.state.session import Session
from app.ui.read_only import writing_options

PATIENCE = 60.0  # seconds after which a press that no run has seen is forgotten; a busy machine takes over ten


@dataclass
class Presses:
    """When each button was pressed, by its key, as long as no run has acted on it."""

    times: dict[str, float] = field(default_factory=dict)


def reliable_button(session: Session, label: str, *, key: str, **options: Any) -> bool:
    """Draw a button that writes or starts a job, and return whether it was pressed and no run has acted on it yet.

    On a server that only shows workspaces it is disabled, with the reason.

    Parameters
    ----------
    session : Session
    label : str
    key : str
        Key of the widget.
    **options
        Further options of ``st.button`` except its callback.
    """
    times = session.drafts.get(Presses).times
    options.update(writing_options(options.get("disabled", False), options.get("help")))
    st.button(label, key=key, on_click=lambda: times.update({key: time.monotonic()}), **options)
    return time.monotonic() - times.pop(key, float("-inf")) < PATIENCE


def has_waiting_press(session: Session, since: float) -> bool:
    """Whether a press made after `since` (seconds, monotonic clock) waits: its fragment was replaced meanwhile."""
    return any(moment > since for moment in session.drafts.get(Presses).times.values())
