"""Measures of a distribution of mass over clusters."""

import numpy as np
from numpy.typing import ArrayLike

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


def normalised_entropy(masses: ArrayLike) -> float:
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
    >>> normalised_entropy([0.25, 0.25, 0.25, 0.25])
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
        raise InputError("masses must be a flat array, one number a cluster", f"shape {array.shape}",
                         "Pass the masses of one fit")
    if not np.all(np.isfinite(array)) or np.any(array < 0) or array.sum() <= 0:
        raise InputError("masses must be finite, not negative and not all zero", f"{array.tolist()[:8]}",
                         "Pass the masses of one fit")
    return np.asarray(array / array.sum())
