r"""Gaussian process from mixtures to losses: Matern 5/2 on the square roots of the weights."""

from dataclasses import dataclass

import numpy as np

from gem_core._types import Float64

_LENGTHS = np.geomspace(0.1, 10.0, 13)  # distances of square roots of weights are at most sqrt(2)
_NOISES = np.geomspace(1e-5, 1.0, 11)  # variance of the noise over that of the process


@dataclass(frozen=True)
class GaussianProcess:
    """A fitted process of T losses.

    Attributes
    ----------
    points : (n, K) float64
        Square roots of the mixtures of the runs.
    lengths : (T,) float64
        Length scale of each loss.
    coefficients : (n, T) float64
    means : (T,) float64
    """

    points: Float64
    lengths: Float64
    coefficients: Float64
    means: Float64

    def predict(self, mixtures: Float64) -> Float64:
        """Losses of mixtures, (m, T)."""
        distances = _distances(np.sqrt(np.maximum(mixtures, 0.0)), self.points)
        out = np.empty((len(distances), len(self.means)))
        for length in np.unique(self.lengths):
            same = self.lengths == length
            out[:, same] = _matern(distances / length) @ self.coefficients[:, same] + self.means[same]
        return out


def fit_gaussian_process(mixtures: Float64, losses: Float64) -> GaussianProcess:
    """Fit a process to each of T losses; length scale and noise maximize the marginal likelihood on a grid.

    Parameters
    ----------
    mixtures : (n, K) float
        Rows sum to 1.
    losses : (n, T) float

    Examples
    --------
    >>> w = np.random.default_rng(0).dirichlet(np.ones(3), 40)
    >>> process = fit_gaussian_process(w, w @ [[1.0], [2.0], [4.0]])
    >>> bool(abs(process.predict(np.array([[0.2, 0.3, 0.5]]))[0, 0] - 2.8) < 0.05)
    True
    """
    points = np.sqrt(np.maximum(mixtures, 0.0))
    means = losses.mean(axis=0)
    centered, n = losses - means, len(losses)
    distances = _distances(points, points)
    best = np.full(losses.shape[1], np.inf)
    lengths, coefficients = np.ones(losses.shape[1]), np.zeros_like(centered)
    for length in _LENGTHS:
        values, vectors = np.linalg.eigh(_matern(distances / length))
        rotated = vectors.T @ centered
        for noise in _NOISES:
            spectrum = np.maximum(values, 0.0) + noise
            variance = np.maximum((rotated**2 / spectrum[:, None]).sum(axis=0) / n, 1e-300)
            score = n * np.log(variance) + np.log(spectrum).sum()
            better = score < best
            best[better], lengths[better] = score[better], length
            coefficients[:, better] = vectors @ (rotated[:, better] / spectrum[:, None])
    return GaussianProcess(points, lengths, coefficients, means)


def _distances(a: Float64, b: Float64) -> Float64:
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def _matern(r: Float64) -> Float64:
    scaled = np.sqrt(5.0) * r
    return np.asarray((1 + scaled + scaled**2 / 3) * np.exp(-scaled))
