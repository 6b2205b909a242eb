"""Screen Corpus: what is open, what else there is, what is being made, and how to open one's own."""

import streamlit as st

from app.shell import deep_links
from app.state.session import session
from app.views.corpus.jobs import show_jobs
from app.views.corpus.new_workspace import open_yours
from app.views.corpus.open_workspace import open_now, open_other

here = session()
now, other = st.columns([5, 3], gap="large")
with now:
    open_now(here)
with other:
    open_other(here)
show_jobs(here)
open_yours(here)
deep_links.keep(here)
