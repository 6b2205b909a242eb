"""Screen Corpus: what is open, what else there is, what is being made, and how to open one's own."""

import links
import streamlit as st
from state import session
from views.corpus_jobs import show_jobs
from views.corpus_new import open_yours
from views.corpus_open import open_now, open_other

here = session()
now, other = st.columns([5, 3], gap="large")
with now:
    open_now(here)
with other:
    open_other(here)
show_jobs(here)
open_yours(here)
links.keep(here)
