"""Outlines of groups on a map: around the parts where the documents of a group lie densely."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, QhullError, cKDTree

MOST_POINTS = 3000  # documents of a group that its outline is made of
NEIGHBOR = 6  # a document's density is the distance of this neighbor in its group
CORE = 0.75  # part of a group's documents, the densest, that the outline runs around
REACH = 1.6  # of the largest distance to the neighbor in the core: closer documents belong to one part
SMALLEST_PART = 0.12  # of the core, and at least as many documents as NEIGHBOR
STEPS = 5  # points on each edge of a hull, so that it bends with the sphere
MARGIN = 1.08  # of the hull's size

Float = NDArray[np.float64]


def outline_groups(positions: NDArray[np.floating], groups: NDArray[np.int32], n_groups: int) -> list[list[Float]]:
    """Return for each group the closed lines around its dense parts.

    Parameters
    ----------
    positions : (n, 2) or (n, 3)
        On a flat map, or unit directions on the sphere.
    groups : (n,) int32
        Group of each document; -1 = none.
    n_groups : int

    Returns
    -------
    list of list of (m, 2) or (m, 3) arrays
        The last point of a line is its first; on the sphere all have length 1. A group whose documents lie scattered,
        or that has fewer than 8, may have none.
    """
    rng = np.random.default_rng(0)
    outlines: list[list[Float]] = []
    for group in range(n_groups):
        points = np.asarray(positions[groups == group], dtype=np.float64)
        if len(points) > MOST_POINTS:
            points = points[rng.choice(len(points), MOST_POINTS, replace=False)]
        parts = _dense_parts(points)
        outlines.append([line for part in parts if (line := _hull(part)) is not None])
    return outlines


def _dense_parts(points: Float) -> list[Float]:
    """Split the densest documents where a gap runs between them."""
    if len(points) < NEIGHBOR + 2:
        return []
    distance = cKDTree(points).query(points, k=NEIGHBOR + 1)[0][:, -1]
    core = points[distance <= np.quantile(distance, CORE)]
    if len(core) <= NEIGHBOR:
        return []
    pairs = cKDTree(core).query_pairs(REACH * float(np.quantile(distance, CORE)), output_type="ndarray")
    links = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(core), len(core)))
    _, part_of = connected_components(links, directed=False)
    smallest = max(NEIGHBOR, SMALLEST_PART * len(core))
    return [core[part_of == part] for part in np.flatnonzero(np.bincount(part_of) >= smallest)]


def _hull(points: Float) -> Float | None:
    """Return the closed convex line around points; on the sphere, in the plane that touches it at their mean."""
    middle = points.mean(axis=0)
    if points.shape[1] == 3:
        middle /= np.linalg.norm(middle)
        first = np.cross(middle, np.eye(3)[np.argmin(np.abs(middle))])
        first /= np.linalg.norm(first)
        axes = np.stack([first, np.cross(middle, first)])
        depth = points @ middle
        if depth.min() < 0.2:  # The part wraps around the sphere: no line around it says where it is.
            return None
        plane = (points @ axes.T) / depth[:, None]
    else:
        axes, plane = np.eye(2), points - middle
    try:
        corners = plane[ConvexHull(plane).vertices] * MARGIN
    except QhullError:  # All points lie on one line, which has no outline.
        return None
    after = np.roll(corners, -1, axis=0)
    steps = np.arange(STEPS)[:, None] / STEPS
    edges = corners[:, None] * (1 - steps) + after[:, None] * steps
    line: Float = np.vstack([edges.reshape(-1, 2), corners[:1]]) @ axes + middle
    if points.shape[1] == 3:
        line /= np.linalg.norm(line, axis=1, keepdims=True)
    return line
