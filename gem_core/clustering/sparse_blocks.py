"""Responsibilities of one block of documents as a sparse matrix: with many clusters nearly all of them are nothing.

On web text a document of 500 clusters has 4 responsibilities above the bound, of 1,000 it has 3. What is left after
the product with the slopes then costs little: an iteration took a half (K = 500) and a quarter (K = 1,000) of the time.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from gem_core._types import Float64, Floating
from gem_core.clustering.blocks import Moments, block_logits, block_moments, shift_responsibilities, softmax_of_logits

# From so many clusters on blocks are sparse; below, the dense sums are faster.
MANY_CLUSTERS = 256
ROWS = 4096
# Responsibilities below exp(-DEPTH) of the largest one of their document are left out: together less than
# K exp(-DEPTH), 1.3e-11 for 1,000 clusters. In float32 that is below rounding; float64 keeps all that it can tell.
DEPTH = {"float32": 32.0, "float64": 60.0}
# A change of offsets by at most this range reuses a sparse block: what is left out stays below exp(this - DEPTH).
REUSE = {"float32": 10.0, "float64": 25.0}
# A block that keeps more than this part of its responsibilities stays dense.
DENSITY = 0.1
# (K, rows): a sparse or a dense block.
Gamma = Any


def sparse_softmax(
    x: Any, slopes: Any, offsets: Any, top: float, out: Any, reciprocals: Any = None
) -> tuple[Gamma, Any]:
    """Responsibilities (K, rows) and log-partition (rows,) as of `softmax`; sparse, or dense where many count."""
    import torch

    logits = block_logits(x, slopes, offsets, out, reciprocals)
    peak = logits.amax(0)
    positions = np.flatnonzero((logits > peak - DEPTH[str(logits.dtype).removeprefix("torch.")]).numpy())
    k, rows = logits.shape
    if positions.size > DENSITY * k * rows:
        return softmax_of_logits(logits, peak, top)
    clusters, documents = np.divmod(positions, rows)
    values = np.exp(logits.numpy().ravel()[positions] - peak.numpy()[documents])
    scale = np.bincount(documents, values, rows)
    values /= scale[documents]
    gamma = csr_matrix((values, documents, np.searchsorted(clusters, np.arange(k + 1))), shape=(k, rows))
    return gamma, peak.double() + torch.from_numpy(np.log(scale)) + top


def shift_gamma(gamma: Gamma, ratio: Any) -> tuple[Gamma, Any]:
    """Responsibilities after a shift of the offsets by log ratio, (K, 1), and the growth of the log-partition."""
    import torch

    if not isinstance(gamma, csr_matrix):
        return shift_responsibilities(gamma, ratio)
    values = gamma.data * np.repeat(ratio.numpy()[:, 0], np.diff(gamma.indptr))
    growth = np.bincount(gamma.indices, values, gamma.shape[1])
    values /= growth[gamma.indices]
    return csr_matrix((values, gamma.indices, gamma.indptr), shape=gamma.shape), torch.from_numpy(np.log(growth))


def gamma_moments(gamma: Gamma, w: Any, log_partition: Any, n: int = 1, *, gram: bool) -> Moments:
    """Moments of one block; w None means the uniform weight 1 / n."""
    if not isinstance(gamma, csr_matrix):
        return block_moments(gamma, w, log_partition, n, gram=gram)
    weighted, scale = _weighted(gamma, w, n)
    k = gamma.shape[0]
    nats = float(log_partition.sum() if w is None else log_partition @ w.double()) * scale
    mass: Float64 = np.bincount(_clusters(gamma), weighted.data, k).astype(np.float64) * scale
    square = (weighted @ gamma.T).toarray().astype(np.float64) * scale if gram else np.zeros((k, k))
    return Moments(nats, mass, square)


def gamma_sums(gamma: Gamma, w: Any, x: Any) -> Float64:
    """sum_i w_i gamma_ik x_i of one block, (K, d); w None means weight 1."""
    if not isinstance(gamma, csr_matrix):
        return np.asarray(((gamma if w is None else gamma * w) @ x).double().cpu().numpy())
    return np.asarray(_weighted(gamma, w, 1)[0] @ x.numpy(), dtype=np.float64)


def gamma_bytes(gamma: Gamma) -> int:
    """Memory of one block."""
    if isinstance(gamma, csr_matrix):
        return int(gamma.data.nbytes + gamma.indices.nbytes + gamma.indptr.nbytes)
    return int(gamma.numel() * gamma.element_size())


def _weighted(gamma: csr_matrix, w: Any, n: int) -> tuple[csr_matrix, float]:
    if w is None:
        return gamma, 1.0 / n
    values: Floating = gamma.data * w.numpy()[gamma.indices]
    return csr_matrix((values, gamma.indices, gamma.indptr), shape=gamma.shape), 1.0


def _clusters(gamma: csr_matrix) -> NDArray[np.int64]:
    """Cluster of each kept responsibility."""
    return np.repeat(np.arange(gamma.shape[0]), np.diff(gamma.indptr))
