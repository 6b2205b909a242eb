"""Job panel: progress of a background job, stop and resume, and the reason of a failure."""

import time
from collections.abc import Callable

import streamlit as st

from app.components.poll import pulse
from app.components.reliable_button import reliable_button
from app.jobs import runner
from app.jobs.failures import log_lines
from app.jobs.overall_progress import overall_share
from app.state.session import Session
from app.ui.errors import guarded
from app.ui.progress import step_name
from app.ui.text import escape, short
from gem_core._formatting import count
from gem_core._progress import describe_rate
from gem_core.workspace import Workspace

PAGES = {
    "embed": "explore",
    "fit": "explore",
    "path": "balance",  # where the result of a kind of job is seen
    "name": "taxonomy",
    "stability": "compare",
    "clusters": "compare",
    "mix": "mixing",
    "distill": "student",
    "label": "student",
    "umap": "explore",
}
LOG_LINES = 40
REFRESH = 1.0  # seconds between two looks at a running job

Shown = Callable[[runner.Job, runner.Status], None]


def job_panel(
    session: Session,
    job: runner.Job | None,
    show_finished: Shown | None = None,
    *,
    quiet: bool = False,
    key_prefix: str = "panel",
) -> runner.Status | None:
    """Show a job: refreshed every second while it runs; the whole page reruns when it ends.

    Parameters
    ----------
    session : Session
    job : Job, optional
        None draws nothing.
    show_finished : callable, optional
        Draws the result of a finished job instead of the usual line.
    quiet : bool
        Draw nothing for a finished job.
    key_prefix : str
        Begins the keys of the widgets; two panels of one job on a page need two.
    """
    if job is None:
        return None
    state = runner.status(job)
    if not (quiet and state.state == "finished"):
        live = not state.ended
        with st.container(key=f"{key_prefix}_{job.folder.name}"):
            st.fragment(_panel)(session, job, live, show_finished, key_prefix)
    return state


def _panel(session: Session, job: runner.Job, live: bool, show_finished: Shown | None, key_prefix: str) -> None:
    state = runner.status(job)
    if live and state.ended:
        st.rerun(scope="app")  # the rest of the screen should know, and the looking can end
    with st.container(border=True, key=f"{key_prefix}_job_{job.folder.name}", gap="small"), guarded():
        job_card(session, job, state, key_prefix, show_finished)
    if live:
        pulse(REFRESH, f"{key_prefix}_{job.folder.name}")


def job_card(
    session: Session, job: runner.Job, state: runner.Status, key_prefix: str, show_finished: Shown | None = None
) -> None:
    """Draw one job: words on the left, buttons on the right, the log below."""
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch", gap="xsmall"):
            if not state.ended:
                _running(job, state)
            elif state.state == "finished":
                _finished(job, state, show_finished)
            else:
                sign, verb = (
                    (":material/stop_circle:", "was stopped")
                    if state.state == "stopped"
                    else (":red[:material/error:]", "failed")
                )
                st.markdown(f"{sign} **{escape(short(job.title))}** {verb}")
                st.text(short(state.message[:1].upper() + state.message[1:], 600))
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            _buttons(session, job, state, key_prefix, led=show_finished is None)
    if state.state != "finished" and (lines := log_lines(job.folder)):
        with st.expander("Log", key=f"{key_prefix}_log_{job.folder.name}"):
            st.code("\n".join(short(line, 400) for line in lines[-LOG_LINES:]), language=None, wrap_lines=True)


def _running(job: runner.Job, state: runner.Status) -> None:
    progress = state.progress
    step = str(progress.get("step", ""))
    completed, total = int(progress.get("done", 0)), int(progress.get("total", 0))
    doing = step_name(step) or "Starting"
    st.markdown(f"**{escape(short(job.title))}** &nbsp; {escape(doing)}")
    st.progress(share_done(job, state), f"{100 * share_done(job, state):.0f}%")
    facts = []
    if total > 1:
        facts.append(f"{count(completed)} of {count(total)}")
    if progress.get("rate") and completed < total:
        facts.append(describe_rate(float(progress["rate"])))
        if progress.get("left") is not None:
            facts.append(f"about {duration(float(progress['left']))} left in this step")
    facts.append(f"running for {duration(time.time() - job.started)}")
    if state.state == "stopping":
        facts = ["Stopping" if job.starts_over else "Stopping; finished work is kept"]
    st.caption(", ".join(facts))


def _finished(job: runner.Job, state: runner.Status, show_finished: Shown | None) -> None:
    if show_finished is not None:
        show_finished(job, state)
        return
    st.markdown(f":material/check_circle: **{escape(short(job.title))}** is ready")
    st.caption(f"Finished in {duration(state.seconds)}")


def _buttons(session: Session, job: runner.Job, state: runner.Status, key_prefix: str, *, led: bool) -> None:
    name = f"{key_prefix}_{job.folder.name}"
    if state.state == "running":
        st.button("Cancel", key=f"cancel_{name}", icon=":material/stop:", on_click=runner.cancel, args=(job,))
    if state.state == "stopping":
        st.button(
            "Force stop",
            key=f"end_{name}",
            icon=":material/stop:",
            on_click=runner.cancel,
            args=(job,),
            help="Available ten seconds after the first request.",
        )
    if (
        led
        and state.state == "finished"
        and job.kind in PAGES
        and st.button(
            "Show", key=f"show_{name}", icon=":material/arrow_forward:", help="Opens the view with the result."
        )
    ):
        root = Workspace(job.workspace).root
        if root != session.root:
            session.open_workspace(root)
        st.switch_page(f"views/{PAGES[job.kind]}/page.py")
    if state.state in ("failed", "stopped") and reliable_button(
        session,
        "Restart" if job.starts_over else "Resume",
        key=f"resume_{name}",
        type="primary",
        icon=":material/play_arrow:",
    ):
        runner.resume(job)
        st.rerun(scope="app")
    if state.ended and reliable_button(
        session, "Dismiss", key=f"dismiss_{name}", help="Removes it from this list; files are kept."
    ):
        runner.forget(job)
        st.rerun(scope="app")


def share_done(job: runner.Job, state: runner.Status) -> float:
    """Return the part of the whole job that is completed, 0 to 1."""
    completed, total = int(state.progress.get("done", 0)), int(state.progress.get("total", 0))
    step_share = min(1.0, max(0.0, completed / total)) if total > 0 else 0.0
    return overall_share(job.kind, str(state.progress.get("step", "")), step_share, job.folder.name)


def describe_running(job: runner.Job, state: runner.Status) -> str:
    """Return percentage and step of a running job, such as "42% Embedding"."""
    step = step_name(str(state.progress.get("step", ""))) or "Starting"
    return f"{100 * share_done(job, state):.0f}% {step}"


def duration_range(low: float, high: float) -> str:
    """Return an estimate as a range, in one unit where both ends allow it.

    Examples
    --------
    >>> duration_range(0.4, 3), duration_range(24, 58), duration_range(95, 200), duration_range(50, 130)
    ('under 5 s', '20 to 60 s', '2 to 3 min', '50 s to 2 min')
    >>> duration_range(3000, 9000)
    '50 min to 2.5 h'
    """
    if high < 5:
        return "under 5 s"
    (first, unit), (last, last_unit) = _rounded(low), _rounded(high)
    if unit == last_unit:
        return f"about {last} {unit}" if first == last else f"{first} to {last} {unit}"
    return f"{first} {unit} to {last} {last_unit}"


def _rounded(seconds: float) -> tuple[str, str]:
    """Return a duration in its unit, rounded as an estimate deserves."""
    if seconds < 10:
        return f"{max(1, round(seconds))}", "s"
    if seconds < 65:
        return f"{10 * round(seconds / 10)}", "s"
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))}", "min"
    hours = round(2 * seconds / 3600) / 2
    return f"{hours:g}", "h"


def duration(seconds: float) -> str:
    """75 -> '1 min 15 s'."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
