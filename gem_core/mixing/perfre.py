r"""PerfRe: upweight domains whose text lowers the target loss, and downweight those that raise it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gem_core import _check
from gem_core._types import Float64, frozen
from gem_core.errors import InputError
from gem_core.mixing.constraints import project

FACTOR = 3.0  # a domain's odds against all others in its own proxy, times this
NOISE = 1e-4  # smallest standard error of a benefit, nats per token: proxies cannot measure less
LIFT = 3.0  # what the weight of the most helpful domain is multiplied by; a domain as harmful is divided by it


@dataclass(frozen=True)
class PerfRe:
    """Effect of upsampling each domain on the target loss.

    Attributes
    ----------
    base : float
        Target loss on natural shares, nats per token.
    benefits : (K,) float64
        g_k, by how much the target loss falls when domain k is up-sampled, nats per token; negative where it rises.
    signal : (K,) float64
        Share of each benefit that is kept, g^2 / (g^2 + noise^2), from 0 to 1.
    weights : (K,) float64
        Sum to 1.
    """

    base: float
    benefits: Float64
    signal: Float64
    weights: Float64


def upsampled(shares: ArrayLike, factor: float = FACTOR) -> Float64:
    r"""Return the mixtures of a study: natural shares, then for each k the same with p_k times `factor`, scaled to 1.

    Parameters
    ----------
    shares : (K,) float
        p, sum 1.
    factor : float
        Above 1.

    Returns
    -------
    (K + 1, K) float64
        Rows sum to 1; a domain of share 0 has the natural row.

    Raises
    ------
    InputError
        If shares are no shares, or the factor is not above 1.

    Examples
    --------
    >>> upsampled([0.5, 0.25, 0.25], factor=3).round(3).tolist()
    [[0.5, 0.25, 0.25], [0.75, 0.125, 0.125], [0.333, 0.5, 0.167], [0.333, 0.167, 0.5]]
    """
    p = _check.shares(shares, np.size(shares), "shares")
    if not (np.isfinite(factor) and factor > 1):
        raise InputError("The factor of up-sampling must be above 1", f"{factor:g}", "Use 3")
    rows = np.tile(p, (p.size + 1, 1))
    rows[np.arange(1, p.size + 1), np.arange(p.size)] *= factor
    return frozen(rows / rows.sum(axis=1, keepdims=True))


def perfre(
    losses: ArrayLike,
    shares: ArrayLike,
    *,
    target: ArrayLike | None = None,
    lift: float = LIFT,
    caps: ArrayLike | None = None,
    noise: float = NOISE,
) -> PerfRe:
    r"""Weigh domains by their benefit: w_k ~ p_k lift^(s_k g_k / max_j |g_j|), within caps.

    s_k = g_k^2 / (g_k^2 + noise^2) shrinks benefits that are not larger than the noise of the measurement, so that
    proxies of equal losses give natural weights.

    g_k = sum_t v_t (L_t(natural) - L_t(k up-sampled)), v the target. The most helpful domain gets `lift` times its
    share before scaling, one as harmful a `lift`-th, one without effect keeps its share.

    Parameters
    ----------
    losses : (K + 1, T) float
        Of the proxies on `upsampled`, in its order, nats per token.
    shares : (K,) float
        p, sum 1.
    target : (T,) float, optional
        v, sum 1; `shares` when left out (then T = K): the loss of the corpus as it is.
    lift : float
        At least 1.
    caps : (K,) float, optional
        Largest weights.
    noise : float
        Standard error of a benefit, nats per token; at least `NOISE` is used.

    Returns
    -------
    PerfRe

    Raises
    ------
    InputError
        If losses are not finite or not K + 1 rows, or caps leave no room (by how much).

    Examples
    --------
    >>> found = perfre([[2.0, 3.0], [1.8, 3.0], [2.1, 2.9]], [0.5, 0.5], lift=4)
    >>> found.benefits.round(3).tolist(), found.weights.round(3).tolist()  # g = .1 and 0: weights 4 : 1
    ([0.1, 0.0], [0.8, 0.2])
    """
    p = _check.shares(shares, np.size(shares), "shares")
    table = np.asarray(losses, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != p.size + 1 or not np.isfinite(table).all():
        raise InputError(
            f"Losses must be {p.size + 1} rows of finite numbers, the natural shares first",
            f"shape {table.shape}, {int((~np.isfinite(table)).sum())} of them no numbers",
            "Train every proxy of the study",
        )
    if not lift >= 1:
        raise InputError("lift must be at least 1", f"{lift:g}", "Use 3")
    v = _check.shares(p if target is None else target, table.shape[1])
    g = (table[0] - table[1:]) @ v
    largest = float(np.abs(g).max())
    signal = shrinkage(g, max(noise, NOISE))
    raw = p * lift ** (signal * g / largest if largest > 0 else g)
    return PerfRe(base=float(table[0] @ v), benefits=frozen(g), signal=frozen(signal), weights=project(raw, caps))


def shrinkage(values: ArrayLike, errors: ArrayLike) -> Float64:
    """Return the share of each value that is signal, v^2 / (v^2 + se^2), from 0 to 1.

    Examples
    --------
    >>> shrinkage([0.0, 1.0, 3.0], 1.0).round(2).tolist()
    [0.0, 0.5, 0.9]
    """
    squares, noise = np.square(np.asarray(values, dtype=np.float64)), np.square(np.asarray(errors, dtype=np.float64))
    total = squares + noise
    return np.asarray(np.divide(squares, total, out=np.zeros_like(total), where=total > 0))
