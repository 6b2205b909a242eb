"""Entry page: configuration and navigation, nothing else."""

from pathlib import Path

import streamlit as st

from app.shell.header import header
from app.shell.requirements import requirements_met
from app.state.session import current_session
from app.ui.errors import guarded

ASSETS = Path(__file__).parent / "shell" / "assets"
VIEWS = Path(__file__).parent / "views"
PAGES = {
    "Explore": "language",
    "Balance": "balance",
    "Mixing": "tune",
    "Taxonomy": "account_tree",
    "Compare": "compare_arrows",
    "Student": "school",
    "Corpus": "folder_open",
    "Export": "download",
}

st.set_page_config(
    page_title="GEM Explorer", page_icon=str(ASSETS / "mark.svg"), layout="wide", initial_sidebar_state="collapsed"
)
st.html(ASSETS / "style.css")
st.logo(str(ASSETS / "logo.svg"), size="large")

page = st.navigation(
    [
        st.Page(
            VIEWS / title.lower() / "page.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=title.lower(),
            default=title == "Explore",
        )
        for title, icon in PAGES.items()
    ],
    position="top",
)
with guarded():
    header(current_session(), page.title.lower())
    if page.title == "Corpus" or requirements_met(current_session()):
        page.run()
