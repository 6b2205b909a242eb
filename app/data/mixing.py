"""Domains, instant proxies and weights, shared between sessions like what `cached` holds."""

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
    """Return the clusters of the present taxonomy that weights are for."""
    return _domains(str(root), cached_results.taxonomy(root).key)


@st.cache_resource(max_entries=4, show_spinner=False)
def _ngrams(root: str, key: str) -> ngram_proxy.Making:
    return ngram_proxy.making(Path(root), domains(Path(root)))


def ngram(root: Path) -> ngram_proxy.Making:
    """Return the instant proxy of the present clusters as far as it is made; the first call begins it."""
    return _ngrams(str(root), cached_results.taxonomy(root).key)


def ngram_again(root: Path) -> None:
    """Begin anew after a refusal."""
    _ngrams.clear(str(root), cached_results.taxonomy(root).key)


@st.cache_resource(max_entries=64, show_spinner=False)
def _weights(
    root: str, key: str, strategy: Strategy, tau: float, fixed: tuple[tuple[int, float], ...], limits: Limits, runs: int
) -> Weights | InputError:
    try:
        return weights_by(
            cached_results.workspace(Path(root)),
            cached_results.taxonomy(Path(root)),
            strategy,
            tau=tau,
            fixed=dict(fixed),
            limits=limits,
        )
    except InputError as error:  # a refusal is an answer, and kept like one
        return error


def weights(
    root: Path, strategy: Strategy, limits: Limits, *, tau: float = TAU, fixed: tuple[tuple[int, float], ...] = ()
) -> Weights:
    """Return the weights of the present clusters by a strategy.

    Raises
    ------
    InputError
        If it has no runs yet, or the limits leave no room.
    """
    runs = max((path.stat().st_mtime_ns for path in (root / FOLDER).glob(f"*/{strategy}-*.json")), default=0)
    found = _weights(
        str(root), cached_results.taxonomy(root).key, strategy, tau, fixed, limits, runs if strategy in RUNS else 0
    )
    if isinstance(found, InputError):
        raise found
    return found
