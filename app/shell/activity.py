"""Activity: edits of other windows on the same workspace, and background jobs.

A small part of every page that looks again every few seconds. It runs the page again only when the taxonomy on screen
is no longer the present one or a press was not seen; what a person is typing or dragging meanwhile stays.
"""

import time
from pathlib import Path

import streamlit as st

from app.components.job_notification import notify_when_ended
from app.components.poll import pulse
from app.components.reliable_button import has_waiting_press
from app.jobs import runner
from app.jobs.panel import describe_running, job_card
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.text import escape, short
from gem_core.errors import WorkspaceError
from gem_core.workspace import Workspace

APP_NAME = "GEM Explorer"  # title of the browser tab
REFRESH = 2.5  # seconds between two looks
PENDING_TOAST = "watch_news"  # what to say after the page has run again
LIVE = "watch_live"  # jobs that ran at the last look
ENDED = "watch_ended"  # what to tell in a notification of the browser, and its number
MAX_JOBS = 12  # jobs in the list

Stamp = tuple[str, int]


def show_activity(session: Session) -> None:
    """Show edits of other windows and list the jobs; poll every few seconds."""
    if news := widget(PENDING_TOAST):
        st.toast(news, icon=":material/group:")
        preset(PENDING_TOAST, "")
    st.fragment(_look, key="watch")(session, session.root, _stamp(session), time.monotonic())


def _look(session: Session, root: Path, shown_stamp: Stamp, drawn_at: float) -> None:
    now = _stamp(session)
    if session.root == root and now != shown_stamp:
        if session.last_read != (str(root), now):
            preset(PENDING_TOAST, _describe_change(session.workspace, shown_stamp))
        st.rerun(scope="app")
    if has_waiting_press(session, drawn_at):
        st.rerun(scope="app")
    _jobs(session)
    pulse(REFRESH, "watch", hidden=bool(widget(LIVE)))


def _stamp(session: Session) -> Stamp:
    """Name the present taxonomy; a workspace that cannot be read stays as it is."""
    try:
        return session.workspace.database.stamp()
    except WorkspaceError:
        return "", -1


def _describe_change(workspace: Workspace, shown_stamp: Stamp) -> str:
    """Describe the edit of another window; a sentence of the history holds labels."""
    try:
        history = workspace.history()
    except WorkspaceError:
        return ""
    undone = history.steps[history.position + 1 : shown_stamp[1] + 1]
    if undone:
        return f"Undone in another window: {escape(short(undone[-1].sentence, 160))}"
    if history.present is None:
        return ""
    before = history.position - shown_stamp[1] - 1
    more = f" (and {before} earlier changes)" if before > 0 else ""
    return f"Changed in another window: {escape(short(history.present.sentence, 160))}{more}"


def _jobs(session: Session) -> None:
    job_states = runner.overview()[:MAX_JOBS]
    live = tuple(job.folder.name for job, state in job_states if not state.ended)
    for job, state in job_states:
        if state.ended and job.folder.name in (widget(LIVE) or ()):
            word = {"finished": "is ready", "failed": "failed", "stopped": "was stopped"}[state.state]
            _, serial = widget(ENDED) or ("", 0)
            preset(ENDED, (f"{short(job.title)} {word}", serial + 1))
            if job.workspace == str(session.root):
                st.toast(f"{escape(short(job.title))} {word}", icon=":material/overview:")
    preset(LIVE, live)
    text, serial = widget(ENDED) or ("", 0)
    if live or serial:
        notify_when_ended(text, serial=serial, running=bool(live), key="watch_notify")
    if not job_states:
        return
    running = [(job, state) for job, state in job_states if not state.ended]
    st.set_page_config(page_title=f"{describe_running(*running[0])} - {APP_NAME}" if running else APP_NAME)
    failed = sum(state.state == "failed" for _, state in job_states)
    icon = ":material/overview:"
    if running:
        more = f" (+{len(running) - 1})" if len(running) > 1 else ""
        label = f"{describe_running(*running[0])}{more}"
        icon = ":material/progress_activity:"
    elif failed:
        label, icon = f":red[{failed} failed]", ":material/error:"
    else:
        label = "Jobs"
    box = st.popover(
        label,
        key="jobs_popover",
        icon=icon,
        type="tertiary",
        on_change="rerun",
        help="Background jobs of all workspaces.",
    )
    if box.open:
        with box, st.container(width=440, gap="small", key="jobs_list"):
            for job, state in job_states:
                with st.container(key=f"head_{job.folder.name}", gap="xsmall"):
                    if job.workspace != str(session.root):
                        st.caption(f"In {escape(short(Path(job.workspace).name))}")
                    job_card(session, job, state, "head")
