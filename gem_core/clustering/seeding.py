"""Where a fit starts: k-means++ on the sphere, and the continuation from strong balance (method.md section 6)."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64, Floating, Progress, silent
from gem_core.clustering.driver import Problem, expectation_maximisation
from gem_core.clustering.maximisation import Parameters, maximise
from gem_core.clustering.statistics import Documents
from gem_core.geometry import concentration_from_resultant

# The continuation runs on a random sample of the corpus: about 250 documents a cluster place a centre within a few
# degrees, and the polish on all documents does the rest.
SAMPLE = 6000
SAMPLE_PER_CLUSTER = 250
SPHERICAL_STEPS = 5


@dataclass(frozen=True)
class Seed:
    """Start of a fit: parameters, bias, masses and the reference concentration; `given` by an earlier fit or not."""

    parameters: Parameters
    bias: Float64
    mass: Float64
    reference: float
    given: bool = False

    def ordered(self, order: NDArray[np.integer[Any]]) -> "Seed":
        """Cluster order[j] becomes cluster j."""
        p = self.parameters
        return replace(self, bias=self.bias[order], mass=self.mass[order], parameters=Parameters(
            p.centers[order], p.concentrations[order], p.capped[order]))


def seed_mixture(x: Floating, weights: Float64, n_clusters: int, *, concentration: str | float, cap_ratio: float,
                 seed: int, balanced: bool, device: str = "auto", progress: Progress = silent) -> Seed:
    """Start of a fit from scratch."""
    rng = np.random.default_rng(seed)
    rows = max(SAMPLE, SAMPLE_PER_CLUSTER * n_clusters)
    if x.shape[0] > rows:
        keep = np.sort(rng.choice(x.shape[0], size=rows, replace=False, p=weights))
        x, weights = x[keep], np.full(rows, 1.0 / rows)
    progress("seed", 0, 1)
    start = _plain(x, weights, n_clusters, concentration, cap_ratio, rng)
    if balanced:
        problem = Problem(np.inf, np.full(n_clusters, 1.0 / n_clusters), concentration, cap_ratio * start.reference)
        run = expectation_maximisation(Documents(x, weights, device=device), problem, start.parameters)
        start = replace(start, parameters=run.parameters, bias=run.expectation.bias, mass=run.expectation.mass)
    progress("seed", 1, 1)
    return start


def _plain(x: Floating, weights: Float64, k: int, concentration: str | float, cap_ratio: float,
           rng: np.random.Generator) -> Seed:
    centers = plus_plus(x, weights, k, rng)
    mass, sums = np.zeros(k), np.zeros((k, x.shape[1]))
    for _ in range(SPHERICAL_STEPS):
        nearest = np.argmax(x @ centers.T.astype(x.dtype), axis=1)
        mass, sums = hard_sums(x, weights, nearest, k)
        length = np.linalg.norm(sums, axis=1)
        centers = np.where((length > 0)[:, None], sums / np.where(length > 0, length, 1.0)[:, None], centers)
    if isinstance(concentration, str):
        pooled = min(1.0, float(np.linalg.norm(sums, axis=1).sum()))
        # Documents that all but coincide would give infinity.
        reference = float(concentration_from_resultant(x.shape[1], pooled, cap=1e5))
    else:
        reference = float(concentration)
    begin = Parameters(centers, np.full(k, reference), np.zeros(k, dtype=bool))
    cap = cap_ratio * reference
    parameters = maximise(mass, sums, begin, "shared" if isinstance(concentration, str) else concentration, cap)
    return Seed(parameters, np.zeros(k), mass, reference)


def plus_plus(x: Floating, weights: Float64, k: int, rng: np.random.Generator) -> Float64:
    """k-means++ on the cosine distance 1 - x'c with weights; the best of 2 + log k candidates a step.

    Returns
    -------
    ndarray of float64, shape (k, d)
        Rows of x. Once every document coincides with a centre, further centres are drawn by weight alone.

    Notes
    -----
    Arthur and Vassilvitskii (2007); greedy candidates as in scikit-learn. ||x - c||^2 = 2 (1 - x'c) on the sphere.
    """
    trials = 2 + int(np.log(k))
    chosen = [int(rng.choice(x.shape[0], p=weights))]
    distance = np.maximum(0.0, 1.0 - x @ x[chosen[0]]).astype(np.float64)
    for _ in range(k - 1):
        chance = weights * distance
        # Rounding of a float32 product: a distance below it is a duplicate of a centre.
        total = float(chance.sum())
        p = chance / total if total > 1e-7 else weights
        candidates = rng.choice(x.shape[0], size=trials, p=p)
        closer = np.minimum(distance, np.maximum(0.0, 1.0 - x[candidates] @ x.T))
        best = int(np.argmin(closer @ weights))
        chosen.append(int(candidates[best]))
        distance = closer[best].astype(np.float64)
    return x[chosen].astype(np.float64)


def hard_sums(x: Floating, weights: Float64, labels: NDArray[np.integer[Any]], k: int) -> tuple[Float64, Float64]:
    """Masses (k,) and resultants (k, d) of a hard assignment."""
    from scipy.sparse import csr_matrix

    n = x.shape[0]
    member = csr_matrix((weights, (labels, np.arange(n))), shape=(k, n))
    mass: Float64 = np.bincount(labels, weights=weights, minlength=k).astype(np.float64)
    return mass, np.asarray(member @ x.astype(np.float64))
