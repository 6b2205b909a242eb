"""Balance view: table of the documents that would move, with scores before and after and the reason."""

from functools import partial

import numpy as np
import streamlit as st

from app.charts.style import SLATE
from app.components.row_list import ListColumn, show_row_list
from app.data import cached_results
from app.documents.pager import show_pager
from app.documents.reader import show_document
from app.state.session import Session
from app.ui.figures import finding
from app.ui.glossary import HINTS
from app.ui.text import short
from app.views.balance.results import new_name
from gem_core._formatting import count, percent
from gem_core.pipeline import Moves, Preview
from gem_core.workspace import Taxonomy

LISTED = 500  # documents in the table
ALL = -1
WHY = {
    "balance": "by the balance strength",
    "centers": "as centers move",
    "new": "to new clusters",
    "gone": "from removed clusters",
    "held": "for pinned clusters",
    "edited": "placed by an edit",
}
COLUMNS = {"Margin": "margin", "New margin": "margin", "Cosine": "cosine", "New cosine": "cosine"}


def show_moved_documents(session: Session, taxonomy: Taxonomy, preview: Preview) -> None:
    """List the documents that would move; a click opens one."""
    total = len(preview.moved_rows)
    if total == 0:
        st.caption("No documents would move.")
        return
    moves = cached_results.moves(session.workspace, taxonomy, preview)
    reasons = sorted(moves.counts().items(), key=lambda item: -item[1])
    split = ", ".join(f"{count(n)} {WHY[reason]}" for reason, n in reasons)
    finding(
        f"{count(total)} documents would move ({percent(total / len(taxonomy.documents))})",
        f"{split[:1].upper()}{split[1:]}. Least certain first; select one to read it.",
    )
    names = _names(taxonomy, preview)
    positions = _filtered(moves, names)
    with st.container():
        if len(positions) > LISTED:
            st.caption(f"Showing the {count(LISTED)} least certain of {count(len(positions))}.")
    _table(session, taxonomy, moves, positions[:LISTED], names)


def _names(taxonomy: Taxonomy, preview: Preview) -> dict[int, tuple[str, str]]:
    """Name and color of every cluster by its number, those that would be new included."""
    names = {cluster.number: (cluster.label, cluster.color) for cluster in taxonomy.clusters}
    for cluster_index in np.flatnonzero(preview.origin < 0).tolist():
        names[int(preview.numbers[cluster_index])] = (new_name(taxonomy, preview, cluster_index), SLATE)
    return names


def _filtered(moves: Moves, names: dict[int, tuple[str, str]]) -> np.ndarray:
    """Let a person choose the cluster that is left and the one that is joined; return places in `moves`."""
    keep = np.ones(len(moves.rows), dtype=bool)
    with st.container(horizontal=True, gap="small"):
        for title, column in (("From", moves.leaves), ("To", moves.joins)):
            number, counts = np.unique(column, return_counts=True)
            of = dict(zip(number.tolist(), counts.tolist(), strict=True))
            options: list[int] = [ALL, *sorted(of, key=lambda cluster: -of[cluster])]
            cluster_number = st.selectbox(
                title,
                options,
                key=f"balance-{title.lower()}",
                width=250,
                filter_mode="contains",
                format_func=partial(_option, names=names, documents=of),
            )
            if cluster_number in of:
                keep &= column == cluster_number
    return np.flatnonzero(keep)


def _option(cluster: int, names: dict[int, tuple[str, str]], documents: dict[int, int]) -> str:
    if cluster == ALL:
        return "All clusters"
    return f"{short(names[cluster][0], 60)} ({count(documents.get(cluster, 0))})"


def _table(
    session: Session, taxonomy: Taxonomy, moves: Moves, at: np.ndarray, names: dict[int, tuple[str, str]]
) -> None:
    workspace = session.workspace
    rows = moves.rows[at]
    if not len(rows):
        st.caption("No documents move between these clusters. Select All clusters to see all.")
        return
    documents = tuple(int(row) for row in rows)
    show_row_list(
        [
            *_cluster_columns("From", moves.leaves[at], names),
            *_cluster_columns("To", moves.joins[at], names),
            ListColumn("Why", [moves.words(int(position)) for position in at], lines=2, width=190),
            _number_column("Margin", moves.margin_before[at]),
            _number_column("New margin", moves.margin_after[at]),
            _number_column("Cosine", moves.cosine_before[at], optional=True),
            _number_column("New cosine", moves.cosine_after[at], optional=True),
            ListColumn("Document", workspace.openings(rows.tolist()), lines=2),
        ],
        key="balance-moved",
        label="Documents that would move; a row opens its document",
        on_open=lambda index: session.open_document(documents[index], documents),
        height=400,
    )
    row = session.row
    if row is not None and row in rows:
        with st.container(border=True, key="balance-reader"):
            show_pager(session, taxonomy, row)
            show_document(workspace, taxonomy, row, height=240)


def _cluster_columns(heading: str, clusters: np.ndarray, names: dict[int, tuple[str, str]]) -> list[ListColumn]:
    """Color and name of the cluster of each document."""
    each = [names[number] for number in clusters.tolist()]
    return [
        ListColumn("", [color for _, color in each], "dot", width=30),
        ListColumn(heading, [label for label, _ in each], lines=2, width=140),
    ]


def _number_column(heading: str, values: np.ndarray, *, optional: bool = False) -> ListColumn:
    numbers = [float(value) for value in values]
    texts, hint = [f"{value:.2f}" for value in numbers], HINTS[COLUMNS[heading]]
    return ListColumn(heading, numbers, "number", texts, hint, width=8 * len(heading) + 20, optional=optional)
