"""Search for a good start: a population of fits, recombination, then merge-and-split, all on one objective."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from gem_core._types import Float64, Floating
from gem_core.clustering.e_step import Expectation
from gem_core.clustering.em_loop import Problem, expectation_maximization
from gem_core.clustering.kmeans_plus_plus import cosines, draw_distant
from gem_core.clustering.m_step import Parameters
from gem_core.clustering.matching import rank_by_mass
from gem_core.clustering.merge_split import halve_clusters
from gem_core.clustering.search_sample import SearchSample

# Tolerance of the fits of a search, nats per document and iteration, and their largest number of iterations.
TOLERANCE = 1e-2
ITERATIONS = 60
# Two candidates whose F differs by less are the same optimum.
SAME = 2e-4
# Tolerance of the fits of the last candidates at the requested strength.
POLISHING = 1e-3
# A search uses the nearest power of two of the requested strength, so that strengths that hardly differ have the same
# search. Below 1 / STRONG it searches at 0 (at 1 / STRONG where shares must find their clusters); above STRONG its
# E-steps would need exact masses and cost ten times as much.
STRONG = 32.0
# Iterations at strength 0 whose masses decide which target share belongs to which cluster.
NATURAL_ITERATIONS = 3


@dataclass(frozen=True)
class Objective:
    """F of the asked problem, with target shares that belong to no cluster yet.

    Attributes
    ----------
    penalty : float
        lambda.
    shares : ndarray, shape (K,)
        Target shares in any order; `target` matches them to clusters.
    concentration : "per_cluster", "shared" or float
        Rule for the concentrations.
    cap : float
        Largest concentration.
    reference : float
        kappa_0.
    """

    penalty: float
    shares: Float64
    concentration: str | float
    cap: float
    reference: float

    @property
    def matched(self) -> bool:
        """Whether it matters which share belongs to which cluster."""
        return self.penalty > 0 and bool(np.ptp(self.shares) > 1e-12)

    def at_nearby_strength(self) -> "Objective":
        """Return the objective of the search: the strength rounded to a power of two, 0 or `STRONG`."""
        strength = self.penalty / self.reference
        if strength < 1.0 / STRONG and not self.matched:
            return replace(self, penalty=0.0)
        return replace(self, penalty=self.reference * 2.0 ** round(np.log2(np.clip(strength, 1.0 / STRONG, STRONG))))

    def problem(self, target: Float64 | None = None) -> Problem:
        """Return the problem for a target in the order of the clusters; None: the shares as they are."""
        return Problem(self.penalty, self.shares if target is None else target, self.concentration, self.cap)

    def target(self, masses: Float64, centers: Float64) -> Float64:
        """Match the shares to clusters of given masses: the assignment with the least sum of squared differences.

        For squares the optimal assignment joins the largest share with the largest mass, and so on down.
        """
        out = np.empty_like(self.shares)
        out[rank_by_mass(masses, centers)] = np.sort(self.shares)[::-1]
        return out


@dataclass(frozen=True)
class Candidate:
    """A fit of the search: parameters, its last E-step, its target, and F."""

    parameters: Parameters
    expectation: Expectation
    target: Float64
    value: float


def fit_candidate(
    sample: SearchSample,
    objective: Objective,
    begin: Parameters,
    *,
    target: Float64 | None = None,
    tol: float | None = None,
    max_iter: int = ITERATIONS,
    goal: float = -np.inf,
) -> Candidate:
    """Fit the objective from `begin`; without `target` the shares are matched before the fit and again after it.

    A fit that shows that it will not reach F = `goal` is given up.
    """
    tol = TOLERANCE if tol is None else tol
    if target is None and objective.matched:
        plain = replace(objective, penalty=0.0).problem()
        run = expectation_maximization(sample.documents, plain, begin, tol=0.0, max_iter=NATURAL_ITERATIONS)
        first = _fit(
            sample,
            objective,
            run.parameters,
            objective.target(run.expectation.mass, run.parameters.centers),
            tol,
            max_iter,
            goal,
        )
        model = first.parameters.model()
        again = objective.target(
            sample.documents.evaluate(model.slopes, model.offsets, gram=False).mass, first.parameters.centers
        )
        if np.allclose(again, first.target):
            return first
        second = _fit(sample, objective, first.parameters, again, tol, max_iter, goal)
        return max(first, second, key=lambda candidate: candidate.value)
    return _fit(sample, objective, begin, objective.shares if target is None else target, tol, max_iter, goal)


def _fit(
    sample: SearchSample,
    objective: Objective,
    begin: Parameters,
    target: Float64,
    tol: float,
    max_iter: int,
    goal: float,
) -> Candidate:
    run = expectation_maximization(
        sample.documents, objective.problem(target), begin, tol=tol, max_iter=max_iter, exact=False, goal=goal
    )
    return Candidate(run.parameters, run.expectation, target, float(run.trace[-1]))


def polish(sample: SearchSample, objective: Objective, candidates: Sequence[Candidate]) -> Candidate:
    """Fit the last candidates under the asked strength (at most `STRONG`); the first whose F none exceeds by `SAME`."""
    finite = replace(objective, penalty=min(objective.penalty, STRONG * objective.reference))
    fits = [
        fit_candidate(sample, finite, each.parameters, target=each.target if finite.matched else None, tol=POLISHING)
        for each in candidates
    ]
    highest = max(fit.value for fit in fits)
    return next(fit for fit in fits if fit.value >= highest - SAME)


@dataclass
class Search:
    """State of a search on one sample and one objective: the population, best first.

    Attributes
    ----------
    sample, objective
        What is fitted, and to which documents.
    rng : numpy.random.Generator
        Source of randomness.
    notify : callable
        Called before every fit; may raise `Cancelled`.
    population : list of Candidate
        Different optima, best first.
    """

    sample: SearchSample
    objective: Objective
    rng: np.random.Generator
    notify: Callable[[], None]
    population: list[Candidate] = field(default_factory=list)

    @property
    def best(self) -> Candidate:
        """The candidate with the highest F."""
        return self.population[0]

    def add(self, candidate: Candidate, size: int) -> bool:
        """Take a candidate into the population of at most `size`; whether it is a new best."""
        new = not self.population or candidate.value > self.best.value + SAME
        if all(abs(candidate.value - other.value) > SAME for other in self.population):
            self.population = sorted([*self.population, candidate], key=lambda each: -each.value)[:size]
        return new

    def fit_all(self, begins: Sequence[Parameters], size: int, threads: int) -> None:
        """Fit from every start and keep the best `size`; the fits know nothing of each other and run side by side."""

        def fit(begin: Parameters) -> Candidate:
            return fit_candidate(self.sample.copy(), self.objective, begin)

        with ThreadPoolExecutor(threads) as pool:
            for candidate in pool.map(fit, begins):
                self.notify()
                self.add(candidate, size)

    def recombine(self, children: int, size: int, patience: int) -> None:
        """Fit up to `children` recombinations; stop after `patience` in a row without a new best."""
        directions, idle = self.sample.directions(), 0
        for _ in range(children):
            self.notify()
            mother, father = self._parents()
            begin = self._child(directions, mother.parameters, father.parameters)
            goal = self.population[-1].value if len(self.population) >= size else -np.inf
            child = fit_candidate(self.sample, self.objective, begin, goal=goal)
            idle = 0 if self.add(child, size) else idle + 1
            if idle >= patience:
                break

    def merge_and_split(self, tries: int, patience: int) -> None:
        """Improve the best candidate by merging two clusters and splitting a third, most promising first."""
        refused: set[tuple[int, int, int]] = set()
        idle, halves, best = 0, None, None
        k = len(self.objective.shares)
        if k < 3:
            return
        for _ in range(tries):
            self.notify()
            if best is not self.best:
                best, idle = self.best, 0
                refused.clear()
                halves = halve_clusters(self.sample.x, self.sample.weights, self._labels(best), k)
                proposals = halves.proposals()
            assert halves is not None
            assert best is not None
            open_ones = [p for p in proposals if (p.divided, p.first, p.second) not in refused]
            if not open_ones or idle >= patience:
                break
            proposal = open_ones[0]
            refused.add((proposal.divided, proposal.first, proposal.second))
            begin = halves.apply(proposal, best.parameters, self.objective.reference)
            candidate = fit_candidate(self.sample, self.objective, begin, goal=best.value)
            if not self.add(candidate, max(len(self.population), 2)):
                idle += 1

    def rearrange(self, rounds: int) -> None:
        """Improve the best candidate by many merges and splits at once, half as many after every refusal."""
        k, part = len(self.objective.shares), 1.0
        for _ in range(rounds if k > 2 else 0):
            self.notify()
            best = self.best
            halves = halve_clusters(self.sample.x, self.sample.weights, self._labels(best), k)
            proposals = halves.disjoint_proposals()
            count = int(np.ceil(part * len(proposals)))
            if not count:
                break
            begin = best.parameters
            for proposal in proposals[:count]:
                begin = halves.apply(proposal, begin, self.objective.reference)
            candidate = fit_candidate(self.sample, self.objective, begin, goal=best.value)
            if not self.add(candidate, max(len(self.population), 2)):
                if count == 1:
                    break
                part *= 0.5

    def _parents(self) -> tuple[Candidate, Candidate]:
        """Two different candidates: any two in half of the cases, otherwise the best and another one."""
        count = len(self.population)
        if count < 2:
            return self.best, self.best
        first = int(self.rng.integers(count)) if self.rng.random() < 0.5 else 0
        second = (first + 1 + int(self.rng.integers(count - 1))) % count
        return self.population[first], self.population[second]

    def _labels(self, candidate: Candidate) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        model = candidate.parameters.model().shifted(candidate.expectation.bias)
        x = self.sample.x
        offsets = np.where(np.isfinite(model.offsets), model.offsets, -1e30)
        logits = cosines(x, model.slopes) + (offsets - offsets.max()).astype(x.dtype)
        return np.asarray(logits.argmax(axis=1), dtype=np.int64)

    def _child(self, directions: Floating, mother: Parameters, father: Parameters) -> Parameters:
        """Each center from one of two parents; in half of the children one center moves to a far document."""
        from scipy.optimize import linear_sum_assignment

        mother_centers, father_centers = mother.centers, father.centers
        k = len(mother_centers)
        _, partner = linear_sum_assignment(-(mother_centers @ father_centers.T))
        from_mother = self.rng.random((k, 1)) < 0.5
        centers = np.where(from_mother, mother_centers, father_centers[partner])
        if self.rng.random() < 0.5 or mother is father:
            center_index = int(self.rng.integers(k))
            others = np.delete(centers, center_index, axis=0)
            nearest = cosines(self.sample.x, others).max(axis=1) if k > 1 else np.zeros(len(directions))
            far = np.maximum(0.0, 1.0 - nearest)
            row = draw_distant(self.sample.features, self.sample.weights, far, 1, self.rng)[0]
            centers[center_index] = directions[row]
        reference = self.objective.reference
        return replace(mother, centers=centers, concentrations=np.full(k, reference), capped=np.zeros(k, dtype=bool))
