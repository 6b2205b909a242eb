"""EM loop: alternate E-steps and M-steps until the objective F converges; F never decreases."""

from dataclasses import dataclass, replace

import numpy as np

from gem_core._types import Float64, Progress, silent
from gem_core.clustering.acceleration import Overrelaxation
from gem_core.clustering.e_step import (
    MASS_TOLERANCE,
    NEWTON_PASSES,
    Expectation,
    dual_step,
    minorize_step,
    objective_value,
    try_dual_step,
)
from gem_core.clustering.m_step import Parameters, maximize
from gem_core.clustering.statistics import DocumentSums
from gem_core.errors import GemError

# An E-step stops when what it could still gain, bounded by the duality gap, is at most this part of what it gained:
# F rises all the same, and about one pass an iteration suffices. From 0.1 to 0.8 fits end the same (benchmarks/LOG.md).
SLACK = 0.5
# Newton steps of an E-step in a fit that need not be exact.
FEW_STEPS = 6
# A fit whose F would miss its goal even after so many more gains like the last one is given up: gains shrink from step
# to step, on web text to about .8 of the one before.
PROMISE = 8.0
# A fit with so many unsolved E-steps in a row is given up.
UNSOLVED_STEPS = 20
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
    """Extrapolate the next optimal b: the last one plus the last change times its growth.

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
    exact: bool = True,
    goal: float = -np.inf,
    progress: Progress = silent,
) -> Run:
    """Alternate E- and M-steps from `parameters` until F gains at most `tol` nats in each of two iterations.

    Parameters
    ----------
    documents, problem, parameters
        Data, objective and start. Concentrations above the cap start at the cap.
    bias : ndarray, shape (K,), optional
        Warm start of the dual.
    max_iter : int
        Largest number of E-steps, at least 1.
    tol : float
        Gain of F per iteration, nats per document. It does not depend on d or on the scale of F. A mirror step of the
        "mm" solver moves only 1 / (1 + lambda/2) of the way, so there the gain counts times (1 + lambda/2).
    exact : bool
        Solve the first and the last E-step to rounding. A search needs neither; F and its order change little.
    goal : float
        Give up, not converged, once F plus `PROMISE` times its last gain stays below this value.
    progress : Progress
        Called as progress("fit", iteration, max_iter).

    Returns
    -------
    Run
        The last step is an exact E-step (dual), so masses and bias belong to the returned parameters.

    Notes
    -----
    The dual solver takes overrelaxed steps (`Overrelaxation`). One is accepted only where F reaches what the M-step
    guarantees, so F never falls. At infinite lambda the value of an unsolved E-step is an upper bound of F: it is
    lowered to the value of the next solved one, and a fit that ends with an unsolved one has not converged (given up
    after `UNSOLVED_STEPS` in a row).
    """
    trace: list[float] = []
    biases, relaxation = Extrapolation(bias), Overrelaxation()
    parameters = _below_cap(parameters, problem)
    step: Expectation | None = None
    converged, last_gain, unsolved = False, np.inf, 0
    damping = 1.0 + 0.5 * problem.penalty if problem.solver == "mm" else 1.0
    for iteration in range(max_iter):
        progress("fit", iteration, max_iter)
        before, last = trace[-1] if trace else -np.inf, (parameters, step)
        parameters, step = _iterate(documents, problem, parameters, step, biases.next(), before, relaxation, exact)
        if step.objective < before:
            if last[1] is not None and is_solved(last[1], problem):
                # An M-step cannot lower F: the remaining gain is below rounding.
                (parameters, step), converged = last, True
                break
            trace, before = [min(value, step.objective) for value in trace], -np.inf
        if is_solved(step, problem):
            unsolved = 0
            biases.add(step.optimum)
        else:  # A Newton step from here may lead far away, and the next E-step with it.
            unsolved += 1
            biases = Extrapolation(step.bias)
        trace.append(step.objective)
        if not np.isfinite(step.objective):
            raise GemError(f"The objective became {step.objective} in iteration {iteration + 1}.")
        gain = abs(step.objective - before) * damping
        # One small gain may be that of the short step after a refused one.
        converged = gain <= tol and (len(trace) < 3 or last_gain <= tol) and is_solved(step, problem)
        last_gain = gain
        if converged or unsolved == UNSOLVED_STEPS or step.objective + PROMISE * gain < goal:
            break
    assert step is not None
    if exact and problem.solver == "dual" and step.gap > 0:
        step = dual_step(documents, parameters.model(), problem.penalty, problem.target, bias=step.optimum)
        trace[-1] = max(trace[-1], step.objective)
    progress("fit", max_iter, max_iter)
    return Run(parameters, step, np.array(trace), converged)


def is_solved(step: Expectation, problem: Problem) -> bool:
    """Whether the value of an E-step is F: at infinite lambda only where the masses equal the target."""
    return not np.isinf(problem.penalty) or float(np.max(np.abs(step.mass - problem.target))) <= MASS_TOLERANCE


def _below_cap(parameters: Parameters, problem: Problem) -> Parameters:
    """Parameters that the M-step could have returned: above the cap its maximum would lie below the start."""
    if not isinstance(problem.concentration, str):
        return parameters
    kappa = np.minimum(parameters.concentrations, problem.cap)
    return replace(parameters, concentrations=kappa, capped=kappa >= problem.cap)


def _iterate(
    documents: DocumentSums,
    problem: Problem,
    parameters: Parameters,
    last: Expectation | None,
    bias: Float64 | None,
    before: float,
    relaxation: Overrelaxation,
    exact: bool,
) -> tuple[Parameters, Expectation]:
    """One M-step (none before the first E-step), then one E-step: new parameters and the E-step at them."""
    lam, target = problem.penalty, problem.target
    if last is None:
        if problem.solver == "mm":
            return parameters, minorize_step(documents, parameters.model(), lam, target)
        return parameters, dual_step(
            documents, parameters.model(), lam, target, bias=bias, newton_steps=_newton_steps(lam, exact)
        )
    image = maximize(last.mass, last.resultants, parameters, problem.concentration, problem.cap)
    if problem.solver == "mm":
        return image, minorize_step(documents, image.model(), lam, target, state=last)
    model = image.model()
    # What the M-step reached with the old responsibilities: the new ones must not do worse.
    floor = max(before, objective_value(model, last.mass, last.resultants, last.entropy, target, lam))
    longer = relaxation.extrapolate(parameters, image, problem.cap)
    if longer is not None:
        step = try_dual_step(documents, longer.model(), lam, target, bias=bias, floor=floor, slack=SLACK)
        if step is not None:
            return longer, step
        relaxation.shorten()
    steps = _newton_steps(lam, exact)
    step = dual_step(documents, model, lam, target, bias=bias, floor=floor, slack=SLACK, newton_steps=steps)
    return image, step


def _newton_steps(penalty: float, exact: bool) -> int:
    """Most Newton steps of an E-step; at infinite lambda the dual value is F only once it is solved."""
    return NEWTON_PASSES if exact or np.isinf(penalty) else FEW_STEPS
