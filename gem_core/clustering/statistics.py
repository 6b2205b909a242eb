"""The one hot pass: everything a fit needs from the documents, in sums that add up over blocks.

Responsibilities of every solver here have the form gamma_i = softmax(slopes x_i + offsets): for the exact E-step
slopes are kappa_k mu_k and offsets log alpha_k + log C_d(kappa_k) + b_k. So one function serves all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gem_core._types import Float64, Floating
from gem_core.errors import InputError

# Responsibilities are floored at exp(-FLOOR) relative to the largest one of the document. Without it float32 fills
# with denormal numbers at concentrations in the hundreds, and the matrix products run 15 times slower (measured).
# The floor is far below rounding: exp(-40) = 4e-18 in float32, exp(-200) = 1e-87 in float64.
FLOOR = {"float32": 40.0, "float64": 200.0}
# A change of offsets whose range stays below this reuses the kept responsibilities: the floor stays invisible.
REUSE = {"float32": 15.0, "float64": 60.0}
# Values of one block of responsibilities: about 2 MB of float32 (larger blocks gained nothing).
BLOCK_VALUES = {"cpu": 1 << 19, "cuda": 1 << 24}
MEMORY = 1 << 30


@dataclass(frozen=True)
class Moments:
    """Sums over documents that a Newton pass needs (mass, Gram matrix, log-partition); they add.

    Attributes
    ----------
    log_partition : float
        sum_i w_i log sum_k exp(slopes_k x_i + offsets_k), nats.
    mass : ndarray, shape (K,)
        sum_i w_i gamma_ik.
    gram : ndarray, shape (K, K)
        sum_i w_i gamma_ik gamma_ij; zeros where it was not asked for.
    """

    log_partition: float
    mass: Float64
    gram: Float64

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.log_partition + other.log_partition, self.mass + other.mass, self.gram + other.gram)


@dataclass(frozen=True)
class Statistics:
    """Moments and resultants of some documents; the statistics of two sets of documents add.

    Attributes
    ----------
    moments : Moments
        Log-partition, mass and Gram matrix.
    resultants : ndarray, shape (K, d)
        sum_i w_i gamma_ik x_i.
    """

    moments: Moments
    resultants: Float64

    def __add__(self, other: "Statistics") -> "Statistics":
        return Statistics(self.moments + other.moments, self.resultants + other.resultants)


def block_statistics(x: Any, w: Any, slopes: Float64, offsets: Float64) -> Statistics:
    """Statistics of one block of documents: what an out-of-core or distributed fit adds up.

    Parameters
    ----------
    x : ndarray or torch.Tensor, shape (rows, d)
        Unit vectors, float32 or float64.
    w : ndarray or torch.Tensor, shape (rows,)
        Document weights (fractions of the whole corpus).
    slopes, offsets : ndarray, shape (K, d) and (K,)
        Parameters of the responsibilities, gamma_i = softmax(slopes x_i + offsets).

    Returns
    -------
    Statistics
        float64 sums. Memory: two arrays of K x rows in the type of `x`.

    Examples
    --------
    >>> x = np.eye(2)
    >>> total = block_statistics(x, np.full(2, 0.5), 3.0 * np.eye(2), np.zeros(2))
    >>> half = [block_statistics(x[i : i + 1], np.full(1, 0.5), 3.0 * np.eye(2), np.zeros(2)) for i in (0, 1)]
    >>> total.moments.mass.round(12).tolist(), bool(np.allclose((half[0] + half[1]).resultants, total.resultants))
    ([0.5, 0.5], True)
    """
    import torch

    x = torch.as_tensor(x)
    w = torch.as_tensor(w, dtype=x.dtype, device=x.device)
    gamma, log_partition = _responsibilities(x, *_parameters(x, slopes, offsets), None)
    return Statistics(_moments(gamma, w, log_partition, gram=True), _numpy((gamma * w) @ x))


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
        them
        again block by block, so memory is then two blocks of about 2 MB.

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
        self._x = torch.from_numpy(writable(x)).to(self.device)
        self._w: Any = None  # None = uniform: saves a sweep over the responsibilities
        if np.ptp(weights) > 0:
            self._w = torch.from_numpy(writable(weights)).to(self.device, dtype=self._x.dtype)
        self._memory = memory
        self._rows = 0
        self._kept: list[Any] = []
        # Responsibilities at the offsets moved to last.
        self._moved: list[Any] = []
        self._base: tuple[Float64, Float64] = (np.zeros((0, self.dimension)), np.zeros(0))
        self._offsets: Float64 = np.zeros(0)
        self._log_partition = 0.0

    def evaluate(self, slopes: Float64, offsets: Float64, *, gram: bool = True) -> Moments:
        """Moments at new parameters, slopes (K, d) and offsets (K,)."""
        self.passes += 1
        self._allot(offsets.size)
        self._base, self._offsets, self._moved = (slopes, offsets), offsets, []
        parameters = _parameters(self._x, slopes, offsets)
        total = Moments(0.0, *_zeros(offsets.size))
        for at, (x, w) in enumerate(self._blocks()):
            gamma, log_partition = _responsibilities(x, *parameters, self._kept[at] if self._kept else None)
            total += _moments(gamma, w, log_partition, self.n, gram=gram)
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
        self._moved = []
        for at, (_, w) in enumerate(self._blocks()):
            gamma, log_growth = _moved(self._kept[at], ratio)
            self._moved.append(gamma)
            total += _moments(gamma, w, log_growth, self.n, gram=gram)
        return total

    def resultants(self) -> Float64:
        """Resultants sum_i w_i gamma_ik x_i, shape (K, d), at the parameters evaluated last."""
        slopes, known = self._base[0], self._moved or self._kept
        parameters = _parameters(self._x, slopes, self._offsets)
        total = np.zeros(slopes.shape)
        for at, (x, w) in enumerate(self._blocks()):
            gamma = known[at] if known else _responsibilities(x, *parameters, None)[0]
            total += _numpy((gamma if w is None else gamma * w) @ x)
        return total if self._w is not None else total / self.n

    def _blocks(self) -> Iterator[tuple[Any, Any]]:
        for start in range(0, self.n, self._rows):
            rows = slice(start, start + self._rows)
            yield self._x[rows], None if self._w is None else self._w[rows]

    def _allot(self, n_clusters: int) -> None:
        """Choose the rows of a block and make room for the responsibilities when they fit."""
        import torch

        rows = max(256, BLOCK_VALUES[self.device] // n_clusters)
        if rows == self._rows and (not self._kept or self._kept[0].shape[0] == n_clusters):
            return
        self._rows, self._kept = rows, []
        if 2 * self.n * n_clusters * self._x.element_size() <= self._memory:
            self._kept = [torch.empty((n_clusters, x.shape[0]), dtype=x.dtype, device=x.device)
                          for x, _ in self._blocks()]

    def _delta(self, offsets: Float64) -> Float64 | None:
        """Offsets minus those of the kept responsibilities, or None when these cannot be used."""
        if not self._kept:
            return None
        base = self._base[1]
        delta = np.subtract(offsets, base, out=np.zeros_like(base), where=offsets != base)
        return delta if np.isfinite(delta).all() and np.ptp(delta) <= REUSE[self.precision] else None

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


def _parameters(x: Any, slopes: Float64, offsets: Float64) -> tuple[Any, Any, float]:
    """Slopes and offsets in the type of x; offsets relative to their largest, which is returned beside them.

    log C_d runs to thousands of nats: subtracted in float64 here, it costs no digit of a float32 logit.
    """
    import torch

    top = float(offsets.max())
    make = {"dtype": x.dtype, "device": x.device}
    return torch.as_tensor(slopes, **make), torch.as_tensor(offsets - top, **make)[:, None], top


def _responsibilities(x: Any, slopes: Any, offsets: Any, top: float, out: Any) -> tuple[Any, Any]:
    """Responsibilities (K, rows) and log-partition (rows,) of one block; few sweeps, all but the product in place."""
    import torch

    logits = torch.mm(slopes, x.T) if out is None else torch.mm(slopes, x.T, out=out)
    logits += offsets
    peak = logits.amax(0)
    logits -= peak
    logits.clamp_(min=-FLOOR[str(logits.dtype).removeprefix("torch.")])
    gamma = logits.exp_()
    scale = gamma.sum(0)
    gamma /= scale
    return gamma, peak.double() + scale.log_() + top


def _moved(gamma: Any, ratio: Any) -> tuple[Any, Any]:
    """Responsibilities whose offsets moved by log ratio, and the growth of the log-partition."""
    growth = ratio[:, 0] @ gamma
    return (gamma * ratio).div_(growth), growth.log()


def _numpy(tensor: Any) -> Float64:
    return np.asarray(tensor.double().cpu().numpy())


def _zeros(k: int) -> tuple[Float64, Float64]:
    return np.zeros(k), np.zeros((k, k))


def writable(array: Floating) -> Floating:
    """torch warns about read-only arrays (memory maps, frozen results); only those are copied."""
    return array if array.flags.writeable and array.flags.c_contiguous else np.array(array, order="C")


def _moments(gamma: Any, w: Any, log_partition: Any, n: int = 1, *, gram: bool) -> Moments:
    """Moments of one block; w None means the uniform weight 1 / n."""
    import torch

    if w is None:
        nats = float(log_partition.sum(dtype=torch.float64)) / n
        mass, weighted, scale = gamma.sum(1), gamma, 1.0 / n
    else:
        nats = float(log_partition.double() @ w.double())
        mass, weighted, scale = gamma @ w, gamma * w if gram else gamma, 1.0
    square = _numpy(weighted @ gamma.T) * scale if gram else np.zeros((gamma.shape[0], gamma.shape[0]))
    return Moments(nats, _numpy(mass) * scale, square)
