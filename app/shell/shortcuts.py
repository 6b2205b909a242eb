"""What only the browser can do, in one small script without data: keys of the whole page, and copying the address."""

from pathlib import Path

import streamlit as st

KEYS = (
    ("Everywhere", (("/", "search"), ("Esc", "back, or clear the selection"), ("?", "this card"))),
    ("Reading a document", (("J", "next in the list"), ("K", "the one before"), ("← →", "the same"))),
    (
        "On the globe",
        (
            ("← → ↑ ↓", "turn"),
            ("+ -", "zoom"),
            ("0", "as at the start"),
            ("[ ]", "step through clusters"),
            ("Enter", "select the cluster"),
            ("L", "draw a lasso"),
            ("Space", "turn slowly"),
        ),
    ),
)

_component = st.components.v2.component(
    "gem_page", html="<span hidden></span>", js=(Path(__file__).parent / "shortcuts.js").read_text(encoding="utf-8")
)


def listen() -> None:
    """Listen for the keys of `KEYS` and for "Copy link"."""
    with st.container(key="gem-page", height="content", width=1):
        _component(key="gem-page-keys")
