"""Mixing: runs in the background, one at a time, and how they stand."""

import jobs
import streamlit as st
from state import Session
from views.job_panel import job_panel

TITLES = {"proxies": "Proxies for RegMix", "doremi": "DoReMi", "perfre": "PerfRe", "probe": "Probes for GRIP",
          "predict": "Predictability"}
ACTIVE = "mixing_active"


def newest(session: Session) -> list[jobs.Job]:
    """Runs on the open workspace, the newest of each kind."""
    found: dict[str, jobs.Job] = {}
    for job in jobs.listed(session.root, "mix"):
        if len(job.arguments) > 1:
            found.setdefault(job.arguments[1], job)
    return list(found.values())


def running(session: Session, command: str = "") -> jobs.Job | None:
    """Return the run that goes on, if any, or if it is of a command."""
    return next((job for job in newest(session) if command in ("", job.arguments[1]) and not jobs.status(job).ended),
                None)


def active(session: Session, place: str) -> None:
    """Show runs that go on or ended badly."""
    for job in newest(session):
        job_panel(session, job, quiet=True, place=place)


def start_run(session: Session, command: str, *options: str) -> None:
    """Start a run; the whole screen shows it."""
    jobs.start(TITLES[command], ["mix", command, str(session.root), *options], session.root)
    st.rerun(scope="app")
