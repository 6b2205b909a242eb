"""Geometric Influence Score: how typical a document is of its cluster."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core import _check
from gem_core._types import Float32, Float64, Progress, frozen, silent
from gem_core.errors import InputError

#: Mean cosines to the neighbors below this count as this: log rho needs a positive number, and vectors that point
#: away from all their neighbors are as isolated as can be.
DENSITY_FLOOR = 1e-3
_QUERIES = 1 << 13  # documents whose neighbors are sought between two reports of progress
#: In a cluster of more than `EXACT` documents neighbors are sought among `POOL` of its documents, drawn at random:
#: exact ones cost the square of the cluster.
EXACT, POOL = 8192, 4096
_STEP = "Measuring local density"


class Assigned(Protocol):
    """What the score needs of an assignment: `gem_core.clustering.Assignment` has it."""

    @property
    def labels(self) -> NDArray[Any]:
        """Cluster of each document, (n,) int."""

    @property
    def log_responsibility(self) -> NDArray[Any]:
        """Log gamma of the own cluster, (n,), nats, at most 0."""

    @property
    def log_density(self) -> NDArray[Any]:
        """Log f of the own cluster, (n,), nats."""


@dataclass(frozen=True)
class Influence:
    """Geometric Influence Score and its three parts, one number per document.

    Attributes
    ----------
    gis : (n,) float32
        The score; higher is more typical. Compare inside one cluster only when `standardized`.
    confidence : (n,) float32
        log gamma_ik, nats, at most 0. Saturates near 0 in high dimension: no calibrated probability.
    centrality : (n,) float32
        log f(x_i | mu_k, kappa_k), nats.
    density : (n,) float32
        log rho_k(x_i), at most 0: 0 when the neighbors coincide with the document.
    beta : float
        Weight of the density.
    neighbors : int
        Neighbors that the density is measured by.
    standardized : bool
        Whether the score sums z-scores inside the cluster instead of the raw parts.
    """

    gis: Float32
    confidence: Float32
    centrality: Float32
    density: Float32
    beta: float
    neighbors: int
    standardized: bool


def influence_scores(
    X: ArrayLike,
    assignment: Assigned,
    *,
    n_clusters: int,
    beta: float = 1.0,
    neighbors: int = 16,
    standardize: bool = True,
    progress: Progress = silent,
) -> Influence:
    r"""Score how typical each document is of its cluster.

    GIS_k(x_i) = log gamma_ik + log f(x_i | mu_k, kappa_k) + beta log rho_k(x_i)   (GEM, arXiv 2605.26121, Eq. 21)

    with rho the mean cosine to the `neighbors` nearest documents of the same cluster (in a cluster of more than 8,192
    documents: of 4,096 of its documents, drawn at random), at least 0.001. With
    `standardize` each of the three parts is first turned into a z-score inside the cluster (a part that does not vary
    counts 0): raw, the log-density with a concentration of hundreds swamps the others.

    Parameters
    ----------
    X : (n, d) float
        Embeddings; only their directions count.
    assignment : Assigned
        Labels and the two logarithms, from `gem_core.clustering.assign`.
    n_clusters : int
        K; labels lie in 0 .. K-1.
    beta : float
        Weight of the density, not negative.
    neighbors : int
        M, at least 1. A cluster of M or fewer documents uses all its others; a document alone has rho = 1.
    standardize : bool
        Sum z-scores inside the cluster.
    progress : Progress
        Called with the documents done; may raise `Cancelled`.

    Returns
    -------
    Influence

    Raises
    ------
    InputError
        When lengths disagree, labels lie outside 0 .. K-1, beta is negative or neighbors below 1.

    Notes
    -----
    Time 2 d sum_k n_k m_k floating-point operations, m_k = n_k up to 8,192 and 4,096 above; memory 16 MB and a copy
    of the largest cluster.
    The paper gives neither beta nor M. The defaults are those whose exemplars agreed best with the label of their
    cluster on one half of a labeled corpus; on the other half they beat the raw sum, each part alone and chance, on
    a second corpus of short news the raw sum was a point of percent better (benchmarks/results/influence.txt).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> flat = SimpleNamespace(labels=np.zeros(3, int), log_responsibility=np.zeros(3), log_density=X @ [0.8, 0.6])
    >>> influence_scores(X, flat, n_clusters=1, neighbors=1, beta=1.0, standardize=False).gis.round(3)
    array([0.577, 0.777, 0.089], dtype=float32)
    """
    vectors = _check.vectors(X)
    labels = np.asarray(assignment.labels)
    parts = [np.asarray(part, dtype=np.float64) for part in (assignment.log_responsibility, assignment.log_density)]
    n = vectors.shape[0]
    for name, array in (("labels", labels), ("log_responsibility", parts[0]), ("log_density", parts[1])):
        if array.shape != (n,):
            raise InputError(
                f"{name} must hold one number per document ({n:,})", f"shape {array.shape}", "Assign X again"
            )
    if labels.min() < 0 or labels.max() >= n_clusters:
        came = f"{int(labels.min())} to {int(labels.max())}"
        raise InputError(f"labels must lie between 0 and {n_clusters - 1}", came, "Pass the fit's number of clusters")
    if not (np.isfinite(beta) and beta >= 0):
        raise InputError("beta must be a number from 0 up", f"{beta}", "Pass 1 for the default")
    if neighbors < 1:
        raise InputError("neighbors must be at least 1", f"{neighbors}", "Pass 16 for the default")
    density = np.log(local_density(vectors, labels, neighbors=neighbors, progress=progress))
    parts.append(density)
    summed = [_z_scores(part, labels, n_clusters) for part in parts] if standardize else parts
    gis = summed[0] + summed[1] + beta * summed[2]
    return Influence(
        gis=_stored(gis),
        confidence=_stored(parts[0]),
        centrality=_stored(parts[1]),
        density=_stored(parts[2]),
        beta=float(beta),
        neighbors=int(neighbors),
        standardized=bool(standardize),
    )


def _stored(values: Float64) -> Float32:
    return frozen(values.astype(np.float32))


def local_density(X: ArrayLike, labels: ArrayLike, *, neighbors: int = 16, progress: Progress = silent) -> Float64:
    """Mean cosine of each document to its nearest neighbors in the same cluster, rho, in [0.001, 1].

    In a cluster of more than 8,192 documents the neighbors are the nearest of 4,096 of its documents, drawn at random
    (the same ones in every run): all of them are farther than the nearest of all, and their order hardly changes.

    Parameters
    ----------
    X : (n, d) float
    labels : (n,) int
    neighbors : int
        M; a cluster of M or fewer documents uses all its others, a document alone has rho = 1.
    progress : Progress

    Returns
    -------
    (n,) float64

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [1.0, 0.0]])
    >>> local_density(X, [0, 0, 0, 1], neighbors=1).round(6).tolist()
    [0.6, 0.8, 0.8, 1.0]
    """
    vectors, cluster = np.asarray(X), np.asarray(labels)
    n = cluster.size
    rho = np.ones(n)
    order = np.argsort(cluster, kind="stable")
    rows_done = 0
    for rows in np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1):
        if rows.size > 1:
            own = vectors[rows].astype(np.float32)
            own /= np.linalg.norm(own, axis=1, keepdims=True)
            pool = np.arange(rows.size)
            if rows.size > EXACT:
                pool = np.sort(np.random.default_rng(0).choice(rows.size, POOL, replace=False))
            candidates = own if rows.size <= EXACT else own[pool]
            for start in range(0, rows.size, _QUERIES):
                stop = min(start + _QUERIES, rows.size)
                own_slot = np.isin(np.arange(start, stop), pool, assume_unique=True)
                count = min(neighbors, candidates.shape[0] - 1)
                rho[rows[start:stop]] = _nearest_mean(own[start:stop], candidates, own_slot, count)
                progress(_STEP, rows_done + stop, n)
        rows_done += rows.size
        progress(_STEP, rows_done, n)
    return np.clip(rho, DENSITY_FLOOR, 1.0)


def _nearest_mean(queries: Float32, candidates: Float32, is_candidate: NDArray[np.bool_], count: int) -> Float64:
    """Mean cosine of queries to their `count` nearest candidates other than themselves."""
    import faiss

    nearest, _ = faiss.knn(queries, candidates, count + 1, metric=faiss.METRIC_INNER_PRODUCT)
    # The nearest candidate of a query that is one itself is the document, or its equal.
    others, all_but_last = (part.mean(axis=1, dtype=np.float64) for part in (nearest[:, 1:], nearest[:, :-1]))
    return np.asarray(np.where(is_candidate, others, all_but_last))


def _z_scores(part: Float64, labels: NDArray[Any], n_clusters: int) -> Float64:
    """Subtract the cluster's mean and divide by its standard deviation; 0 where nothing varies."""
    sizes = np.maximum(np.bincount(labels, minlength=n_clusters), 1)
    centerd = part - (np.bincount(labels, part, n_clusters) / sizes)[labels]
    spread = np.sqrt(np.bincount(labels, centerd**2, n_clusters) / sizes)
    # Rounding of equal numbers is no variation.
    scale = np.sqrt(np.bincount(labels, part**2, n_clusters) / sizes)
    flat = spread <= 1e-6 * scale
    return np.asarray(np.where(flat[labels], 0.0, centerd / np.where(flat, 1.0, spread)[labels]))
