r"""Mixing laws: parametric functions from weights to a loss, fitted by least squares."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gem_core._types import Float64

STARTS = 4
_TIGHT = 0.1  # pull of the log-slopes to their mean, in standard deviations of the loss: for domains that say nothing


@dataclass(frozen=True)
class EffectiveLaw:
    r"""L(w) = c - g log(b + sum_k a_k w_k^e): data of one domain count for another, with falling returns.

    Attributes
    ----------
    c, g, b, e : float
        g, b > 0; 0 < e < 1.
    a : (K,) float64
        > 0: what a domain is worth for this target.
    """

    c: float
    g: float
    b: float
    e: float
    a: Float64

    def predict(self, mixtures: Float64) -> Float64:
        """Losses of mixtures, (n,), nats per token."""
        return self.c - self.g * np.log(self.b + np.asarray(mixtures) ** self.e @ self.a)


@dataclass(frozen=True)
class ExponentialLaw:
    r"""L(w) = c + exp(k + t'w) (data mixing laws, arXiv 2403.16952).

    Attributes
    ----------
    c, k : float
    t : (K,) float64
    """

    c: float
    k: float
    t: Float64

    def predict(self, mixtures: Float64) -> Float64:
        """Losses of mixtures, (n,), nats per token."""
        return self.c + np.exp(self.k + np.asarray(mixtures) @ self.t)


def fit_effective(mixtures: Float64, losses: Float64, seed: int = 0) -> EffectiveLaw:
    """Fit the effective-data law from several starts; the best is taken."""
    K, spread = mixtures.shape[1], float(losses.std())
    logs = np.log(np.maximum(mixtures, 1e-300))  # 0^e is 0 at any e > 0 that matters
    scale = spread or 1.0

    def residual(theta: Float64) -> Float64:
        law = _effective(theta)
        powers = np.where(mixtures > 0, np.exp(law.e * logs), 0.0)
        residuals = (law.c - law.g * np.log(law.b + powers @ law.a) - losses) / scale
        return np.concatenate([residuals, _TIGHT * (theta[4:] - theta[4:].mean()) / np.sqrt(K)])

    pulls = _TIGHT / np.sqrt(K) * (np.eye(K) - 1 / K)

    def jacobian(theta: Float64) -> Float64:
        law = _effective(theta)
        powers = np.where(mixtures > 0, np.exp(law.e * logs), 0.0)
        total = law.b + powers @ law.a
        out = np.zeros((len(losses) + K, 4 + K))
        rows = out[: len(losses)]
        rows[:, 0], rows[:, 1] = 1.0, -law.g * np.log(total)
        rows[:, 2] = -law.g * law.b / total
        rows[:, 3] = -law.g * ((powers * logs) @ law.a) / total * law.e * (1 - law.e)
        rows[:, 4:] = -law.g * powers * law.a / total[:, None]
        rows /= scale
        out[len(losses) :, 4:] = pulls
        return out

    def start(rng: np.random.Generator) -> Float64:
        return np.concatenate(
            [
                [losses.max(), np.log(scale) + rng.normal(0, 0.3), rng.normal(-2, 1), rng.normal(0, 1)],
                rng.normal(-1, 1, K),
            ]
        )

    return _effective(_best(residual, jacobian, start, seed))


def _effective(theta: Float64) -> EffectiveLaw:
    bounded = np.clip(theta, -30.0, 30.0)  # exp of it stays a number whatever the search tries
    return EffectiveLaw(
        float(theta[0]),
        float(np.exp(bounded[1])),
        float(np.exp(bounded[2])),
        float(1 / (1 + np.exp(-bounded[3]))),
        np.exp(bounded[4:]),
    )


def fit_exponential(mixtures: Float64, losses: Float64, seed: int = 0) -> ExponentialLaw:
    """Fit the exponential law from several starts; the best is taken."""
    K, scale = mixtures.shape[1], float(losses.std()) or 1.0

    def law(theta: Float64) -> ExponentialLaw:
        return ExponentialLaw(float(theta[0]), float(np.clip(theta[1], -30, 30)), np.clip(theta[2:], -30, 30))

    def residual(theta: Float64) -> Float64:
        return np.concatenate([(law(theta).predict(mixtures) - losses) / scale, _TIGHT * theta[2:] / np.sqrt(K)])

    pulls = _TIGHT / np.sqrt(K) * np.eye(K)

    def jacobian(theta: Float64) -> Float64:
        at = law(theta)
        slopes = np.exp(at.k + mixtures @ at.t)[:, None] * (np.abs(theta[1:]) <= 30)  # A clipped parameter has none.
        out = np.zeros((len(losses) + K, 2 + K))
        rows = out[: len(losses)]
        rows[:, 0], rows[:, 1], rows[:, 2:] = 1.0, slopes[:, 0], slopes[:, 1:] * mixtures
        rows /= scale
        out[len(losses) :, 2:] = pulls
        return out

    def start(rng: np.random.Generator) -> Float64:
        return np.concatenate([[losses.min() - scale * rng.uniform(0, 2), np.log(scale)], rng.normal(0, 0.5, K)])

    return law(_best(residual, jacobian, start, seed))


def _best(
    residual: Callable[[Float64], Float64],
    jacobian: Callable[[Float64], Float64],
    start: Callable[[np.random.Generator], Float64],
    seed: int,
) -> Float64:
    """Return the parameters of least cost over several starts of Levenberg-Marquardt."""
    from scipy.optimize import least_squares

    rng = np.random.default_rng(seed)
    fits = [least_squares(residual, start(rng), jacobian, method="lm", max_nfev=200) for _ in range(STARTS)]
    return np.asarray(min(fits, key=lambda fit: fit.cost).x)
