"""Progress bars: adapt the progress callback of gem_core to a Streamlit bar, with plain names for its steps."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from gem_core._formatting import count
from gem_core._types import Progress

REDRAW = 0.12  # seconds between two moves of a bar; the browser draws every one of them
STEP_NAMES = {
    "ask the model": "Asking the model",
    "assign": "Assigning documents",
    "compare": "Comparing documents",
    "count tokens": "Counting tokens",
    "draw documents": "Sampling documents",
    "embed": "Embedding",
    "extend taxonomies": "Assigning new documents",
    "fit": "Fitting",
    "fit again": "Refitting",
    "fit numbers of clusters": "Fitting each number of clusters",
    "index text": "Indexing text",
    "label shards": "Labeling",
    "flat map": "Computing the flat map",
    "layout": "Computing the map layout",
    "load encoder": "Loading the encoder",
    "measure the encoder": "Measuring the encoder",
    "name clusters": "Naming clusters",
    "neighbors": "Finding neighbors",
    "path": "Computing the balance path",
    "place on the map": "Placing documents on the map",
    "probe domains": "Probing clusters",
    "read": "Reading the file",
    "read as tokens": "Tokenizing documents",
    "read the texts": "Reading texts",
    "replay": "Replaying edits",
    "score documents": "Scoring documents",
    "seed": "Choosing starting centers",
    "split runs": "Comparing runs",
    "split the documents": "Splitting documents",
    "Teaching the student": "Training the classifier",
    "test the student": "Testing the classifier",
    "train proxies": "Training proxies",
    "train the proxy": "Training the proxy",
    "train the reference": "Training the reference",
    "write documents": "Writing documents",
}


def step_name(step: str) -> str:
    """Return a step of gem_core as a person reads it.

    Examples
    --------
    >>> step_name("layout"), step_name("something new"), step_name("")
    ('Computing the map layout', 'Something new', '')
    """
    return STEP_NAMES.get(step, step.capitalize())


@contextmanager
def progress_bar(text: str = "") -> Iterator[Progress]:
    """Show a bar while the body runs and hand it the callback that moves the bar.

    Parameters
    ----------
    text : str
        What is being done; it stands before the name of the step. Without one, nothing shows before the first
        report.

    Examples
    --------
    >>> with progress_bar("Comparing documents") as progress:  # doctest: +SKIP
    ...     find_duplicates(workspace, threshold, progress=progress)
    """
    slot = st.empty()
    shown_step, shown_at = "", 0.0
    if text:
        slot.progress(0.0, text)

    def report(step: str, completed: int, total: int) -> None:
        nonlocal shown_step, shown_at
        if step == shown_step and time.monotonic() - shown_at < REDRAW:
            return
        shown_step, shown_at = step, time.monotonic()
        words = ": ".join(filter(None, (text, step_name(step))))
        of = f", {count(completed)} of at most {count(total)}" if total > 1 and completed else ""
        slot.progress(min(1.0, completed / max(total, 1)), words + of)

    try:
        yield report
    finally:
        slot.empty()
