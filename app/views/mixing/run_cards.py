"""Runs tab of the Mixing view: one card per kind of proxy run, with settings, status and results."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app.components.reliable_button import reliable_button
from app.data import groupings, mixing
from app.jobs.panel import job_panel
from app.state.session import Session
from app.ui.errors import guarded
from app.ui.glossary import HINTS
from app.views.mixing.explore_runs import show_run_explorer
from app.views.mixing.import_runs import show_import_form
from app.views.mixing.jobs import TITLES, newest, running, start_run
from app.views.mixing.mix_settings import CORPUS
from app.views.mixing.run_results import doremi, grip, perfre, predictability, regmix
from app.views.mixing.trained_results import mixmin_result, search_result, verification_result
from gem_core.errors import InputError
from gem_core.export.mixtures import write_weights
from gem_core.export.saved_mix import saved_mix
from gem_core.pipeline.mixing.goal_store import goal_names
from gem_core.workspace.mixing_runs import Mixes


@dataclass(frozen=True)
class RunKind:
    """A kind of proxy run: command, glossary term, what it trains, the function that shows its result.

    `takes_goal`: whether the loss to lower is that of the chosen goal.
    """

    command: str
    hint: str
    trains: str
    show_result: Callable[[Session], bool]
    takes_goal: bool = False


RUN_KINDS = (
    RunKind(
        "search",
        "search",
        "58 proxies near natural shares, then the proposal beside natural shares with fresh seeds.",
        search_result,
        takes_goal=True,
    ),
    RunKind(
        "verify",
        "verify",
        "The mix on screen, and mixtures on the way to it, beside natural shares.",
        verification_result,
        takes_goal=True,
    ),
    RunKind("mixmin", "mixmin", "One proxy per cluster.", mixmin_result, takes_goal=True),
    RunKind("doremi", "doremi", "A reference and a proxy.", doremi),
    RunKind("proxies", "regmix", "64 proxies, each on a different mixture.", regmix),
    RunKind("perfre", "perfre", "One proxy per cluster, plus a baseline.", perfre, takes_goal=True),
    RunKind("probe", "grip", "One proxy, then 8 short probes per cluster.", grip),
    RunKind(
        "predict",
        "out_of_fold",
        "64 proxies on mixtures of a grouping: do the weights explain the losses?",
        predictability,
    ),
)
GROUPINGS = {
    "gem": "Current clusters",
    "random": "Random groups (control)",
    "kmeans": "k-means",
    "spherical": "Spherical k-means",
}


def show_runs(session: Session) -> None:
    """Show the run settings and a card for each kind of run."""
    st.caption(
        "Proxies are small models trained briefly on this machine. They rank mixtures, but rankings may not transfer "
        "to large models. Predictability tests if weights explain proxy losses."
    )
    goal, options = _run_options(session)
    grid = st.grid(2, min_column_width=430, gap="medium", key="mixing_runs")
    for kind in RUN_KINDS:
        with grid.cell(), st.container(border=True, gap="small", key=f"mixing-run-{kind.command}"), guarded():
            _show_card(session, kind, goal, options)
    with grid.cell(), st.container(border=True, gap="small", key="mixing-run-import"), guarded():
        show_import_form(session)
    with guarded():
        show_run_explorer(session)


def _run_options(session: Session) -> tuple[str, list[str]]:
    """Show the options of all runs; return the goal and the options of the command."""
    workspace = session.workspace
    names = (CORPUS, *goal_names(workspace, mixing.domains(workspace, session.mixing_taxonomy)))
    with st.container(horizontal=True, gap="small", key="mixing-run-options"):
        goal = st.selectbox(
            "Goal",
            names,
            format_func=lambda name: "Corpus as it is" if name == CORPUS else name,
            key=f"mixing-run-goal-{'-'.join(names)}",
            width=220,
            help="The loss to lower, for search, verification, MixMin and PerfRe. Define goals on Weights, strategy "
            "Goal. DoReMi and GRIP do not use a goal.",
        )
        seed = st.number_input(
            "Seed",
            min_value=0,
            value=0,
            step=1,
            key="mixing-run-seed",
            width=130,
            persist_state="session",
            help="Random seed of a run. The same seed and steps reuse existing results.",
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
            help="Training steps per proxy. Fewer steps are faster and less reliable.",
        )
    return goal, ["--seed", str(seed or 0), *(["--steps", str(steps)] if steps else [])]


def _show_card(session: Session, kind: RunKind, goal: str, options: list[str]) -> None:
    job = next((job for job in newest(session) if job.arguments[1] == kind.command), None)
    heading_slot = st.container()  # The options stand below the button that takes them.
    extra_options = _grouping_options(session) if kind.command == "predict" else []
    with heading_slot, st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(
            f"**{TITLES[kind.command]}**  \n:small[:gray[{kind.trains}]]", width="stretch", help=HINTS[kind.hint]
        )
        if kind.takes_goal and goal != CORPUS:
            extra_options += ["--goal", goal]
        if reliable_button(
            session,
            "Run",
            key=f"mixing-run-start-{kind.command}",
            icon=":material/play_arrow:",
            disabled=running(session) is not None,
            help=f"Starts gem-explorer mix {kind.command} in the "
            "background. It continues when the tab is closed, and resumes after a stop.",
        ):
            if kind.command == "verify":
                extra_options += ["--weights", str(_weights_on_screen(session))]
            start_run(session, kind.command, *options, *extra_options)
    job_panel(session, job, quiet=True, key_prefix="mixing_run")
    if not kind.show_result(session):
        st.caption("No results yet.")


def _weights_on_screen(session: Session) -> Path:
    """Write the current mix as weights.csv for the command and return its path."""
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    weights = saved_mix(workspace, taxonomy)
    if weights is None:
        raise InputError(
            "Verification needs weights other than natural shares", "none are set", "Set a mix on Weights first"
        )
    path = Mixes(workspace.root, taxonomy.taxonomy_hash).folder / "verify.csv"
    write_weights(path, taxonomy, weights)
    return path


def _grouping_options(session: Session) -> list[str]:
    offered = [*GROUPINGS, *(f"column:{name}" for name in groupings.columns(session.workspace, session.taxonomy))]
    selected = st.selectbox(
        "Grouping",
        offered,
        format_func=lambda spec: GROUPINGS.get(spec, spec.removeprefix("column:")),
        key="mixing-grouping",
        label_visibility="collapsed",
        width=190,
        persist_state="session",
    )
    return ["--partition", str(selected)]
