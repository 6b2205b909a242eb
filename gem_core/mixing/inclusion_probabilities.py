r"""Inclusion probabilities of documents by length and density (GRIP)."""

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Float64, Floating, frozen
from gem_core.errors import InputError
from gem_core.mixing.constraints import project
from gem_core.mixing.grip import standardised

BETA = 0.3  # pull of length
SAMPLE = 1024  # documents sampled from a domain to measure its density
NEAR = 8  # the kernel is as wide as the distance to the 8th nearest document of that sample
_CELLS = 1 << 22  # cosines held at a time: 32 MB


def inclusion(log_length: ArrayLike, density: ArrayLike, count: int, *, beta: float = BETA) -> Float64:
    r"""Return each document's chance to be among `count` drawn without replacement (GRIP, length-rectified).

    pi_i = min(1, c exp(beta z(log length_i)) / density_i), with c such that the pi sum to `count`. A draw with
    these chances (`gem_core.mixing.document_sampling`) makes sum_{i drawn} y_i / pi_i an unbiased estimate of
    sum_i y_i (Horvitz and Thompson, 1952). By length alone, long near-duplicates would be drawn again
    and again; dividing by the density gives such a group about the chance of a single document nearby.

    Parameters
    ----------
    log_length : (m,) float
        Logarithm of the tokens of each document of one domain.
    density : (m,) float
        Above 0 (`density_of`); only proportions count. Ones leave it out.
    count : int
        0 to m.
    beta : float
        0 leaves length out.

    Returns
    -------
    (m,) float64
        In [0, 1], sum = count.

    Raises
    ------
    InputError
        If a number is not finite, a density is not above 0, or more documents are asked for than there are.

    Examples
    --------
    >>> inclusion([2.0, 2.0, 2.0, 2.0], [1.0, 1.0, 1.0, 3.0], 2).round(3).tolist()
    [0.6, 0.6, 0.6, 0.2]
    """
    length, rho = np.asarray(log_length, dtype=np.float64), np.asarray(density, dtype=np.float64)
    m = length.size
    if length.shape != rho.shape or length.ndim != 1 or not (np.isfinite(length).all() and np.isfinite(rho).all()):
        raise InputError(
            "log_length and density must hold one finite number per document",
            f"shapes {length.shape} and {rho.shape}",
            "Pass both for the same documents",
        )
    if not (rho > 0).all():
        raise InputError(
            "A density must be above 0", f"{rho.min():g} at document {int(rho.argmin())}", "Measure it with density_of"
        )
    if not 0 <= count <= m:
        raise InputError(
            "A draw without replacement takes from 0 to all documents",
            f"{count:,} of {m:,}",
            "Ask for fewer, or read the domain more than once",
        )
    if count == 0:
        return frozen(np.zeros(m))
    logs = beta * standardised(length) - np.log(rho)
    shares = project(np.exp(logs - logs.max()), caps=np.full(m, 1.0 / count))
    return frozen(np.minimum(count * shares, 1.0))


def density_of(vectors: Floating, *, sample: int = SAMPLE, near: int = NEAR, seed: int = 0) -> Float64:
    r"""Return the local density of each document, from a sample of its domain: O(m S d), not O(m^2 d).

    rho_i = (1 + sum_{j in sample, j != i} exp(-(d_ij / h)^2)) / (S + 1), d = 1 - cos, with h the median d of the sample
    to its `near`-th nearest. A document alone has 1 / (S + 1): chances differ by at most S + 1 times.

    Parameters
    ----------
    vectors : (m, d) float
        Unit rows of one domain; read once, 32 MB of cosines at a time beside the sample (S d numbers).
    sample : int
        S; the whole domain where it is smaller.
    near : int
    seed : int
        Of the sample.

    Returns
    -------
    (m,) float64
        In (0, 1].

    Raises
    ------
    InputError
        If there are no documents.
    """
    m = len(vectors)
    if m == 0:
        raise InputError("A density needs documents", "0", "Leave the domain out")
    if m == 1:
        return frozen(np.ones(1))
    sample_rows = np.sort(np.random.default_rng(seed).choice(m, min(sample, m), replace=False))
    centers = np.asarray(vectors[sample_rows], dtype=np.float64)
    width = _width(centers, near)
    sample_index = np.full(m, -1)
    sample_index[sample_rows] = np.arange(len(sample_rows))
    out = np.empty(m)
    step = max(_CELLS // len(sample_rows), 1)
    for start in range(0, m, step):
        kernel = np.asarray(vectors[start : start + step], dtype=np.float64) @ centers.T
        kernel = np.exp(-(((1 - kernel) / width) ** 2))
        rows = np.flatnonzero(sample_index[start : start + step] >= 0)
        kernel[rows, sample_index[start : start + step][rows]] = 0.0
        out[start : start + step] = 1 + kernel.sum(axis=1)
    return frozen(out / (len(sample_rows) + 1))


def _width(centers: Float64, near: int) -> float:
    distances = 1 - centers @ centers.T
    np.fill_diagonal(distances, np.inf)
    rank = min(near, len(centers) - 1) - 1
    width = float(np.median(np.partition(distances, rank, axis=1)[:, rank]))
    return max(width, 1e-6)  # where most documents are copies, any other distance is far
