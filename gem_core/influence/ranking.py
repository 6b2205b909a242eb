"""Choose the exemplars, borderline documents and outliers of each cluster."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Floating, frozen
from gem_core.errors import InputError

Rows = NDArray[np.int64]


def exemplars(
    X: ArrayLike,
    labels: ArrayLike,
    gis: ArrayLike,
    *,
    count: int = 10,
    near_duplicate: float = 0.95,
    n_clusters: int | None = None,
) -> tuple[Rows, ...]:
    """Choose the documents that show each cluster best, without showing the same text twice.

    Walks down the score and takes a document unless its cosine to one already taken exceeds `near_duplicate`.

    Parameters
    ----------
    X : (n, d) float
        Embeddings; only their directions count.
    labels : (n,) int
    gis : (n,) float
        Score, higher first; equal scores in row order.
    count : int
        Most exemplars a cluster.
    near_duplicate : float
        Cosine above which two documents count as the same; 1 switches the rule off.
    n_clusters : int, optional
        K; default the largest label and one.

    Returns
    -------
    tuple of K (<= count,) int64
        Row numbers, best first; fewer where the cluster has fewer documents that differ, none for an empty cluster.

    Raises
    ------
    InputError
        When the lengths disagree or count is negative.

    Examples
    --------
    >>> X = [[1.0, 0.0], [1.0, 0.01], [0.6, 0.8]]
    >>> [rows.tolist() for rows in exemplars(X, [0, 0, 0], [3.0, 2.0, 1.0])]
    [[0, 2]]
    """
    vectors = np.asarray(X)
    _same_length(len(vectors), "labels", labels)
    rows_by_cluster = []
    for rows in _ranked(labels, -np.asarray(gis, dtype=np.float64), None, n_clusters):
        rows_by_cluster.append(frozen(_different(vectors, rows, _checked(count), near_duplicate)))
    return tuple(rows_by_cluster)


def borderline(
    labels: ArrayLike, margin: ArrayLike, *, count: int = 10, n_clusters: int | None = None
) -> tuple[Rows, ...]:
    """Choose the documents of each cluster that nearly went to another: smallest margin first.

    Parameters
    ----------
    labels : (n,) int
    margin : (n,) float
        Best minus second-best logit, nats.
    count : int
        Most documents per cluster.
    n_clusters : int, optional
        K; default the largest label and one.

    Returns
    -------
    tuple of K (<= count,) int64

    Raises
    ------
    InputError
        When the lengths disagree or count is negative.

    Examples
    --------
    >>> [rows.tolist() for rows in borderline([0, 0, 1], [2.0, 0.5, 1.0], count=1)]
    [[1], [2]]
    """
    return tuple(frozen(rows) for rows in _ranked(labels, margin, _checked(count), n_clusters))


def least_typical(
    labels: ArrayLike, gis: ArrayLike, *, count: int = 10, n_clusters: int | None = None
) -> tuple[Rows, ...]:
    """Choose the documents of each cluster with the lowest score, lowest first.

    Parameters
    ----------
    labels : (n,) int
    gis : (n,) float
    count : int
        Most documents per cluster.
    n_clusters : int, optional
        K; default the largest label and one.

    Returns
    -------
    tuple of K (<= count,) int64

    Raises
    ------
    InputError
        When the lengths disagree or count is negative.

    Examples
    --------
    >>> [rows.tolist() for rows in least_typical([0, 0, 0], [2.0, 0.5, 1.0], count=2)]
    [[1, 2]]
    """
    return tuple(frozen(rows) for rows in _ranked(labels, gis, _checked(count), n_clusters))


def _checked(count: int) -> int:
    if count < 0:
        raise InputError("count must not be negative", f"{count}", "Ask for 0 documents or more")
    return count


def _same_length(n: int, name: str, values: ArrayLike) -> None:
    shape = np.shape(values)
    if shape != (n,):
        raise InputError(
            f"{name} must hold one number per document ({n:,})", f"shape {shape}", "Pass those of one corpus"
        )


def _ranked(labels: ArrayLike, score: ArrayLike, count: int | None, n_clusters: int | None) -> list[Rows]:
    """Rows of each cluster by rising score, equal scores in row order."""
    cluster, values = np.asarray(labels), np.asarray(score, dtype=np.float64)
    _same_length(cluster.size, "the score", values)
    n_labels = int(cluster.max()) + 1 if cluster.size else 0
    k = n_labels if n_clusters is None else n_clusters
    if k < n_labels or (cluster.size and cluster.min() < 0):
        came = f"{int(cluster.min())} to {n_labels - 1}"
        raise InputError(f"labels must lie between 0 and {k - 1}", came, "Pass the fit's number of clusters")
    order = np.lexsort((values, cluster)).astype(np.int64)
    ends = np.searchsorted(cluster[order], np.arange(k + 1))
    return [order[ends[c] : ends[c + 1]][:count].copy() for c in range(k)]


def _different(vectors: Floating, rows: Rows, count: int, near_duplicate: float) -> Rows:
    """Take rows in turn, passing over those too close to one already taken."""
    selection: list[int] = []
    directions = np.empty((min(count, rows.size), vectors.shape[1]))
    for row in rows:
        if len(selection) == count:
            break
        direction = np.asarray(vectors[row], dtype=np.float64)
        direction = direction / np.linalg.norm(direction)
        # At 1 the rule is off: rounding must not make duplicates of equals.
        if near_duplicate >= 1 or not (directions[: len(selection)] @ direction > near_duplicate).any():
            directions[len(selection)] = direction
            selection.append(int(row))
    return np.array(selection, dtype=np.int64)
