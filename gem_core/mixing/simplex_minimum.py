r"""Minimum of a smooth loss over mixtures within caps, with a Kullback-Leibler pull to natural shares."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Float64, frozen
from gem_core.mixing.constraints import project

TOLERANCE = 1e-5  # nats
_TINY = 1e-12  # weights of zero could not grow again


@dataclass(frozen=True)
class SimplexMinimum:
    """A minimum over mixtures.

    Attributes
    ----------
    weights : (K,) float64
        Sum to 1.
    loss : float
        Without the pull.
    gap : float
        For a convex loss, the objective with the pull is at most this far above its minimum.
    n_iter : int
    """

    weights: Float64
    loss: float
    gap: float
    n_iter: int


def minimize_on_simplex(
    loss: Callable[[Float64], tuple[float, Float64]],
    natural: ArrayLike,
    caps: ArrayLike | None = None,
    *,
    pull: float = 0.0,
    start: ArrayLike | None = None,
    tolerance: float = TOLERANCE,
    max_iter: int = 3000,
) -> SimplexMinimum:
    r"""Minimize L(w) + pull KL(w || p) over mixtures w <= caps by mirror descent with backtracking.

    A step solves min_w g'w + pull KL(w || p) + KL(w || w_t) / eta exactly: its solution without caps is a product of
    powers, and `project` is the exact step onto the caps. For convex L and every mixture v,
    F(w) - F(v) <= g'(w - v) + pull (KL(w || p) - KL(v || p)); the largest right side within the caps is the gap.

    Parameters
    ----------
    loss : callable
        (K,) weights to the loss and its gradient, (K,).
    natural : (K,) float
        p, above 0 where a weight may be; sum 1.
    caps : (K,) float, optional
        Largest weights.
    pull : float
        From 0, nats.
    start : (K,) float, optional
        `natural` when left out.
    tolerance : float
        Gap to stop at, nats.
    max_iter : int

    Returns
    -------
    SimplexMinimum

    Raises
    ------
    InputError
        If the caps leave no room.

    Examples
    --------
    >>> square = lambda w: (float(((w - [0.7, 0.3]) ** 2).sum()), 2 * (w - [0.7, 0.3]))
    >>> minimize_on_simplex(square, [0.5, 0.5]).weights.round(2).tolist()
    [0.7, 0.3]
    """
    p = np.asarray(natural, dtype=np.float64)
    bound = np.where(p > 0, np.ones_like(p) if caps is None else np.asarray(caps, dtype=np.float64), 0.0)
    floor = np.minimum(np.where(p > 0, _TINY, 0.0), bound)
    logs = np.log(np.maximum(p, 1e-300))
    w = project(np.maximum(p if start is None else np.asarray(start, dtype=np.float64), floor), bound, floor)
    value, gradient = loss(w)
    eta, n_iter = 1.0, 0
    while (gap := _gap(w, gradient, logs, bound, floor, pull)) > tolerance and n_iter < max_iter:
        n_iter += 1
        for _ in range(60):
            mixed = (pull * eta * logs + np.log(np.maximum(w, _TINY)) - eta * gradient) / (1 + pull * eta)
            raw = np.where(p > 0, np.exp(mixed - mixed[p > 0].max()), 0.0)
            new = project(np.maximum(raw, floor), bound, floor)
            new_value, new_gradient = loss(new)
            if new_value <= value + gradient @ (new - w) + _divergence(new, w) / eta + 1e-13:
                break
            eta /= 2
        w, value, gradient = new, new_value, new_gradient
        eta *= 1.5
    return SimplexMinimum(frozen(w), value, gap, n_iter)


def _divergence(w: Float64, p: Float64) -> float:
    return float((w * (np.log(np.maximum(w, 1e-300)) - np.log(np.maximum(p, 1e-300)))).sum())


def _gap(w: Float64, gradient: Float64, logs: Float64, caps: Float64, floor: Float64, pull: float) -> float:
    """Return the largest possible fall of the linearized loss with the pull, over mixtures within the caps."""
    if pull > 0:
        mixed = logs - gradient / pull
        usable = caps > 0
        raw = np.where(usable, np.exp(mixed - mixed[usable].max()), 0.0)
        best = project(np.maximum(raw, floor), caps, floor)
        prior = np.exp(logs)
        return float(gradient @ (w - best)) + pull * (_divergence(w, prior) - _divergence(best, prior))
    order = np.argsort(gradient, kind="stable")
    room = 1 - np.concatenate([[0.0], np.cumsum(caps[order])[:-1]])
    return float(gradient @ w - np.clip(room, 0, caps[order]) @ gradient[order])
