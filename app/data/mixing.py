"""Cached domains, n-gram proxies and weights, shared between sessions."""

from pathlib import Path

import streamlit as st

from app.data import cached_results, ngram_proxy
from gem_core.errors import InputError
from gem_core.mixing import Limits, Weights
from gem_core.mixing.run_explorer import Front, Slopes, run_slopes, target_front
from gem_core.pipeline.mixing.domains import Domains, domains_of
from gem_core.pipeline.mixing.regmix_study import StoredRuns, stored_runs
from gem_core.pipeline.mixing.strategies import RUNS, TAU, Strategy, weights_by
from gem_core.workspace.mixing_runs import FOLDER


@st.cache_resource(max_entries=8, show_spinner=False)
def _domains(root: str, key: str) -> Domains:
    return domains_of(cached_results.workspace(Path(root)), cached_results.taxonomy(Path(root)))


def domains(root: Path) -> Domains:
    """Return the clusters of the current taxonomy as domains."""
    return _domains(str(root), cached_results.taxonomy(root).key)


@st.cache_resource(max_entries=4, show_spinner=False)
def _ngrams(root: str, key: str) -> ngram_proxy.BuildStatus:
    return ngram_proxy.start_build(Path(root), domains(Path(root)))


def ngram(root: Path) -> ngram_proxy.BuildStatus:
    """Return the build status of the n-gram proxy of the current clusters; the first call starts the build."""
    return _ngrams(str(root), cached_results.taxonomy(root).key)


def ngram_again(root: Path) -> None:
    """Clear a failed build so that the next call starts again."""
    _ngrams.clear(str(root), cached_results.taxonomy(root).key)


@st.cache_resource(max_entries=64, show_spinner=False)
def _weights(
    root: str,
    key: str,
    strategy: Strategy,
    tau: float,
    fixed: tuple[tuple[int, float], ...],
    limits: Limits,
    goal: tuple[str, float],
    runs: int,
) -> Weights | InputError:
    try:
        return weights_by(
            cached_results.workspace(Path(root)),
            cached_results.taxonomy(Path(root)),
            strategy,
            tau=tau,
            fixed=dict(fixed),
            limits=limits,
            goal=goal[0],
            part=goal[1],
        )
    except InputError as error:  # A refusal is cached like any other answer.
        return error


def weights(
    root: Path,
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
    runs = max((path.stat().st_mtime_ns for path in (root / FOLDER).glob(f"*/{strategy}-*.json")), default=0)
    if strategy in ("goal", "mixmin"):
        runs = max(runs, *(path.stat().st_mtime_ns for path in (root / FOLDER).glob(f"*/goals/{goal}.json")), 0)
    elif strategy not in RUNS:
        runs = 0
    key = cached_results.taxonomy(root).key
    result = _weights(str(root), key, strategy, tau, fixed, limits, (goal, part), runs)
    if isinstance(result, InputError):
        raise result
    return result


@st.cache_resource(max_entries=8, show_spinner=False)
def _runs(root: str, key: str, stamp: int) -> StoredRuns | None:
    return stored_runs(cached_results.workspace(Path(root)), domains(Path(root)))


def _runs_stamp(root: Path) -> int:
    taxonomy_hash = cached_results.taxonomy(root).taxonomy_hash
    return max((path.stat().st_mtime_ns for path in (root / FOLDER / taxonomy_hash).glob("losses.csv")), default=0)


def runs(root: Path) -> StoredRuns | None:
    """Return the proxy runs that were trained or imported last for the current clusters; None if there are none."""
    return _runs(str(root), cached_results.taxonomy(root).key, _runs_stamp(root))


@st.cache_resource(max_entries=8, show_spinner=False)
def _slopes(root: str, key: str, stamp: int) -> Slopes:
    stored = runs(Path(root))
    assert stored is not None  # Callers ask `runs` first.
    return run_slopes(stored.runs)


def slopes(root: Path) -> Slopes:
    """Return the slopes of the targets of `runs` by cluster."""
    return _slopes(str(root), cached_results.taxonomy(root).key, _runs_stamp(root))


@st.cache_resource(max_entries=16, show_spinner="Fitting laws to both targets")
def _front(root: str, key: str, stamp: int, first: str, second: str) -> Front:
    stored = runs(Path(root))
    assert stored is not None  # Callers ask `runs` first.
    return target_front(stored.runs, first, second)


def front(root: Path, first: str, second: str) -> Front:
    """Return two targets of `runs` against each other."""
    return _front(str(root), cached_results.taxonomy(root).key, _runs_stamp(root), first, second)
