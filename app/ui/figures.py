"""Metrics in a row and chart headings."""

from collections.abc import Sequence

import streamlit as st

from app.ui.glossary import HINTS


def finding(title: str, how: str) -> None:
    """Title of a chart that says what it shows, and a line on how to read it.

    No heading of the page: Streamlit makes the address of a heading from its text, and titles hold names of clusters.
    """
    st.markdown(f"**{title}**  \n:small[:gray[{how}]]")


def dark() -> bool:
    """Whether the page is shown in the dark theme."""
    return st.context.theme.type == "dark"


def facts(items: Sequence[tuple[str, str, str]]) -> None:
    """Show small figures side by side: (name, value, key of HINTS or "")."""
    for column, (name, value, hint) in zip(st.columns(len(items), gap="small"), items, strict=True):
        column.metric(name, value, help=HINTS.get(hint))
