"""Estimate of documents, tokens and embedding time, measured in the background."""

import time
from typing import TYPE_CHECKING

import streamlit as st

from app.components.poll import pulse
from app.jobs import runner
from app.jobs.panel import duration, duration_range
from app.ui.progress import step_name
from app.ui.text import escape, short
from app.views.corpus.reading_options import point_to_controls
from gem_core._formatting import count

if TYPE_CHECKING:
    from app.views.corpus.draft import WorkspaceDraft

SPREAD = (0.8, 1.5)  # an embedding takes these parts of its estimate: batches differ, and other programs work too


def show_estimate(draft: "WorkspaceDraft", arguments: list[str], own: bool) -> None:
    """Show documents, tokens, refusals and embedding time; the measuring starts by itself, once for each choice."""
    request = tuple(arguments)
    if request not in draft.measured and request != draft.estimate_request:
        if draft.estimate is not None:
            runner.cancel(draft.estimate)
        draft.estimate_request, draft.estimate = request, runner.start("estimate", arguments)
    with st.container(key="corpus_estimate"):  # keeps what stands below in its place while this part runs alone
        st.fragment(_estimate)(draft, request, own)


def _estimate(draft: "WorkspaceDraft", request: tuple[str, ...], own: bool) -> None:
    job = draft.estimate
    if request not in draft.measured and job is not None and draft.estimate_request == request:
        state = runner.status(job)
        if state.ended:
            draft.measured[request], draft.estimate = state, None
            runner.forget(job)
            st.rerun(scope="app")
        step = str(state.progress.get("step", ""))
        completed, total = int(state.progress.get("done", 0)), int(state.progress.get("total", 0))
        st.progress(
            min(1.0, completed / total) if total else 0.0,
            f"Measuring: {(step_name(step) or 'Starting').lower()}, {duration(time.time() - job.started)}",
        )
        pulse(0.7, "estimate")
        return
    state = draft.measured[request]
    if state.result is None:
        st.markdown(":material/error: **Cannot create this workspace**")
        st.text(short(state.message, 600))
        point_to_controls(state.message)
        return
    _figures(state.result, own)


def _figures(result: dict[str, object], own: bool) -> None:
    refused = dict(result["refused"]) if isinstance(result["refused"], dict) else {}
    notes = result.get("notes")
    grid = st.grid(4, min_column_width=110)
    cells = [grid.cell() for _ in range(4)]
    cells[0].metric("Documents", count(float(str(result["documents"]))))
    cells[1].metric("Tokens", count(float(str(result["tokens"]))), help=f"From: {escape(str(result['tokens_from']))}.")
    cells[2].metric(
        "Skipped rows",
        count(sum(refused.values())),
        help=", ".join(f"{count(n)} {escape(reason.replace('_', ' '))}" for reason, n in refused.items())
        or "All rows are valid.",
    )
    rate = float(str(result["documents_per_second"]))
    cells[3].metric(
        "Embedding time",
        "none" if own else duration_range(*(part * float(str(result["seconds"])) for part in SPREAD)),
        help="Uploaded embeddings are used as they are."
        if own
        else f"Measured on a few batches: {count(rate)} documents per second.",
    )
    for note in notes if isinstance(notes, list) else ():
        st.caption(f":material/info: {escape(short(str(note), 400))}")
