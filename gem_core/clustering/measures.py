"""Measures of a clustering, always in the clustering space."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from gem_core import _check
from gem_core._types import Float64, frozen
from gem_core.errors import InputError
from gem_core.geometry import effective_number, normalize, normalized_entropy


@dataclass(frozen=True)
class BalanceMeasures:
    """How evenly mass is spread over K clusters.

    Attributes
    ----------
    normalized_entropy : float
        H / log K, in [0, 1].
    effective_clusters : float
        exp(H), in [1, K].
    largest, smallest : float
        Shares, fractions.
    empty : int
        Clusters with less than a thousandth of an even share.
    """

    normalized_entropy: float
    effective_clusters: float
    largest: float
    smallest: float
    empty: int


def balance_measures(masses: ArrayLike) -> BalanceMeasures:
    """Balance of masses (K,); divided by their sum first.

    Raises
    ------
    InputError
        A mass is negative or not finite, or all are zero.

    Examples
    --------
    >>> balance_measures([0.5, 0.5, 0.0]).effective_clusters, balance_measures([0.5, 0.5, 0.0]).empty
    (2.0, 1)
    """
    p = np.asarray(masses, dtype=np.float64)
    entropy, effective = normalized_entropy(p), effective_number(p)
    p = p / p.sum()
    return BalanceMeasures(entropy, effective, float(p.max()), float(p.min()), int(np.sum(p < 1e-3 / p.size)))


@dataclass(frozen=True)
class Agreement:
    """Two labelings compared: adjusted Rand index (about 0 by chance, 1 equal) and normalized mutual information."""

    ari: float
    nmi: float


def agreement(reference: ArrayLike, labels: ArrayLike) -> Agreement:
    """ARI and NMI of two labelings of the same documents; ids or names, in any numbering.

    Raises
    ------
    InputError
        The labelings differ in length.

    Examples
    --------
    >>> agreement(["a", "a", "b"], [1, 1, 0])
    Agreement(ari=1.0, nmi=1.0)
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    reference_ids, label_ids = (
        a if np.issubdtype(a.dtype, np.integer) else a.astype(str) for a in (np.asarray(reference), np.asarray(labels))
    )
    if reference_ids.shape != label_ids.shape or reference_ids.ndim != 1:
        raise InputError(
            "reference and labels must be flat and as long as each other",
            f"{reference_ids.shape} and {label_ids.shape}",
            "Pass one label a document in both",
        )
    return Agreement(
        float(adjusted_rand_score(reference_ids, label_ids)),
        float(normalized_mutual_info_score(reference_ids, label_ids)),
    )


def stability(labelings: Sequence[ArrayLike]) -> float:
    """Mean ARI over all pairs of labelings of the same documents: 1 = the same taxonomy every time.

    Raises
    ------
    InputError
        Fewer than two labelings, or they differ in length.

    Examples
    --------
    >>> stability([[0, 0, 1], [1, 1, 0], [2, 2, 0]])
    1.0
    """
    if len(labelings) < 2:
        raise InputError("labelings must hold two or more", f"{len(labelings)}", "Fit with several seeds")
    return float(np.mean([agreement(a, b).ari for a, b in combinations(labelings, 2)]))


def within_cosine(X: ArrayLike, labels: ArrayLike, n_clusters: int) -> Float64:
    """Mean cosine of the documents of each cluster to its mean direction, shape (K,); NaN for an empty cluster.

    Equals the length of the mean of the unit vectors, ||sum x|| / n_k. Memory: one normalized copy of X.

    Examples
    --------
    >>> within_cosine([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], [0, 0, 1], 2).round(3).tolist()
    [0.894, 1.0]
    """
    from scipy.sparse import csr_matrix

    x = normalize(X)
    ids = _ids(labels, x.shape[0], n_clusters)
    member = csr_matrix((np.ones(ids.size), (ids, np.arange(ids.size))), shape=(n_clusters, ids.size))
    count = np.bincount(ids, minlength=n_clusters).astype(np.float64)
    length = np.linalg.norm(np.asarray(member @ x, dtype=np.float64), axis=1)
    return frozen(np.divide(length, count, out=np.full(n_clusters, np.nan), where=count > 0))


def silhouette(X: ArrayLike, labels: ArrayLike, *, sample: int = 2000, seed: int = 0) -> float:
    """Mean silhouette by cosine distance over a random sample of documents, in [-1, 1]; NaN with fewer than 2 clusters.

    Only the documents whose silhouettes are averaged are sampled; each is compared with all documents.

    Examples
    --------
    >>> round(silhouette([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]], [0, 0, 1, 1]), 2)
    0.99
    """
    return sampled_silhouette(X, labels, sample=sample, seed=seed)[0]


def sampled_silhouette(X: ArrayLike, labels: ArrayLike, *, sample: int = 2000, seed: int = 0) -> tuple[float, float]:
    r"""`silhouette`, and the standard error that comes from taking a sample (0 when all documents are in it).

    Notes
    -----
    The mean cosine distance of x to the documents of a cluster is 1 - x'S_k / n_k with S_k their sum, without x itself
    in its own cluster. So the sample needs no distances between pairs; equal to scikit-learn's when all are sampled.

    Examples
    --------
    >>> sampled_silhouette([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]], [0, 0, 1, 1])[1]
    0.0
    """
    from scipy.sparse import csr_matrix

    vectors = _check.vectors(X)
    n = vectors.shape[0]
    ids = np.unique(_ids(labels, n, None), return_inverse=True)[1]
    k = int(ids.max()) + 1
    if not 2 <= k < n:
        return float("nan"), float("nan")
    x = normalize(vectors)
    count = np.bincount(ids, minlength=k).astype(np.float64)
    sums = np.asarray(csr_matrix((np.ones(n, x.dtype), (ids, np.arange(n))), shape=(k, n)) @ x, dtype=np.float64)
    rows = np.arange(n) if n <= sample else np.random.default_rng(seed).choice(n, size=sample, replace=False)
    own, each = ids[rows], np.arange(rows.size)
    products = x[rows].astype(np.float64) @ sums.T
    distance = 1.0 - products / count
    others = np.maximum(count[own] - 1.0, 1.0)
    inside = 1.0 - (products[each, own] - 1.0) / others
    distance[each, own] = np.inf
    outside = distance.min(axis=1)
    # The silhouette of a document alone in its cluster is 0 by definition.
    largest = np.maximum(np.maximum(inside, outside), 1e-12)
    values = np.where(count[own] > 1, (outside - inside) / largest, 0.0)
    # Drawn without replacement: the part of the corpus that is in the sample is known.
    error = float(values.std(ddof=1) / np.sqrt(rows.size) * np.sqrt(1.0 - rows.size / n))
    return float(values.mean()), error


def _ids(labels: ArrayLike, n: int, n_clusters: int | None) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    ids = np.asarray(labels)
    if ids.shape != (n,) or not np.issubdtype(ids.dtype, np.integer):
        raise InputError(
            f"labels must hold one whole number per document ({n:,})",
            f"{ids.dtype} of shape {ids.shape}",
            "Pass the labels of an assignment",
        )
    if ids.min() < 0 or (n_clusters is not None and ids.max() >= n_clusters):
        raise InputError(
            "labels must lie between 0 and n_clusters - 1",
            f"{int(ids.min())} to {int(ids.max())}",
            "Pass the labels of an assignment",
        )
    return ids.astype(np.int64)
