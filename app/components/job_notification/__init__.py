"""Job notification: tells a person who looks elsewhere, through the browser, that a job has ended."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "gem_job_notification",
    html='<button type="button" hidden>Notify me</button>',
    css=(_HERE / "job_notification.css").read_text(encoding="utf-8"),
    js=(_HERE / "job_notification.js").read_text(encoding="utf-8"),
)


def notify_when_ended(text: str, *, serial: int, running: bool, key: str) -> None:
    """Show a notification of the browser once per serial number, where the person allowed it and is on another page.

    While a job runs, and the browser has not been asked, a button asks it.

    Parameters
    ----------
    text : str
        Shown as text, whatever it holds.
    serial : int
        Number of the notification; 0 for none.
    running : bool
        Whether a job runs.
    key : str
        Fixed key of the component.
    """
    _component(key=key, data={"text": text, "serial": serial, "running": running})
