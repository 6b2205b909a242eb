"""k-means++ on the sphere: first centers drawn far from each other."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64, Floating


def kmeans_plus_plus(
    x: Floating, weights: Float64, k: int, rng: np.random.Generator, features: Float64 | None = None
) -> Float64:
    """k-means++ on the cosine distance 1 - x'c with weights; the best of 2 + log k candidates a step.

    Parameters
    ----------
    x, weights : ndarray, shape (n, d) and (n,)
        Unit rows and shares.
    k : int
        Number of centers.
    rng : numpy.random.Generator
        Source of randomness.
    features : ndarray, shape (n, q), optional
        Coordinates that the draws depend on instead of row numbers (`draw_distant`). Default: the rows themselves.

    Returns
    -------
    ndarray of float64, shape (k, d)
        Rows of x. Once every document coincides with a center, further centers are drawn by weight alone.

    Notes
    -----
    Arthur and Vassilvitskii (2007); greedy candidates as in scikit-learn. ||x - c||^2 = 2 (1 - x'c) on the sphere.

    Examples
    --------
    >>> centers = kmeans_plus_plus(np.eye(3)[[0, 0, 1, 1, 2]], np.full(5, 0.2), 3, np.random.default_rng(0))
    >>> sorted(centers.argmax(axis=1).tolist())
    [0, 1, 2]
    """
    features = np.asarray(x, dtype=np.float64) if features is None else features
    trials = 2 + int(np.log(k))
    rows = [int(draw_distant(features, weights, np.ones_like(weights), 1, rng)[0])]
    distance = np.maximum(0.0, 1.0 - cosines(x[rows], x)[0])
    for _ in range(k - 1):
        candidates = draw_distant(features, weights, distance, trials, rng)
        closer = np.minimum(distance, np.maximum(0.0, 1.0 - cosines(x[candidates], x)))
        best = int(np.argmin(closer @ weights))
        rows.append(int(candidates[best]))
        distance = closer[best]
    return x[rows].astype(np.float64)


def draw_distant(
    features: Float64, weights: Float64, distance: Floating, size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw rows in proportion to weight x distance, by content: row order and single other rows hardly matter.

    Each draw gives every document a number u_i in (0, 1), the fraction of a random projection of its features, and
    takes the smallest -log(u_i) / p_i (an exponential race, which draws in proportion to p).
    """
    chance = weights * distance
    total = float(chance.sum())
    # Below the rounding of a float32 product a distance means a duplicate; then only the weights are left.
    p = chance / total if total > 1e-6 else weights
    turns = features @ rng.standard_normal((features.shape[1], size)) + rng.random(size)
    uniform = np.clip(turns - np.floor(turns), 1e-300, 1.0 - 1e-16)
    with np.errstate(divide="ignore"):
        race = -np.log(uniform) / p[:, None]
    return np.asarray(race.argmin(axis=0))


def cosines(x: Floating, centers: Any) -> Floating:
    """Return x @ centers.T, (n, K), through torch: numpy's threads busy-wait on a second core (2 to 4 times slower)."""
    import torch

    return np.asarray(torch.mm(torch.from_numpy(x), torch.from_numpy(centers.astype(x.dtype)).T).numpy())
