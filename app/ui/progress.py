"""Progress bars: adapt the progress callback of gem_core to a Streamlit bar."""

import time

import streamlit as st

from gem_core._formatting import count
from gem_core._types import Progress

OFTEN = 0.12  # seconds between two moves of a progress bar
STEPS = {
    "seed": "Finding a start",
    "fit": "Fitting",
    "assign": "Assigning documents",
    "score documents": "Scoring documents",
    "name clusters": "Naming clusters",
    "path": "Following the balance path",
}


def reporter(bar: st.delta_generator.DeltaGenerator) -> Progress:
    """Return a progress callback that moves a progress bar, a few times a second: the browser draws every move."""
    told = ("", 0.0)

    def report(step: str, done: int, total: int) -> None:
        nonlocal told
        if step == told[0] and time.monotonic() - told[1] < OFTEN:
            return
        told = step, time.monotonic()
        part = min(1.0, done / max(total, 1))
        of = f", {count(done)} of at most {count(total)}" if total > 1 and done else ""
        bar.progress(part, f"{STEPS.get(step, step.capitalize())}{of}")

    return report
