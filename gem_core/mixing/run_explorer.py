"""What a table of proxy runs says: slopes by domain, two targets against each other, range and distance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Bool, Float64, frozen
from gem_core.errors import InputError
from gem_core.mixing.goal_search import fit_stream_laws, propose
from gem_core.mixing.proxy_runs import Runs

FAR = 0.5  # nats of divergence from the nearest run: beyond it, laws are not to be trusted
STEPS = 7  # mixtures on a front


@dataclass(frozen=True)
class Slopes:
    """Linear slopes of T targets by K domains.

    Attributes
    ----------
    targets, domains : tuple of str
    values : (T, K) float64
        Change of the target when a tenth of the mean mixture is replaced by the domain, in the unit of the target.
    errors : (T, K) float64
        Standard errors; infinite where runs are no more than domains.
    """

    targets: tuple[str, ...]
    domains: tuple[str, ...]
    values: Float64
    errors: Float64


def run_slopes(runs: Runs) -> Slopes:
    """Fit a linear model to each target and return its slopes by domain; runs with a gap in a target are left out.

    Examples
    --------
    >>> w = np.random.default_rng(0).dirichlet(np.ones(3), 40)
    >>> runs = Runs(("a", "b", "c"), ("loss",), w, w @ [[3.0], [2.0], [1.0]], tuple(map(str, range(40))))
    >>> slopes = run_slopes(runs)
    >>> (slopes.values[0] > 0).tolist()[0], (slopes.values[0] > 0).tolist()[2]
    (True, False)
    """
    K = len(runs.domains)
    values, errors = np.zeros((len(runs.targets), K)), np.full((len(runs.targets), K), np.inf)
    for t in range(len(runs.targets)):
        has_loss = np.isfinite(runs.losses[:, t])
        w, y = runs.mixtures[has_loss], runs.losses[has_loss, t]
        directions = 0.1 * (np.eye(K) - w.mean(axis=0))  # each row sums to 0
        inverse = np.linalg.pinv(w)  # weights sum to 1: no intercept
        coefficients = inverse @ y
        values[t] = directions @ coefficients
        freedom = len(y) - np.linalg.matrix_rank(w)
        if freedom > 0:
            variance = float(((y - w @ coefficients) ** 2).sum()) / freedom
            errors[t] = np.sqrt(variance * (directions @ inverse @ inverse.T * directions).sum(axis=1).clip(0))
    return Slopes(runs.targets, runs.domains, frozen(values), frozen(errors))


@dataclass(frozen=True)
class Front:
    """Two targets against each other.

    Attributes
    ----------
    losses : (n, 2) float64
        Of the runs.
    is_best : (n,) bool
        Runs that no other run beats in both.
    mixtures : (s, K) float64
        Of least predicted weighted mean of the two, the first target's weight falling from 1 to 0.
    predicted : (s, 2) float64
    """

    losses: Float64
    is_best: Bool
    mixtures: Float64
    predicted: Float64


def target_front(runs: Runs, first: str, second: str, *, seed: int = 0) -> Front:
    """Return runs and predicted mixtures between two targets; lower is better.

    Raises
    ------
    InputError
        If a target is unknown, or fewer than 10 runs have both.
    """
    both = np.column_stack([runs.loss(first), runs.loss(second)])
    complete = np.isfinite(both).all(axis=1)
    losses, mixtures = both[complete], runs.mixtures[complete]
    if len(losses) < 10:
        raise InputError("A front needs 10 runs with both targets", f"{len(losses)}", "Choose other targets")
    at_least = np.all(losses[None, :, :] <= losses[:, None, :], axis=2)
    strictly = np.any(losses[None, :, :] < losses[:, None, :], axis=2)
    is_beaten = np.any(at_least & strictly, axis=1)
    laws, center = fit_stream_laws(mixtures, losses, seed=seed), mixtures.mean(axis=0)
    parts = np.linspace(1.0, 0.0, STEPS)
    scale = 1 / np.maximum(losses.std(axis=0), 1e-12)
    rows = []
    for part in parts:
        weights = scale * [part, 1 - part]
        rows.append(propose(laws, weights / weights.sum(), center).weights)
    return Front(frozen(losses), frozen(~is_beaten), frozen(np.array(rows)), frozen(laws.predict(np.array(rows))))


def distance_notes(runs: Runs, mixture: ArrayLike) -> tuple[str, ...]:
    """Return sentences on weights outside the range of the runs, and on a mixture far from every run."""
    w = np.asarray(mixture, dtype=np.float64)
    notes = []
    low, high = runs.mixtures.min(axis=0), runs.mixtures.max(axis=0)
    outside = [
        f"{name} {weight:.1%} (runs {a:.1%} to {b:.1%})"
        for name, weight, a, b in zip(runs.domains, w, low, high, strict=True)
        if weight > b + 1e-9 or weight < a - 1e-9
    ]
    if outside:
        more = f", and {len(outside) - 4} more" if len(outside) > 4 else ""
        notes.append(f"Outside the range of the runs: {', '.join(outside[:4])}{more}")
    used = w > 0
    ratios = np.log(w[used] / np.maximum(runs.mixtures[:, used], 1e-6))
    nearest = float((w[used] * ratios).sum(axis=1).min())
    if nearest > FAR:
        notes.append(
            f"The nearest run is {nearest:.2f} nats of divergence away: predictions are not to be trusted there"
        )
    return tuple(notes)
