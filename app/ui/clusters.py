"""Cluster names, colors and keywords as Streamlit elements."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.ui.text import escape, short
from gem_core.workspace import Taxonomy


def _drawn_circle(color: str, *, filled: bool = True) -> str:
    paint = f"fill='{color}'" if filled else f"fill='none' stroke='{color}' stroke-width='3.5'"
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'>"
        f"<circle cx='12' cy='12' r='{8 if filled else 7}' {paint}/></svg>"
    )


def circle(color: str, *, filled: bool = True) -> str:
    """Return a circle (clusters) or ring (groups) as an image address, for a column of `st.dataframe`."""
    return "data:image/svg+xml;utf8," + _drawn_circle(color, filled=filled).replace("#", "%23")


def dot_column(label: str = " ") -> Any:
    """Column configuration for `circle`."""
    return st.column_config.ImageColumn(label, width=28)


def title(name: str, color: str | None = None, after: str = "") -> None:
    """Return a heading of corpus text behind the color it has on the map."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", wrap=False):
        if color:
            st.image(_drawn_circle(color), width=20, alt="")
        st.markdown(f"**{escape(short(name, 90))}**" + (f" :gray[{escape(short(after, 60))}]" if after else ""))


def keyword_badges(keywords: Sequence[tuple[str, float]], limit: int = 10) -> None:
    """Show keywords of a cluster, the best first."""
    if keywords:
        st.markdown(" ".join(f":gray-badge[{escape(short(term, 40))}]" for term, _ in keywords[:limit]))


def cluster_name(taxonomy: Taxonomy, number: int, limit: int = 60) -> str:
    """Name of a cluster, safe in Markdown."""
    return escape(short(taxonomy.cluster(number).label, limit))
