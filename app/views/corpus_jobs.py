"""Background jobs on the screen: how far they are, how to stop, resume and open them."""

import time

import jobs
import streamlit as st
from state import Session
from widgets import count, escape, guarded, short

from gem_core.workspace import Workspace

STEPS = {
    "read": "Reading the file", "count tokens": "Counting tokens", "load encoder": "Loading the encoder",
    "embed": "Embedding the documents", "count phrases": "Counting phrases", "index text": "Indexing the text",
    "lay out": "Laying out the map", "score documents": "Scoring the documents", "name clusters": "Naming the clusters",
    "measure the encoder": "Measuring the encoder",
}


def show_jobs(session: Session) -> None:
    """List the jobs, if any; while one runs this part of the screen looks again every second."""
    known = jobs.listed()
    if not known:
        return
    live = tuple(job.folder.name for job in known if not jobs.status(job).ended)
    st.subheader("Jobs", anchor=False)
    with st.container(key="corpus_jobs"):
        st.fragment(_jobs, run_every=1.0 if live else None)(session, live)


def _jobs(session: Session, live: tuple[str, ...]) -> None:
    for job in jobs.listed():
        state = jobs.status(job)
        if state.ended and job.folder.name in live:
            st.rerun(scope="app")  # the rest of the screen should know, and the looking can end
        with st.container(border=True, key=f"job_{job.folder.name}"), guarded():
            _job(session, job, state)


def _job(session: Session, job: jobs.Job, state: jobs.Status) -> None:
    words, buttons = st.columns([5, 2], vertical_alignment="center")
    with words:
        if not state.ended:
            _running(job, state)
        elif state.state == "finished":
            st.markdown(f":material/check_circle: **{escape(short(job.title))}** is ready")
            st.caption(_result(state))
        else:
            sign, verb = (":material/stop_circle:", "was stopped") if state.state == "stopped" else \
                (":red[:material/error:]", "failed")
            st.markdown(f"{sign} **{escape(short(job.title))}** {verb}")
            st.text(short(state.message[:1].upper() + state.message[1:], 600))
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        _buttons(session, job, state)


def _running(job: jobs.Job, state: jobs.Status) -> None:
    progress = state.progress
    step = str(progress.get("step", ""))
    done, total = int(progress.get("done", 0)), int(progress.get("total", 0))
    doing = STEPS.get(step, step.capitalize() or "Starting")
    st.markdown(f"**{escape(short(job.title))}** &nbsp; {escape(doing)}")
    st.progress(min(1.0, done / total) if total > 0 else 0.0)
    facts = []
    if total > 1:
        facts.append(f"{count(done)} of {count(total)}")
    if progress.get("rate") and done < total:
        facts.append(f"{_rate(float(progress['rate']))} a second")
        if progress.get("left") is not None:
            facts.append(f"about {duration(float(progress['left']))} left in this step")
    facts.append(f"running for {duration(time.time() - job.started)}")
    if state.state == "stopping":
        facts = ["Stopping; what is finished is kept"]
    st.caption(", ".join(facts))


def _result(state: jobs.Status) -> str:
    result = state.result or {}
    clusters = len(result.get("taxonomy", {}).get("clusters", []))
    return (f"{count(result.get('documents', 0))} documents in {clusters} clusters, made in "
            f"{duration(state.seconds)}")


def _buttons(session: Session, job: jobs.Job, state: jobs.Status) -> None:
    name = job.folder.name
    if state.state == "running" and st.button("Cancel", key=f"cancel_{name}", icon=":material/stop:"):
        jobs.cancel(job)
        st.rerun(scope="app")
    if state.state == "stopping" and st.button("End at once", key=f"end_{name}", icon=":material/stop:",
                                               help="Works ten seconds after the first request."):
        jobs.cancel(job)
    if state.state == "finished" and st.button("Open it", key=f"open_{name}", type="primary",
                                               icon=":material/folder_open:"):
        root = Workspace(job.workspace).root
        jobs.forget(job)
        session.open(root)
        st.switch_page("views/explore.py")
    if state.state in ("failed", "stopped") and st.button("Resume", key=f"resume_{name}", type="primary",
                                                          icon=":material/play_arrow:"):
        jobs.resume(job)
        st.rerun(scope="app")
    if state.ended and st.button("Dismiss", key=f"dismiss_{name}", help="Takes it off this list; files stay."):
        jobs.forget(job)
        st.rerun(scope="app")


def _rate(rate: float) -> str:
    return count(rate) if rate >= 10 else f"{rate:.1f}"


def duration(seconds: float) -> str:
    """75 -> '1 min 15 s'."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
