"""Moved documents of Compare: list them by flow, and read one."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.documents.document_list import show_document_list
from app.documents.pager import show_pager
from app.documents.reader import show_document
from app.state.session import Session
from app.ui.text import escape, short
from gem_core._formatting import count, percent
from gem_core.pipeline.compare.comparison import Comparison, Partition

MAX_LISTED = 200  # documents of a list
MAX_FLOWS = 60  # flows to choose from


def show_moved_documents(session: Session, comparison: Comparison) -> None:
    """List the documents that moved, least certain first, beside the reader."""
    total = len(comparison.moved_rows)
    if total == 0:
        st.caption("All documents are in matched groups.")
        return
    flows = _largest_flows(comparison)
    labels = "column" in (comparison.a.kind, comparison.b.kind)
    what = "outside matched groups" if labels else "moved"
    heading, choice = st.columns([1.3, 1], vertical_alignment="bottom")
    chosen_flow = choice.selectbox(
        "Flow",
        [None, *flows],
        key="compare_flow",
        on_change=lambda: session.open_document(None),
        persist_state="session",
        format_func=lambda flow: f"All {what}" if flow is None else _describe_flow(comparison, flow),
        width="stretch",
        help="Documents count as moved when they leave the matched group.",
    )
    flow = chosen_flow if chosen_flow in flows else None
    rows = comparison.rows(*(flow or (None, None)))
    listed_rows = tuple(int(row) for row in rows[:MAX_LISTED])
    more = f" Showing the first {count(MAX_LISTED)}." if len(rows) > MAX_LISTED else ""
    order = "" if comparison.a.margin is None and comparison.b.margin is None else "Least certain first. "
    heading.markdown(
        f"**{count(len(rows))} documents {what} ({percent(len(rows) / len(comparison.a.labels))})**  \n"
        f":small[:gray[{order}Select one to read it.{more}]]"
    )
    columns = st.grid(2, min_column_width=440, gap="medium", key="compare_moving")
    with columns.cell():
        margin_values = comparison.a.margin if comparison.a.margin is not None else comparison.b.margin
        margins: dict[str, Sequence[float]] = (
            {} if margin_values is None else {"Margin": [float(margin_values[row]) for row in listed_rows]}
        )
        show_document_list(
            session, listed_rows, key="compare_documents", show=(), clusters=True, values=margins, height=420
        )
    with columns.cell():
        if session.row is not None and (session.row in listed_rows or session.row in session.document_list):
            _show_document(session, comparison, session.row)
        else:
            st.caption("Select a document to read it here.")


def _show_document(session: Session, comparison: Comparison, row: int) -> None:
    taxonomy = session.taxonomy
    st.button(
        "Close",
        icon=":material/close:",
        type="tertiary",
        key="compare_close",
        on_click=lambda: session.open_document(None),
    )
    if row in session.document_list:
        show_pager(session, taxonomy, row)
    st.markdown(f":small[:gray[{_group_name(comparison.a, row)} → {_group_name(comparison.b, row)}]]")
    show_document(session.workspace, taxonomy, row, height=260)


def _group_name(side: Partition, row: int) -> str:
    return f"{escape(short(side.title, 24))}: {escape(short(side.names[int(side.labels[row])], 44))}"


def _largest_flows(comparison: Comparison) -> list[tuple[int, int]]:
    """Return the largest flows between unmatched groups."""
    table = comparison.table.copy()
    matched = np.flatnonzero(comparison.partner >= 0)
    table[matched, comparison.partner[matched]] = 0
    order = np.argsort(-table, axis=None, kind="stable")[:MAX_FLOWS]
    pairs = [tuple(int(k) for k in np.unravel_index(int(at), table.shape)) for at in order if table.flat[at] > 0]
    return [(pair[0], pair[1]) for pair in pairs]


def _describe_flow(comparison: Comparison, flow: tuple[int, int]) -> str:
    i, j = flow
    return f"{count(comparison.table[i, j])}: {short(comparison.a.names[i], 34)} → {short(comparison.b.names[j], 34)}"
