"""Document list: rows with scores, a click opens the reader."""

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from app.data import cached_results
from app.state.session import Session
from app.state.widget_state import widget
from app.ui.clusters import circle, dot_column
from app.ui.glossary import HINTS

SCORES = {
    "gis": "GIS",
    "confidence": "Confidence",
    "centrality": "Centrality",
    "density": "Density",
    "margin": "Margin",
    "cosine": "Cosine",
}


def show_document_list(
    session: Session,
    rows: Sequence[int],
    *,
    key: str,
    show: Sequence[str] = ("gis", "margin"),
    clusters: bool = False,
    height: int | Literal["auto"] = "auto",
    values: dict[str, Sequence[float]] | None = None,
) -> None:
    """Show a list of documents; a click on one opens it in the reader (`session.open_document`).

    Parameters
    ----------
    session : Session
    rows : sequence of int
        Documents in the order to show.
    key : str
        Fixed key of the table.
    show : names of PARTS
        Scores to show.
    clusters : bool
        Show the color of each document's cluster.
    height : int or "auto"
    values : dict, optional
        More numbers to show, by title.
    """
    taxonomy = cached_results.taxonomy(session.root)
    places = taxonomy.documents.iloc[list(rows)]
    table: dict[str, Any] = {}
    configuration: dict[str, Any] = {}
    if clusters:
        table[" "] = [circle(taxonomy.cluster(c).color) for c in places["cluster_id"]]
        configuration[" "] = dot_column()
    for heading, column in (values or {}).items():
        table[heading] = list(column)
        configuration[heading] = st.column_config.NumberColumn(format="%.3f", width=58)
    for name in show:
        table[SCORES[name]] = [round(float(v), 4) + 0.0 for v in places[name].round(3)]
        configuration[SCORES[name]] = st.column_config.NumberColumn(
            format="%.3f" if name == "cosine" else "%.2f", width=58, help=HINTS[name]
        )
    table["Document"] = cached_results.workspace(session.root).openings([int(row) for row in rows])
    configuration["Document"] = st.column_config.TextColumn(width=max(250, 478 - 58 * (len(table) - 1)))

    def opened() -> None:
        cells = widget(key)["selection"]["cells"]
        if cells:
            session.open_document(int(rows[cells[0][0]]), tuple(int(row) for row in rows))

    st.dataframe(
        pd.DataFrame(table),
        key=key,
        hide_index=True,
        column_config=configuration,
        height=height,
        on_select=opened,
        selection_mode="single-cell",
        row_height=32,
        alt="Documents; select one to read it",
    )
