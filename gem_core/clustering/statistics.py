"""One pass over the documents in memory: the sums that a fit needs, added up over blocks."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from gem_core._types import Float64, Floating
from gem_core.clustering.blocks import Moments, affine, softmax
from gem_core.clustering.sparse_blocks import (
    MANY_CLUSTERS,
    ROWS,
    Gamma,
    gamma_bytes,
    gamma_moments,
    gamma_sums,
    shift_gamma,
    sparse_softmax,
)
from gem_core.clustering.sparse_blocks import REUSE as SPARSE_REUSE
from gem_core.errors import InputError

# A change of offsets whose range stays below this reuses the kept responsibilities: the floor stays invisible.
REUSE = {"float32": 15.0, "float64": 60.0}
# Values of one block of responsibilities: about 2 MB of float32 (larger blocks gained nothing).
BLOCK_VALUES = {"cpu": 1 << 19, "cuda": 1 << 24}
MEMORY = 1 << 30


class DocumentSums(Protocol):
    """What an E-step asks of documents, wherever they are: in memory, in files or on other machines.

    `evaluate` starts an E-step at new parameters, `move` changes its offsets, `resultants` closes it; `passes` counts
    the first two. `precision` is the type of the vectors, "float32" or "float64".
    """

    n: int
    dimension: int
    device: str
    precision: str
    passes: int

    def evaluate(self, slopes: Float64, offsets: Float64, *, gram: bool = True) -> Moments:
        """Moments at new parameters, slopes (K, d) and offsets (K,)."""

    def move(self, offsets: Float64, *, gram: bool = True) -> Moments:
        """Moments at the slopes of the last `evaluate` and other offsets (K,)."""

    def resultants(self) -> Float64:
        """Resultants sum_i w_i gamma_ik x_i, shape (K, d), at the parameters evaluated last."""


class Documents:
    """Unit vectors and weights on one device, walked in blocks; keeps the last responsibilities when they fit.

    Parameters
    ----------
    x : ndarray, shape (n, d)
        Unit rows, float32 or float64 (sums are float64 in both cases).
    weights : ndarray, shape (n,)
        Fractions with sum 1.
    device : str
        "cpu", "cuda" or "auto" (CUDA where there is one).
    memory : int
        Bytes that the kept responsibilities (twice n x K values) may take. Where they do not fit, every pass computes
        them again block by block, so memory is then two blocks of about 2 MB.

    Notes
    -----
    `evaluate` starts an E-step at new parameters; `move` changes its offsets (a Newton step) and costs about a tenth
    of it, because the matrix product is not repeated; `resultants` closes it. `passes` counts the first two.
    """

    def __init__(self, x: Floating, weights: Float64, *, device: str = "auto", memory: int = MEMORY) -> None:
        import torch

        self.n, self.dimension = x.shape
        self.device = pick_device(device)
        self.precision = str(x.dtype)
        self.passes = 0
        self._x = torch.from_numpy(make_writable(x)).to(self.device)
        self._w: Any = None  # None = uniform: saves a sweep over the responsibilities
        if np.ptp(weights) > 0:
            self._w = torch.from_numpy(make_writable(weights)).to(self.device, dtype=self._x.dtype)
        self._memory = memory
        self._rows = 0
        self._sparse = False
        # Arrays for dense responsibilities of the blocks, where these fit.
        self._buffers: list[Any] = []
        self._gammas: list[Gamma] = []
        # Responsibilities at the offsets moved to last.
        self._shifted: list[Gamma] = []
        self._base: tuple[Float64, Float64] = (np.zeros((0, self.dimension)), np.zeros(0))
        self._offsets: Float64 = np.zeros(0)
        self._log_partition = 0.0

    def evaluate(self, slopes: Float64, offsets: Float64, *, gram: bool = True) -> Moments:
        """Moments at new parameters, slopes (K, d) and offsets (K,)."""
        self.passes += 1
        self._allot(offsets.size)
        self._base, self._offsets, self._shifted = (slopes, offsets), offsets, []
        parameters = affine(self._x, slopes, offsets)
        total = Moments(0.0, *_zeros(offsets.size))
        responsibilities = sparse_softmax if self._sparse else softmax
        blocks, room = list[Gamma](), 0.5 * self._memory
        for at, (x, w) in enumerate(self._blocks()):
            gamma, log_partition = responsibilities(x, *parameters, self._buffers[at] if self._buffers else None)
            total += gamma_moments(gamma, w, log_partition, self.n, gram=gram)
            room -= gamma_bytes(gamma)
            if room >= 0:
                blocks.append(gamma)
            else:
                blocks.clear()
        self._gammas = blocks
        self._log_partition = total.log_partition
        return total

    def move(self, offsets: Float64, *, gram: bool = True) -> Moments:
        """Moments at the slopes of the last `evaluate` and other offsets (K,)."""
        delta = self._delta(offsets)
        if delta is None:
            return self.evaluate(self._base[0], offsets, gram=gram)
        self.passes += 1
        self._offsets = offsets
        middle = 0.5 * float(delta.max() + delta.min())
        ratio = self._column(np.exp(delta - middle))
        total = Moments(self._log_partition + middle, *_zeros(offsets.size))
        self._shifted = []
        for at, (_, w) in enumerate(self._blocks()):
            gamma, log_growth = shift_gamma(self._gammas[at], ratio)
            self._shifted.append(gamma)
            total += gamma_moments(gamma, w, log_growth, self.n, gram=gram)
        return total

    def resultants(self) -> Float64:
        """Resultants sum_i w_i gamma_ik x_i, shape (K, d), at the parameters evaluated last."""
        slopes, gammas = self._base[0], self._shifted or self._gammas
        parameters = affine(self._x, slopes, self._offsets)
        total = np.zeros(slopes.shape)
        for at, (x, w) in enumerate(self._blocks()):
            gamma = gammas[at] if gammas else softmax(x, *parameters, None)[0]
            total += gamma_sums(gamma, w, x)
        return total if self._w is not None else total / self.n

    def _blocks(self) -> Iterator[tuple[Any, Any]]:
        for start in range(0, self.n, self._rows):
            rows = slice(start, start + self._rows)
            yield self._x[rows], None if self._w is None else self._w[rows]

    def _allot(self, n_clusters: int) -> None:
        """Choose the rows of a block and make room for the responsibilities when they fit."""
        import torch

        self._sparse = n_clusters >= MANY_CLUSTERS and self.device == "cpu"
        rows = ROWS if self._sparse else max(256, BLOCK_VALUES[self.device] // n_clusters)
        if rows == self._rows and (not self._buffers or self._buffers[0].shape[0] == n_clusters):
            return
        self._rows, self._buffers = rows, []
        if not self._sparse and 2 * self.n * n_clusters * self._x.element_size() <= self._memory:
            self._buffers = [
                torch.empty((n_clusters, x.shape[0]), dtype=x.dtype, device=x.device) for x, _ in self._blocks()
            ]

    def _delta(self, offsets: Float64) -> Float64 | None:
        """Offsets minus those of the kept responsibilities, or None when these cannot be used."""
        if not self._gammas:
            return None
        base = self._base[1]
        delta = np.subtract(offsets, base, out=np.zeros_like(base), where=offsets != base)
        reuse = (SPARSE_REUSE if self._sparse else REUSE)[self.precision]
        return delta if np.isfinite(delta).all() and np.ptp(delta) <= reuse else None

    def _column(self, values: Float64) -> Any:
        import torch

        return torch.as_tensor(values, dtype=self._x.dtype, device=self._x.device)[:, None]


def pick_device(device: str) -> str:
    """Return "cpu" or "cuda" for "auto", "cpu" or "cuda"."""
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise InputError('device must be "auto", "cpu" or "cuda"', f"{device!r}", 'Use "auto"')
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda needs a CUDA graphics card that torch can see", "none", 'Use device="cpu"')
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def _zeros(k: int) -> tuple[Float64, Float64]:
    return np.zeros(k), np.zeros((k, k))


def make_writable(array: Floating) -> Floating:
    """Copy a read-only or strided array (torch warns about those); return any other as it is."""
    return array if array.flags.writeable and array.flags.c_contiguous else np.array(array, order="C")
