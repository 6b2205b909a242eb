"""Match the clusters of two labelings one to one by the largest overlap (Hungarian algorithm)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._types import frozen
from gem_core.errors import InputError


def match_clusters(reference_labels: ArrayLike, labels: ArrayLike, n_clusters: int) -> NDArray[np.int64]:
    """Renumber clusters so that they share the most documents with the reference clusters of the same number.

    Parameters
    ----------
    reference_labels : array_like of int, shape (n,)
        Ids to keep, >= 0; any number of clusters.
    labels : array_like of int, shape (n,)
        Ids to rename, 0 .. n_clusters - 1.
    n_clusters : int
        K of `labels`.

    Returns
    -------
    ndarray of int64, shape (K,)
        order[k] is the new id of cluster k: a permutation of 0 .. K-1 (for `MixtureFit.permute`). A cluster without
        a partner, or whose partner has an id of K or more, takes the lowest id left.

    Raises
    ------
    InputError
        The labelings differ in length or hold ids out of range.

    Notes
    -----
    Hungarian algorithm (scipy) on the K' x K table of shared documents; memory K' x K.

    Examples
    --------
    >>> match_clusters([1, 1, 0, 0, 2], [0, 0, 2, 2, 1], 3).tolist()
    [1, 2, 0]
    """
    from scipy.optimize import linear_sum_assignment

    old, new = _labels(reference_labels, "reference_labels"), _labels(labels, "labels")
    if old.size != new.size:
        raise InputError(
            "reference_labels and labels must describe the same documents",
            f"{old.size:,} and {new.size:,} labels",
            "Pass one label a document in both",
        )
    if new.size and new.max() >= n_clusters:
        raise InputError(
            f"labels must be below n_clusters = {n_clusters}",
            f"{int(new.max())}",
            "Pass the number of clusters of labels",
        )
    n_old = int(old.max()) + 1 if old.size else 0
    shared = np.bincount(old * n_clusters + new, minlength=n_old * n_clusters).reshape(n_old, n_clusters)
    partners, clusters = linear_sum_assignment(-shared)
    order = np.full(n_clusters, -1, dtype=np.int64)
    # An empty overlap is no partner: that cluster is new.
    has_partner = (shared[partners, clusters] > 0) & (partners < n_clusters)
    order[clusters[has_partner]] = partners[has_partner]
    order[order < 0] = np.setdiff1d(np.arange(n_clusters), order)
    return frozen(order)


def _labels(values: ArrayLike, name: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer) or (array.size and array.min() < 0):
        raise InputError(
            f"{name} must be a flat array of cluster ids, 0 and up",
            f"{array.dtype} of shape {array.shape}",
            "Pass the labels of an assignment",
        )
    return array.astype(np.int64)
