"""Waiting for a Streamlit page."""

from typing import Any


def ready(page: Any, timeout: float = 60_000) -> None:
    """Wait until a Streamlit page stands and no script runs."""
    page.wait_for_selector("[data-testid='stAppViewContainer']", timeout=timeout)
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'", timeout=timeout
    )
