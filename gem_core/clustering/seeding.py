"""Where a fit starts: k-means++ on the sphere, continuation from exact balance, and a search over balanced fits.

All of it runs on a sample of the corpus, and the search with centers bound to a subspace of few dimensions: half the
time and no loss (benchmarks/results/clustering_seeds.txt). The fit on all documents only has to polish.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64, Floating, Progress, silent
from gem_core.clustering.em_loop import Problem, Run, expectation_maximization
from gem_core.clustering.kmeans_plus_plus import cosines, draw_distant, kmeans_plus_plus
from gem_core.clustering.m_step import Parameters, maximize
from gem_core.clustering.statistics import Documents, make_writable
from gem_core.clustering.threads import torch_threads
from gem_core.clustering.vector_files import StoredVectors
from gem_core.geometry import concentration_from_resultant

SAMPLE = 6000
SAMPLE_PER_CLUSTER = 64
SPHERICAL_STEPS = 3
# Dimensions of the subspace in which the search looks for centers: four a cluster, between these two; beyond 64
# clusters two a cluster. With two a cluster, 36 clusters lost .1 nats (benchmarks/results/clustering_seeds.txt).
SUBSPACE = (64, 128)
SUBSPACE_STEPS = 3
# The search: fits kept, children made, and the tolerance of each. Measured in benchmarks/clustering_seeds.py.
POPULATION = 8
CHILDREN = 30
TOLERANCE = 3e-5
# Stop after so many children in a row without a new best.
PATIENCE = 15
# Direct fits that compete with the relaxed one below the matched strength.
DIRECT = 4
# Values (sampled documents x clusters x fits) that a search may cost: full up to about 35 clusters, then fewer
# fits, from about 150 clusters on a single continuation.
BUDGET = 8_000_000
# The pooled concentration of documents that (nearly) coincide; any larger value would only cost digits.
HIGHEST_REFERENCE = 1e5
# Below this many responsibilities a second thread is waited for longer than it works: a search on 6,000 web documents,
# K = 24, took 1.4 s on one thread and 3.4 s on two.
SMALL = 500_000


@dataclass(frozen=True)
class FitStart:
    """Start of a fit: parameters, bias b, masses and reference concentration; `warm` when an earlier fit gave it."""

    parameters: Parameters
    bias: Float64
    mass: Float64
    reference: float
    warm: bool = False

    def reorder(self, order: NDArray[np.integer[Any]]) -> "FitStart":
        """Cluster order[j] becomes cluster j."""
        p = self.parameters
        return replace(
            self,
            bias=self.bias[order],
            mass=self.mass[order],
            parameters=Parameters(p.centers[order], p.concentrations[order], p.capped[order]),
        )


@dataclass(frozen=True)
class _Sample:
    """The documents that the start is sought on, and the objective it is sought for.

    `x` are unit rows, or their coordinates in the orthonormal `basis` (d, m) that centers are bound to. The objective
    is the same in both: a center in the subspace has the same cosine with a document and with its coordinates.
    """

    x: Floating
    weights: Float64
    documents: Documents
    concentration: str | float
    cap_ratio: float
    basis: Float64 | None = None

    @property
    def dimension(self) -> int:
        """d, of the sphere the documents lie on."""
        return self.x.shape[1] if self.basis is None else len(self.basis)

    def directions(self) -> Floating:
        """Return unit rows: the direction of each document (in the subspace)."""
        if self.basis is None:
            return self.x
        length = np.linalg.norm(self.x, axis=1, keepdims=True)
        return np.asarray(self.x / np.where(length > 0, length, 1.0))

    def alone(self) -> "_Sample":
        """Copy the sample for another thread: `documents` keep what they computed last."""
        return replace(self, documents=Documents(self.x, self.weights, device=self.documents.device))

    def within(self, size: int, rng: np.random.Generator) -> "_Sample":
        """Project to about the `size` leading directions of the documents (subspace iteration)."""
        import torch

        if size >= self.dimension:
            return self
        x = torch.from_numpy(self.x)
        heavy = torch.from_numpy(np.sqrt(self.weights / self.weights.max()).astype(self.x.dtype))[:, None] * x
        basis = torch.from_numpy(rng.standard_normal((self.dimension, size)).astype(self.x.dtype))
        for _ in range(SUBSPACE_STEPS):
            basis = torch.linalg.qr(heavy.T @ (heavy @ basis)).Q
        inside = (x @ basis).numpy()
        return replace(
            self,
            x=inside,
            documents=Documents(inside, self.weights, device=self.documents.device),
            basis=basis.double().numpy(),
        )

    def lifted(self, inside: Parameters) -> Parameters:
        """Parameters found within a subspace, with their centers in all d dimensions."""
        if self.basis is None:
            return inside
        return replace(inside, centers=inside.centers @ self.basis.T, dimension=None)


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
    device: str = "auto",
    progress: Progress = silent,
) -> FitStart:
    """Start of a fit from scratch, clusters ordered by falling mass.

    Parameters
    ----------
    x, weights : ndarray or StoredVectors, shape (n, d), and ndarray, shape (n,)
        Unit rows and shares. Above max(6000, 64 K) rows a sample, drawn by weight, stands for them; heavy
        documents are in it with their own weight. Of files only the rows of the sample are read.
    n_clusters : int
        K.
    concentration : "per_cluster", "shared" or float
        As in `MixtureConfig`.
    cap_ratio : float
        Largest kappa over the reference concentration.
    seed : int
        Seed of the random choices.
    start : "search", "relax" or "plain"
        "plain": k-means++ and three spherical k-means steps. "relax": from there a fit at infinite strength.
        "search": eight fits at matched strength; then thirty children, each taking every center from one of two
        parents (centers matched one to one), one center moved to a far document in half of them, and fitted; a child
        better than the worst takes its place. All with centers in the span of some 100 leading directions, the best
        one then fitted without that bound.
    strength : float
        Asked strength. Below 1 the result of the search is relaxed to it, and competes with four direct fits.
    device, progress
        As in `fit_mixture`.

    Returns
    -------
    FitStart
        Its reference concentration is the shared kappa of the start: A_d(kappa) = sum_k ||r_k||.

    Notes
    -----
    The search is the memetic idea of HG-means (Gribel and Vidal, Pattern Recognition 88, 2019) on the GEM objective.
    On 3,000 documents of web text its mean objective equals the best of twenty k-means++ starts, and the mean ARI
    between seeds rises from 0.57 to 0.80 (benchmarks/results/clustering_seeds.txt).
    """
    rng = np.random.default_rng(seed)
    rows = max(SAMPLE, SAMPLE_PER_CLUSTER * n_clusters)
    keep: slice | NDArray[np.int64] = slice(None)
    if x.shape[0] > rows:
        keep, weights = _draw_rows(weights, rows, rng)
    vectors = make_writable(x[keep])
    sample = _Sample(vectors, weights, Documents(vectors, weights, device=device), concentration, cap_ratio)
    with torch_threads(1 if vectors.shape[0] * n_clusters < SMALL else None) as free:
        return _start(sample, n_clusters, start, strength, rng, free, progress)


def _draw_rows(weights: Float64, size: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Float64]:
    """Rows of a sample and their weights: every document that weighs as much as one draw, the others by weight.

    A heavy document keeps its weight this way; drawn like the others it would count as one of them.
    """
    heavy = np.flatnonzero(weights * size >= 1.0)
    light = np.flatnonzero((weights > 0) & (weights * size < 1.0))
    some = min(size - heavy.size, light.size)
    if some == 0:
        return heavy, weights[heavy] / weights[heavy].sum()
    total = float(weights[light].sum())
    light_sample = np.sort(rng.choice(light, size=some, replace=False, p=weights[light] / total))
    return np.concatenate([heavy, light_sample]), np.concatenate([weights[heavy], np.full(some, total / some)])


def _start(
    sample: _Sample,
    n_clusters: int,
    start: str,
    strength: float,
    rng: np.random.Generator,
    free: int,
    progress: Progress,
) -> FitStart:
    fits = int(BUDGET // (sample.x.shape[0] * n_clusters))
    if start == "search" and fits >= 4 and n_clusters > 1:
        space = sample.within(max(SUBSPACE[0], min(4 * n_clusters, SUBSPACE[1]), 2 * n_clusters), rng)
        first = _plain(space, n_clusters, rng)
        candidate = _search(
            space, first, min(POPULATION, fits // 2), min(CHILDREN, fits - fits // 2), rng, free, progress
        )
        if strength < 1.0:
            candidate = _relaxed(space, candidate, first.reference, strength, rng)
        best = (
            candidate
            if space is sample
            else _fit(sample, space.lifted(candidate.parameters), min(1.0, strength), first.reference, TOLERANCE)
        )
    else:
        first = _plain(sample, n_clusters, rng)
        if start == "plain" or n_clusters == 1:
            return first.reorder(np.argsort(-first.mass, kind="stable"))
        best = _fit(sample, first.parameters, np.inf, first.reference, 1e-6)
    step, concentration = best.expectation, sample.concentration
    reference = pooled_concentration(step.resultants) if isinstance(concentration, str) else float(concentration)
    seed = FitStart(best.parameters, step.bias, step.mass, reference)
    return seed.reorder(np.argsort(-step.mass, kind="stable"))


def _search(
    sample: _Sample,
    first: FitStart,
    population: int,
    children: int,
    rng: np.random.Generator,
    free: int,
    progress: Progress,
) -> Run:
    """Best of a population of fits at matched strength after `children` recombinations.

    The first fits know nothing of each other: `free` of them run side by side.
    """
    k, reference = first.mass.size, first.reference
    directions = sample.directions()
    total = population + children

    begins = [first.parameters, *(_plain(sample, k, rng, reference).parameters for _ in range(population - 1))]
    fits: list[Run] = []
    with ThreadPoolExecutor(free) as pool:
        for at, fit in enumerate(
            pool.map(lambda begin: _fit(sample.alone(), begin, 1.0, reference, TOLERANCE), begins)
        ):
            progress("seed", at, total)
            fits.append(fit)
    values = np.array([fit.trace[-1] for fit in fits])
    idle = 0
    for at in range(children):
        progress("seed", population + at, total)
        best = int(np.argmax(values))
        other = int(rng.choice(np.delete(np.arange(population), best)))
        centers = _child(sample, directions, fits[best].parameters.centers, fits[other].parameters.centers, rng)
        fit = _fit(sample, _begin(centers, reference, sample.dimension), 1.0, reference, TOLERANCE)
        value, worst = fit.trace[-1], int(np.argmin(values))
        # One iteration below the tolerance cannot be told from standing still.
        same = TOLERANCE * abs(value)
        idle = 0 if value > values[best] + same else idle + 1
        if value > values[worst] and np.min(np.abs(values - value)) > 0.01 * same:
            fits[worst], values[worst] = fit, value
        if idle >= PATIENCE:
            break
    progress("seed", total, total)
    return fits[int(np.argmax(values))]


def _relaxed(sample: _Sample, balanced: Run, reference: float, strength: float, rng: np.random.Generator) -> Run:
    """Return the balanced fit relaxed to a weaker strength, or a direct fit from k-means++ where one of four is better.

    Balance splits a truly large cluster, and relaxing does not always undo that.
    """
    k = balanced.parameters.concentrations.size
    fits = [_fit(sample, balanced.parameters, strength, reference, TOLERANCE)]
    fits += [
        _fit(sample, _plain(sample, k, rng, reference).parameters, strength, reference, TOLERANCE)
        for _ in range(DIRECT)
    ]
    return fits[int(np.argmax([fit.trace[-1] for fit in fits]))]


def _child(
    sample: _Sample, directions: Floating, first_parent: Float64, second_parent: Float64, rng: np.random.Generator
) -> Float64:
    """Each center from one of two parents; in half of the children one center moves to a far document."""
    from scipy.optimize import linear_sum_assignment

    k = len(first_parent)
    _, partner = linear_sum_assignment(-(first_parent @ second_parent.T))
    centers = np.where(rng.random((k, 1)) < 0.5, first_parent, second_parent[partner])
    if rng.random() < 0.5:
        center_index = int(rng.integers(k))
        others = np.delete(centers, center_index, axis=0)
        nearest = cosines(sample.x, others).max(axis=1)
        centers[center_index] = directions[draw_distant(sample.weights, np.maximum(0.0, 1.0 - nearest), 1, rng)[0]]
    return centers


def _fit(sample: _Sample, begin: Parameters, strength: float, reference: float, tol: float) -> Run:
    k = begin.concentrations.size
    problem = Problem(strength * reference, np.full(k, 1.0 / k), sample.concentration, sample.cap_ratio * reference)
    return expectation_maximization(sample.documents, problem, begin, tol=tol)


def _plain(sample: _Sample, k: int, rng: np.random.Generator, reference: float | None = None) -> FitStart:
    """k-means++ and some spherical k-means steps, with one concentration for all clusters."""
    x, weights = sample.x, sample.weights
    centers = kmeans_plus_plus(sample.directions(), weights, k, rng)
    mass, sums = np.zeros(k), np.zeros((k, x.shape[1]))
    for _ in range(SPHERICAL_STEPS):
        mass, sums = hard_assignment_sums(x, weights, np.argmax(cosines(x, centers), axis=1), k)
        length = np.linalg.norm(sums, axis=1)
        centers = np.where((length > 0)[:, None], sums / np.where(length > 0, length, 1.0)[:, None], centers)
    if reference is None:
        pooled = isinstance(sample.concentration, str)
        reference = pooled_concentration(sums, sample.dimension) if pooled else float(sample.concentration)
    begin = _begin(centers, reference, sample.dimension)
    rule = "shared" if isinstance(sample.concentration, str) else sample.concentration
    return FitStart(maximize(mass, sums, begin, rule, sample.cap_ratio * reference), np.zeros(k), mass, reference)


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
