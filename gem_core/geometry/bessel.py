"""Modified Bessel functions of the first kind in logs, and their ratio, without underflow or cancellation.

Two routes, both in float64:

- the power series (DLMF 10.25.2) where x^2 <= 4 (nu + 1): twenty positive terms;
- the uniform (Debye) expansion (DLMF 10.41.3-10.41.5) at an order of 24 or more, and from there the recurrence
  1 / r_{nu-1} = 2 nu / x + r_nu of the ratio r_nu = I_{nu+1} / I_nu downwards, which is the stable direction.

scipy's `ive` is not used: it is 0 at nu = 383, x = 10, where log I = -1282.51.
"""

from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, xlogy

from gem_core._types import Float64
from gem_core.errors import InputError

# At this order the first term left out is below 3e-16 for every x (tests/geometry compares with 50 digits).
DEBYE_ORDER = 24.0
DEBYE_TERMS = 16
SERIES_TERMS = 20


def log_bessel(order: ArrayLike, x: ArrayLike) -> Float64:
    r"""Logarithm of the modified Bessel function of the first kind, log I_nu(x).

    Parameters
    ----------
    order : array_like
        Order nu >= 0, finite, need not be an integer.
    x : array_like
        Argument, finite and >= 0. Broadcast against `order`.

    Returns
    -------
    ndarray of float64
        log I_nu(x) in nats; -inf at x = 0 for nu > 0. The relative error is below 1e-13, and where log I itself
        crosses zero the absolute error is below 1e-13.

    Raises
    ------
    InputError
        An order or an argument is negative or not finite.

    Notes
    -----
    DLMF 10.25.2 (series) and 10.41.3 (uniform expansion): see the module's docstring.

    Examples
    --------
    >>> round(float(log_bessel(383, 10.0)), 2)
    -1282.51
    """
    nu, t = np.broadcast_arrays(_non_negative(order, "order"), _non_negative(x, "x"))
    # xlogy: at nu = 0, x = 0 the product is 0, and I_0(0) = 1.
    return np.asarray(log_bessel_over_power(nu, t) + xlogy(nu, t))


def log_bessel_over_power(nu: Float64, x: Float64) -> Float64:
    """Return log(I_nu(x) / x^nu), finite also at x = 0. Arguments are trusted and have one shape."""
    small = x <= 2.0 * np.sqrt(nu + 1.0)
    # Each route gets a harmless argument where the other one is meant.
    series_x = np.where(small, x, 0.0)
    series = -nu * np.log(2.0) - gammaln(nu + 1.0) + _log_series(nu, series_x)
    if bool(np.all(small)):
        return np.asarray(series)
    large_x = np.where(small, 2.0 * np.sqrt(nu + 1.0), x)
    shift = _shift(nu)
    top = nu + shift
    value = _log_debye_over_power(top, large_x)
    ratio, complement = _debye_ratio(top, large_x)
    for order in (nu + step for step in range(shift, 0, -1)):
        # I_{order-1} = I_order / r_{order-1}, and the same for I / x^order.
        ratio, complement = _step_down(order, large_x, ratio, complement)
        log_ratio = np.where(ratio < 0.5, np.log(ratio), np.log1p(-complement))
        value = value + np.log(large_x) - log_ratio
    return np.where(small, series, value)


def bessel_ratio(nu: Float64, x: Float64) -> tuple[Float64, Float64]:
    """Return r = I_{nu+1}(x) / I_nu(x) and 1 - r, each to full relative precision.

    Arguments are trusted and have one shape. The complement is worked out beside the ratio, not from it: at
    nu = 0, x = 1e6 it is 5e-7, and a subtraction would leave nine digits.
    """
    shift = max(_shift(nu), 1)
    # Below this r = x / (2 nu + 2) to full precision, and 2 nu / x would overflow.
    tiny = x < 1e-290
    positive = np.where(tiny, 1.0, x)
    ratio, complement = _debye_ratio(nu + shift, positive)
    for step in range(shift, 0, -1):
        ratio, complement = _step_down(nu + step, positive, ratio, complement)
    ratio = np.where(ratio < 0.5, ratio, 1.0 - complement)  # never above 1 by rounding
    return np.where(tiny, x / (2.0 * nu + 2.0), ratio), np.where(tiny, 1.0, complement)


def _non_negative(values: ArrayLike, name: str) -> Float64:
    array = np.asarray(values, dtype=np.float64)
    wrong = ~(np.isfinite(array) & (array >= 0))
    if np.any(wrong):
        raise InputError(f"{name} must be finite and not negative", f"{array[wrong].flat[0]}", "Check the argument")
    return array


def _shift(nu: Float64) -> int:
    """Return how many orders up the Debye expansion may be used."""
    return int(max(0.0, np.ceil(DEBYE_ORDER - float(np.min(nu))))) if nu.size else 0


def _log_series(nu: Float64, x: Float64) -> Float64:
    """Return log of sum_m (x^2/4)^m / (m! (nu+1)_m); all terms positive, so nothing cancels."""
    quarter = 0.25 * x * x
    total = np.zeros_like(quarter)
    for m in range(SERIES_TERMS, 0, -1):
        total = (1.0 + total) * quarter / (m * (nu + m))
    return np.log1p(total)


def _step_down(nu: Float64, x: Float64, ratio: Float64, complement: Float64) -> tuple[Float64, Float64]:
    """From r_nu and 1 - r_nu to the same of nu - 1."""
    twice = 2.0 * nu / x
    below = twice + ratio
    return 1.0 / below, (twice - complement) / below


@cache
def _debye_polynomials() -> tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]:
    """Coefficients of u_k and of s_k = u_k / 2 + t u_k', in rising powers of t (DLMF 10.41.7-10.41.9).

    Worked out in fractions, so each coefficient is the nearest float64.
    """
    u = [Fraction(1)]
    us, ss = [], []
    for _ in range(DEBYE_TERMS):
        us.append(tuple(float(c) for c in u))
        ss.append(tuple(float(c * (Fraction(1, 2) + power)) for power, c in enumerate(u)))
        following = [Fraction(0)] * (len(u) + 3)
        for power, c in enumerate(u):
            # t^2 (1 - t^2) u' / 2, and the integral of (1 - 5 t^2) u / 8
            following[power + 1] += c * power / 2 + c / (8 * (power + 1))
            following[power + 3] -= c * power / 2 + 5 * c / (8 * (power + 3))
        u = following
    return tuple(us), tuple(ss)


def _debye_sums(nu: Float64, t: Float64) -> tuple[Float64, Float64]:
    """Return sum_{k>=1} u_k(t) / nu^k and sum_{k>=0} s_k(t) / nu^{k+1}."""
    us, ss = _debye_polynomials()
    u_sum, s_sum = np.zeros_like(t), np.zeros_like(t)
    for k in range(DEBYE_TERMS - 1, -1, -1):
        # Only the powers t^k, t^{k+2}, ..., t^{3k} are there.
        s_sum = (s_sum + _even(ss[k], k, t)) / nu
        if k:
            u_sum = (u_sum + _even(us[k], k, t)) / nu
    return u_sum, s_sum


def _even(coefficients: tuple[float, ...], k: int, t: Float64) -> Float64:
    square = t * t
    total = np.zeros_like(t)
    for c in coefficients[: k - 1 if k else None : -2]:
        total = total * square + c
    return total * t**k


def _log_debye_over_power(nu: Float64, x: Float64) -> Float64:
    z = x / nu
    w = np.hypot(1.0, z)
    u_sum, _ = _debye_sums(nu, 1.0 / w)
    exponent = nu * (w - np.log1p(w) - np.log(nu))
    return np.asarray(exponent - 0.5 * np.log(2.0 * np.pi * nu * w) + np.log1p(u_sum))


def _debye_ratio(nu: Float64, x: Float64) -> tuple[Float64, Float64]:
    """Return r_nu and 1 - r_nu from the uniform expansions of I and I'.

    r = I'/I - nu/x = (w V/U - 1) / z with w = sqrt(1 + z^2), t = 1/w. Since v_k - u_k = -z^2 t^3 s_{k-1}, the
    difference can be taken by hand, and no digits are lost at either end: r = z (1 / (1 + w) - t^2 S/U).
    """
    z = x / nu
    w = np.hypot(1.0, z)
    t = 1.0 / w
    u_sum, s_sum = _debye_sums(nu, t)
    correction = t * t * s_sum / (1.0 + u_sum)
    ratio = z * (1.0 / (1.0 + w) - correction)
    complement = (1.0 + 1.0 / (w + z)) / (1.0 + w) + z * correction
    return np.asarray(ratio), np.asarray(complement)
