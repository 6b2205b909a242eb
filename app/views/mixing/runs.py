"""Mixing, the runs: small models trained in the background, what they found, and how far to trust it."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app.data import groupings
from app.jobs.panel import job_panel
from app.state.session import Session
from app.ui.errors import guarded
from app.ui.glossary import HINTS
from app.views.mixing.import_runs import import_form
from app.views.mixing.jobs import TITLES, newest, running, start_run
from app.views.mixing.run_results import doremi, grip, perfre, predictability, regmix


@dataclass(frozen=True)
class Study:
    """A kind of run: its command, its term in the glossary, what it trains by default, and what shows its finding."""

    command: str
    hint: str
    trains: str
    shown: Callable[[Session], bool]


STUDIES = (
    Study("doremi", "doremi", "A reference and a proxy.", doremi),
    Study("proxies", "regmix", "64 proxies, each on a mixture of its own.", regmix),
    Study("perfre", "perfre", "One proxy for each cluster, and one more.", perfre),
    Study("probe", "grip", "One proxy, then 8 short probes for each cluster.", grip),
    Study(
        "predict",
        "out_of_fold",
        "64 proxies on mixtures of a grouping: do weights predict the loss at all?",
        predictability,
    ),
)
GROUPINGS = {
    "gem": "Present clusters",
    "random": "Random groups (control)",
    "kmeans": "k-means",
    "spherical": "Spherical k-means",
}


def runs(session: Session) -> None:
    """Settings above, then a card for each kind of run."""
    st.caption(
        "Proxies are small models, trained for a short time on this machine. They can rank mixtures; whether "
        "the order holds for a large model, nobody knows before it is trained. Predictability says whether "
        "weights have told the proxies' losses at all."
    )
    options = _options()
    grid = st.grid(2, min_column_width=430, gap="medium", key="mixing_runs")
    for study in STUDIES:
        with grid.cell(), st.container(border=True, gap="small", key=f"mixing-run-{study.command}"), guarded():
            _card(session, study, options)
    with grid.cell(), st.container(border=True, gap="small", key="mixing-run-import"), guarded():
        import_form(session)


def _options() -> list[str]:
    with st.container(horizontal=True, gap="small", key="mixing-run-options"):
        seed = st.number_input(
            "Seed",
            min_value=0,
            value=0,
            step=1,
            key="mixing-run-seed",
            width=130,
            persist_state="session",
            help="Of everything random in a run. The same seed and steps read what was found before.",
        )
        steps = st.number_input(
            "Training steps",
            min_value=1,
            value=None,
            step=50,
            key="mixing-run-steps",
            width=160,
            persist_state="session",
            placeholder="default",
            help="Of each proxy. Fewer are quicker and say less.",
        )
    return ["--seed", str(seed or 0), *(["--steps", str(steps)] if steps else [])]


def _card(session: Session, study: Study, options: list[str]) -> None:
    job = next((job for job in newest(session) if job.arguments[1] == study.command), None)
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(
            f"**{TITLES[study.command]}**  \n:small[:gray[{study.trains}]]", width="stretch", help=HINTS[study.hint]
        )
        more = _grouping(session) if study.command == "predict" else []
        if st.button(
            "Run",
            key=f"mixing-run-start-{study.command}",
            icon=":material/play_arrow:",
            disabled=running(session) is not None,
            help=f"Starts gem-explorer mix {study.command} in the "
            "background. It survives a closed tab, and goes on where it was stopped.",
        ):
            start_run(session, study.command, *options, *more)
    job_panel(session, job, quiet=True, place="mixing_run")
    if not study.shown(session):
        st.caption("Nothing found for these clusters yet.")


def _grouping(session: Session) -> list[str]:
    offered = [*GROUPINGS, *(f"column:{name}" for name in groupings.columns(session.root))]
    chosen = st.selectbox(
        "Grouping",
        offered,
        format_func=lambda one: GROUPINGS.get(one, one.removeprefix("column:")),
        key="mixing-grouping",
        label_visibility="collapsed",
        width=190,
        persist_state="session",
    )
    return ["--partition", str(chosen)]
