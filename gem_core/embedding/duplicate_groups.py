"""Near-duplicate documents: groups of vectors whose cosine reaches a threshold, found exactly."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core import _check
from gem_core._types import Bool, Float32, Float64, Int32, Progress, frozen, silent
from gem_core.errors import InputError

SHORT = 96  # directions of the short vectors
ROUNDING = 1e-4  # float32 sums of two short vectors stay well inside this
ROWS, COLUMNS = 1024, 8192  # of one block of cosines: 32 MiB
PAIRS = 1 << 16  # candidates that are checked together
FOLD = 1 << 18  # pairs that are kept before they become groups


@dataclass(frozen=True)
class Duplicates:
    """Groups of near-duplicate documents.

    Attributes
    ----------
    threshold : float
        Cosine from which two documents are joined.
    documents : int
        n, the size of the corpus.
    rows : (m,) int32
        Documents that are in a group: the groups by falling size, in each first its representative, then the others by
        falling cosine to it.
    group : (m,) int32
        Group of each of them, 0 = the largest.
    cosine : (m,) float32
        Cosine to the representative of the group. A group is joined pair by pair, so it may lie below the threshold.
    """

    threshold: float
    documents: int
    rows: Int32
    group: Int32
    cosine: Float32

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Documents of each group, falling."""
        return np.bincount(self.group) if len(self.group) else np.zeros(0, dtype=np.int64)

    @property
    def representatives(self) -> Int32:
        """One document of each group."""
        return self.rows[np.r_[True, self.group[1:] != self.group[:-1]]] if len(self.rows) else self.rows

    @property
    def extra(self) -> int:
        """Number of documents that removing duplicates would drop."""
        return len(self.rows) - len(self.sizes)

    def members(self, group: int) -> tuple[Int32, Float32]:
        """Documents of one group and their cosines to its representative, which comes first."""
        span = slice(*np.searchsorted(self.group, [group, group + 1]))
        return self.rows[span], self.cosine[span]


def near_duplicates(
    X: ArrayLike, threshold: float = 0.95, *, scores: ArrayLike | None = None, progress: Progress = silent
) -> Duplicates:
    """Find the connected components of the graph that joins two documents where x_i'x_j >= threshold.

    Exact at every size. All pairs are looked at, but by short vectors: with P a projection on 96 directions of
    large variance and r_i = ||x_i - P x_i||, Cauchy-Schwarz gives x_i'x_j <= (P x_i)'(P x_j) + r_i r_j, one product
    of 97 numbers. Only pairs whose bound reaches the threshold are multiplied out. Time grows with n^2 (24,000 rows: a
    second or two on two cores; 100,000: twenty), memory with n: 400 n bytes and blocks of 32 MiB.

    Parameters
    ----------
    X : (n, d) array
        Vectors, one row per document; scaled to unit length here.
    threshold : float in (0, 1]
        Cosine from which two documents count as near-duplicates.
    scores : (n,) array, optional
        The document with the highest score represents its group (the first of equals); the first row when None.
    progress : Progress
        Receives step "compare" in documents.

    Raises
    ------
    InputError
        If the threshold is out of range, or X or the scores do not fit.

    Examples
    --------
    >>> found = near_duplicates([[1, 0, 0], [0, 1, 0], [1, 0.1, 0], [0, 0.1, 1]], threshold=0.95)
    >>> found.rows.tolist(), found.cosine.round(3).tolist(), found.extra
    ([0, 2], [1.0, 0.9950000047683716], 1)
    """
    if not 0 < threshold <= 1:
        raise InputError("threshold must be a cosine above 0, at most 1", f"{threshold:g}", "Use a value such as 0.95")
    array = _check.vectors(X)
    n = len(array)
    best = _scores(scores, n)
    unit = np.asarray(array / np.linalg.norm(array, axis=1, keepdims=True), dtype=np.float32)
    first, same = _identical(unit)
    if len(first) == n:  # the usual case; no copy of X
        label = _components(unit, threshold, progress)
    else:
        label = _components(unit[first], threshold, progress)[same]
    return _arranged(unit, label, best, threshold)


def _scores(scores: ArrayLike | None, n: int) -> Float64:
    if scores is None:
        return np.zeros(n)
    best = np.asarray(scores, dtype=np.float64)
    if best.shape != (n,) or np.isnan(best).any():
        raise InputError(
            f"scores must hold one number per document ({n:,})",
            "NaN" if best.shape == (n,) else f"shape {best.shape}",
            "Pass a flat array without NaN",
        )
    return best


def _identical(unit: Float32) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row of every different vector, and for each row the place of its vector among them.

    Ten thousand copies of one page are ten thousand squared pairs; here they are one.
    """
    bytes_ = np.ascontiguousarray(unit).view(np.dtype((np.void, unit.dtype.itemsize * unit.shape[1]))).ravel()
    _, first, same = np.unique(bytes_, return_index=True, return_inverse=True)
    return first, same.ravel()


def _short(unit: Float32) -> Float32:
    """Return (n, 97) vectors whose products bound the cosines from above; the vectors themselves when d <= 97."""
    if unit.shape[1] <= SHORT + 1:
        return unit
    second = np.zeros((unit.shape[1],) * 2)
    for begin in range(0, len(unit), COLUMNS):
        block = unit[begin : begin + COLUMNS].astype(np.float64)
        second += block.T @ block
    basis = np.random.default_rng(0).normal(size=(unit.shape[1], SHORT))
    for _ in range(4):  # subspace iteration: any orthonormal basis gives a true bound, a good one a tight bound
        basis = np.linalg.qr(second @ basis)[0]
    part = unit @ basis.astype(np.float32)
    rest = np.sqrt(np.maximum(0.0, 1.0 - np.einsum("ij,ij->i", part, part)))
    return np.concatenate([part, rest[:, None]], axis=1)


def _components(unit: Float32, threshold: float, progress: Progress) -> NDArray[np.int64]:
    """Assign to each document the number of its connected component."""
    n = len(unit)
    label = np.arange(n)
    pair_blocks: list[NDArray[np.int64]] = []
    for left, right in _candidates(_short(unit), threshold, progress):
        for begin in range(0, len(left), PAIRS):
            i, j = left[begin : begin + PAIRS], right[begin : begin + PAIRS]
            apart = label[i] != label[j]  # what is joined already needs no second proof
            i, j = i[apart], j[apart]
            cosine = np.einsum("ij,ij->i", unit[i], unit[j], dtype=np.float64)
            near = cosine >= threshold - 1e-6  # unit length in float32 is true to 1e-7
            pair_blocks.append(np.stack([i[near], j[near]]))
            if sum(pairs.shape[1] for pairs in pair_blocks) > FOLD:
                label = _joined(label, pair_blocks)
                pair_blocks = []
    return _joined(label, pair_blocks)


def _candidates(
    short: Float32,
    threshold: float,
    progress: Progress,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs i < j whose bound reaches the threshold, block by block of the upper triangle."""
    n = len(short)
    for top in range(0, n, ROWS):
        progress("compare", top, n)
        rows = short[top : top + ROWS]
        for begin in range(top, n, COLUMNS):
            columns = short[begin : begin + COLUMNS]
            hits = np.flatnonzero(rows @ columns.T >= np.float32(threshold - ROUNDING))
            left, right = hits // len(columns) + top, hits % len(columns) + begin
            upper = left < right
            if upper.any():
                yield left[upper], right[upper]
    progress("compare", n, n)


def _joined(label: NDArray[np.int64], pair_blocks: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(label)
    left, right = np.concatenate([np.zeros((2, 0), dtype=np.int64), *pair_blocks], axis=1)
    left, right = label[left], label[right]
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n, n))
    merged = connected_components(graph, directed=False)[1]
    return np.asarray(merged[label], dtype=np.int64)


def _arranged(unit: Float32, label: NDArray[np.int64], best: Float64, threshold: float) -> Duplicates:
    n = len(label)
    many: Bool = np.bincount(label, minlength=1)[label] > 1
    rows = np.flatnonzero(many)
    _, group, counts = np.unique(label[rows], return_inverse=True, return_counts=True)
    order = np.lexsort((rows, -best[rows], group))  # the best of each group first
    rows, group = rows[order], group[order]
    starts = np.cumsum(counts) - counts
    leader = np.repeat(rows[starts], counts)
    cosine = np.empty(len(rows))
    for begin in range(0, len(rows), PAIRS):
        part = slice(begin, begin + PAIRS)
        cosine[part] = np.einsum("ij,ij->i", unit[rows[part]], unit[leader[part]], dtype=np.float64)
    cosine[starts] = np.inf  # the representative stays in front of its copies
    lowest = np.full(len(counts), n)
    np.minimum.at(lowest, group, rows)
    rank = np.empty(len(counts), dtype=np.int64)
    rank[np.lexsort((lowest, -counts))] = np.arange(len(counts))
    order = np.lexsort((rows, -cosine, rank[group]))
    cosine = np.minimum(cosine, 1.0)

    def in_order(values: NDArray[Any], kind: type) -> NDArray[Any]:
        return frozen(np.ascontiguousarray(values[order]).astype(kind))

    return Duplicates(
        threshold, n, in_order(rows, np.int32), in_order(rank[group], np.int32), in_order(cosine, np.float32)
    )
