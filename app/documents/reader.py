"""Document reader: one document with its scores, columns and text."""

import pandas as pd
import streamlit as st

from app.ui.clusters import title
from app.ui.figures import facts
from app.ui.text import short
from gem_core._formatting import count, decimal
from gem_core.workspace import Taxonomy, Workspace

MAX_CHARACTERS = 100_000  # characters of a document on screen


def show_document(workspace: Workspace, taxonomy: Taxonomy, row: int, *, height: int = 330) -> None:
    """Show one document: its cluster, scores, text and columns."""
    record = workspace.documents.iloc[row]
    scores = taxonomy.documents.iloc[row]
    cluster, second = (taxonomy.cluster(int(scores[name])) for name in ("cluster_id", "second"))
    title(cluster.label, cluster.color, f"second choice: {second.label}" if second is not cluster else "")
    facts(
        [
            ("GIS", decimal(scores["gis"]), "gis"),
            ("Margin", decimal(scores["margin"]), "margin"),
            ("Cosine", decimal(scores["cosine"], 3), "cosine"),
            ("Tokens", count(record["tokens"]), ""),
        ]
    )
    text = workspace.texts([row])[0]
    with st.container(border=True, height=height if len(text) > 2 * height else "content"):
        st.text(text[:MAX_CHARACTERS])
    if len(text) > MAX_CHARACTERS:
        st.caption(f"First {count(MAX_CHARACTERS)} of {count(len(text))} characters.")
    facts([(name.capitalize(), decimal(scores[name]), name) for name in ("confidence", "centrality", "density")])
    others = {str(name): short(str(record[name]), 200) for name in record.index if name != "tokens"}
    st.dataframe(
        pd.DataFrame({"Column": list(others), "Value": list(others.values())}),
        hide_index=True,
        row_height=28,
        key="reader_columns",
        height=min(len(others), 6) * 28 + 38,
        column_config={"Column": st.column_config.TextColumn(width=90)},
        alt="Columns of the document",
    )
