"""The sample that a start is searched on: chosen and ordered by content, so that row order does not matter."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64, Floating
from gem_core.clustering.m_step import Parameters
from gem_core.clustering.statistics import Documents, make_writable
from gem_core.clustering.vector_files import StoredVectors

SAMPLE = 6000
SAMPLE_PER_CLUSTER = 64
# Up to this many dimensions the leading directions come from an exact eigendecomposition.
EXACT_DIMENSIONS = 512
SUBSPACE_STEPS = 3
# Leading directions whose coordinates tell the documents apart in random draws.
FEATURES = 8
# Projections are multiplied by this and cut to their fraction: uniform numbers that belong to a document.
FOLDS = 997.0


@dataclass(frozen=True)
class SearchSample:
    """Documents that a start is searched on.

    `x` are unit rows, or their coordinates in the orthonormal `basis` (d, m) that centers are bound to. The objective
    is the same in both: a center in the subspace has the same cosine with a document and with its coordinates.

    Attributes
    ----------
    x : ndarray, shape (n, d) or (n, m)
        Rows.
    weights : ndarray, shape (n,)
        Fractions with sum 1.
    documents : Documents
        The same rows for E-steps.
    features : ndarray, shape (n, q)
        Whitened coordinates of each document along the leading directions: random draws depend on these and not on
        the order of the rows, the coordinate system, or single other documents (`draw_distant`).
    basis : ndarray, shape (d, m), optional
        Orthonormal basis of the subspace.
    """

    x: Floating
    weights: Float64
    documents: Documents
    features: Float64
    basis: Float64 | None = None

    @property
    def dimension(self) -> int:
        """d, of the sphere the documents lie on."""
        return self.x.shape[1] if self.basis is None else len(self.basis)

    def directions(self) -> Floating:
        """Return unit rows: the direction of each document (in the subspace)."""
        if self.basis is None:
            return self.x
        length = np.linalg.norm(self.x, axis=1, keepdims=True)
        return np.asarray(self.x / np.where(length > 0, length, 1.0))

    def copy(self) -> "SearchSample":
        """Copy the sample for another thread: `documents` keep what they computed last."""
        return replace(self, documents=Documents(self.x, self.weights, device=self.documents.device))

    def project(self, size: int) -> "SearchSample":
        """Bind centers to the `size` leading directions of the documents."""
        if size >= self.dimension:
            return self
        basis = leading_directions(self.x, self.weights, size)
        inside = np.ascontiguousarray(self.x @ basis.astype(self.x.dtype))
        return replace(
            self, x=inside, documents=Documents(inside, self.weights, device=self.documents.device), basis=basis
        )

    def lift(self, inside: Parameters) -> Parameters:
        """Return parameters found within the subspace with their centers in all d dimensions."""
        if self.basis is None:
            return inside
        return replace(inside, centers=inside.centers @ self.basis.T, dimension=None)

    def bind(self, parameters: Parameters) -> Parameters:
        """Return parameters in d dimensions with their centers projected to the subspace."""
        if self.basis is None:
            return parameters
        centers = parameters.centers @ self.basis
        length = np.linalg.norm(centers, axis=1, keepdims=True)
        return replace(parameters, centers=centers / np.maximum(length, 1e-12), dimension=self.dimension)


def search_sample(x: Floating | StoredVectors, weights: Float64, n_clusters: int, device: str = "auto") -> SearchSample:
    """Choose the documents that a start is searched on: at most max(6000, 64 K).

    The sample is ordered by the cosine to the mean document, and documents in memory are sampled by a number made of
    it: neither the order of the rows nor a seed enters. Of files only the rows of the sample are read; it is drawn by
    row number, since the cosines would take two passes over the files.
    """
    return make_sample(*draw_documents(x, weights, max(SAMPLE, SAMPLE_PER_CLUSTER * n_clusters)), device)


def draw_documents(x: Floating | StoredVectors, weights: Float64, size: int) -> tuple[Floating, Float64]:
    """Choose at most `size` documents as `search_sample` does: their unit rows and weights, in its order."""
    keep: NDArray[Any] = np.arange(x.shape[0])
    if isinstance(x, StoredVectors):
        if x.shape[0] > size:
            keep, weights = draw_sample(weights, size, np.random.default_rng(0).random(x.shape[0]))
        vectors = x[keep]
        key = _content_key(vectors, weights)
    else:
        key = _content_key(x, weights)
        if x.shape[0] > size:
            keep, weights = draw_sample(weights, size, np.modf(FOLDS * (key + 1.0))[0])
        vectors, key = x[keep], key[keep]
    order = np.lexsort((weights, key))
    return make_writable(vectors[order]), weights[order]


def make_sample(x: Floating, weights: Float64, device: str = "auto") -> SearchSample:
    """Sample of given rows and weights, with the features for its random draws."""
    documents = Documents(x, weights, device=device)
    return SearchSample(x, weights, documents, _whitened(x, weights))


def draw_sample(weights: Float64, size: int, uniform: Float64) -> tuple[NDArray[np.int64], Float64]:
    """Choose rows and their weights: every document that weighs as much as one draw, the others by weight.

    A heavy document keeps its weight this way; drawn like the others it would count as one of them. `uniform` (n,)
    holds one number in [0, 1) a document; the draw is the exponential race of Efraimidis and Spirakis (2006).
    """
    heavy = np.flatnonzero(weights * size >= 1.0)
    light = np.flatnonzero((weights > 0) & (weights * size < 1.0))
    count = min(size - heavy.size, light.size)
    if count <= 0:
        return heavy, weights[heavy] / weights[heavy].sum()
    total = float(weights[light].sum())
    race = -np.log(np.maximum(uniform[light], 1e-300)) / weights[light]
    rows = np.sort(light[np.argpartition(race, count - 1)[:count]])
    return np.concatenate([heavy, rows]), np.concatenate([weights[heavy], np.full(count, total / count)])


def leading_directions(x: Floating, weights: Float64, size: int) -> Float64:
    """Orthonormal basis (d, size) of the leading eigenvectors of sum_i w_i x_i x_i'.

    Exact up to 512 dimensions, by subspace iteration from documents above.
    """
    import torch

    d = x.shape[1]
    rows = torch.from_numpy(x)
    heavy = torch.from_numpy((weights / weights.max()).astype(x.dtype))[:, None] * rows
    if d <= EXACT_DIMENSIONS:
        _, vectors = torch.linalg.eigh((heavy.T @ rows).double())
        return np.ascontiguousarray(vectors.numpy()[:, ::-1][:, :size])
    start = np.linspace(0, len(x) - 1, min(size + 8, len(x))).astype(int)
    basis = torch.linalg.qr(rows[start].T).Q
    for _ in range(SUBSPACE_STEPS):
        basis = torch.linalg.qr(heavy.T @ (rows @ basis)).Q
    inside = rows @ basis
    _, turn = torch.linalg.eigh((inside.T @ (heavy @ basis)).double())
    directions = basis.double().numpy() @ turn.numpy()[:, ::-1]
    return np.ascontiguousarray(directions[:, :size])


def _content_key(x: Floating, weights: Float64) -> Float64:
    """Cosine of each document to the mean document, (n,), in float64: independent of the order of the rows."""
    mean = np.einsum("i,ij->j", weights, x, dtype=np.float64)
    mean /= max(float(np.linalg.norm(mean)), 1e-12)
    return np.asarray(np.einsum("ij,j->i", x, mean, dtype=np.float64))


def _whitened(x: Floating, weights: Float64) -> Float64:
    """Coordinates along the leading directions, mean 0 and variance 1, signs fixed by their skewness, (n, q)."""
    basis = leading_directions(x, weights, min(FEATURES, x.shape[1], len(x)))
    values = np.asarray(x @ basis.astype(x.dtype), dtype=np.float64)
    values -= weights @ values
    spread = np.sqrt(weights @ values**2)
    values /= np.where(spread > 1e-9, spread, 1.0)
    return np.asarray(values * np.where(weights @ values**3 < 0, -1.0, 1.0))
