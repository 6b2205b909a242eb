"""From the sphere to a flat map: turning the globe, and the Equal Earth projection."""

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Float32, Float64, Floating

# Šavrič, Patterson & Jenny, "The Equal Earth map projection", Int. J. Geogr. Inf. Sci. 33 (2019).
A1, A2, A3, A4 = 1.340264, -0.081106, 0.000893, 0.003796


def equal_earth(sphere: ArrayLike) -> Float32:
    """Equal-area map of points on the unit sphere (Equal Earth projection).

    Parameters
    ----------
    sphere : array_like, shape (n, 3)
        Unit rows; z points to the north pole, longitude 0 is x, the cut runs through -x.

    Returns
    -------
    ndarray of float32, shape (n, 2)
        Map coordinates: x in [-2.71, 2.71], y in [-1.32, 1.32]. Equal areas stay equal (the map's area is 4 pi), so
        the density of points means the same on the globe and on the map.

    Notes
    -----
    Šavrič, Patterson & Jenny (2019), Eq. 7-8.

    Examples
    --------
    >>> equal_earth([[1, 0, 0], [0, 1, 0], [0, 0, 1]]).round(3).tolist()
    [[0.0, 0.0], [1.3530000448226929, 0.0], [0.0, 1.3170000314712524]]
    """
    points = np.asarray(sphere, dtype=np.float64)
    theta = np.arcsin(0.5 * np.sqrt(3.0) * np.clip(points[:, 2], -1.0, 1.0))
    longitude = np.arctan2(points[:, 1], points[:, 0])
    square = theta * theta
    slope = A1 + 3.0 * A2 * square + square**3 * (7.0 * A3 + 9.0 * A4 * square)
    x = 2.0 * np.sqrt(3.0) * longitude * np.cos(theta) / (3.0 * slope)
    y = theta * (A1 + A2 * square + square**3 * (A3 + A4 * square))
    return np.column_stack([x, y]).astype(np.float32)


def rotate_for_map(sphere: Floating, rng: np.random.Generator, turns: int = 400) -> Float32:
    """Turn the globe so that the map's cut and poles, where the map tears or bends, lie where few documents are."""
    points = np.asarray(sphere, dtype=np.float64)
    sample = points if len(points) <= 4000 else points[rng.choice(len(points), 4000, replace=False)]
    best, lowest = np.eye(3), np.inf
    for _ in range(turns):
        rotation = _random_rotation(rng)
        damage = _torn(sample @ rotation.T)
        if damage < lowest:
            best, lowest = rotation, damage
    turned = points @ best.T
    return np.asarray(turned / np.linalg.norm(turned, axis=1, keepdims=True), dtype=np.float32)


def _torn(points: Float64) -> float:
    """Return how much lies at the cut: a kernel, 0.1 radian wide, of the angle to the half circle y = 0, x < 0."""
    angle = np.where(points[:, 0] < 0, np.abs(points[:, 1]), np.hypot(points[:, 0], points[:, 1]))
    return float(np.sum(np.exp(-0.5 * (angle / 0.1) ** 2)))


def _random_rotation(rng: np.random.Generator) -> Float64:
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    q = q * np.sign(np.diag(r))
    return np.asarray(q * np.sign(np.linalg.det(q)))
