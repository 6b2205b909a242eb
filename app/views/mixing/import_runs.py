"""Import of proxy runs that were trained elsewhere, as evidence for the RegMix strategy."""

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from app.data import cached_results
from app.state.session import Session
from app.ui.errors import refusal
from app.ui.text import escape, short
from app.views.mixing.messages import MixMessages
from gem_core.errors import GemError, InputError
from gem_core.pipeline.mixing.regmix_study import Proposal, import_runs


def show_import_form(session: Session) -> None:
    """Show the upload form for the mixtures and losses of proxy runs."""
    st.markdown(
        "**Import proxy runs**  \n:small[:gray[Two CSV files in RegMix layout: mixtures and losses, one "
        "row per run; the mixtures have one column per cluster, by its name.]]"
    )
    left, right = st.columns(2, gap="small")
    mixtures = left.file_uploader("Mixtures", type="csv", key="mixing-import-mixtures")
    losses = right.file_uploader("Losses", type="csv", key="mixing-import-losses")
    target = st.text_input(
        "Target loss",
        value="all",
        key="mixing-import-target",
        max_chars=200,
        help="A loss column, or part of its name. Optional if there is only one.",
    )
    if st.button("Import runs", key="mixing-import-start", disabled=mixtures is None or losses is None):
        try:
            with st.spinner("Fitting a regression"):
                proposal = _import_uploads(session, mixtures, losses, str(target or "all"))
        except GemError as error:
            refusal("Cannot import these runs", str(error))
        else:
            evidence = proposal.evidence
            session.drafts.get(MixMessages).imported_runs = (
                f"{evidence['n_runs']} runs imported, target loss "
                f"{escape(short(str(evidence['target']), 60))}. The RegMix strategy now uses them."
            )
            st.rerun(scope="app")
    messages = session.drafts.get(MixMessages)
    if messages.imported_runs:
        st.caption(f":material/check_circle: {messages.imported_runs}")
        messages.imported_runs = ""


def _import_uploads(session: Session, mixtures: Any, losses: Any, target: str) -> Proposal:
    if mixtures is None or losses is None:
        raise InputError("Proxy runs need two files", "one file", "Choose both")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("mixtures.csv", "losses.csv")]
        for path, upload in zip(paths, (mixtures, losses), strict=True):
            path.write_bytes(upload.getvalue())
        return import_runs(
            cached_results.workspace(session.root), cached_results.taxonomy(session.root), *paths, target=target
        )
