"""All names as an editable list, in the order of the tree, with marks to edit several clusters at once."""

import hashlib
from typing import Any

import pandas as pd
import streamlit as st

from app.state.session import Session
from app.state.widget_state import widget
from app.ui.clusters import circle, dot_column
from app.ui.glossary import HINTS
from app.views.taxonomy import edit_actions
from app.views.taxonomy.cluster_actions import marked_actions
from gem_core.pipeline import Rename
from gem_core.pipeline.editing.operations import MAX_LABEL, Kind
from gem_core.workspace import Taxonomy

BLANK = "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'/>"
TRIES = "rename_tries"
BY = {"keywords": "keywords", "llm": "model", "person": "person"}


def names(session: Session, taxonomy: Taxonomy) -> None:
    """Rename in place; mark clusters to merge, pin or exclude them."""
    st.markdown("**Edit a name in place; click a tile for its evidence**")
    edit_actions.refused(session)
    kinds, rows = _rows(taxonomy)
    key = _key(session, kinds)

    def edited() -> None:
        for place, cells in widget(key)["edited_rows"].items():
            label = cells.get("Name")
            kind, number = kinds[int(place)]
            if label is not None and label != rows[int(place)]["Name"]:
                edit_actions.apply(session, Rename(kind, number, str(label)))
        if edit_actions.REFUSED in session.drafts:  # a new key forgets what was refused
            session.drafts[TRIES] = session.drafts.get(TRIES, 0) + 1

    place = st.container(key="names_actions")
    table = st.data_editor(
        pd.DataFrame(rows),
        key=key,
        hide_index=True,
        on_change=edited,
        row_height=32,
        height=min(len(rows), 17) * 32 + 38,
        disabled=["group", " ", "Share", "State"],
        alt="Names of groups and clusters, in the order of the tree",
        column_config={
            "Mark": st.column_config.CheckboxColumn(" ", width=34, help="Mark a cluster, or all of a group."),
            "group": dot_column("Tree"),
            " ": dot_column(),
            "Name": st.column_config.TextColumn(
                width=170, required=True, max_chars=MAX_LABEL, help="Double-click, or press Enter, to edit."
            ),
            "Share": st.column_config.ProgressColumn(
                format="%.1f%%", min_value=0, max_value=100, width=88, help=HINTS["share_documents"]
            ),
            "State": st.column_config.TextColumn(width=98, help="Who named it; whether it is pinned or excluded."),
        },
    )
    chosen = {kinds[place] for place in range(len(kinds)) if bool(table["Mark"].iloc[place])}
    numbers = [c.number for c in taxonomy.clusters if ("cluster", c.number) in chosen or ("parent", c.parent) in chosen]
    with place:
        marked_actions(session, taxonomy, numbers)


def _rows(taxonomy: Taxonomy) -> tuple[list[tuple[Kind, int]], list[dict[str, Any]]]:
    kinds: list[tuple[Kind, int]] = []
    rows: list[dict[str, Any]] = []
    for parent in taxonomy.parents:
        kinds.append(("parent", parent.number))
        rows.append(
            {
                "Mark": False,
                "group": circle(parent.colour, filled=False),
                " ": BLANK,
                "Name": parent.label,
                "Share": 100 * sum(taxonomy.cluster(c).share_documents for c in parent.children),
                "State": BY[parent.label_source],
            }
        )
        for number in parent.children:
            cluster = taxonomy.cluster(number)
            kinds.append(("cluster", number))
            state = [
                BY[cluster.label_source],
                *(["pinned"] if cluster.pinned and not cluster.excluded else []),
                *(["excluded"] if cluster.excluded else []),
            ]
            rows.append(
                {
                    "Mark": False,
                    "group": BLANK,
                    " ": circle(cluster.colour),
                    "Name": cluster.label,
                    "Share": 100 * cluster.share_documents,
                    "State": ", ".join(state),
                }
            )
    return kinds, rows


def _key(session: Session, kinds: list[tuple[Kind, int]]) -> str:
    """Marks and open cells belong to rows: another order of rows is another table."""
    order = hashlib.sha256(repr(kinds).encode()).hexdigest()[:8]
    return f"names_{order}_{session.drafts.get(TRIES, 0)}"
