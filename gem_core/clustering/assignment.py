"""Assign documents to the clusters of a fit: labels, margins, densities; soft responsibilities on request."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from gem_core._types import Bool, Float32, Float64, Floating, Int32, frozen
from gem_core.clustering.mixture import MixtureFit
from gem_core.clustering.prepared_documents import load_unit_rows
from gem_core.clustering.vector_files import StoredVectors, large_map
from gem_core.errors import InputError

BLOCK_VALUES = 1 << 20


@dataclass(frozen=True)
class Assignment:
    """Documents under a fit; every array has one entry per document.

    Attributes
    ----------
    labels : ndarray of int32
        argmax_k (l_ik + b_k).
    second : ndarray of int32
        The runner-up; equal to `labels` when there is one cluster only.
    margin : ndarray of float32
        Best minus second best l + b, nats, >= 0 (inf for one cluster). In high dimension posteriors saturate:
        show this or the cosine, never gamma as a probability.
    log_responsibility : ndarray of float32
        log gamma of the own cluster, nats, <= 0.
    log_density : ndarray of float32
        log f(x | mu, kappa) of the own cluster, nats.
    cosine : ndarray of float32
        x'mu of the own cluster, in [-1, 1].
    """

    labels: Int32
    second: Int32
    margin: Float32
    log_responsibility: Float32
    log_density: Float32
    cosine: Float32


def assign(X: ArrayLike | StoredVectors, fit: MixtureFit) -> Assignment:
    """Assign documents to clusters, also documents that were not part of the fit.

    Parameters
    ----------
    X : array_like or StoredVectors, shape (n, d)
        Embeddings; normalized here. Large memory maps and files are read block by block.
    fit : MixtureFit
        A fit in the same dimension.

    Returns
    -------
    Assignment
        Six flat arrays. Memory: blocks of about 8 MB, and one normalized copy of what is not read from files.

    Raises
    ------
    InputError
        X is not a table of finite vectors with d columns.

    Examples
    --------
    >>> from gem_core.clustering import MixtureConfig, fit_mixture
    >>> X = [[1.0, 0.1], [1.0, -0.1], [-1.0, 0.1], [-1.0, -0.1]]
    >>> a = assign(X, fit_mixture(X, MixtureConfig(n_clusters=2)))
    >>> bool(a.labels[0] == a.labels[1] != a.labels[2]), a.cosine.shape
    (True, (4,))
    """
    return assign_units(_check_dimension(X, fit), fit)


def assign_units(x: Floating | StoredVectors, fit: MixtureFit, labels: Int32 | None = None) -> Assignment:
    """`assign` for rows that are checked and have length 1.

    With `labels` every document belongs to the cluster stated there, as after a person's edit: `second` is the best
    other cluster, and the margin is negative where that cluster would have been the better choice.
    """
    n = x.shape[0]
    kinds: tuple[Any, ...] = (np.int32, np.int32, np.float32, np.float32, np.float32, np.float32)
    out = tuple(np.empty(n, dtype=kind) for kind in kinds)
    offsets = fit.parameters().model().offsets + np.log(fit.masses.size)
    for rows, block, logits in _logits(x, fit):
        part = _block(block, logits, fit, offsets, None if labels is None else labels[rows])
        for array, values in zip(out, part, strict=True):
            array[rows] = values
    return Assignment(*(frozen(array) for array in out))


def best_among(x: Floating | StoredVectors, fit: MixtureFit, allowed: Bool) -> Int32:
    """argmax_k (l_ik + b_k) over the clusters of `allowed`, (n,); for rows that are checked and have length 1."""
    out = np.empty(x.shape[0], dtype=np.int32)
    for rows, _, logits in _logits(x, fit):
        out[rows] = np.where(allowed, logits, -np.inf).argmax(axis=1)
    return out


def responsibilities(X: ArrayLike | StoredVectors, fit: MixtureFit) -> Floating:
    """gamma_ik = softmax_k(l_ik + b_k), shape (n, K), in the type of X (float64 for lists).

    Parameters and errors as in `assign`. Memory: n x K values.
    """
    x = _check_dimension(X, fit)
    out = np.empty((x.shape[0], fit.masses.size), dtype=x.dtype)
    for rows, _, logits in _logits(x, fit):
        gamma = np.exp(logits - logits.max(axis=1, keepdims=True))
        out[rows] = gamma / gamma.sum(axis=1, keepdims=True)
    return out


def mean_log_likelihood(X: ArrayLike | StoredVectors, fit: MixtureFit) -> float:
    """Return (1/n) sum_i log sum_k C_d(kappa_k) exp(kappa_k mu_k'x_i) / K, nats per document.

    The prior over clusters is uniform, as in the objective; the bias b_k of balancing takes no part.
    Parameters and errors as in `assign`.
    """
    x = _check_dimension(X, fit)
    x = large_map(x) or x
    model = fit.parameters().model()  # Its offsets hold log C_d(kappa_k) and the prior, log 1/K.
    step = max(256, BLOCK_VALUES // fit.masses.size)
    total = 0.0
    for start in range(0, x.shape[0], step):
        block = np.asarray(x[start : start + step], dtype=np.float64)
        total += float(logsumexp(block @ model.slopes.T + model.offsets, axis=1).sum())
    return total / int(x.shape[0])


def _check_dimension(X: ArrayLike | StoredVectors, fit: MixtureFit) -> Floating | StoredVectors:
    x = load_unit_rows(X)
    d = fit.centers.shape[1]
    if x.shape[1] != d:
        raise InputError(
            f"X must have the {d} columns of the vectors that were fitted",
            f"{x.shape[1]} columns",
            "Use embeddings of the same encoder",
        )
    return x


def _logits(x: Floating | StoredVectors, fit: MixtureFit) -> Iterator[tuple[slice, Floating, Floating]]:
    """Rows, and l + b up to one constant, block by block, in the type of x."""
    x = large_map(x) or x
    model = fit.parameters().model()
    offsets = model.offsets + fit.bias
    # Relative to the largest: thousands of nats of log C_d would cost float32 its digits.
    offsets = (offsets - offsets.max()).astype(x.dtype)
    slopes = np.ascontiguousarray(model.slopes.T.astype(x.dtype))
    step = max(256, BLOCK_VALUES // offsets.size)
    if isinstance(x, StoredVectors):  # their rows are copies
        step = max(256, min(step, 2 * BLOCK_VALUES // x.shape[1]))
    for start in range(0, x.shape[0], step):
        rows = slice(start, min(start + step, x.shape[0]))
        block = x[rows]
        yield rows, block, block @ slopes + offsets


def _block(
    x: Floating,
    logits: Floating,
    fit: MixtureFit,
    log_normalizers: Float64,
    own_labels: Int32 | None,
) -> tuple[Any, ...]:
    each = np.arange(x.shape[0])
    best = logits.argmax(axis=1)
    labels = best if own_labels is None else own_labels
    own, top = logits[each, labels], logits[each, best]
    log_responsibility = own - top - np.log(np.exp(logits - top[:, None]).sum(axis=1))
    cosine = np.clip(np.einsum("ij,ij->i", x, fit.centers.astype(x.dtype)[labels]), -1.0, 1.0)
    log_density = fit.concentrations[labels] * cosine + log_normalizers[labels]
    if logits.shape[1] == 1:
        return labels, labels, np.full(x.shape[0], np.inf), log_responsibility, log_density, cosine
    logits[each, labels] = -np.inf
    second = logits.argmax(axis=1)
    return labels, second, own - logits[each, second], log_responsibility, log_density, cosine


def renumber_assignment(assignment: Assignment, order: NDArray[np.integer[Any]]) -> Assignment:
    """Return the assignment with cluster k renamed to order[k]."""
    new = order.astype(np.int32)
    return replace(assignment, labels=new[assignment.labels], second=new[assignment.second])
