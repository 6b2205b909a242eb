"""Balance view: table of the documents that would move, with scores before and after and the reason."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from app.charts.style import SLATE
from app.data import cached_results
from app.documents.pager import show_pager
from app.documents.reader import show_document
from app.state.session import Session
from app.state.widget_state import widget
from app.ui.clusters import circle, dot_column
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
    table = pd.DataFrame(
        {
            " ": [circle(names[n][1]) for n in moves.leaves[at].tolist()],
            "From": [names[n][0] for n in moves.leaves[at].tolist()],
            "  ": [circle(names[n][1]) for n in moves.joins[at].tolist()],
            "To": [names[n][0] for n in moves.joins[at].tolist()],
            "Why": [moves.words(int(position)) for position in at],
            "Margin": moves.margin_before[at],
            "New margin": moves.margin_after[at],
            "Cosine": moves.cosine_before[at],
            "New cosine": moves.cosine_after[at],
            "Document": workspace.openings(rows.tolist()),
        }
    )
    shape = {
        name: st.column_config.NumberColumn(format="%.2f", width=80, help=HINTS[hint]) for name, hint in COLUMNS.items()
    }

    def opened() -> None:
        cells = widget("balance-moved")["selection"]["cells"]
        if cells:
            session.open_document(int(rows[cells[0][0]]), tuple(rows.tolist()))

    st.dataframe(
        table,
        hide_index=True,
        key="balance-moved",
        on_select=opened,
        selection_mode="single-cell",
        height=min(10, len(rows)) * 32 + 40,
        row_height=32,
        column_config={
            " ": dot_column(),
            "  ": dot_column(),
            "From": st.column_config.TextColumn(width=150),
            "To": st.column_config.TextColumn(width=150),
            "Why": st.column_config.TextColumn(width=215),
            "Document": st.column_config.TextColumn(width=420),
            **shape,
        },
        alt="Documents that would move: the cluster they leave, the one they join, margins, cosines and the reason",
    )
    row = session.row
    if row is not None and row in rows:
        with st.container(border=True, key="balance-reader"):
            show_pager(session, taxonomy, row)
            show_document(workspace, taxonomy, row, height=240)
