"""Metrics in a row and chart headings."""

from collections.abc import Sequence
from zlib import crc32

import streamlit as st

from app.ui.glossary import HINTS


def heading(title: str, hint: str | None = None) -> None:
    """Heading of a part of the page whose text may hold names.

    Streamlit makes the address of a heading from its text; a checksum of the text stands for it instead, so that no
    name of a corpus becomes part of an address.
    """
    st.subheader(title, anchor=f"part-{_checksum(title)}", help=hint)


def finding(title: str, how: str) -> None:
    """Title of a chart that says what it shows, and a line on how to read it."""
    with st.container(gap=None):
        st.subheader(title, anchor=f"finding-{_checksum(title)}")
        st.markdown(f":small[:gray[{how}]]")


def _checksum(title: str) -> str:
    return f"{crc32(title.encode()):08x}"


def dark() -> bool:
    """Whether the page is shown in the dark theme."""
    return st.context.theme.type == "dark"


def facts(items: Sequence[tuple[str, str, str]]) -> None:
    """Show small figures side by side: (name, value, key of HINTS or "")."""
    for column, (name, value, hint) in zip(st.columns(len(items), gap="small"), items, strict=True):
        column.metric(name, value, help=HINTS.get(hint))
