"""Entry page: configuration and navigation, nothing else."""

from pathlib import Path

import streamlit as st
from header import header
from standing import can_show
from state import session
from widgets import guarded

ASSETS = Path(__file__).parent / "assets"

st.set_page_config(page_title="GEM Explorer", page_icon=str(ASSETS / "mark.svg"), layout="wide",
                   initial_sidebar_state="collapsed")
st.html(ASSETS / "style.css")
st.logo(str(ASSETS / "logo.svg"), size="large")

VIEWS = Path(__file__).parent / "views"
page = st.navigation(
    [st.Page(VIEWS / "explore.py", title="Explore", icon=":material/language:", default=True),
     st.Page(VIEWS / "balance.py", title="Balance", icon=":material/balance:"),
     st.Page(VIEWS / "mixing.py", title="Mixing", icon=":material/tune:"),
     st.Page(VIEWS / "taxonomy.py", title="Taxonomy", icon=":material/account_tree:"),
     st.Page(VIEWS / "compare.py", title="Compare", icon=":material/compare_arrows:"),
     st.Page(VIEWS / "student.py", title="Student", icon=":material/school:"),
     st.Page(VIEWS / "corpus.py", title="Corpus", icon=":material/folder_open:"),
     st.Page(VIEWS / "export.py", title="Export", icon=":material/download:")],
    position="top")
with guarded():
    header(session())
    if page.title == "Corpus" or can_show(session()):
        page.run()
