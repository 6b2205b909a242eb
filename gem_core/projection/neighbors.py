"""Neighbor graph of unit vectors and the affinities of t-SNE on it."""

from typing import Any

import numpy as np
from scipy import sparse

from gem_core._types import Float32, Float64, Floating, Progress

# Exact search costs n^2 d; from so many documents on (or as many pairs of documents and queries) an inverted file is
# searched instead (about 98% of the true neighbors).
EXACT_LIMIT = 60_000
# Lists of the inverted file that a query looks into; fewer in a corpus of more documents than this, so that a search
# stays near linear (its lists grow with the root of the corpus).
PROBES, MANY = 32, 200_000
FEWEST_PROBES = 4
BATCH = 2048
BISECTIONS = 50
ROWS = 1 << 16  # documents whose affinities are computed at a time


def neighbor_graph(X: Floating, count: int, progress: Progress) -> tuple[np.ndarray, Float64]:
    """Return the `count` nearest other rows by cosine: indices (n, count) and squared chord distances, near to far.

    `X` holds unit rows. A neighbor that the inexact search did not find has distance inf and index 0.
    """
    rows = np.ascontiguousarray(X, dtype=np.float32)
    n = len(rows)
    index = cosine_index(rows, n)
    # Single precision halves the memory of a large graph; the distances of a search are no more exact.
    indices = np.empty((n, count), dtype=np.int64 if n <= EXACT_LIMIT else np.int32)
    distances = np.empty((n, count), dtype=np.float64 if n <= EXACT_LIMIT else np.float32)
    for first in range(0, n, BATCH):
        progress("neighbors", first, n)
        last = min(n, first + BATCH)
        cosine, hits = index.search(rows[first:last], count + 1)
        other = hits != np.arange(first, last)[:, None]
        # A row with more copies than neighbors may not meet itself: its farthest find goes instead.
        other[other.all(axis=1), -1] = False
        indices[first:last] = hits[other].reshape(-1, count)
        cosine = np.maximum(cosine, -1.0)  # of a neighbor that was not found it is -3e38
        distances[first:last] = np.maximum(0.0, 2.0 - 2.0 * cosine[other].reshape(-1, count).astype(np.float64))
    progress("neighbors", n, n)
    missing = indices < 0
    indices[missing], distances[missing] = 0, np.inf
    return indices, distances


def cosine_index(rows: Floating, queries: int) -> Any:
    """Return the faiss index of unit rows for so many queries; an inverted file where exact search would cost much."""
    import faiss

    n, d = rows.shape
    flat = faiss.IndexFlatIP(d)
    index: faiss.Index = flat
    if n * queries > EXACT_LIMIT**2:
        lists = int(4 * np.sqrt(n))
        index = faiss.IndexIVFFlat(flat, d, lists, faiss.METRIC_INNER_PRODUCT)
        index.nprobe = max(FEWEST_PROBES, min(PROBES, PROBES * MANY // n))
        index.train(np.ascontiguousarray(rows[:: max(1, n // (40 * lists))], dtype=np.float32))
    for first in range(0, n, BATCH):
        index.add(np.ascontiguousarray(rows[first : first + BATCH], dtype=np.float32))
    return index


def affinities(indices: np.ndarray, distances: Float64, perplexity: float) -> sparse.csr_matrix:
    """Return the symmetric t-SNE affinities P (n, n), sum 1 (van der Maaten & Hinton, JMLR 9, 2008, Eq. 1-2).

    p_{j|i} = exp(-beta_i d_ij^2) / sum, with beta_i such that exp(entropy) = perplexity; P = (p + p') / 2n. With
    fewer distinct neighbors than the perplexity the shares are as equal as they can be.
    """
    n, count = indices.shape
    share = np.empty((n, count), dtype=np.float64 if n <= EXACT_LIMIT else np.float32)
    for first in range(0, n, ROWS):
        share[first : first + ROWS] = _neighbor_shares(distances[first : first + ROWS], perplexity)
    conditional = sparse.csr_matrix((share.ravel(), indices.ravel(), np.arange(0, n * count + 1, count)), shape=(n, n))
    return sparse.csr_matrix((conditional + conditional.T) / (2.0 * n))


def _neighbor_shares(distances: Float64, perplexity: float) -> Float64:
    """Return p_{j|i} of some documents, rows of sum 1 (`affinities`)."""
    n, count = distances.shape
    shifted = distances - distances[:, :1]
    finite = np.where(np.isfinite(shifted), shifted, 0.0)
    beta = 1.0 / np.maximum(finite.mean(axis=1), 1e-12)  # a first guess; 1e-12 is for rows of copies
    low, high = np.zeros(n), np.full(n, np.inf)
    target = np.log(min(perplexity, count))
    for _ in range(BISECTIONS):
        share = np.exp(-shifted * beta[:, None])
        total = share.sum(axis=1)
        wide = np.log(total) + beta * (finite * share).sum(axis=1) / total > target
        low, high = np.where(wide, beta, low), np.where(wide, high, beta)
        beta = np.where(np.isinf(high), 2.0 * beta, 0.5 * (low + np.where(np.isinf(high), 0.0, high)))
    share = np.exp(-shifted * beta[:, None])
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def principal_directions(X: Floating, rng: np.random.Generator) -> Float32 | None:
    """Return start positions on S^2: the three leading principal components, each scaled to variance 1, normalized.

    A component without variance (few distinct documents) becomes noise, so that different rows do not start at one
    place. None when no component has any: all rows are copies.
    """
    centerd = X - X.mean(axis=0)
    d = X.shape[1]
    _, axes = np.linalg.eigh((centerd.T @ centerd).astype(np.float64))
    leading = centerd.astype(np.float64) @ axes[:, : -min(d, 3) - 1 : -1]
    start = rng.standard_normal((X.shape[0], 3))
    spread = leading.std(axis=0)
    # Against the noise floor of float32 rows of length 1.
    for column in np.flatnonzero(spread > 1e-6):
        # The sign of an eigenvector is arbitrary; fix it, so that every machine shows one layout.
        sign = np.sign(leading[np.argmax(np.abs(leading[:, column])), column])
        start[:, column] = sign * leading[:, column] / spread[column] + 1e-3 * start[:, column]
    if not np.any(spread > 1e-6):
        return None
    return np.asarray(start / np.linalg.norm(start, axis=1, keepdims=True), dtype=np.float32)


def fibonacci_lattice(n: int) -> Float32:
    """Return n points spread evenly over the unit sphere: a spiral that turns by the golden angle."""
    step = np.arange(n)
    z = 1.0 - (2.0 * step + 1.0) / n
    angle = step * np.pi * (3.0 - np.sqrt(5.0))
    ring = np.sqrt(1.0 - z * z)
    return np.column_stack([ring * np.cos(angle), ring * np.sin(angle), z]).astype(np.float32)
