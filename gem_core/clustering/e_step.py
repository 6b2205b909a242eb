r"""E-steps of the GEM objective: the exact dual (Newton on K numbers) and minorize-maximize (the paper's route).

For fixed parameters and l_ik = log alpha_k + log f(x_i | mu_k, kappa_k), both maximize over responsibilities

    F(Gamma) = sum_i w_i [ sum_k gamma_ik l_ik + H(gamma_i) ] - (lambda/2) || pi(Gamma) - u ||^2

(GEM, arXiv 2605.26121; dual and minorizer derived here). A state is always gamma_i = softmax(slopes x_i + offsets),
so nothing of size n x K has to be kept between passes, and every value of F follows from K x d sums.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dposv

from gem_core._types import Float64
from gem_core.clustering.blocks import Moments
from gem_core.clustering.statistics import DocumentSums
from gem_core.errors import GemError, InputError

# Newton stops here at the latest; 3 to 10 passes are usual from a cold start, 1 or 2 from a warm one.
NEWTON_PASSES = 60
# At infinite lambda with many clusters of few, certain documents the masses are nearly a staircase in b, and Newton
# steps stall. After so many of them b is taken from solutions of smoother problems: all logits over these numbers.
STALLED_STEPS = 12
TEMPERATURES = (64.0, 16.0, 4.0)
TEMPERED_STEPS = 12
# At parameters that may be bad anyway so many Newton steps must do.
TRIAL_STEPS = 8
# Largest spread of the first Newton step in nats, doubled whenever such a step succeeds: keeps steps sane where the
# Hessian is nearly singular (all documents certain of their cluster).
STEP_SPREAD = 30.0
# Rounding of one logit, relative to the largest concentration, and of an offset: a step is not refused for less.
NOISE = {"float32": 1.2e-7, "float64": 1e-15}
# Masses are known to about this: no solver can ask for less.
MASS_NOISE = {"float32": 1e-7, "float64": 1e-13}
# At infinite lambda an E-step counts as solved when every mass is this close to its target.
MASS_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Affine:
    """Responsibilities as a softmax of affine functions, or the parameters of log alpha_k f(x | mu_k, kappa_k).

    Attributes
    ----------
    slopes : ndarray, shape (K, d)
        For the model kappa_k mu_k.
    offsets : ndarray, shape (K,)
        For the model log alpha_k + log C_d(kappa_k), nats.
    """

    slopes: Float64
    offsets: Float64

    def shifted(self, bias: Float64) -> "Affine":
        """Return the same slopes with `bias` added to the offsets."""
        return Affine(self.slopes, self.offsets + bias)


@dataclass(frozen=True)
class Expectation:
    """Result of an E-step: the sums that the M-step needs, and the objective.

    Attributes
    ----------
    state : Affine
        gamma_i = softmax(state.slopes x_i + state.offsets).
    bias : ndarray, shape (K,)
        b, nats: what is added to l_ik to assign a document. At the exact optimum b = -lambda (pi - u).
    optimum : ndarray, shape (K,)
        Best guess of b at the exact optimum: one Newton step further, which was not taken because that costs a pass.
    mass : ndarray, shape (K,)
        pi = sum_i w_i gamma_i.
    resultants : ndarray, shape (K, d)
        sum_i w_i gamma_ik x_i.
    entropy : float
        sum_i w_i H(gamma_i), nats.
    objective : float
        F(Theta, Gamma), nats per document. At infinite penalty the dual value, which F reaches when pi = u.
    gap : float
        Proven bound on max_Gamma F - F, nats (NaN for minorize-maximize, which has no bound of its own).
    """

    state: Affine
    bias: Float64
    optimum: Float64
    mass: Float64
    resultants: Float64
    entropy: float
    objective: float
    gap: float


def penalty_value(mass: Float64, target: Float64, penalty: float) -> float:
    """(lambda/2) ||pi - u||^2, nats; 0 at infinite lambda, where pi = u is a constraint instead."""
    return 0.0 if np.isinf(penalty) else 0.5 * penalty * float(np.sum((mass - target) ** 2))


def objective_value(
    model: Affine, mass: Float64, resultants: Float64, entropy: float, target: Float64, penalty: float
) -> float:
    """F(Theta, Gamma) from the sums of an E-step, also at other parameters than those of the E-step."""
    fidelity = float(np.sum(model.slopes * resultants) + np.sum(model.offsets * mass))
    return fidelity + entropy - penalty_value(mass, target, penalty)


def dual_step(
    documents: DocumentSums,
    model: Affine,
    penalty: float,
    target: Float64,
    *,
    bias: Float64 | None = None,
    floor: float = -np.inf,
    slack: float = 0.0,
    newton_steps: int = NEWTON_PASSES,
) -> Expectation:
    r"""Exact E-step: minimize the dual in K numbers by Newton's method with backtracking.

    D(b) = sum_i w_i logsumexp_k(l_ik + b_k) - b'u + ||b||^2 / (2 lambda), gradient pi(b) - u + b / lambda,
    Hessian diag(pi) - Gamma' diag(w) Gamma + I / lambda; gamma_i = softmax(l_i + b).

    Parameters
    ----------
    documents : DocumentSums
        Vectors and weights, in memory (`Documents`) or not.
    model : Affine
        l_ik as slopes and offsets.
    penalty : float
        lambda in [0, inf]. 0: b = 0, one pass. Infinite: masses equal the target, gauge: b has mean 0; clusters
        with a target of 0 then get b = -inf.
    target : ndarray, shape (K,)
        u, shares with sum 1.
    bias : ndarray, shape (K,), optional
        Start (warm start); default zeros.
    floor, slack : float
        An inexact step: stop as soon as F >= floor and the duality gap is below slack x (F - floor). The default
        solves exactly (to the rounding of the masses).
    newton_steps : int
        Largest number of Newton steps.

    Returns
    -------
    Expectation

    Raises
    ------
    GemError
        The dual value is not finite.

    Notes
    -----
    The gap is (lambda/2) ||gradient||^2: no second evaluation is needed to know it.
    Cost: one pass of two matrix products and some sweeps over n x K a Newton step, about a tenth of it after the first.
    At infinite lambda, where Newton steps stall, the start is found by solving at falling temperatures (the scaling of
    entropic optimal transport; Schmitzer, SIAM J. Sci. Comput. 41, 2019).

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> model = Affine(5.0 * np.eye(2), np.zeros(2))
    >>> from gem_core.clustering.statistics import Documents
    >>> dual_step(Documents(x, np.full(3, 1 / 3)), model, np.inf, np.array([0.5, 0.5])).mass.round(9).tolist()
    [0.5, 0.5]
    """
    dual = _Dual(documents, model, penalty, target, bias)
    if np.isfinite(penalty):
        dual.solve(newton_steps, floor, slack)
    elif not dual.solve(min(newton_steps, STALLED_STEPS)) and np.max(np.abs(dual.gradient)) > MASS_TOLERANCE:
        dual = _Dual(documents, model, penalty, target, _tempered_bias(documents, model, target))
        dual.solve(newton_steps)
    return dual.close()


def _tempered_bias(documents: DocumentSums, model: Affine, target: Float64) -> Float64:
    """Return a start of b at infinite lambda: solutions at falling temperatures T, softmax((l + b) / T)."""
    bias = np.zeros(target.size)
    for temperature in TEMPERATURES:
        smoother = Affine(model.slopes / temperature, model.offsets / temperature)
        dual = _Dual(documents, smoother, np.inf, target, bias / temperature)
        dual.solve(TEMPERED_STEPS)
        bias = temperature * dual.bias
    return bias


def try_dual_step(
    documents: DocumentSums,
    model: Affine,
    penalty: float,
    target: Float64,
    *,
    bias: Float64 | None,
    floor: float,
    slack: float,
) -> Expectation | None:
    """E-step as in `dual_step` at parameters that may be bad: None once F proves to stay below `floor` or takes long.

    The dual value bounds F from above, so most refusals cost one pass.
    """
    dual = _Dual(documents, model, penalty, target, bias)
    for _ in range(TRIAL_STEPS):
        if dual.value < floor:
            return None
        if dual.is_solved() or dual.can_stop(floor, slack) or not dual.newton():
            return dual.close() if dual.primal >= floor else None
    return None


class _Dual:
    """State of the Newton iteration: the current b and the sums there."""

    def __init__(
        self, documents: DocumentSums, model: Affine, penalty: float, target: Float64, bias: Float64 | None
    ) -> None:
        self.documents, self.model, self.penalty, self.target = documents, model, penalty, target
        self.inverse = 0.0 if np.isinf(penalty) else (np.inf if penalty == 0 else 1.0 / penalty)
        self.spread: float = STEP_SPREAD
        self.kappa = max(1.0, float(np.sqrt(np.max(np.sum(model.slopes**2, axis=1)))))
        # A cluster that may hold nothing leaves the problem; its b is -inf.
        self.active = (target > 0) if np.isinf(penalty) else np.ones(target.size, dtype=bool)
        start = np.zeros(target.size) if bias is None or penalty == 0 else np.array(bias, dtype=np.float64)
        start[self.active & ~np.isfinite(start)] = 0.0
        start[~self.active] = -np.inf
        self.bias = self._gauge(start)
        self._take(self.bias, documents.evaluate(model.slopes, model.offsets + self.bias, gram=penalty > 0))

    def solve(self, steps: int, floor: float = -np.inf, slack: float = 0.0) -> bool:
        """Make up to so many Newton steps; whether the E-step is solved to rounding."""
        for _ in range(steps):
            if self.is_solved() or self.can_stop(floor, slack) or not self.newton():
                break
        return self.is_solved()

    def is_solved(self) -> bool:
        return self.penalty == 0 or bool(np.max(np.abs(self.gradient)) <= MASS_NOISE[self.documents.precision])

    def can_stop(self, floor: float, slack: float) -> bool:
        """Whether an inexact step may stop here; a constrained step (infinite lambda) never does."""
        return slack > 0 and np.isfinite(self.penalty) and self.gap <= slack * (self.primal - floor)

    def newton(self) -> bool:
        """One step; False when rounding leaves nothing to gain."""
        direction = self._direction()
        slope = float(self.gradient @ direction)
        size = self._size(direction)
        noise, limited = self._noise(), size < 1.0
        for _ in range(30):
            trial = self.bias.copy()
            trial[self.active] += size * direction
            trial = self._gauge(trial)
            moments = self.documents.move(self.model.offsets + trial)
            value = self._value(trial, moments)
            if value <= self.value + 1e-4 * size * slope + noise:
                self.spread *= 2.0 if limited else 1.0
                before = float(np.max(np.abs(self.gradient)))
                self._take(trial, moments)
                # Below rounding the value cannot judge a step; the gradient can.
                return -slope > noise or float(np.max(np.abs(self.gradient))) < 0.5 * before
            if -slope <= noise:
                break
            size, limited = size * 0.5, False
        self.documents.move(self.model.offsets + self.bias)
        return False

    def close(self) -> Expectation:
        bias, mass = self.bias, self.moments.mass
        used = np.where(np.isfinite(bias), bias, 0.0)
        resultants = self.documents.resultants()
        state = self.model.shifted(bias)
        entropy = self.moments.log_partition - float(
            np.sum(state.slopes * resultants) + np.sum((self.model.offsets + used) * mass)
        )
        optimum = bias.copy()
        if not self.is_solved():
            direction = self._direction()
            optimum[self.active] += self._size(direction) * direction
        return Expectation(state, bias, optimum, mass, resultants, entropy, self.primal, self.gap)

    def _noise(self) -> float:
        """Estimate the rounding error of the dual value, nats: of logits (on average) and of offsets."""
        offsets = (self.model.offsets + self.bias)[self.active]
        average = self.kappa / float(np.sqrt(self.documents.n))
        return NOISE[self.documents.precision] * (average + float(np.ptp(offsets)))

    def _take(self, bias: Float64, moments: Moments) -> None:
        self.bias, self.moments = bias, moments
        self.value = self._value(bias, moments)
        if not np.isfinite(self.value):
            raise GemError(f"The dual value of the E-step is {self.value}: a parameter of the model is not finite.")
        finite = bias[self.active]
        if self.penalty == 0:
            self.gradient, self.gap, self.primal = np.zeros(finite.size), 0.0, self.value
            return
        excess = moments.mass[self.active] - self.target[self.active]
        self.gradient = excess + self.inverse * finite
        # With pi - u = g - b/lambda the dual minus the primal is (lambda/2) ||g||^2. At infinite lambda the value
        # of a constrained optimum is the dual value itself, off by second order in the gradient.
        self.gap = 0.0 if np.isinf(self.penalty) else 0.5 * self.penalty * float(self.gradient @ self.gradient)
        self.primal = self.value - self.gap

    def _value(self, bias: Float64, moments: Moments) -> float:
        if self.penalty == 0:
            return moments.log_partition
        finite = bias[self.active]
        return float(
            moments.log_partition - finite @ self.target[self.active] + 0.5 * self.inverse * float(finite @ finite)
        )

    def _direction(self) -> Float64:
        hessian = np.diag(self.moments.mass) - self.moments.gram
        hessian = hessian[np.ix_(self.active, self.active)]
        k = hessian.shape[0]
        hessian.flat[:: k + 1] += self.inverse
        # The mean of b is free at infinite lambda: pinning it makes the Hessian regular and changes no other direction.
        if np.isinf(self.penalty):
            hessian += 1.0 / k
        # Rounding can leave a flat direction slightly negative; the ridge is far below any curvature that matters.
        ridge = MASS_NOISE[self.documents.precision] * 0.1
        for _ in range(40):
            _, direction, failed = dposv(hessian + ridge * np.eye(k), -self.gradient)
            if not failed:
                return np.asarray(direction)
            ridge *= 10.0
        return -self.gradient

    def _size(self, direction: Float64) -> float:
        """Return the fraction of a Newton step to take: 1 unless the offsets of clusters move far apart."""
        return float(min(1.0, self.spread / max(np.ptp(direction), 1e-300)))

    def _gauge(self, bias: Float64) -> Float64:
        """At infinite lambda only differences of b matter: mean 0 over the clusters in play."""
        if np.isinf(self.penalty):
            bias[self.active] -= bias[self.active].mean()
        return bias


def minorize_step(
    documents: DocumentSums, model: Affine, penalty: float, target: Float64, *, state: Expectation | None = None
) -> Expectation:
    r"""One minorize-maximize E-step (a mirror step), the paper's route.

    gamma_i  proportional to  exp( [ l_i - lambda (pi_t - u) + (lambda/2) log gamma_i_t ] / (1 + lambda/2) )

    Parameters
    ----------
    documents, model, penalty, target
        As in `dual_step`; lambda must be finite.
    state : Expectation, optional
        Where Gamma_t stands; default: the responsibilities of the model alone (softmax of l).

    Returns
    -------
    Expectation
        F is never below F(Theta, Gamma_t). One pass.

    Raises
    ------
    InputError
        The penalty is infinite: the step would have size 0.

    Notes
    -----
    log gamma_t is affine in x up to a constant per document, and so is the new one: the memory of
    this solver is a K x d array, not n x K.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> from gem_core.clustering.statistics import Documents
    >>> documents, model, u = Documents(x, np.full(3, 1 / 3)), Affine(5.0 * np.eye(2), np.zeros(2)), np.full(2, 0.5)
    >>> step = minorize_step(documents, model, 10.0, u)
    >>> for _ in range(200):
    ...     step = minorize_step(documents, model, 10.0, u, state=step)
    >>> bool(np.allclose(step.mass, dual_step(documents, model, 10.0, u).mass))
    True
    """
    if np.isinf(penalty):
        raise InputError(
            'solver "mm" needs a finite strength (its step has size 0 at infinity)',
            "inf",
            'Use solver="dual", or a large finite strength',
        )
    if state is None:
        new = model
    else:
        half = 0.5 * penalty
        pull = -penalty * (state.mass - target)
        new = Affine(
            (model.slopes + half * state.state.slopes) / (1.0 + half),
            (model.offsets + pull + half * state.state.offsets) / (1.0 + half),
        )
    moments = documents.evaluate(new.slopes, new.offsets, gram=False)
    resultants = documents.resultants()
    entropy = moments.log_partition - float(np.sum(new.slopes * resultants) + np.sum(new.offsets * moments.mass))
    objective = objective_value(model, moments.mass, resultants, entropy, target, penalty)
    if not np.isfinite(objective):
        raise GemError(f"The objective of the E-step is {objective}: a parameter of the model is not finite.")
    bias = -penalty * (moments.mass - target)
    return Expectation(new, bias, bias, moments.mass, resultants, entropy, objective, np.nan)
