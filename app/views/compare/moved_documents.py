"""Compare: the documents that change sides, one flow or all; a click opens the reader."""

import numpy as np
import streamlit as st

from app.data import cached_results
from app.documents.document_list import document_list
from app.documents.pager import stepper
from app.documents.reader import reader
from app.state.session import Session
from app.ui.text import escape, short
from gem_core._formatting import count, percent
from gem_core.pipeline.compare.comparison import Comparison, Partition

LISTED = 200  # documents of a list
OFFERED = 60  # flows to choose from


def moved(session: Session, found: Comparison) -> None:
    """List the documents that moved, the least sure first, and read one."""
    total = len(found.moved)
    if total == 0:
        st.caption("Every document stays with its group.")
        return
    flows = _flows(found)
    words, choice = st.columns([1.3, 1], vertical_alignment="bottom")
    chosen = choice.selectbox(
        "Flow",
        [None, *flows],
        key="compare_flow",
        on_change=lambda: session.open_document(None),
        persist_state="session",
        format_func=lambda flow: "All that moved" if flow is None else _said(found, flow),
        width="stretch",
        help="Matched groups keep their documents; every other flow moves them.",
    )
    flow = chosen if chosen in flows else None
    rows = found.rows(*(flow or (None, None)))
    shown = tuple(int(row) for row in rows[:LISTED])
    more = f" The first {count(LISTED)} are listed." if len(rows) > LISTED else ""
    order = "" if found.a.margin is None and found.b.margin is None else "Least sure first. "
    words.markdown(
        f"**{count(len(rows))} documents moved ({percent(len(rows) / len(found.a.labels))})**  \n"
        f":small[:gray[{order}Choose one to read it.{more}]]"
    )
    place = st.grid(2, min_column_width=440, gap="medium", key="compare_moving")
    with place.cell():
        sure = found.a.margin if found.a.margin is not None else found.b.margin
        margins = {} if sure is None else {"Margin": [float(sure[row]) for row in shown]}
        document_list(session, shown, key="compare_documents", show=(), clusters=True, values=margins, height=420)
    with place.cell():
        if session.row is not None and (session.row in shown or session.row in session.document_list):
            _document(session, found, session.row)
        else:
            st.caption("The document you choose is shown here, with the group it leaves and the one it joins.")


def _document(session: Session, found: Comparison, row: int) -> None:
    taxonomy = cached_results.taxonomy(session.root)
    st.button(
        "Close",
        icon=":material/close:",
        type="tertiary",
        key="compare_close",
        on_click=lambda: session.open_document(None),
    )
    if row in session.document_list:
        stepper(session, taxonomy, row)
    st.markdown(f":small[:gray[{_group(found.a, row)} → {_group(found.b, row)}]]")
    reader(cached_results.workspace(session.root), taxonomy, row, height=260)


def _group(side: Partition, row: int) -> str:
    return f"{escape(short(side.title, 24))}: {escape(short(side.names[int(side.labels[row])], 44))}"


def _flows(found: Comparison) -> list[tuple[int, int]]:
    """The largest flows between groups that are not matched."""
    table = found.table.copy()
    matched = np.flatnonzero(found.partner >= 0)
    table[matched, found.partner[matched]] = 0
    order = np.argsort(-table, axis=None, kind="stable")[:OFFERED]
    pairs = [tuple(int(k) for k in np.unravel_index(int(at), table.shape)) for at in order if table.flat[at] > 0]
    return [(pair[0], pair[1]) for pair in pairs]


def _said(found: Comparison, flow: tuple[int, int]) -> str:
    i, j = flow
    return f"{count(found.table[i, j])}: {short(found.a.names[i], 34)} → {short(found.b.names[j], 34)}"
