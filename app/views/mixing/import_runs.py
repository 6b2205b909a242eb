"""Import of proxy runs that were trained elsewhere, as evidence for the RegMix strategy."""

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from app.state.session import Session
from app.ui.errors import refusal
from app.ui.read_only import writing_options
from app.ui.text import escape, short
from app.views.mixing.messages import MixMessages
from gem_core.errors import GemError, InputError
from gem_core.pipeline.mixing.regmix_study import UNIT, Proposal, import_runs

ENDINGS = ["csv", "tsv", "txt"]


def show_import_form(session: Session) -> None:
    """Show the upload form for the mixtures and losses of proxy runs."""
    st.markdown(
        "**Import proxy runs**  \n:small[:gray[One row per run; the mixtures have one column per cluster, by its name. "
        "Losses can be in a second file or in the same table.]]"
    )
    left, right = st.columns(2, gap="small")
    mixtures = left.file_uploader("Mixtures", type=ENDINGS, key="mixing-import-mixtures")
    losses = right.file_uploader("Losses", type=ENDINGS, key="mixing-import-losses")
    patterns = ("*", "*")
    if mixtures is not None and losses is None:
        patterns = (
            str(left.text_input("Weight columns", "ratio_*", key="mixing-import-weights", max_chars=200)),
            str(right.text_input("Loss columns", "metric_*", key="mixing-import-columns", max_chars=200)),
        )
    target = st.text_input(
        "Target loss",
        value="all",
        key="mixing-import-target",
        max_chars=200,
        help="A loss column, or part of its name; or several with weights: mmlu_*=2,arc=1. Not needed for one.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        unit = st.text_input("Unit", UNIT, key="mixing-import-unit", max_chars=40, width=160)
        higher = st.checkbox("Higher is better", key="mixing-import-higher", help="For accuracies and scores.")
    if st.button("Import runs", key="mixing-import-start", **writing_options(mixtures is None)):
        try:
            with st.spinner("Fitting a regression"):
                proposal = _import_uploads(
                    session,
                    mixtures,
                    losses,
                    str(target or "all"),
                    patterns=patterns,
                    higher=bool(higher),
                    unit=str(unit or UNIT),
                )
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


def _import_uploads(
    session: Session,
    mixtures: Any,
    losses: Any,
    target: str,
    *,
    patterns: tuple[str, str] = ("*", "*"),
    higher: bool = False,
    unit: str = UNIT,
) -> Proposal:
    if mixtures is None:
        raise InputError("Proxy runs need a file of mixtures", "none", "Choose one")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.csv" for name in ("mixtures", "losses")]
        for path, upload in zip(paths, (mixtures, losses), strict=True):
            if upload is not None:
                path.write_bytes(upload.getvalue())
        return import_runs(
            session.workspace,
            session.mixing_taxonomy,
            paths[0],
            None if losses is None else paths[1],
            target=target,
            weight_columns=patterns[0].split(","),
            loss_columns=patterns[1].split(","),
            higher=higher,
            unit=unit,
        )
