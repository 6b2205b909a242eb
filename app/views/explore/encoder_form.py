"""Encoder form: ask which model made imported embeddings, so that search by meaning works."""

import streamlit as st

from app.state.session import Session
from app.ui.errors import guarded
from app.ui.glossary import HINTS
from app.ui.progress import progress_bar
from app.ui.read_only import writing_options
from app.views.explore.document_query import encoder_missing
from gem_core.embedding.encoders import PACKAGED
from gem_core.pipeline.search.semantic import name_encoder

CUSTOM = "Another model"


def ask_for_encoder(session: Session) -> None:
    """Show the form that asks which encoder made the embeddings that came with the corpus."""
    workspace = session.workspace
    with st.container(border=True, gap="small"):
        st.markdown("**Which model made these embeddings?**", help=HINTS.get("encoder"))
        st.caption(
            f"These {workspace.manifest.dimension}-dimensional embeddings were imported. "
            "Search by meaning needs the model that made them."
        )
        choice = st.radio(
            "Model", ("all-MiniLM-L6-v2 (built in)", CUSTOM), key="encoder_choice", label_visibility="collapsed"
        )
        custom = choice == CUSTOM
        path = st.text_input(
            "Model folder or hub name",
            key="encoder_path",
            max_chars=300,
            disabled=not custom,
            placeholder="Folder of a sentence-transformers model, or its hub name",
        )
        if st.button("Check model", key="encoder_use", type="primary", **writing_options(custom and not path.strip())):
            with guarded(), progress_bar("Checking the encoder") as progress:
                name_encoder(workspace, path.strip() if custom else PACKAGED, progress=progress)
            if not encoder_missing(session):
                st.rerun()
        st.caption(
            "Twelve documents are embedded again and compared. A model that gives different vectors is rejected."
        )
    st.caption("No model? Open a document and choose **Find similar documents**.")
