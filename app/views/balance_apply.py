"""Balance: make a draft the present taxonomy, go back, go forward."""

import time
from pathlib import Path

import cached
import streamlit as st
from state import Session
from views.balance_controls import Draft, applied
from widgets import count, guarded

from gem_core._types import Progress
from gem_core.pipeline import ensure_path, fit_taxonomy, numbered
from gem_core.workspace import Settings, Taxonomy

OFTEN = 0.12  # seconds between two moves of a progress bar
STEPS = {"seed": "Finding a start", "fit": "Fitting", "assign": "Assigning documents",
         "score documents": "Scoring documents", "name clusters": "Naming clusters",
         "path": "Following the balance path"}


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


def buttons(session: Session, taxonomy: Taxonomy, draft: Draft, *, changed: bool) -> None:
    """Apply, reset, undo and redo."""
    undo, redo = cached.workspace(session.root).steps()
    place = st.grid(2, min_column_width=100, gap="small")
    if place.button("Apply", type="primary", disabled=not changed, key="balance-apply", width="stretch",
                    help="Fit anew with these settings, name the clusters, and make it the present taxonomy."):
        _apply(session.root, draft.settings)
    place.button("Reset", disabled=not changed, key="balance-reset", on_click=draft.put, args=(applied(taxonomy),),
                 width="stretch", help="Return the controls to what is applied.")
    if place.button("Undo", disabled=not undo, key="balance-undo", icon=":material/undo:", width="stretch",
                    help="Return to the taxonomy applied before."):
        cached.workspace(session.root).undo()
        st.rerun()
    if place.button("Redo", disabled=not redo, key="balance-redo", icon=":material/redo:", width="stretch",
                    help="Go forward again."):
        cached.workspace(session.root).redo()
        st.rerun()


@st.dialog("Apply", dismissible=False, icon=":material/balance:")
def _apply(root: Path, settings: Settings) -> None:
    done = False
    with guarded():
        st.caption("A whole fit from the start, so that the command on the receipt gives the same again. Stop leaves "
                   "everything as it is.")
        bar = st.progress(0.0, "Starting")
        if st.button("Stop", key="balance-stop"):  # interrupts the run below at its next sign of progress
            st.rerun()
        workspace = cached.workspace(root)
        taxonomy = cached.taxonomy(root)
        report = reporter(bar)
        fit_taxonomy(workspace, numbered(workspace, taxonomy, settings, progress=report), progress=report)
        ensure_path(workspace, progress=report)
        done = True
    if done:
        st.rerun()
    if st.button("Close", key="balance-close"):
        st.rerun()
