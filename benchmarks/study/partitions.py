"""Clusterings by every method, in one form: labels of the fitted documents, and a rule for new ones."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from benchmarks.quality.fitters import baselines, gem
from benchmarks.study.runner import MissingPeerError
from gem_core._types import Float32, Float64, Int32
from gem_core.clustering import assign
from gem_core.geometry import concentration_from_resultant, log_normalizer, normalize

NOISE = -1
HDBSCAN = "UMAP + HDBSCAN (BERTopic's)"
REFERENCE = "GEM 1"


@dataclass(frozen=True)
class Clusters:
    """A clustering of documents; label -1 is noise.

    Attributes
    ----------
    labels : (n,) int32
        0 to K - 1, or -1.
    predict : callable
        Vectors of other documents to labels.
    """

    labels: Int32
    predict: Callable[[Float32], Int32]


Method = Callable[[Float32, int], Clusters]


def methods(k: int) -> dict[str, Method]:
    """Return every method as a function of vectors and seed."""
    fitters = {
        **baselines(k),
        **{f"GEM {strength:g}": gem(k, strength) for strength in (0.0, 0.25, 1.0, math.inf)},
        "GEM 1, natural": gem(k, 1.0, target="natural"),
        "GEM 1, floor": gem(k, 1.0, target=f"floor:{0.5 / k:.6g}"),
    }

    def mixture(name: str) -> Method:
        def cluster(X: Float32, seed: int) -> Clusters:
            fit = fitters[name](X, seed)
            return Clusters(assign(X, fit).labels, lambda other: assign(other, fit).labels)

        return cluster

    return {
        **{name: mixture(name) for name in fitters},
        "Ward": lambda X, seed: _by_directions(X, _ward(X, k)),
        HDBSCAN: lambda X, seed: _by_directions(X, _hdbscan(X, seed)),
    }


def _ward(X: Float32, k: int) -> Int32:
    from sklearn.cluster import AgglomerativeClustering

    return np.asarray(AgglomerativeClustering(k, linkage="ward").fit_predict(X), dtype=np.int32)


def _hdbscan(X: Float32, seed: int) -> Int32:
    """Labels by BERTopic's default steps: UMAP to 5 dimensions, HDBSCAN with 10 documents at least."""
    try:
        from umap import UMAP
    except ImportError as error:
        raise MissingPeerError("the package umap-learn is not installed") from error
    from sklearn.cluster import HDBSCAN as ScikitHDBSCAN

    reduced = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed).fit_transform(X)
    model = ScikitHDBSCAN(min_cluster_size=10, copy=True)
    return np.asarray(model.fit_predict(reduced), dtype=np.int32)


def _by_directions(X: Float32, labels: Int32) -> Clusters:
    """Clusters without a model of their own: a new document goes to the nearest mean direction."""
    if labels.max() < 0:
        return Clusters(labels, lambda other: np.full(len(other), NOISE, dtype=np.int32))
    directions = mean_directions(X, labels)[0]
    return Clusters(labels, lambda other: np.argmax(other @ directions.T, axis=1).astype(np.int32))


def mean_directions(X: Float32, labels: Int32) -> tuple[Float64, Float64]:
    """Return the mean direction (K, d) and the number of documents (K,) of each cluster; noise has no part."""
    k = int(labels.max()) + 1
    sums = np.zeros((k, X.shape[1]))
    np.add.at(sums, labels[labels >= 0], X[labels >= 0].astype(np.float64))
    return np.asarray(normalize(sums), dtype=np.float64), np.bincount(labels[labels >= 0], minlength=k).astype(
        np.float64
    )


def held_out_likelihood(X: Float32, labels: Int32, other: Float32) -> float:
    r"""Mean log-likelihood of other documents, nats, under a von Mises-Fisher mixture read off the labels.

    Shares n_k / n, mean directions, one concentration for all with A_d(kappa) = mean cosine to the own direction: the
    same density for every method, whether it has one of its own or not. Noise has no part in it.
    """
    used = np.unique(labels[labels >= 0], return_inverse=True)[1].astype(np.int32)
    rows = X[labels >= 0]
    directions, counts = mean_directions(rows, used)
    cosine = float(np.einsum("ij,ij->i", rows, directions[used]).mean())
    kappa = float(concentration_from_resultant(X.shape[1], min(cosine, 1 - 1e-6)))
    log_density = kappa * (other @ directions.T) + float(log_normalizer(X.shape[1], kappa))
    return float(logsumexp(log_density + np.log(counts / counts.sum()), axis=1).mean())
