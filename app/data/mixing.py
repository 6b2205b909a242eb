"""Cached domains, n-gram proxies and weights, shared between sessions."""

import streamlit as st

from app.data import ngram_proxy
from app.data.workspace_cache import per_taxonomy
from gem_core.errors import InputError
from gem_core.mixing import Limits, Weights
from gem_core.mixing.run_explorer import Front, Slopes, run_slopes, target_front
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.regmix_study import StoredRuns, stored_runs
from gem_core.pipeline.mixing.strategies import RUNS, TAU, Strategy, weights_by
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.mixing_runs import FOLDER

domains = per_taxonomy(domains_of, max_entries=8)


@st.cache_resource(max_entries=4, show_spinner=False)
def _ngrams(root: str, key: str, _workspace: Workspace, _taxonomy: Taxonomy) -> ngram_proxy.BuildStatus:
    return ngram_proxy.start_build(_workspace, domains(_workspace, _taxonomy))


def ngram(workspace: Workspace, taxonomy: Taxonomy) -> ngram_proxy.BuildStatus:
    """Return the build status of the n-gram proxy of the current clusters; the first call starts the build."""
    return _ngrams(str(workspace.root), taxonomy.key, workspace, taxonomy)


def ngram_again(workspace: Workspace, taxonomy: Taxonomy) -> None:
    """Clear a failed build so that the next call starts again."""
    _ngrams.clear(str(workspace.root), taxonomy.key)


def _weights_or_refusal(
    workspace: Workspace,
    taxonomy: Taxonomy,
    strategy: Strategy,
    tau: float,
    fixed: tuple[tuple[int, float], ...],
    limits: Limits,
    goal: tuple[str, float],
    runs: int,
) -> Weights | InputError:
    name, part = goal
    try:
        return weights_by(
            workspace, taxonomy, strategy, tau=tau, fixed=dict(fixed), limits=limits, goal=name, part=part
        )
    except InputError as error:  # A refusal is cached like any other answer.
        return error


_weights = per_taxonomy(_weights_or_refusal, max_entries=64)


def weights(
    workspace: Workspace,
    taxonomy: Taxonomy,
    strategy: Strategy,
    limits: Limits,
    *,
    tau: float = TAU,
    fixed: tuple[tuple[int, float], ...] = (),
    goal: str = "corpus",
    part: float = 1.0,
) -> Weights:
    """Return the weights of the current clusters by a strategy.

    Raises
    ------
    InputError
        If the strategy has no runs, or the limits cannot be met.
    """
    folder = workspace.root / FOLDER
    runs = max((path.stat().st_mtime_ns for path in folder.glob(f"*/{strategy}-*.json")), default=0)
    if strategy in ("goal", "mixmin"):
        runs = max(runs, *(path.stat().st_mtime_ns for path in folder.glob(f"*/goals/{goal}.json")), 0)
    elif strategy not in RUNS:
        runs = 0
    result = _weights(workspace, taxonomy, strategy, tau, fixed, limits, (goal, part), runs)
    if isinstance(result, InputError):
        raise result
    return result


def _read_runs(workspace: Workspace, taxonomy: Taxonomy, stamp: int) -> StoredRuns | None:
    return stored_runs(workspace, domains(workspace, taxonomy))


_runs = per_taxonomy(_read_runs, max_entries=8)


def _runs_stamp(workspace: Workspace, taxonomy: Taxonomy) -> int:
    folder = workspace.root / FOLDER / taxonomy.taxonomy_hash
    return max((path.stat().st_mtime_ns for path in folder.glob("losses.csv")), default=0)


def runs(workspace: Workspace, taxonomy: Taxonomy) -> StoredRuns | None:
    """Return the proxy runs that were trained or imported last for the current clusters; None if there are none."""
    return _runs(workspace, taxonomy, _runs_stamp(workspace, taxonomy))


def _compute_slopes(workspace: Workspace, taxonomy: Taxonomy, stamp: int) -> Slopes:
    stored = runs(workspace, taxonomy)
    assert stored is not None  # Callers call `runs` first.
    return run_slopes(stored.runs)


_slopes = per_taxonomy(_compute_slopes, max_entries=8)


def slopes(workspace: Workspace, taxonomy: Taxonomy) -> Slopes:
    """Return the slopes of the targets of `runs` by cluster."""
    return _slopes(workspace, taxonomy, _runs_stamp(workspace, taxonomy))


@st.cache_resource(max_entries=16, show_spinner="Fitting laws to both targets")
def _front(
    root: str, key: str, stamp: int, first: str, second: str, _workspace: Workspace, _taxonomy: Taxonomy
) -> Front:
    stored = runs(_workspace, _taxonomy)
    assert stored is not None  # Callers call `runs` first.
    return target_front(stored.runs, first, second)


def front(workspace: Workspace, taxonomy: Taxonomy, first: str, second: str) -> Front:
    """Return two targets of `runs` against each other."""
    stamp = _runs_stamp(workspace, taxonomy)
    return _front(str(workspace.root), taxonomy.key, stamp, first, second, workspace, taxonomy)
