"""Distributions of mass over clusters: measures of them, and rules that keep them distributions."""

import numpy as np
from numpy.typing import ArrayLike

from gem_core import _check
from gem_core._types import Float64
from gem_core.errors import InputError


def effective_number(masses: ArrayLike) -> float:
    r"""Effective number of clusters, exp(H) with H = -sum_k p_k log p_k.

    Parameters
    ----------
    masses : array_like, shape (K,)
        Masses >= 0 with a positive sum; divided by their sum first.

    Returns
    -------
    float
        Between 1 (all mass in one cluster) and K (equal masses).

    Raises
    ------
    InputError
        A mass is negative or not finite, or all are zero.

    Notes
    -----
    Hill number of order 1 (Hill, Ecology 54, 1973).

    Examples
    --------
    >>> effective_number([0.5, 0.5, 0.0])
    2.0
    """
    return float(np.exp(_entropy(_distribution(masses))))


def normalized_entropy(masses: ArrayLike) -> float:
    r"""Entropy of the masses over its maximum, H / log K.

    Parameters
    ----------
    masses : array_like, shape (K,)
        Masses >= 0 with a positive sum; divided by their sum first.

    Returns
    -------
    float
        Between 0 (all mass in one cluster) and 1 (equal masses); 1 for K = 1, where nothing can be unequal.

    Raises
    ------
    InputError
        A mass is negative or not finite, or all are zero.

    Examples
    --------
    >>> normalized_entropy([0.25, 0.25, 0.25, 0.25])
    1.0
    """
    p = _distribution(masses)
    return min(1.0, _entropy(p) / float(np.log(p.size))) if p.size > 1 else 1.0


def _entropy(p: Float64) -> float:
    present = p[p > 0]
    return max(0.0, -float(np.sum(present * np.log(present))))


def _distribution(masses: ArrayLike) -> Float64:
    array = np.asarray(masses, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise InputError(
            "masses must be a flat array, one number per cluster", f"shape {array.shape}", "Pass the masses of one fit"
        )
    if not np.all(np.isfinite(array)) or np.any(array < 0) or array.sum() <= 0:
        raise InputError(
            "masses must be finite, not negative and not all zero",
            f"{array.tolist()[:8]}",
            "Pass the masses of one fit",
        )
    return np.asarray(array / array.sum())


def rebalance(shares: ArrayLike, index: int, value: float, locked: ArrayLike | None = None) -> Float64:
    r"""Set one share; the others that are not locked give or take in proportion to what they hold.

    u_index = value, u_k as before where locked, u_k = c u_k elsewhere with c such that the sum is 1. Where the others
    hold nothing, they take equal parts.

    Parameters
    ----------
    shares : array_like, shape (K,)
        Fractions >= 0 with sum 1.
    index : int
        Which share is set, 0 to K - 1; not a locked one.
    value : float
        Its new share, from 0 to 1 less what the locked ones hold. With every other share locked it is that rest.
    locked : array_like of bool, shape (K,), optional
        Shares that stay as they are. Default: none.

    Returns
    -------
    ndarray, shape (K,)
        Fractions with sum 1.

    Raises
    ------
    InputError
        `shares` are no shares, `index` is outside or locked, or the value is impossible beside the locked shares.

    Examples
    --------
    >>> rebalance([0.5, 0.3, 0.2], 0, 0.2).round(3).tolist()
    [0.2, 0.48, 0.32]
    >>> rebalance([0.5, 0.3, 0.2], 0, 0.2, [False, True, False]).round(3).tolist()
    [0.2, 0.3, 0.5]
    """
    old = np.array(shares, dtype=np.float64)
    _check.shares(old, old.size, "shares")
    fixed = np.zeros(old.size, dtype=bool) if locked is None else np.array(locked, dtype=bool)
    if fixed.shape != old.shape:
        raise InputError(
            f"locked must hold one answer a share ({old.size})",
            f"shape {fixed.shape}",
            f"Pass {old.size} times true or false",
        )
    if not 0 <= index < old.size:
        raise InputError(f"index must lie between 0 and {old.size - 1}", f"{index}", "Pass the place of a share")
    if fixed[index]:
        raise InputError("A share that is set must not be locked", f"share {index}, which is locked", "Unlock it first")
    free = ~fixed
    free[index] = False
    rest = 1.0 - float(old[fixed].sum())
    possible = 0.0 <= value <= rest + 1e-9 if free.any() else abs(value - rest) <= 1e-9
    if not (np.isfinite(value) and possible):
        bound = f"lie between 0 and {max(rest, 0.0):.4g}" if free.any() else f"be {max(rest, 0.0):.4g}"
        raise InputError(
            f"The share must {bound}, which the locked ones leave",
            f"{value:.4g}",
            "Unlock another share, or choose a possible one",
        )
    new = old.copy()
    new[index] = min(float(value), max(rest, 0.0))
    remainder, free_total = max(rest - float(new[index]), 0.0), float(old[free].sum())
    if free.any():
        new[free] = old[free] * (remainder / free_total) if free_total > 0 else remainder / free.sum()
    return new


def apply_floor(shares: ArrayLike, floor: float) -> Float64:
    r"""Lift shares to a floor, changing them as little as possible: u_k = max(floor, c p_k) with sum 1.

    Nearest in the Kullback-Leibler sense, in both directions: shares above the floor keep their proportions.

    Parameters
    ----------
    shares : array_like, shape (K,)
        p, fractions >= 0 with sum 1.
    floor : float
        A fraction from 0 to 1/K.

    Returns
    -------
    ndarray, shape (K,)
        Fractions with sum 1.

    Raises
    ------
    InputError
        `shares` are no shares, or the floor lies outside 0 to 1/K.

    Notes
    -----
    With the shares sorted downwards, the j largest stay above the floor and
    c = (1 - (K - j) floor) / (p_1 + ... + p_j) for the largest j that c p_j >= floor allows.

    Examples
    --------
    >>> apply_floor([0.6, 0.3, 0.1, 0.0], 0.1).round(4).tolist()
    [0.5333, 0.2667, 0.1, 0.1]
    """
    p = _check.shares(shares, np.size(shares), "shares")
    if not 0 <= floor <= (1 + 1e-12) / p.size:
        raise InputError(
            f"The floor must lie between 0 and one part in {p.size} ({1 / p.size:.4g}), one for each cluster",
            f"{floor:.4g}",
            "Use a lower floor, or fewer clusters",
        )
    falling = np.sort(p)[::-1]
    above = np.arange(1, p.size + 1)
    scale = (1.0 - (p.size - above) * floor) / np.cumsum(falling)
    fits = np.flatnonzero(scale * falling >= floor)
    if fits.size == 0:  # only at a floor of 1/K, by rounding
        return np.full(p.size, 1.0 / p.size)
    return np.asarray(np.maximum(floor, scale[fits[-1]] * p))
