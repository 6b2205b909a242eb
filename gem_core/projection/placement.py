"""Place further documents on a finished layout, beside the documents that are nearest to them."""

from typing import Any

import numpy as np

from gem_core._types import Float32, Float64, Floating, Progress, frozen, silent
from gem_core.projection.neighbors import cosine_index

NEIGHBORS = 8
BATCH = 4096
SAME = 1e-4  # squared chord below which two documents are copies: it bounds the weight 1 / distance


def place_beside_neighbors(X: Floating, sphere: Float32, new: Floating, *, progress: Progress = silent) -> Float32:
    r"""Return positions of new documents on the sphere; the documents that are there stay where they are.

    y = sum_j w_j y_j / \|sum_j w_j y_j\| over the 8 nearest documents by cosine, w_j = 1 / (10^-4 + \|x - x_j\|^2).
    With many documents on both sides an inverted file is searched, which finds about 98% of the nearest.

    Parameters
    ----------
    X : ndarray of float, shape (n, d)
        Unit vectors of the documents with positions.
    sphere : ndarray of float32, shape (n, 3)
        Their positions, unit vectors.
    new : ndarray of float, shape (m, d)
        Unit vectors of the further documents.
    progress : Progress
        Receives the step "place on the map" in documents.

    Returns
    -------
    ndarray of float32, shape (m, 3)
        Unit vectors. A copy of a document lies within its width of it; a subject that the layout does not have is
        drawn between its nearest ones.

    Examples
    --------
    >>> X, sphere = np.eye(3), np.eye(3, dtype=np.float32)
    >>> place_beside_neighbors(X, sphere, X[:1]).round(2).tolist()
    [[1.0, 0.0, 0.0]]
    """
    index = cosine_index(X, len(new))
    out = np.empty((len(new), 3), dtype=np.float32)
    for first in range(0, len(new), BATCH):
        progress("place on the map", first, len(new))
        out[first : first + BATCH] = place_with_index(index, sphere, new[first : first + BATCH])
    progress("place on the map", len(new), len(new))
    return frozen(out)


def place_with_index(index: Any, sphere: Float32, new: Floating) -> Float64:
    """Return positions of unit rows by the faiss index of the documents whose positions are `sphere`."""
    cosine, rows = index.search(np.ascontiguousarray(new, dtype=np.float32), min(NEIGHBORS, len(sphere)))
    # An inverted file that holds fewer documents near a row answers with row -1.
    weights = np.where(rows < 0, 0.0, 1.0 / (SAME + np.maximum(0.0, 2.0 - 2.0 * cosine.astype(np.float64))))
    points = np.asarray(sphere, dtype=np.float64)[rows]
    mean = np.einsum("ij,ijk->ik", weights, points)
    norm = np.linalg.norm(mean, axis=1, keepdims=True)
    # Neighbors on opposite sides cancel: the nearest one decides then.
    mean = np.where(norm > 1e-6 * weights.sum(axis=1, keepdims=True), mean, points[:, 0])
    return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True))
