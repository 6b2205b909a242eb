"""Documents of a whole cluster: sorted by a score or a column, with chosen columns, a page at a time."""

import numpy as np
import pandas as pd
import streamlit as st

from app.components.row_list import ListColumn, show_row_list
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.text import short
from gem_core._formatting import count
from gem_core.workspace import Cluster, Taxonomy

PAGE_SIZE = 50  # documents of a page
SORTS = {"Most typical": ("gis", False), "Least typical": ("gis", True), "Between clusters": ("margin", True)}
LONGEST, SHORTEST = "Longest", "Shortest"


def show_cluster_documents(session: Session, taxonomy: Taxonomy, cluster: Cluster) -> None:
    """Show the documents of a cluster; a row opens in the reader."""
    workspace = session.workspace
    documents = workspace.documents
    names = [str(name) for name in documents.columns if name != "tokens"]
    left, right = st.columns([1, 1.5], gap="small")
    sort = left.selectbox("Sort by", [*SORTS, LONGEST, SHORTEST], key="cluster_sort", persist_state="session")
    extra_columns = right.multiselect(
        "Columns", names, key="cluster_columns", persist_state="session", format_func=lambda name: short(name, 30)
    )
    rows = _sorted_rows(taxonomy, documents, cluster.number, str(sort))
    page = _show_pages(len(rows), f"{session.root} {cluster.number} {sort}")
    page_rows = rows[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    tokens = [int(n) for n in documents["tokens"].to_numpy()[page_rows]]
    columns = [
        ListColumn("Document", workspace.openings([int(row) for row in page_rows]), lines=2),
        *(
            ListColumn(name, [str(v) for v in documents[name].iloc[page_rows]], width=110)
            for name in extra_columns
            if name in names
        ),
        ListColumn("Tokens", tokens, "number", [count(n) for n in tokens], width=72),
    ]
    show_row_list(
        columns,
        key="cluster_documents",
        label="Documents of the cluster",
        on_open=lambda index: session.open_document(int(page_rows[index]), tuple(int(row) for row in rows)),
        height=480,
    )


def _sorted_rows(
    taxonomy: Taxonomy, documents: pd.DataFrame, number: int, sort: str
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    inside = np.flatnonzero(taxonomy.positions == taxonomy.index_of(number))
    if sort in SORTS:
        column, ascending = SORTS[sort]
        values = taxonomy.documents[column].to_numpy()[inside]
    else:
        values, ascending = documents["tokens"].to_numpy()[inside], sort == SHORTEST
    return inside[np.argsort(values if ascending else -values, kind="stable")]


def _show_pages(rows: int, what: str) -> int:
    """Show the buttons that turn pages; a change of `what` is listed returns to the first page."""
    if widget("cluster_page_of") != what:
        preset("cluster_page_of", what)
        preset("cluster_page", 0)
    pages = max(1, -(-rows // PAGE_SIZE))
    page = min(int(widget("cluster_page") or 0), pages - 1)
    if pages == 1:
        return 0
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="cluster_pages"):
        st.button(
            "Previous page",
            key="cluster_page_previous",
            type="tertiary",
            icon=":material/chevron_left:",
            disabled=page == 0,
            on_click=preset,
            args=("cluster_page", page - 1),
        )
        first = page * PAGE_SIZE
        st.markdown(
            f":small[:gray[{count(first + 1)} to {count(min(first + PAGE_SIZE, rows))} of {count(rows)}]]",
            width="content",
        )
        st.button(
            "Next page",
            key="cluster_page_next",
            type="tertiary",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=page == pages - 1,
            on_click=preset,
            args=("cluster_page", page + 1),
        )
    return page
