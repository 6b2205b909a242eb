"""Background jobs of the Mixing view: start, find and show proxy runs."""

import streamlit as st

from app.jobs import runner
from app.jobs.panel import job_panel
from app.state.session import Session

TITLES = {
    "proxies": "Proxies for RegMix",
    "mixmin": "MixMin",
    "search": "Search for a goal",
    "verify": "Verify weights",
    "doremi": "DoReMi",
    "perfre": "PerfRe",
    "probe": "Probes for GRIP",
    "predict": "Predictability",
}
ACTIVE = "mixing_active"


def newest(session: Session) -> list[runner.Job]:
    """Return the newest job of each kind on the open workspace."""
    latest: dict[str, runner.Job] = {}
    for job in runner.list_jobs(session.root, "mix"):
        if len(job.arguments) > 1:
            latest.setdefault(job.arguments[1], job)
    return list(latest.values())


def running(session: Session, command: str = "") -> runner.Job | None:
    """Return the running job, of a given command or of any; None if there is none."""
    return next(
        (job for job in newest(session) if command in ("", job.arguments[1]) and not runner.status(job).ended), None
    )


def show_active_jobs(session: Session, key_prefix: str) -> None:
    """Show jobs that are running or have failed."""
    for job in newest(session):
        job_panel(session, job, quiet=True, key_prefix=key_prefix)


def start_run(session: Session, command: str, *options: str) -> None:
    """Start a job and rerun the app so that the whole view shows it."""
    runner.start(TITLES[command], ["mix", command, str(session.root), *options], session.root)
    st.rerun(scope="app")
