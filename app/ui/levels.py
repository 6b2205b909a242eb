"""Levels of a taxonomy with very many clusters: charts show its groups, and the clusters inside a chosen one."""

import streamlit as st

from app.ui.text import short
from gem_core.workspace import Taxonomy

MANY = 80  # clusters above which a chart of all of them cannot be read


def has_many(taxonomy: Taxonomy) -> bool:
    """Whether charts show groups first."""
    return len(taxonomy.clusters) > MANY


def choose_group(taxonomy: Taxonomy, key: str) -> int | None:
    """Show a selector of groups; return the number of the chosen group, None for all groups."""
    names = {group.number: f"{short(group.label, 60)} ({len(group.children)})" for group in taxonomy.groups}
    choice = st.selectbox(
        "Level",
        [None, *names],
        format_func=lambda number: f"All {len(names)} groups" if number is None else f"Inside {names[number]}",
        key=key,
        persist_state="session",
        label_visibility="collapsed",
        help="A chart of groups, or of the clusters inside a group.",
    )
    return choice if choice in names else None
