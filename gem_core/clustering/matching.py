"""The order of clusters: by falling mass, and one to one after another labeling (Hungarian algorithm)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._types import frozen
from gem_core.errors import InputError

# Masses that differ by less than this part of the mean mass are equal but for rounding.
TIED = 1e-6


def rank_by_mass(masses: ArrayLike, centers: ArrayLike) -> NDArray[np.int64]:
    """Return the clusters from the largest mass to the smallest; equal masses are ordered by their centers.

    Clusters of equal mass differ by rounding only, which depends on the number of threads and on where a vector lies
    in memory. Those within 10^-6 of the mean mass of their neighbor in the order are ranked by the cosine of their
    center with a fixed direction, so that their numbers are the same in every run.

    Parameters
    ----------
    masses : array_like, shape (K,)
        Fractions.
    centers : array_like, shape (K, d)
        Unit vectors.

    Returns
    -------
    ndarray of int64, shape (K,)
        A permutation of 0 .. K-1: the clusters in their order.

    Examples
    --------
    >>> rank_by_mass([0.25, 0.25 - 1e-15, 0.5], [[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]]).tolist()
    [2, 1, 0]
    """
    mass, center = np.asarray(masses, dtype=np.float64), np.asarray(centers, dtype=np.float64)
    order = np.argsort(-mass, kind="stable")
    steps = -np.diff(mass[order]) > TIED * mass.mean()
    tie_group = np.concatenate([[0], np.cumsum(steps)])
    fixed_direction = np.cos(np.arange(center.shape[1], dtype=np.float64))
    cosine = center[order] @ fixed_direction
    return np.asarray(order[np.lexsort((-cosine, tie_group))], dtype=np.int64)


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
