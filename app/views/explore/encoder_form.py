"""Ask for the encoder that own vectors were made with, so that search by meaning works."""

import streamlit as st

from app.data import cached_results
from app.state.session import Session
from app.ui.errors import guarded
from app.ui.glossary import HINTS
from gem_core.embedding.encoders import PACKAGED
from gem_core.pipeline.search.semantic import name_encoder

OWN = "Another model"


def name_the_encoder(session: Session) -> None:
    """Ask which encoder made vectors that came with the corpus; nothing is assumed."""
    workspace = cached_results.workspace(session.root)
    with st.container(border=True, gap="small"):
        st.markdown("**Which model made these vectors?**", help=HINTS.get("encoder"))
        st.caption(
            f"They came with the corpus and do not say. Searching by meaning needs the same model; "
            f"{workspace.manifest.dimension} numbers each are no proof."
        )
        choice = st.radio(
            "Model", ("all-MiniLM-L6-v2, packaged here", OWN), key="encoder_choice", label_visibility="collapsed"
        )
        own = choice == OWN
        path = st.text_input(
            "Folder or hub name",
            key="encoder_path",
            max_chars=300,
            disabled=not own,
            placeholder="folder of a sentence-transformers model, or its hub name",
        )
        if st.button("Check and use it", key="encoder_use", type="primary", disabled=own and not path.strip()):
            bar = st.progress(0.1, "Loading the encoder")
            with guarded():
                name_encoder(
                    workspace,
                    path.strip() if own else PACKAGED,
                    progress=lambda step, done, total: bar.progress(
                        0.3 if step == "load encoder" else 0.8,
                        "Loading the encoder" if step == "load encoder" else "Embedding 12 documents again",
                    ),
                )
                bar.empty()
                st.rerun()
            bar.empty()
        st.caption("Twelve documents are embedded again and compared: any other model is refused.")
    st.caption("Without the model: open a document and choose **Select documents like this**.")
