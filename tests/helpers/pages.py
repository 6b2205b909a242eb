"""Waiting for a Streamlit page."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

STILL = """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && ![...document.querySelectorAll('[data-testid=stPlotlyChart], [data-testid=stSkeleton]')].some(
        (part) => part.checkVisibility() && !part.querySelector('.main-svg'))"""


def ready(page: Any, timeout: float = 60_000) -> None:
    """Wait until a Streamlit page stands: no script runs, none has been asked for meanwhile, charts are drawn."""
    page.wait_for_selector("[data-testid='stAppViewContainer']", timeout=timeout)
    while True:
        page.wait_for_function(STILL, timeout=timeout)
        page.wait_for_timeout(150)  # what was clicked last has been told to Python by now
        if page.evaluate(STILL):
            return


def press(page: Any, x: float, y: float) -> None:
    """Press the left button as a hand does: come there, rest, hold. A table that is drawn as a picture learns where the
    pointer is from its coming, and takes no press that ends before it has learned that.
    """
    page.mouse.move(x, y)
    page.wait_for_timeout(150)
    page.mouse.click(x, y, delay=80)


def until(condition: Callable[[], T], what: str = "the page shows it", seconds: float = 120) -> T:
    """Wait until a condition is true and return its value; a locator waits by `expect` instead."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)
    return value
