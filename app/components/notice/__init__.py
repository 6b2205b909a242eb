"""Notice: what the last edit did, with a button that undoes it; listens for Ctrl+Z and Ctrl+Shift+Z on the page."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "gem_notice",
    html='<div class="notice" role="status" aria-live="polite"></div>',
    css=(_HERE / "notice.css").read_text(encoding="utf-8"),
    js=(_HERE / "notice.js").read_text(encoding="utf-8"),
)


def show_notice(
    text: str, action: str, *, serial: int, key: str, on_undo: Callable[[], None], on_redo: Callable[[], None]
) -> None:
    """Show a notice for some seconds, once per serial number; with serial 0 only listen for the keys.

    Parameters
    ----------
    text : str
        Shown as text, whatever it holds.
    action : "Undo" or "Redo"
        Label of the button, which calls `on_undo` or `on_redo` as the keys do.
    serial : int
        Number of the notice: a rerun with the same number shows nothing new.
    key : str
        Fixed key of the component.
    on_undo, on_redo : callable
        Called before the script runs again.
    """
    _component(
        key=key,
        data={"text": text, "action": action, "serial": serial},
        on_undo_change=on_undo,
        on_redo_change=on_redo,
    )
