"""Start of a fit: k-means++ on the sphere, or a search on a sample for the problem that was asked.

All of it runs on a sample of the corpus, and the search with centers bound to a subspace of few dimensions: half the
time and no loss (benchmarks/results/clustering_seeds.txt). The fit on all documents only has to polish.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64, Floating, Progress, silent
from gem_core.clustering.kmeans_plus_plus import cosines, kmeans_plus_plus
from gem_core.clustering.m_step import Parameters, maximize
from gem_core.clustering.matching import rank_by_mass
from gem_core.clustering.search import Candidate, Objective, Search, fit_candidate, polish
from gem_core.clustering.search_sample import SearchSample, search_sample
from gem_core.clustering.sparse_blocks import MANY_CLUSTERS
from gem_core.clustering.threads import torch_threads
from gem_core.clustering.vector_files import StoredVectors
from gem_core.geometry import concentration_from_resultant

# Spherical k-means steps of a plain start, and of the start that the reference concentration is read from.
SPHERICAL_STEPS = 3
REFERENCE_STEPS = 10
# k-means++ draws its centers from so many documents per cluster, so that its cost stays linear in K; with
# `MANY_CLUSTERS` from fewer, by 64 leading coordinates.
CANDIDATES_PER_CLUSTER = 64
FEW_CANDIDATES = 16
# Dimensions of the subspace in which the search looks for centers: four a cluster, between these two; beyond 64
# clusters two a cluster. With two a cluster, 36 clusters lost .1 nats (benchmarks/results/clustering_seeds.txt).
SUBSPACE = (64, 128)
# Fits of a search, in one stage for equal shares at matched strength and in two for any other problem. A longer one
# gains little: on 3,000 web documents, K = 24, 110 fits had .005 nats more and agreed as well between seeds.
FITS = 70
# Values (sampled documents x clusters x fits) that a search may cost: full up to about 13 clusters, then fewer fits,
# from about 150 clusters on a single fit.
BUDGET = 5_500_000
# Of each stage: fits from k-means++ starts, whose best are kept as parents, and the part that goes to merge-and-split.
POPULATION = 5
SPLITS = 0.25
# With `MANY_CLUSTERS` the one fit is followed by up to so many rounds of many merges and splits at once: on web
# text they gained .5 nats at K = 500 for the time of a few fits. At K = 200 the fit on all documents lost .06 by them.
ROUNDS = 8
# Tries in a row without a new best that end the recombinations, or the merge-and-split steps.
PATIENCE = 20
# Candidates of the search at matched strength and equal shares that compete for any other problem.
RIVALS = 3
# The pooled concentration of documents that (nearly) coincide; any larger value would only cost digits.
HIGHEST_REFERENCE = 1e5
# Below this many responsibilities a second thread is waited for longer than it works: a search on 6,000 web documents,
# K = 24, took 1.4 s on one thread and 3.4 s on two.
SMALL = 500_000


@dataclass(frozen=True)
class FitStart:
    """Start of a fit.

    Attributes
    ----------
    parameters : Parameters
        Centers and concentrations.
    bias : ndarray, shape (K,)
        b, nats.
    mass : ndarray, shape (K,)
        Fractions.
    reference : float
        kappa_0.
    target : ndarray, shape (K,), optional
        Given shares in the order of these clusters; None where the target does not depend on the order.
    warm : bool
        Whether an earlier fit gave it.
    """

    parameters: Parameters
    bias: Float64
    mass: Float64
    reference: float
    target: Float64 | None = None
    warm: bool = False

    def reorder(self, order: NDArray[np.integer[Any]]) -> "FitStart":
        """Return the start with cluster order[j] as cluster j."""
        p = self.parameters
        return replace(
            self,
            bias=self.bias[order],
            mass=self.mass[order],
            target=None if self.target is None else self.target[order],
            parameters=Parameters(p.centers[order], p.concentrations[order], p.capped[order]),
        )


def seed_mixture(
    x: Floating | StoredVectors,
    weights: Float64,
    n_clusters: int,
    *,
    concentration: str | float,
    cap_ratio: float,
    seed: int,
    start: str = "search",
    strength: float = 1.0,
    penalty: float | None = None,
    shares: Float64 | None = None,
    rivals: Sequence[Parameters] = (),
    device: str = "auto",
    progress: Progress = silent,
) -> FitStart:
    """Start of a fit from scratch, clusters ordered by falling mass.

    Parameters
    ----------
    x, weights : ndarray or StoredVectors, shape (n, d), and ndarray, shape (n,)
        Unit rows and shares. Above max(6000, 64 K) rows a sample stands for them (`search_sample`).
    n_clusters : int
        K.
    concentration : "per_cluster", "shared" or float
        As in `MixtureConfig`.
    cap_ratio : float
        Largest kappa over the reference concentration.
    seed : int
        Seed of the random choices. The sample and the reference concentration do not depend on it.
    start : "search", "relax" or "plain"
        "plain": k-means++ and three spherical k-means steps. "relax": from there a fit at infinite strength.
        "search": fits of the problem from five plain starts; then children, each taking every center from one of two
        parents (centers matched one to one), one center moved to a far document in half of them, and fitted; then
        merge-and-split. For any other problem than equal shares at strength 1 the best of a search of that problem
        compete. With many clusters only one fit is made, and many clusters are merged and split at once
        (`Search.rearrange`). The search rounds the strength to a power of two, so that near strengths start alike; its
        best candidates are fitted at the asked strength. Centers are bound to some 100 leading directions, and the best
        candidate is fitted without that bound.
    strength : float
        Asked strength.
    penalty : float, optional
        lambda itself, instead of strength x kappa_0.
    shares : ndarray, shape (K,), optional
        Target shares in any order, matched to clusters by mass. Default: equal.
    rivals : sequence of Parameters
        Parameters of other fits of the same documents that compete.
    device, progress
        As in `fit_mixture`.

    Returns
    -------
    FitStart
        Its reference concentration kappa_0 is that of ten spherical k-means steps from a fixed start: A_d(kappa_0) =
        sum_k ||r_k||.

    Notes
    -----
    The search is the memetic idea of HG-means (Gribel and Vidal, Pattern Recognition 88, 2019) on the GEM objective,
    with the merge-and-split steps of Ueda et al. (Neural Computation 12, 2000).
    """
    sample = search_sample(x, weights, n_clusters, device)
    k = n_clusters
    with torch_threads(1 if len(sample.x) * k < SMALL else None) as free:
        reference = reference_concentration(sample, k, concentration)
        lam = strength * reference if penalty is None else penalty
        even = np.full(k, 1.0 / k)
        objective = Objective(
            0.0 if strength == 0 else lam,
            even if shares is None else shares,
            concentration,
            cap_ratio * reference,
            reference,
        )
        rng = np.random.default_rng(seed)
        fits = min(FITS, BUDGET // (len(sample.x) * k))
        if start == "plain" or k == 1:
            parameters, mass = plain_start(sample, objective, rng)
            target = objective.target(mass, parameters.centers) if objective.matched else None
            result = FitStart(parameters, np.zeros(k), mass, reference, target)
            return result.reorder(rank_by_mass(mass, parameters.centers))
        if start == "relax" or fits < 4:
            parameters, _ = plain_start(sample, objective, rng)
            exact = replace(objective, penalty=np.inf)
            best = fit_candidate(sample, exact if start == "relax" else objective, parameters)
        else:
            best = _search(sample, objective, rng, fits, rivals, free, progress)
        if start == "search" and k >= MANY_CLUSTERS:
            search = Search(sample, objective, rng, lambda: progress("seed", 1, 1), [best])
            search.rearrange(ROUNDS)
            best = search.best
    step = best.expectation
    result = FitStart(best.parameters, step.bias, step.mass, reference, best.target if objective.matched else None)
    return result.reorder(rank_by_mass(step.mass, best.parameters.centers))


def _search(
    sample: SearchSample,
    objective: Objective,
    rng: np.random.Generator,
    fits: int,
    rivals: Sequence[Parameters],
    threads: int,
    progress: Progress,
) -> Candidate:
    """Best candidate of a search of the asked problem, and of one at matched strength and equal shares."""
    k = len(objective.shares)
    nearby = objective.at_nearby_strength()
    space = sample.project(max(SUBSPACE[0], min(4 * k, SUBSPACE[1]), 2 * k))
    even = replace(nearby, penalty=nearby.reference, shares=np.full(k, 1.0 / k))
    alike = not nearby.matched and nearby.penalty == even.penalty
    objectives = [nearby] if alike else [even, nearby]
    part = fits // len(objectives)
    population, splits = max(2, min(POPULATION, part // 2)), int(SPLITS * part)
    children = max(1, part - population - splits)
    total, completed = len(objectives) * (population + children + splits), 0

    def notify() -> None:
        nonlocal completed
        progress("seed", min(completed, total), total)
        completed += 1

    best: list[Candidate] = []
    extra = [space.bind(parameters) for parameters in rivals]
    for each in objectives:
        search = Search(space, each, rng, notify)
        begins = [plain_start(space, each, rng)[0] for _ in range(population)]
        begins += [*extra, *(candidate.parameters for candidate in best)]
        search.fit_all(begins, population, threads)
        search.recombine(children, population, PATIENCE)
        search.merge_and_split(splits, PATIENCE)
        best = search.population[:RIVALS]
    final = polish(space, objective, best)
    progress("seed", total, total)
    return (
        final
        if space is sample
        else fit_candidate(sample, objective, space.lift(final.parameters), target=final.target)
    )


def reference_concentration(sample: SearchSample, k: int, concentration: str | float) -> float:
    """kappa_0: the given concentration, or the pooled one of spherical k-means from a start that no seed enters."""
    if not isinstance(concentration, str):
        return float(concentration)
    _, sums = _spherical_kmeans(sample, k, np.random.default_rng(0), REFERENCE_STEPS)[1:]
    return pooled_concentration(sums, sample.dimension)


def plain_start(sample: SearchSample, objective: Objective, rng: np.random.Generator) -> tuple[Parameters, Float64]:
    """k-means++ and some spherical k-means steps, with one concentration for all clusters: parameters and masses."""
    centers, mass, sums = _spherical_kmeans(sample, len(objective.shares), rng, SPHERICAL_STEPS)
    begin = _begin(centers, objective.reference, sample.dimension)
    rule = "shared" if isinstance(objective.concentration, str) else objective.concentration
    return maximize(mass, sums, begin, rule, objective.cap), mass


def _spherical_kmeans(
    sample: SearchSample, k: int, rng: np.random.Generator, steps: int
) -> tuple[Float64, Float64, Float64]:
    """Centers, masses and resultants of k-means++ and `steps` steps of spherical k-means."""
    x, weights = sample.x, sample.weights
    many = k >= MANY_CLUSTERS
    stride = max(1, len(x) // max(2000, (FEW_CANDIDATES if many else CANDIDATES_PER_CLUSTER) * k))
    few = slice(None, None, stride)
    part = weights[few] / weights[few].sum()
    space = sample.project(SUBSPACE[0]) if many and sample.basis is None else sample
    centers = kmeans_plus_plus(space.directions()[few], part, k, rng, sample.features[few])
    if space is not sample and space.basis is not None:
        centers = centers @ space.basis.T
    mass, sums = np.zeros(k), np.zeros((k, x.shape[1]))
    for _ in range(steps):
        mass, sums = hard_assignment_sums(x, weights, np.argmax(cosines(x, centers), axis=1), k)
        length = np.linalg.norm(sums, axis=1)
        centers = np.where((length > 0)[:, None], sums / np.where(length > 0, length, 1.0)[:, None], centers)
    return centers, mass, sums


def _begin(centers: Float64, concentration: float, dimension: int) -> Parameters:
    k = centers.shape[0]
    return Parameters(centers, np.full(k, concentration), np.zeros(k, dtype=bool), dimension)


def pooled_concentration(resultants: Float64, dimension: int | None = None) -> float:
    """Shared concentration: A_d(kappa) = sum_k ||r_k||; rounding may put the sum a hair above 1."""
    length = min(1.0, float(np.linalg.norm(resultants, axis=1).sum()))
    kappa = float(concentration_from_resultant(dimension or resultants.shape[1], length, cap=HIGHEST_REFERENCE))
    # Documents spread evenly over the sphere have concentration 0, which no strength could multiply.
    return max(kappa, 1e-3)


def hard_assignment_sums(
    x: Floating, weights: Float64, labels: NDArray[np.integer[Any]], k: int
) -> tuple[Float64, Float64]:
    """Masses (k,) and resultants (k, d) of a hard assignment."""
    from scipy.sparse import csr_matrix

    n = x.shape[0]
    member = csr_matrix((weights.astype(x.dtype), labels, np.arange(n + 1)), shape=(n, k))
    mass: Float64 = np.bincount(labels, weights=weights, minlength=k).astype(np.float64)
    return mass, np.asarray(member.T @ x, dtype=np.float64)  # transposed, it reads the rows of x in order
