"""Mixing: proxy runs that were trained elsewhere, taken in as evidence for the clusters."""

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from app.data import cached_results
from app.state.session import Session
from app.ui.errors import refusal
from app.ui.text import escape, short
from gem_core.errors import GemError, InputError
from gem_core.pipeline.mixing.regmix_study import Proposal, import_runs

DONE = "mixing-imported"


def import_form(session: Session) -> None:
    """Two files and one button."""
    st.markdown(
        "**Runs from elsewhere**  \n:small[:gray[Two CSV files in the layout of RegMix: mixtures and losses, a "
        "row a run, a column of mixtures for each cluster by its name.]]"
    )
    left, right = st.columns(2, gap="small")
    mixtures = left.file_uploader("Mixtures", type="csv", key="mixing-import-mixtures")
    losses = right.file_uploader("Losses", type="csv", key="mixing-import-losses")
    target = st.text_input(
        "Loss to lower",
        value="all",
        key="mixing-import-target",
        max_chars=200,
        help="A column of the losses, or a part of its name. Not needed where there is one.",
    )
    if st.button("Take them in", key="mixing-import-start", disabled=mixtures is None or losses is None):
        try:
            with st.spinner("Fitting a regression to the runs"):
                found = _taken(session, mixtures, losses, str(target or "all"))
        except GemError as error:
            refusal("These runs cannot be taken in", str(error))
        else:
            evidence = found.evidence
            session.drafts[DONE] = (
                f"{evidence['n_runs']} runs taken in, loss of "
                f"{escape(short(str(evidence['target']), 60))}: they are now what RegMix rests on."
            )
            st.rerun(scope="app")
    said = session.drafts.pop(DONE, "")
    if said:
        st.caption(f":material/check_circle: {said}")


def _taken(session: Session, mixtures: Any, losses: Any, target: str) -> Proposal:
    if mixtures is None or losses is None:
        raise InputError("Runs are two files", "one", "Choose both")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("mixtures.csv", "losses.csv")]
        for path, upload in zip(paths, (mixtures, losses), strict=True):
            path.write_bytes(upload.getvalue())
        return import_runs(
            cached_results.workspace(session.root), cached_results.taxonomy(session.root), *paths, target=target
        )
