"""Refits for comparison: other methods, other seeds, resampled documents; each is stored in the workspace."""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from gem_core._content_key import content_key
from gem_core._types import Float64, Floating, Progress, frozen, silent
from gem_core.clustering import MixtureFit, fit_mixture, kmeans, spherical_kmeans, vmf_mixture
from gem_core.clustering.assignment import assign_units
from gem_core.clustering.own_shares import fit_own_shares
from gem_core.errors import NotConvergedWarning
from gem_core.pipeline.building.fit import check_size
from gem_core.workspace import Settings, Workspace
from gem_core.workspace.studies import Grouping, Studies

Method = Literal["gem", "kmeans", "spherical", "vmf"]
METHODS: dict[Method, str] = {"gem": "GEM", "kmeans": "k-means", "spherical": "spherical k-means", "vmf": "vMF mixture"}
_BASELINES: dict[str, Callable[..., MixtureFit]] = {"kmeans": kmeans, "spherical": spherical_kmeans, "vmf": vmf_mixture}


def refit_key(workspace: Workspace, settings: Settings, method: Method, resample: int | None = None) -> str:
    """Name under which a fit is kept: everything that decides it."""
    own: Any = settings.to_json()
    if method != "gem":  # what a baseline does not know does not change it
        own = [settings.n_clusters, settings.seed, settings.weighting]
    return content_key([workspace.manifest.data_hash, workspace.manifest.vectors_from, method, own, resample])


def refit(
    workspace: Workspace,
    settings: Settings,
    method: Method = "gem",
    *,
    resample: int | None = None,
    progress: Progress = silent,
) -> Grouping:
    """Group the documents by a method under `settings`; a stored fit is read.

    Parameters
    ----------
    workspace : Workspace
        With vectors.
    settings : Settings
        A baseline takes only the number of clusters, the seed and the weighting from them.
    method : "gem", "kmeans", "spherical" or "vmf"
    resample : int, optional
        Fit to as many documents drawn with replacement (this is the seed of the draw); a document drawn twice counts
        twice, one that was not drawn has label -1.
    progress : Progress
        As in `fit_mixture`; silent for k-means and spherical k-means, which report nothing.

    Raises
    ------
    InputError
        If there are fewer different documents than clusters.
    WorkspaceError
        If the workspace cannot be written.
    """
    store, key = Studies(workspace.root), refit_key(workspace, settings, method, resample)
    saved_grouping = store.grouping(key)
    if saved_grouping is not None and saved_grouping.labels.shape == (len(workspace),):
        return saved_grouping
    began = time.perf_counter()
    n = len(workspace)
    counts = None if resample is None else drawn_counts(n, resample)
    rows = np.arange(n) if counts is None else np.flatnonzero(counts)
    X = workspace.embeddings if counts is None else np.asarray(workspace.embeddings[rows])
    weights = workspace.weights(settings.weighting)
    if counts is not None:
        weights = counts[rows] * (1.0 if weights is None else weights[rows])
    check_size(X, settings.n_clusters)
    fit = _fit(X, settings, method, weights, progress)
    assignment = assign_units(X, fit)
    labels, margin = np.full(n, -1, dtype=np.int32), np.zeros(n, dtype=np.float32)
    labels[rows], margin[rows] = assignment.labels, assignment.margin
    facts = {
        "method": method,
        "clusters": settings.n_clusters,
        "seed": settings.seed,
        "resample": resample,
        "seconds": round(time.perf_counter() - began, 3),
        "converged": fit.converged,
    }
    grouping = Grouping(frozen(labels), frozen(margin), facts)
    store.save_grouping(key, grouping)
    return grouping


def drawn_counts(n: int, resample: int) -> Float64:
    """How often each of n documents is drawn when n are drawn with replacement; about 37% of them never.

    Examples
    --------
    >>> int(drawn_counts(1000, 0).sum()), round(float((drawn_counts(1000, 0) == 0).mean()), 1)
    (1000, 0.4)
    """
    rng = np.random.default_rng([resample, 0x6E7])  # a stream of its own, apart from the seeds of the fits
    return np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)


def base_settings(settings: Settings, n_clusters: int, seed: int) -> Settings:
    """Return a taxonomy's settings for another number of clusters or seed; shares that no longer fit become equal."""
    target = settings.target
    if not isinstance(target, str) and len(target) != n_clusters:
        target = "uniform"
    return replace(settings, n_clusters=n_clusters, seed=seed, target=target)


def _fit(X: Floating, settings: Settings, method: Method, weights: Float64 | None, progress: Progress) -> MixtureFit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)  # kept as a fact of the grouping
        if method != "gem":
            return _BASELINES[method](X, settings.n_clusters, seed=settings.seed, weights=weights)
        config = settings.config()
        if isinstance(config.target, str):
            return fit_mixture(X, config, weights=weights, progress=progress)
        return fit_own_shares(X, config, weights=weights, progress=progress)
