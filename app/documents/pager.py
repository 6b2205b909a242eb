"""Previous and next document, through the list a document was opened from."""

import numpy as np
import streamlit as st

from app.state.session import Session
from gem_core._formatting import count
from gem_core.workspace import Taxonomy


def reading_order(session: Session, taxonomy: Taxonomy, row: int) -> tuple[int, ...]:
    """Return the documents to page through: the list a document was opened from, else its cluster by typicality."""
    if row in session.document_list:
        return session.document_list
    table = taxonomy.documents
    inside = np.flatnonzero(table["cluster_id"].to_numpy() == table["cluster_id"].iloc[row])
    ranked = inside[np.argsort(-table["gis"].to_numpy()[inside], kind="stable")]
    return tuple(int(r) for r in ranked)


def show_pager(session: Session, taxonomy: Taxonomy, row: int) -> None:
    """Show the position of the open document in its list, with previous and next buttons (keys K and J)."""
    rows = reading_order(session, taxonomy, row)
    index = rows.index(row)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="reader_steps"):
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            type="tertiary",
            key="reader_previous",
            disabled=index == 0,
            on_click=lambda: session.open_document(rows[index - 1], rows),
            help="Key K",
        )
        st.markdown(f":small[:gray[{count(index + 1)} of {count(len(rows))}]]", width="content")
        st.button(
            "Next",
            icon=":material/chevron_right:",
            icon_position="right",
            type="tertiary",
            key="reader_next",
            disabled=index == len(rows) - 1,
            on_click=lambda: session.open_document(rows[index + 1], rows),
            help="Key J",
        )
