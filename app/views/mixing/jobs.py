"""Mixing: runs in the background, one at a time, and how they stand."""

import streamlit as st

from app.jobs import runner
from app.jobs.panel import job_panel
from app.state.session import Session

TITLES = {
    "proxies": "Proxies for RegMix",
    "doremi": "DoReMi",
    "perfre": "PerfRe",
    "probe": "Probes for GRIP",
    "predict": "Predictability",
}
ACTIVE = "mixing_active"


def newest(session: Session) -> list[runner.Job]:
    """Runs on the open workspace, the newest of each kind."""
    found: dict[str, runner.Job] = {}
    for job in runner.listed(session.root, "mix"):
        if len(job.arguments) > 1:
            found.setdefault(job.arguments[1], job)
    return list(found.values())


def running(session: Session, command: str = "") -> runner.Job | None:
    """Return the run that goes on, if any, or if it is of a command."""
    return next(
        (job for job in newest(session) if command in ("", job.arguments[1]) and not runner.status(job).ended), None
    )


def active(session: Session, place: str) -> None:
    """Show runs that go on or ended badly."""
    for job in newest(session):
        job_panel(session, job, quiet=True, place=place)


def start_run(session: Session, command: str, *options: str) -> None:
    """Start a run; the whole screen shows it."""
    runner.start(TITLES[command], ["mix", command, str(session.root), *options], session.root)
    st.rerun(scope="app")
