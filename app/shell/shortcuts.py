"""Keyboard shortcuts of the page and "Copy link": one small script without data."""

from pathlib import Path

import streamlit as st

KEYS = (
    ("Everywhere", (("/", "search"), ("Esc", "go back or clear the selection"), ("?", "show shortcuts"))),
    ("Reading a document", (("J", "next document"), ("K", "previous document"), ("← →", "previous, next"))),
    (
        "On the globe",
        (
            ("← → ↑ ↓", "rotate"),
            ("+ -", "zoom"),
            ("0", "reset view"),
            ("[ ]", "previous, next cluster"),
            ("Enter", "select the cluster"),
            ("L", "draw a lasso"),
            ("Space", "auto-rotate"),
        ),
    ),
)

_component = st.components.v2.component(
    "gem_page", html="<span hidden></span>", js=(Path(__file__).parent / "shortcuts.js").read_text(encoding="utf-8")
)


def shortcut_listener() -> None:
    """Listen for the keys of `KEYS` and for "Copy link"."""
    with st.container(key="gem-page", height="content", width=1):
        _component(key="gem-page-keys")
