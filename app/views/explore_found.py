"""The documents that a question selects, as a list and by cluster; and what to do when it cannot be asked."""

import cached
import numpy as np
import pandas as pd
import streamlit as st
from state import Session, widget
from views.explore_saved import take_away
from widgets import HINTS, circle, count, document_list, dot_column, guarded

from gem_core.corpus.encoders import PACKAGED
from gem_core.pipeline.meaning import name_encoder
from gem_core.pipeline.selection import Selected
from gem_core.workspace import Taxonomy

LISTED = 200  # documents that a list shows
OWN = "Another model"


def found_panel(session: Session, taxonomy: Taxonomy, found: Selected) -> None:
    """Show the selected documents, best first, and where they lie."""
    if not len(found):
        words = bool(session.wanted.text.strip()) and not session.filter
        st.markdown("**No document holds all these words**" if words else "**No document passes all of this**")
        st.caption("Try fewer words, or the beginning of a word: the last word may be incomplete." if words else
                   "Take one of the tests above off.")
        return
    st.markdown(f"**{_heading(session, len(found))}**")
    take_away(session, found)
    documents, clusters = st.tabs(["Documents", "Clusters"], key="found_tabs")
    with documents:
        rows = [int(row) for row in found.rows[:LISTED]]
        values = None if found.cosine is None else {"Cosine": [float(c) for c in found.cosine[:LISTED]]}
        document_list(session, rows, key="found_documents", show=() if values else ("gis",), clusters=True,
                      values=values, height=min(len(rows), 14) * 32 + 38)
        if len(found) > LISTED:
            which = "nearest" if values else "best" if session.wanted.text else "most typical"
            st.caption(f"Listed: the {LISTED} {which} of {count(len(found))}. Map, file and figures hold all.")
    with clusters:
        _clusters(session, taxonomy, found)


def _heading(session: Session, number: int) -> str:
    documents = f"{count(number)} {'document' if number == 1 else 'documents'}"
    if session.near:
        return f"The {documents} nearest in meaning"
    if session.wanted.text.strip() and not session.filter:
        return f"{documents} {'holds' if number == 1 else 'hold'} these words"
    return f"{documents} selected"


def _clusters(session: Session, taxonomy: Taxonomy, found: Selected) -> None:
    counts = np.bincount(taxonomy.positions[found.mask], minlength=len(taxonomy.clusters))
    order = [k for k in np.argsort(-counts, kind="stable") if counts[k]]
    shown = [taxonomy.clusters[k] for k in order]
    table = pd.DataFrame({
        " ": [circle(c.colour) for c in shown], "Cluster": [c.label for c in shown],
        "Share": 100 * counts[order] / counts.sum(), "Documents": counts[order],
        "Of cluster": [100 * counts[k] / max(taxonomy.clusters[k].documents, 1) for k in order]})

    def chosen() -> None:
        cells = widget("found_clusters")["selection"]["cells"]
        if cells:
            session.pick(None, shown[cells[0][0]].number)

    st.dataframe(table, key="found_clusters", hide_index=True, row_height=32, selection_mode="single-cell",
                 on_select=chosen, height=min(12, len(table)) * 32 + 38, alt="Clusters of the selected documents",
                 column_config={
                     " ": dot_column(), "Cluster": st.column_config.TextColumn(width=170),
                     "Share": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, width=96,
                                                              max_value=float(table["Share"].max()),
                                                              help="Of the selected documents"),
                     "Documents": st.column_config.NumberColumn(format="localized", width=82),
                     "Of cluster": st.column_config.NumberColumn(format="%.1f%%", width=78,
                                                                 help="Part of the cluster that is selected")})


def name_the_encoder(session: Session) -> None:
    """Ask which encoder made vectors that came with the corpus; nothing is assumed."""
    workspace = cached.workspace(session.root)
    with st.container(border=True, gap="small"):
        st.markdown("**Which model made these vectors?**", help=HINTS.get("encoder"))
        st.caption(f"They came with the corpus and do not say. Searching by meaning needs the same model; "
                   f"{workspace.manifest.dimension} numbers each are no proof.")
        choice = st.radio("Model", ("all-MiniLM-L6-v2, packaged here", OWN), key="encoder_choice",
                          label_visibility="collapsed")
        own = choice == OWN
        path = st.text_input("Folder or hub name", key="encoder_path", max_chars=300, disabled=not own,
                             placeholder="folder of a sentence-transformers model, or its hub name")
        if st.button("Check and use it", key="encoder_use", type="primary", disabled=own and not path.strip()):
            bar = st.progress(0.1, "Loading the encoder")
            with guarded():
                name_encoder(workspace, path.strip() if own else PACKAGED,
                             progress=lambda step, done, total: bar.progress(
                                 0.3 if step == "load encoder" else 0.8,
                                 "Loading the encoder" if step == "load encoder" else "Embedding 12 documents again"))
                bar.empty()
                st.rerun()
            bar.empty()
        st.caption("Twelve documents are embedded again and compared: any other model is refused.")
    st.caption("Without the model: open a document and choose **Select documents like this**.")
