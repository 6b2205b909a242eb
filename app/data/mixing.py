"""Cached domains, n-gram proxies and weights, shared between sessions."""

from pathlib import Path

import streamlit as st

from app.data import cached_results, ngram_proxy
from gem_core.errors import InputError
from gem_core.mixing import Limits, Weights
from gem_core.pipeline.mixing.domains import Domains, domains_of
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
