"""Comparison of two groupings of the same documents: overlap table and derived measures."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Float64, frozen
from gem_core.clustering.measures import Agreement, _ids
from gem_core.errors import InputError

Int64 = NDArray[np.int64]


def overlap_table(a: ArrayLike, b: ArrayLike, n_a: int, n_b: int) -> Int64:
    """Documents that each pair of clusters has in common, shape (n_a, n_b).

    Parameters
    ----------
    a, b : array_like of int, shape (n,)
        Labels of the same documents, 0 .. n_a - 1 and 0 .. n_b - 1.
    n_a, n_b : int
        Numbers of clusters.

    Raises
    ------
    InputError
        The labelings differ in length or hold ids out of range.

    Examples
    --------
    >>> overlap_table([0, 0, 1], [1, 1, 0], 2, 2).tolist()
    [[0, 2], [1, 0]]
    """
    a_labels = np.asarray(a)
    first, second = _ids(a_labels, a_labels.size, n_a), _ids(b, a_labels.size, n_b)
    return np.bincount(first * n_b + second, minlength=n_a * n_b).reshape(n_a, n_b).astype(np.int64)


def table_agreement(table: ArrayLike) -> Agreement:
    r"""ARI and NMI from an overlap table.

    ARI = (T - E) / ((A + B) / 2 - E) with T = sum_ij C(n_ij, 2), A and B the same over row and column sums, and
    E = A B / C(n, 2) (Hubert and Arabie, J. Classification 2, 1985). NMI = 2 I / (H_A + H_B) (arithmetic mean, as
    scikit-learn's default). Both are 1 for groupings that are the same, also for two that hold one cluster each.

    Parameters
    ----------
    table : array_like, shape (K_a, K_b)
        Documents in common, not negative, not all zero.

    Raises
    ------
    InputError
        The table is not two-dimensional, is empty or holds negative counts.

    Examples
    --------
    >>> table_agreement([[2, 0], [0, 3]])
    Agreement(ari=1.0, nmi=1.0)
    """
    n = _table(table)
    rows, columns, total = n.sum(axis=1), n.sum(axis=0), float(n.sum())
    together, first, second = _pairs(n), _pairs(rows), _pairs(columns)
    chance = first * second / _pairs(np.array([total])) if total > 1 else 0.0
    most = 0.5 * (first + second)
    ari = 1.0 if most == chance else (together - chance) / (most - chance)
    information = _entropy(rows) + _entropy(columns) - _entropy(n.ravel())
    mean = 0.5 * (_entropy(rows) + _entropy(columns))
    # Two groupings of one cluster each tell all of each other.
    nmi = 1.0 if mean == 0 else min(1.0, max(0.0, information / mean))
    return Agreement(float(ari), float(nmi))


def jaccard(table: ArrayLike) -> Float64:
    """Documents in common over documents in either, for each pair of clusters, in [0, 1].

    Raises
    ------
    InputError
        As in `table_agreement`.

    Examples
    --------
    >>> jaccard([[2, 0], [1, 1]]).round(2).tolist()
    [[0.67, 0.0], [0.25, 0.5]]
    """
    n = _table(table)
    either = n.sum(axis=1, keepdims=True) + n.sum(axis=0, keepdims=True) - n
    return frozen(np.divide(n, either, out=np.zeros_like(n), where=either > 0))


def matched_pairs(table: ArrayLike) -> Int64:
    """For each row its partner column, -1 without one: the one-to-one matching with the most documents in common.

    Raises
    ------
    InputError
        As in `table_agreement`.

    Examples
    --------
    >>> matched_pairs([[1, 5], [0, 4], [3, 0]]).tolist()
    [1, -1, 0]
    """
    from scipy.optimize import linear_sum_assignment

    n = _table(table)
    partner = np.full(n.shape[0], -1, dtype=np.int64)
    rows, columns = linear_sum_assignment(-n)
    has_overlap = n[rows, columns] > 0  # nothing in common is no partner
    partner[rows[has_overlap]] = columns[has_overlap]
    return frozen(partner)


def matched_order(table: ArrayLike, rows: ArrayLike) -> Int64:
    """Order of the columns beside rows in a given order, so that the large cells lie along the diagonal.

    A column stands at its partner's place; one without a partner stands behind the row it shares most with.

    Parameters
    ----------
    table : array_like, shape (K_a, K_b)
    rows : array_like of int, shape (K_a,)
        The rows as they are shown, from the top.

    Raises
    ------
    InputError
        As in `table_agreement`.

    Examples
    --------
    >>> matched_order([[1, 5, 0], [3, 0, 2]], [1, 0]).tolist()
    [0, 2, 1]
    """
    n = _table(table)
    position = np.argsort(np.asarray(rows))
    anchor, matched = n.argmax(axis=0), np.zeros(n.shape[1], dtype=bool)
    partner = matched_pairs(n)
    for row in np.flatnonzero(partner >= 0):
        anchor[partner[row]], matched[partner[row]] = row, True
    largest = n[anchor, np.arange(n.shape[1])]
    return frozen(np.lexsort((-largest, ~matched, position[anchor])).astype(np.int64))


def _pairs(counts: Float64) -> float:
    return float(np.sum(counts * (counts - 1.0)) / 2.0)


def _entropy(counts: Float64) -> float:
    p = counts[counts > 0] / counts.sum()
    return -float(np.sum(p * np.log(p)))


def _table(table: ArrayLike) -> Float64:
    n: NDArray[Any] = np.asarray(table, dtype=np.float64)
    if n.ndim != 2 or n.size == 0 or not np.all(n >= 0) or n.sum() <= 0:
        raise InputError(
            "table must hold the documents in common of each pair of clusters",
            f"shape {n.shape}",
            "Pass the result of overlap_table",
        )
    return n
