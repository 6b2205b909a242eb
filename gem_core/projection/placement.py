"""Place further documents on a finished layout, beside the documents that are nearest to them."""

import numpy as np

from gem_core._types import Float32, Floating, Progress, frozen, silent

NEIGHBORS = 8
BATCH = 4096
SAME = 1e-4  # squared chord below which two documents are copies: it bounds the weight 1 / distance


def place_beside_neighbors(X: Floating, sphere: Float32, new: Floating, *, progress: Progress = silent) -> Float32:
    r"""Return positions of new documents on the sphere; the documents that are there stay where they are.

    y = sum_j w_j y_j / \|sum_j w_j y_j\| over the 8 nearest documents by cosine, w_j = 1 / (10^-4 + \|x - x_j\|^2).

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
    import faiss

    index = faiss.IndexFlatIP(X.shape[1])
    for first in range(0, len(X), BATCH):
        index.add(np.ascontiguousarray(X[first : first + BATCH], dtype=np.float32))
    out = np.empty((len(new), 3), dtype=np.float32)
    for first in range(0, len(new), BATCH):
        progress("place on the map", first, len(new))
        cosine, rows = index.search(
            np.ascontiguousarray(new[first : first + BATCH], dtype=np.float32), min(NEIGHBORS, len(X))
        )
        weights = 1.0 / (SAME + np.maximum(0.0, 2.0 - 2.0 * cosine.astype(np.float64)))
        points = np.asarray(sphere, dtype=np.float64)[rows]
        mean = np.einsum("ij,ijk->ik", weights, points)
        norm = np.linalg.norm(mean, axis=1, keepdims=True)
        # Neighbors on opposite sides cancel: the nearest one decides then.
        mean = np.where(norm > 1e-6 * weights.sum(axis=1, keepdims=True), mean, points[:, 0])
        out[first : first + BATCH] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    progress("place on the map", len(new), len(new))
    return frozen(out)
