"""EM loop: alternate E-steps and M-steps until the objective F converges; F never decreases."""

from dataclasses import dataclass

import numpy as np

from gem_core._types import Float64, Progress, silent
from gem_core.clustering.e_step import Expectation, dual_step, minorize_step, objective_value
from gem_core.clustering.m_step import Parameters, maximize
from gem_core.clustering.statistics import DocumentSums
from gem_core.errors import GemError

# An E-step stops when what it could still gain, bounded by the duality gap, is at most this part of what it gained:
# F rises all the same, and about one pass an iteration suffices. From 0.1 to 0.8 fits end the same (benchmarks/LOG.md).
SLACK = 0.5
# A move of b is never expected to grow by more than this.
LARGEST_GROWTH = 1.5


@dataclass(frozen=True)
class Problem:
    """Objective of a fit: penalty lambda, target masses, concentration rule, cap on kappa, and E-step solver."""

    penalty: float
    target: Float64
    concentration: str | float
    cap: float
    solver: str = "dual"


@dataclass(frozen=True)
class Run:
    """Result of the EM loop: parameters, the E-step at these parameters, and F after every E-step."""

    parameters: Parameters
    expectation: Expectation
    trace: Float64
    converged: bool


class Extrapolation:
    """Guess of the next optimal b: the last one, moved on by the last move times its growth over the move before.

    Between iterations b moves steadily: on web text this leaves about a third of a move to the Newton steps, and most
    E-steps need none (benchmarks/LOG.md). A bad guess costs a Newton step, nothing else.
    """

    def __init__(self, start: Float64 | None) -> None:
        self._optima: list[Float64] = []
        self._start = start

    def add(self, optimum: Float64) -> None:
        """Record the optimum of an iteration."""
        self._optima = [*self._optima[-2:], optimum]

    def next(self) -> Float64 | None:
        """Guess of the next one; None before the first optimum."""
        if len(self._optima) < 3:
            return self._optima[-1] if self._optima else self._start
        first, second, third = (np.where(np.isfinite(b), b, 0.0) for b in self._optima)
        before, move = second - first, third - second
        growth = float(np.clip(move @ before / max(float(before @ before), 1e-300), 0.0, LARGEST_GROWTH))
        return np.asarray(third + growth * move)


def expectation_maximization(
    documents: DocumentSums,
    problem: Problem,
    parameters: Parameters,
    *,
    bias: Float64 | None = None,
    max_iter: int = 200,
    tol: float = 1e-6,
    progress: Progress = silent,
) -> Run:
    """Alternate E- and M-steps from `parameters` until F changes by less than tol x |F| in one iteration.

    Parameters
    ----------
    documents, problem, parameters
        Data, objective and start.
    bias : ndarray, shape (K,), optional
        Warm start of the dual.
    max_iter : int
        Largest number of E-steps, at least 1.
    tol : float
        Relative change of F per iteration. A mirror step of the "mm" solver moves only 1 / (1 + lambda/2) of the
        way, so there the change counts times (1 + lambda/2).
    progress : Progress
        Called as progress("fit", iteration, max_iter).

    Returns
    -------
    Run
        The last step is an exact E-step (dual), so masses and bias belong to the returned parameters.
    """
    trace: list[float] = []
    biases = Extrapolation(bias)
    step: Expectation | None = None
    converged = False
    damping = 1.0 + 0.5 * problem.penalty if problem.solver == "mm" else 1.0
    for iteration in range(max_iter):
        progress("fit", iteration, max_iter)
        before = trace[-1] if trace else -np.inf
        step = _expect(documents, problem, parameters, step, biases.next(), before)
        biases.add(step.optimum)
        trace.append(step.objective)
        if not np.isfinite(step.objective):
            raise GemError(f"The objective became {step.objective} in iteration {iteration + 1}.")
        converged = abs(step.objective - before) * damping <= tol * abs(step.objective)
        if converged or iteration + 1 == max_iter:
            break
        parameters = maximize(step.mass, step.resultants, parameters, problem.concentration, problem.cap)
    assert step is not None
    if problem.solver == "dual" and step.gap > 0:
        step = dual_step(documents, parameters.model(), problem.penalty, problem.target, bias=step.optimum)
        trace[-1] = max(trace[-1], step.objective)
    progress("fit", max_iter, max_iter)
    return Run(parameters, step, np.array(trace), converged)


def _expect(
    documents: DocumentSums,
    problem: Problem,
    parameters: Parameters,
    last: Expectation | None,
    bias: Float64 | None,
    before: float,
) -> Expectation:
    model = parameters.model()
    if problem.solver == "mm":
        return minorize_step(documents, model, problem.penalty, problem.target, state=last)
    if last is None:
        return dual_step(documents, model, problem.penalty, problem.target, bias=bias)
    # What the M-step reached with the old responsibilities: the new ones must not do worse.
    floor = objective_value(model, last.mass, last.resultants, last.entropy, problem.target, problem.penalty)
    return dual_step(
        documents, model, problem.penalty, problem.target, bias=bias, floor=max(floor, before), slack=SLACK
    )
