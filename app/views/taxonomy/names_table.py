"""Editable table of group and cluster names, with checkboxes to edit several clusters together."""

import hashlib
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from app.cluster_card import edit_actions
from app.cluster_card.cluster_actions import show_bulk_actions
from app.state.session import Session
from app.state.widget_state import widget
from app.ui.clusters import circle, dot_column
from app.ui.glossary import HINTS
from gem_core.pipeline import Rename
from gem_core.pipeline.editing.operations import MAX_LABEL, Kind
from gem_core.workspace import Taxonomy
from gem_core.workspace.store import is_read_only

BLANK = "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'/>"


@dataclass
class RejectedNames:
    """How many names were rejected: part of the key of the table."""

    attempts: int = 0


SOURCE = {"keywords": "keywords", "vocabulary": "vocabulary", "llm": "model", "person": "person"}


def show_names_table(session: Session, taxonomy: Taxonomy) -> None:
    """Show the table: rename in place; select clusters to merge, pin or exclude them."""
    st.markdown(f"**{'C' if is_read_only() else 'Double-click a name to edit; c'}lick a tile for details**")
    edit_actions.show_refusal(session)
    kinds, rows = _table_rows(taxonomy)
    key = _table_key(session, kinds)

    def on_edit() -> None:
        for index, cells in widget(key)["edited_rows"].items():
            label = cells.get("Name")
            kind, number = kinds[int(index)]
            if label is not None and label != rows[int(index)]["Name"]:
                edit_actions.apply_edit(session, Rename(kind, number, str(label)))
        if session.drafts.get(edit_actions.EditMessages).refusal:
            session.drafts.get(RejectedNames).attempts += 1  # A new key discards the rejected text from the table.

    actions_slot = st.container(key="names_actions")
    table = st.data_editor(
        pd.DataFrame(rows),
        key=key,
        hide_index=True,
        on_change=on_edit,
        row_height=32,
        height=min(len(rows), 17) * 32 + 38,
        disabled=["group", " ", "Share", "State", *(["Name", "Mark"] if is_read_only() else [])],
        alt="Names of groups and clusters, in the order of the tree",
        column_config={
            "Mark": st.column_config.CheckboxColumn(
                " ", width=34, help="Select a cluster, or all clusters of a group."
            ),
            "group": dot_column("Tree"),
            " ": dot_column(),
            "Name": st.column_config.TextColumn(
                width=170, required=True, max_chars=MAX_LABEL, help="Double-click, or press Enter, to edit."
            ),
            "Share": st.column_config.ProgressColumn(
                format="%.1f%%", min_value=0, max_value=100, width=88, help=HINTS["share_documents"]
            ),
            "State": st.column_config.TextColumn(width=98, help="Who named it, and whether it is pinned or excluded."),
        },
    )
    selected = {kind for kind, mark in zip(kinds, table["Mark"], strict=True) if bool(mark)}
    numbers = [
        c.number for c in taxonomy.clusters if ("cluster", c.number) in selected or ("parent", c.group) in selected
    ]
    with actions_slot:
        if is_read_only():
            st.caption("This server shows the taxonomy without changing it.")
            return
        show_bulk_actions(session, taxonomy, numbers)


def _table_rows(taxonomy: Taxonomy) -> tuple[list[tuple[Kind, int]], list[dict[str, Any]]]:
    kinds: list[tuple[Kind, int]] = []
    rows: list[dict[str, Any]] = []
    for parent in taxonomy.groups:
        kinds.append(("parent", parent.number))
        rows.append(
            {
                "Mark": False,
                "group": circle(parent.color, filled=False),
                " ": BLANK,
                "Name": parent.label,
                "Share": 100 * sum(taxonomy.cluster(c).share_documents for c in parent.children),
                "State": SOURCE[parent.label_source],
            }
        )
        for number in parent.children:
            cluster = taxonomy.cluster(number)
            kinds.append(("cluster", number))
            state = [
                SOURCE[cluster.label_source],
                *(["pinned"] if cluster.pinned and not cluster.excluded else []),
                *(["excluded"] if cluster.excluded else []),
                *(["checked"] if cluster.checked else []),
                *(["note"] if cluster.note else []),
            ]
            rows.append(
                {
                    "Mark": False,
                    "group": BLANK,
                    " ": circle(cluster.color),
                    "Name": cluster.label,
                    "Share": 100 * cluster.share_documents,
                    "State": ", ".join(state),
                }
            )
    return kinds, rows


def _table_key(session: Session, kinds: list[tuple[Kind, int]]) -> str:
    """Return a key that changes with the order of rows, since checkmarks and open cells belong to rows."""
    order = hashlib.sha256(repr(kinds).encode()).hexdigest()[:8]
    return f"names_{order}_{session.drafts.get(RejectedNames).attempts}"
