"""Corpus view: the current workspace, switching to another, jobs in progress, and creating a new one."""

import streamlit as st

from app.shell import deep_links
from app.state.session import current_session
from app.views.corpus.add_documents import show_add_documents
from app.views.corpus.jobs import show_jobs
from app.views.corpus.new_workspace import create_workspace
from app.views.corpus.open_workspace import show_current, switch_workspace

session = current_session()
now, other = st.columns([5, 3], gap="large")
with now:
    show_current(session)
with other:
    switch_workspace(session)
show_add_documents(session)
show_jobs(session)
create_workspace(session)
deep_links.keep(session)
