"""Scores by which exemplars are ranked, and what their labels gain over random documents of the cluster."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gem_core.clustering import Assignment, MixtureConfig, assign, fit_mixture
from gem_core.influence import exemplars
from gem_core.influence.scores import _z_scores, local_density

NEIGHBORS = (4, 8, 16, 32)
SMALLEST = 40  # clusters with fewer documents have no ranking to speak of


@dataclass
class Fit:
    """One fitted corpus half with its parts of the score."""

    X: NDArray[np.float32]
    truth: NDArray[np.int64]
    assignment: Assignment
    log_density: dict[int, NDArray[np.float64]]
    n_clusters: int


def prepare(X: NDArray[np.float32], truth: NDArray[np.int64], n_clusters: int, seed: int, strength: float) -> Fit:
    """Fit and measure local densities."""
    fit = fit_mixture(X, MixtureConfig(n_clusters=n_clusters, seed=seed, strength=strength))
    assignment = assign(X, fit)
    densities = {m: np.log(local_density(X, assignment.labels, neighbors=m)) for m in NEIGHBORS}
    return Fit(X, truth, assignment, densities, n_clusters)


def score(fit: Fit, rule: str, beta: float, neighbors: int, standardize: bool) -> NDArray[np.float64]:
    """Score of every document by one rule."""
    confidence = fit.assignment.log_responsibility.astype(np.float64)
    centrality = fit.assignment.log_density.astype(np.float64)
    density = fit.log_density[neighbors]
    if rule != "gis":
        return {"confidence": confidence, "center": centrality, "density": density}[rule]
    if standardize:
        confidence, centrality, density = (
            _z_scores(p, fit.assignment.labels, fit.n_clusters) for p in (confidence, centrality, density)
        )
    return confidence + centrality + beta * density


def label_gains(fit: Fit, values: NDArray[np.float64], m: int, smallest: int = SMALLEST) -> list[float]:
    """Share of the top m with the majority's label minus its share in the cluster, one number per cluster."""
    gains = []
    best = exemplars(fit.X, fit.assignment.labels, values, count=m, n_clusters=fit.n_clusters)
    for k, rows in enumerate(best):
        own = fit.truth[fit.assignment.labels == k]
        if own.size >= smallest:
            counts = np.bincount(own)
            gains.append(float((fit.truth[rows] == counts.argmax()).mean() - counts.max() / own.size))
    return gains
