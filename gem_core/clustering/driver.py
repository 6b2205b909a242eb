"""The fit loop: exact or inexact E-step, exact M-step, until the objective stands still. It never falls."""

from dataclasses import dataclass

import numpy as np

from gem_core._types import Float64, Progress, silent
from gem_core.clustering.balance import Expectation, dual_step, minorise_step, objective_value
from gem_core.clustering.maximisation import Parameters, maximise
from gem_core.clustering.statistics import DocumentSums
from gem_core.errors import GemError

# An early E-step stops when at most this share of the gain it could still make is left on the table: F rises all
# the same (the bound is proven by the duality gap), and about one Newton step an iteration suffices.
SLACK = 0.1


@dataclass(frozen=True)
class Problem:
    """What is being maximised: F at one penalty and target, under one rule for the concentrations."""

    penalty: float
    target: Float64
    concentration: str | float
    cap: float
    solver: str = "dual"


@dataclass(frozen=True)
class Run:
    """Where the loop ended: parameters, the E-step at these parameters, and the objective after every E-step."""

    parameters: Parameters
    expectation: Expectation
    trace: Float64
    converged: bool


def expectation_maximisation(documents: DocumentSums, problem: Problem, parameters: Parameters, *,
                             bias: Float64 | None = None, max_iter: int = 200, tol: float = 1e-6,
                             progress: Progress = silent) -> Run:
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
    step: Expectation | None = None
    converged = False
    damping = 1.0 + 0.5 * problem.penalty if problem.solver == "mm" else 1.0
    for iteration in range(max_iter):
        progress("fit", iteration, max_iter)
        before = trace[-1] if trace else -np.inf
        step = _expect(documents, problem, parameters, step, bias, before)
        trace.append(step.objective)
        if not np.isfinite(step.objective):
            raise GemError(f"The objective became {step.objective} in iteration {iteration + 1}.")
        converged = abs(step.objective - before) * damping <= tol * abs(step.objective)
        if converged or iteration + 1 == max_iter:
            break
        parameters = maximise(step.mass, step.resultants, parameters, problem.concentration, problem.cap)
    assert step is not None
    if problem.solver == "dual" and step.gap > 0:
        step = dual_step(documents, parameters.model(), problem.penalty, problem.target, bias=step.bias)
        trace[-1] = max(trace[-1], step.objective)
    progress("fit", max_iter, max_iter)
    return Run(parameters, step, np.array(trace), converged)


def _expect(documents: DocumentSums, problem: Problem, parameters: Parameters, last: Expectation | None,
            bias: Float64 | None, before: float) -> Expectation:
    model = parameters.model()
    if problem.solver == "mm":
        return minorise_step(documents, model, problem.penalty, problem.target, state=last)
    if last is None:
        return dual_step(documents, model, problem.penalty, problem.target, bias=bias)
    # What the M-step reached with the old responsibilities: the new ones must not do worse.
    floor = objective_value(model, last.mass, last.resultants, last.entropy, problem.target, problem.penalty)
    return dual_step(documents, model, problem.penalty, problem.target, bias=last.bias,
                     floor=max(floor, before), slack=SLACK)
