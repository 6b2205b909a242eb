"""Fit with own target shares, where share k is meant for cluster k of the fit with equal shares."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Progress, silent
from gem_core.clustering.assignment import assign
from gem_core.clustering.config import MixtureConfig
from gem_core.clustering.matching import match_clusters, rank_by_mass
from gem_core.clustering.mixture import MixtureFit, fit_mixture
from gem_core.clustering.vector_files import StoredVectors


def fit_equal_shares(
    X: ArrayLike | StoredVectors,
    config: MixtureConfig,
    *,
    weights: ArrayLike | None = None,
    progress: Progress = silent,
) -> MixtureFit:
    """Fit with equal shares and otherwise the same settings; clusters numbered by falling mass.

    Parameters and errors as in `fit_mixture`.
    """
    fit = fit_mixture(X, replace(config, target="uniform"), weights=weights, progress=progress)
    return fit.permute(np.argsort(rank_by_mass(fit.masses, fit.centers)))


def fit_own_shares(
    X: ArrayLike | StoredVectors,
    config: MixtureConfig,
    *,
    weights: ArrayLike | None = None,
    progress: Progress = silent,
) -> MixtureFit:
    """Fit with share k for cluster k of `fit_equal_shares`; the better of two fits by F.

    One goes on from the fit with equal shares. The other goes on from a fit that was searched under the asked shares,
    its clusters renumbered to match those of the fit with equal shares one to one.

    Parameters
    ----------
    X, weights, progress
        As in `fit_mixture`.
    config : MixtureConfig
        With K shares as its target.

    Returns
    -------
    MixtureFit

    Raises
    ------
    InputError
        As in `fit_mixture`.

    Examples
    --------
    >>> from gem_core.geometry import sample_vmf
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([sample_vmf(m, 30.0, n, rng) for m, n in (([1, 0, 0], 90), ([0, 1, 0], 30))])
    >>> config = MixtureConfig(n_clusters=2, strength=float("inf"), target=(0.75, 0.25))
    >>> fit_own_shares(X, config).masses.round(6).tolist()
    [0.75, 0.25]
    """
    equal = fit_equal_shares(X, config, weights=weights, progress=progress)
    continued = fit_mixture(X, config, weights=weights, start=equal, progress=progress)
    searched = fit_mixture(X, config, weights=weights, progress=progress)
    order = match_clusters(assign(X, equal).labels, assign(X, searched).labels, config.n_clusters)
    rival = fit_mixture(X, config, weights=weights, start=searched.permute(order), progress=progress)
    return max(continued, rival, key=lambda fit: fit.objective)
