"""k-means++ on the sphere: first centers drawn far from each other."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64, Floating


def kmeans_plus_plus(x: Floating, weights: Float64, k: int, rng: np.random.Generator) -> Float64:
    """k-means++ on the cosine distance 1 - x'c with weights; the best of 2 + log k candidates a step.

    Parameters
    ----------
    x, weights : ndarray, shape (n, d) and (n,)
        Unit rows and shares.
    k : int
        Number of centers.
    rng : numpy.random.Generator
        Source of randomness.

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
    trials = 2 + int(np.log(k))
    first = int(rng.choice(x.shape[0], p=weights))
    rows = [first]
    distance = np.maximum(0.0, 1.0 - cosines(x[[first]], x)[0])
    for _ in range(k - 1):
        candidates = draw_distant(weights, distance, trials, rng)
        closer = np.minimum(distance, np.maximum(0.0, 1.0 - cosines(x[candidates], x)))
        best = int(np.argmin(closer @ weights))
        rows.append(int(candidates[best]))
        distance = closer[best]
    return x[rows].astype(np.float64)


def draw_distant(weights: Float64, distance: Floating, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows drawn in proportion to weight x distance."""
    chance = weights * distance
    total = float(chance.sum())
    # Below the rounding of a float32 product a distance means a duplicate; then only the weights are left.
    p = chance / total if total > 1e-6 else weights
    return np.asarray(rng.choice(p.size, size=size, p=p))


def cosines(x: Floating, centers: Any) -> Floating:
    """Return x @ centers.T, (n, K), through torch: numpy's threads busy-wait on a second core (2 to 4 times slower)."""
    import torch

    return np.asarray(torch.mm(torch.from_numpy(x), torch.from_numpy(centers.astype(x.dtype)).T).numpy())
