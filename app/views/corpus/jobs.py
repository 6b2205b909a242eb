"""Corpus view: jobs that create workspaces."""

import streamlit as st

from app.jobs import runner
from app.jobs.panel import duration, job_panel
from app.state.session import Session
from app.ui.text import escape, short
from app.views.corpus.add_documents import show_finished_addition
from gem_core._formatting import count
from gem_core.workspace import Workspace


def show_jobs(session: Session) -> None:
    """List the jobs that make a corpus, if any; a finished one can be opened."""
    jobs = [job for job in runner.list_jobs() if job.kind in (*runner.BUILDERS, "assign")]
    if not jobs:
        return
    st.subheader("In progress", anchor=False)

    def show_finished(job: runner.Job, state: runner.Status) -> None:
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(width="stretch", gap="xsmall"):
                st.markdown(f":material/check_circle: **{escape(short(job.title))}** is ready")
                st.caption(_result(state))
            if st.button(
                "Open workspace", key=f"open_{job.folder.name}", type="primary", icon=":material/folder_open:"
            ):
                root = Workspace(job.workspace).root
                runner.forget(job)
                session.open_workspace(root)
                st.switch_page("views/explore/page.py")

    for job in jobs:
        adds = job.kind in ("add", "assign")
        job_panel(session, job, show_finished_addition if adds else show_finished, key_prefix="corpus")


def _result(state: runner.Status) -> str:
    result = state.result or {}
    clusters = len(result.get("taxonomy", {}).get("clusters", []))
    return (
        f"{count(result.get('documents', 0))} documents in {clusters} clusters, finished in {duration(state.seconds)}"
    )
