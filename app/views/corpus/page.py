"""Screen Corpus: what is open, what else there is, what is being made, and how to open one's own."""

import streamlit as st

from app.shell import deep_links
from app.state.session import current_session
from app.views.corpus.jobs import show_jobs
from app.views.corpus.new_workspace import open_yours
from app.views.corpus.open_workspace import open_now, open_other

session = current_session()
now, other = st.columns([5, 3], gap="large")
with now:
    open_now(session)
with other:
    open_other(session)
show_jobs(session)
open_yours(session)
deep_links.keep(session)
