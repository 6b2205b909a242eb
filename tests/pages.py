"""Waiting for a Streamlit page."""

from typing import Any

STILL = "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"


def ready(page: Any, timeout: float = 60_000) -> None:
    """Wait until a Streamlit page stands, no script runs, and none has been asked for meanwhile."""
    page.wait_for_selector("[data-testid='stAppViewContainer']", timeout=timeout)
    while True:
        page.wait_for_function(STILL, timeout=timeout)
        page.wait_for_timeout(150)  # what was clicked last has been told to Python by now
        if page.evaluate(STILL):
            return
