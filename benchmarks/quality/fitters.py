"""Fits of the clusterings that are compared: three baselines and GEM at any strength, target and start."""

from collections.abc import Callable

import numpy as np

from gem_core.clustering import MixtureConfig, MixtureFit, fit_mixture, kmeans, spherical_kmeans, vmf_mixture

Fitter = Callable[[np.ndarray, int], MixtureFit]


def baselines(k: int) -> dict[str, Fitter]:
    """Return the fits without balance, as functions of vectors and seed."""
    return {
        "k-means": lambda x, seed: kmeans(x, k, seed),
        "spherical k-means": lambda x, seed: spherical_kmeans(x, k, seed),
        "vMF, learned prior": lambda x, seed: vmf_mixture(x, k, seed),
    }


def gem(k: int, strength: float, *, target: str = "uniform", start: str = "search") -> Fitter:
    """Return a fit of GEM as a function of vectors and seed."""
    return lambda x, seed: fit_mixture(
        x, MixtureConfig(n_clusters=k, strength=strength, target=target, start=start, seed=seed)
    )
