"""Projection of weights onto floors, caps and the simplex."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Float64, frozen
from gem_core.errors import InputError

_ROUNDING = 1e-12  # tolerance for sums of floors or caps: shares are sums of many floats
_NOTHING = 1e-200  # Smaller shares count as 0, because bounds are divided by shares and must stay finite.


def project(
    weights: ArrayLike, caps: ArrayLike | None = None, floor: ArrayLike = 0.0, *, names: Sequence[str] | None = None
) -> Float64:
    r"""Return the weights nearest to given ones that lie between floors and caps: w_k = min(max(c p_k, floor), cap_k).

    Nearest in the Kullback-Leibler sense, sum_k w_k log(w_k / p_k): weights that meet no bound keep their proportions,
    and what a cap takes away goes to all others in proportion. c is found by sorting the bounds, without iteration.
    Domains of weight 0 stay at their floor unless all others are at their caps; they then share what is left equally.

    Parameters
    ----------
    weights : (K,) float
        p, not negative, not all zero; divided by their sum.
    caps : (K,) float, optional
        Largest weights, fractions; infinity for none.
    floor : float or (K,) float
        Smallest weights, fractions. A floor that is its own cap fixes the weight.
    names : sequence of K str, optional
        What messages call the domains; their places when left out.

    Returns
    -------
    (K,) float64
        Sums to 1; floors and caps hold exactly.

    Raises
    ------
    InputError
        If the weights are no weights, a floor lies above its cap, or floors or caps leave no room for a sum of 1; the
        message says by how much.

    Examples
    --------
    >>> project([0.6, 0.3, 0.1], caps=[0.4, 1.0, 1.0]).round(3).tolist()
    [0.4, 0.45, 0.15]
    >>> project([0.6, 0.3, 0.1], floor=0.2).round(3).tolist()
    [0.533, 0.267, 0.2]
    """
    p = np.asarray(weights, dtype=np.float64)
    if p.ndim != 1 or not p.size or not np.isfinite(p).all() or (p < 0).any() or p.sum() <= 0:
        raise InputError(
            "Weights must be finite, not negative and not all zero", f"{p.tolist()}"[:80], "Pass one number per domain"
        )
    low, high = (_per_domain(bound, p.size) for bound in (floor, np.inf if caps is None else caps))
    _check_bounds(low, high, names or [f"domain {at}" for at in range(p.size)])
    p = p / p.sum()
    positive = p > _NOTHING
    highest_sum = np.where(positive, high, low)  # as far as proportions alone can take them
    if highest_sum.sum() >= 1:
        out = np.clip(
            np.where(positive, p * _scale(p[positive], low[positive], high[positive], 1 - low[~positive].sum()), 0),
            low,
            high,
        )
    else:
        level = _level(low[~positive], high[~positive], 1 - high[positive].sum())
        out = np.where(positive, high, np.clip(level, low, high))
    return frozen(out)


def _per_domain(bound: ArrayLike, K: int) -> Float64:
    bounds = np.asarray(bound, dtype=np.float64)
    if bounds.shape not in ((), (K,)):
        raise InputError(
            f"Floors and caps must be one number, or one per domain ({K})", f"shape {bounds.shape}", f"Pass {K} numbers"
        )
    return np.broadcast_to(bounds, K)


def _check_bounds(low: Float64, high: Float64, names: Sequence[str]) -> None:
    if not ((low >= 0).all() and (high >= 0).all()):  # also where one is no number
        raise InputError(
            "Floors and caps must be numbers from 0", f"{low.min():g} and {high.min():g} at least", "Correct them"
        )
    violations = np.flatnonzero(low > high)
    if violations.size:
        at = int(violations[np.argmax((low - high)[violations])])
        raise InputError(
            "A weight must not be asked to exceed its cap",
            f"at least {low[at]:.6g} for {names[at]}, whose cap is {high[at]:.6g} ({low[at] - high[at]:.6g} too much)",
            "Lower that weight or the floor, or raise the cap",
        )
    if low.sum() > 1 + _ROUNDING:
        raise InputError(
            "Floors must leave room for weights that sum to 1",
            f"floors that sum to {low.sum():.6g} ({low.sum() - 1:.6g} too much)",
            "Lower them",
        )
    if high.sum() < 1 - _ROUNDING:
        raise InputError(
            "Caps must leave room for weights that sum to 1",
            f"caps that sum to {high.sum():.6g} ({1 - high.sum():.6g} too little)",
            "Raise them",
        )


def _scale(p: Float64, low: Float64, high: Float64, total: float) -> float:
    """Return c with sum_k min(max(c p_k, low_k), high_k) = total; the sum is piecewise linear and rises with c."""
    bends = np.sort(np.concatenate([low / p, high[np.isfinite(high)] / p[np.isfinite(high)]]))
    left, right = 0, len(bends)  # the first bend at which the sum reaches the total
    while left < right:
        middle = (left + right) // 2
        if np.clip(bends[middle] * p, low, high).sum() < total:
            left = middle + 1
        else:
            right = middle
    start = bends[left - 1] if left else 0.0
    end = bends[left] if left < len(bends) else np.inf
    unbounded = (low / p <= start) & (high / p >= end)  # what moves between the two bends
    moving = float(p[unbounded].sum())
    if not moving:  # the total is reached at the bend itself
        return float(end if np.isfinite(end) else start)
    return float((total - np.where(unbounded, 0.0, np.clip(start * p, low, high)).sum()) / moving)


def _level(low: Float64, high: Float64, total: float) -> float:
    """Return t with sum_k min(max(t, low_k), high_k) = total (water filling)."""
    return _scale(np.ones_like(low), low, high, total)


def epoch_caps(tokens: ArrayLike, budget: float, max_epochs: float) -> Float64:
    r"""Return the largest weights under which no domain is read more often than so many times: E T_k / B.

    Parameters
    ----------
    tokens : (K,) int
        T, tokens of each domain.
    budget : float
        B, tokens to train on.
    max_epochs : float
        E, above 0.

    Returns
    -------
    (K,) float64
        May exceed 1; 0 for a domain without tokens.

    Raises
    ------
    InputError
        If E times all tokens is less than the budget; the message says by how much.

    Examples
    --------
    >>> epoch_caps([100, 300], 800, 4).tolist()
    [0.5, 1.5]
    """
    available = np.asarray(tokens, dtype=np.float64)
    if not (0 < budget < math.inf and max_epochs > 0):
        raise InputError(
            "The token budget and the largest number of epochs must be above 0",
            f"{budget:g} and {max_epochs:g}",
            "Give positive numbers",
        )
    highest_sum = max_epochs * float(available.sum())
    if highest_sum < budget * (1 - _ROUNDING):
        raise InputError(
            f"{available.sum():,.0f} tokens at no more than {max_epochs:g} epochs allow a budget of {highest_sum:,.0f}",
            f"{budget:,.0f} ({budget - highest_sum:,.0f} too many)",
            f"Lower the budget, or allow {math.ceil(100 * budget / available.sum()) / 100:g} epochs",
        )
    return frozen(highest_sum / budget * (available / available.sum()))
