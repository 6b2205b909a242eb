"""The von Mises-Fisher distribution on S^{d-1}: normalizer, mean resultant length, its inverse, sampling.

Density f(x | mu, kappa) = C_d(kappa) exp(kappa mu'x). Banerjee et al., JMLR 6 (2005); Sra, Comput. Stat. 27 (2012).
"""

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Float64
from gem_core.errors import InputError
from gem_core.geometry.bessel import bessel_ratio, log_bessel_over_power

# The largest concentration that is returned by default: 1e6 means an angle of about 0.1 degree on S^2, far
# beyond any topic; only (near) duplicates come here. Every function here is tested up to it.
CONCENTRATION_CAP = 1e6
# Newton doubles the correct digits each step; from Sra's start 4 to 6 steps suffice.
NEWTON_STEPS = 40


def log_normalizer(dimension: int, concentration: ArrayLike) -> Float64:
    r"""Logarithm of the von Mises-Fisher normalizer, log C_d(kappa).

    log C_d(kappa) = (d/2 - 1) log kappa - (d/2) log(2 pi) - log I_{d/2-1}(kappa)

    Parameters
    ----------
    dimension : int
        d >= 2, the number of coordinates (the sphere is S^{d-1}).
    concentration : array_like
        kappa >= 0, finite; any shape.

    Returns
    -------
    ndarray of float64
        Nats, the shape of `concentration`. At kappa = 0 minus the log of the sphere's area. Relative error below
        1e-12, and where log C_d crosses zero absolute error below 1e-12 times the larger of 1 and kappa.

    Raises
    ------
    InputError
        The dimension is below 2, or a concentration is negative or not finite.

    Notes
    -----
    Banerjee et al. (2005), Eq. 2.2. log kappa never appears alone, so nothing cancels at
    small kappa.

    Examples
    --------
    On S^2, C_3(kappa) = kappa / (4 pi sinh kappa), and 1 / (4 pi) at kappa = 0:

    >>> log_normalizer(3, [0.0, 1.0]).round(4).tolist()
    [-2.531, -2.6925]
    """
    half = 0.5 * _dimension(dimension)
    kappa = _concentration(concentration)
    return np.asarray(-half * np.log(2.0 * np.pi) - log_bessel_over_power(np.full_like(kappa, half - 1.0), kappa))


def mean_resultant(dimension: int, concentration: ArrayLike) -> Float64:
    r"""Mean resultant length of a von Mises-Fisher distribution, A_d(kappa) = I_{d/2}(kappa) / I_{d/2-1}(kappa).

    Parameters
    ----------
    dimension : int
        d >= 2.
    concentration : array_like
        kappa >= 0, finite; any shape.

    Returns
    -------
    ndarray of float64
        The length of the mean of x, in [0, 1], the shape of `concentration`. Relative error below 1e-13.

    Raises
    ------
    InputError
        The dimension is below 2, or a concentration is negative or not finite.

    Notes
    -----
    The ratio is expanded itself (never a quotient of two Bessel values). Banerjee et al. (2005), Eq. 2.4.

    Examples
    --------
    >>> mean_resultant(768, [10.0, 900.0]).round(6).tolist()
    [0.013019, 0.660757]
    """
    half = 0.5 * _dimension(dimension)
    kappa = _concentration(concentration)
    ratio, _ = bessel_ratio(np.full_like(kappa, half - 1.0), kappa)
    return np.asarray(ratio)


def concentration_from_resultant(dimension: int, resultant: ArrayLike, *, cap: float = CONCENTRATION_CAP) -> Float64:
    r"""Concentration of the von Mises-Fisher distribution with a given mean resultant length: A_d(kappa) = Rbar.

    Starts at Rbar (d - Rbar^2) / (1 - Rbar^2) and runs Newton's method to convergence.

    Parameters
    ----------
    dimension : int
        d >= 2.
    resultant : array_like
        Rbar in [0, 1]; any shape. A rounding excess over 1 of up to 1e-6 counts as 1.
    cap : float
        Largest value returned (> 0; may be infinite, then Rbar = 1 gives inf).

    Returns
    -------
    ndarray of float64
        kappa in [0, cap], the shape of `resultant`. Relative error below 1e-12 for the given Rbar (above the middle
        the equation is solved for 1 - Rbar, which float64 holds exactly).

    Raises
    ------
    InputError
        The dimension is below 2, a resultant lies outside [0, 1], or the cap is not positive.

    Notes
    -----
    Start: Banerjee et al. (2005), Eq. 4.4. Newton: Sra (2012), with A' = 1 - A^2 - A (d-1)/kappa. The start alone
    is off by up to some percent, enough to let an EM objective fall.

    Examples
    --------
    >>> concentration_from_resultant(3, [0.0, 0.5, 1.0]).round(4).tolist()
    [0.0, 1.7968, 1000000.0]
    """
    d = _dimension(dimension)
    if not cap > 0:
        raise InputError("cap must be positive", f"{cap}", f"Use the default, {CONCENTRATION_CAP:g}")
    rbar = np.asarray(resultant, dtype=np.float64)
    wrong = ~((rbar >= 0.0) & (rbar <= 1.0 + 1e-6))
    if np.any(wrong):
        raise InputError(
            "resultant must lie between 0 and 1",
            f"{rbar[wrong].flat[0]}",
            "Divide the length of the summed unit vectors by the summed weights",
        )
    inside = (rbar > 0.0) & (rbar < 1.0)
    kappa = np.where(rbar >= 1.0, cap, 0.0)
    if np.any(inside):
        kappa[inside] = _solve(d, rbar[inside], 1.0 - rbar[inside])
    return np.minimum(kappa, cap)


def sample_vmf(mean_direction: ArrayLike, concentration: float, size: int, rng: np.random.Generator) -> Float64:
    r"""Draw unit vectors from a von Mises-Fisher distribution.

    Parameters
    ----------
    mean_direction : array_like, shape (d,)
        mu, d >= 2; only its direction counts.
    concentration : float
        kappa >= 0, finite; 0 is the uniform distribution.
    size : int
        Number of draws, >= 0.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (size, d)
        Unit rows. Memory: two arrays of this size.

    Raises
    ------
    InputError
        The mean has no direction, the concentration is negative or not finite, or the size is negative.

    Notes
    -----
    Rejection sampling of w = mu'x by Wood, Commun. Stat. Simul. 23 (1994), after Ulrich (1984); the accepted share
    is above 0.6 for every d and kappa. Written in 1 - w, so draws stay distinct at any concentration.

    Examples
    --------
    >>> x = sample_vmf([0.0, 0.0, 1.0], 50.0, 1000, np.random.default_rng(0))
    >>> x.shape, round(float(x.mean(axis=0)[2]), 2)
    ((1000, 3), 0.98)
    """
    mu = np.asarray(mean_direction, dtype=np.float64)
    length = float(np.linalg.norm(mu)) if mu.ndim == 1 else np.nan
    if mu.ndim != 1 or not np.isfinite(length) or length <= 0:
        raise InputError(
            "mean_direction must be one vector with a direction",
            f"shape {mu.shape}, length {length}",
            "Pass a flat array of finite numbers that are not all zero",
        )
    d = _dimension(mu.size)
    kappa = float(_concentration(concentration))
    if size < 0:
        raise InputError("size must not be negative", f"{size}", "Ask for 0 draws or more")
    mu = mu / length
    gap = _sample_gap(d, kappa, size, rng)
    tangent = rng.standard_normal((size, d))
    tangent -= np.outer(tangent @ mu, mu)
    # In the plane the tangent is a sign times one vector; one projection leaves rounding along mu when the draw
    # was nearly parallel to it, the second removes that.
    tangent -= np.outer(tangent @ mu, mu)
    tangent *= (np.sqrt(gap * (2.0 - gap)) / np.linalg.norm(tangent, axis=1))[:, None]
    tangent += np.outer(1.0 - gap, mu)
    return np.asarray(tangent / np.linalg.norm(tangent, axis=1, keepdims=True))


def _sample_gap(d: int, kappa: float, size: int, rng: np.random.Generator) -> Float64:
    """Draw 1 - mu'x for `size` vectors: Wood's VM algorithm with every difference from 1 taken by hand."""
    b = (d - 1) / (2.0 * kappa + np.hypot(2.0 * kappa, d - 1))
    gap_0 = 2.0 * b / (1.0 + b)  # 1 - x_0
    gaps = np.empty(size)
    filled = 0
    while filled < size:
        # A quarter more than needed at the usual acceptance; the loop ends after one to four rounds.
        count = int(1.25 * (size - filled)) + 16
        z = rng.beta(0.5 * (d - 1), 0.5 * (d - 1), count)
        gap = 2.0 * b * z / ((1.0 - z) + b * z)
        log_ratio = np.log((gap_0 + (1.0 - gap_0) * gap) / (gap_0 * (2.0 - gap_0)))
        accept = kappa * (gap_0 - gap) + (d - 1) * log_ratio >= -rng.standard_exponential(count)
        new_gaps = gap[accept][: size - filled]
        gaps[filled : filled + new_gaps.size] = new_gaps
        filled += new_gaps.size
    return gaps


def _solve(d: int, rbar: Float64, gap: Float64) -> Float64:
    """Solve A_d(kappa) = rbar, with gap = 1 - rbar, for 0 < rbar < 1."""
    start = rbar * (d - rbar * rbar) / (gap * (1.0 + rbar))
    kappa = start
    nu = np.full_like(kappa, 0.5 * d - 1.0)
    for _ in range(NEWTON_STEPS):
        ratio, complement = bessel_ratio(nu, kappa)
        error = np.where(rbar < 0.5, ratio - rbar, gap - complement)
        # 1 - A^2 as complement (2 - complement); A'(kappa) lies in (0, 1/(d-1)) and is about (d-1)/(2 kappa^2)
        # at the far end, where it is lost in rounding: that limit is its floor.
        slope = complement * (1.0 + ratio) - ratio * (d - 1) / kappa
        slope = np.maximum(slope, 0.25 * complement * complement / (d - 1))
        step = np.clip(error / slope, -kappa, 0.5 * kappa)
        kappa = kappa - step
        # Convergence is quadratic: after a step of 1e-11 the remaining error is rounding.
        if bool(np.all(np.abs(step) <= 1e-11 * kappa)):
            break
    return np.asarray(kappa)


def _dimension(dimension: int) -> int:
    if int(dimension) != dimension or dimension < 2:
        raise InputError(
            "dimension must be a whole number of at least 2",
            f"{dimension}",
            "Pass vectors with two coordinates or more",
        )
    return int(dimension)


def _concentration(values: ArrayLike) -> Float64:
    array = np.asarray(values, dtype=np.float64)
    wrong = ~(np.isfinite(array) & (array >= 0))
    if np.any(wrong):
        raise InputError(
            "concentration must be finite and not negative",
            f"{array[wrong].flat[0]}",
            "Check the fit that it came from",
        )
    return array
