"""Responsibilities and additive sums (log-partition, mass, Gram, resultants) of one block of documents.

Responsibilities of every solver here have the form gamma_i = softmax(slopes x_i + offsets): for the exact E-step
slopes are kappa_k mu_k and offsets log alpha_k + log C_d(kappa_k) + b_k. So the same functions serve all of them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gem_core._types import Float64

# Responsibilities are floored at exp(-FLOOR) relative to the largest one of the document. Without it float32 fills
# with denormal numbers at concentrations in the hundreds, and the matrix products run 15 times slower (measured).
# The floor is far below rounding: exp(-40) = 4e-18 in float32, exp(-200) = 1e-87 in float64.
FLOOR = {"float32": 40.0, "float64": 200.0}


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
    gamma, log_partition = softmax(x, *affine(x, slopes, offsets), None)
    return Statistics(block_moments(gamma, w, log_partition, gram=True), to_numpy((gamma * w) @ x))


def affine(x: Any, slopes: Float64, offsets: Float64) -> tuple[Any, Any, float]:
    """Slopes and offsets in the type of x; offsets relative to their largest, which is returned beside them.

    log C_d runs to thousands of nats: subtracted in float64 here, it costs no digit of a float32 logit.
    """
    import torch

    top = float(offsets.max())
    make = {"dtype": x.dtype, "device": x.device}
    return torch.as_tensor(slopes, **make), torch.as_tensor(offsets - top, **make)[:, None], top


def softmax(x: Any, slopes: Any, offsets: Any, top: float, out: Any, reciprocals: Any = None) -> tuple[Any, Any]:
    """Responsibilities (K, rows) and log-partition (rows,) of one block; few sweeps, all but the product in place."""
    logits = block_logits(x, slopes, offsets, out, reciprocals)
    return softmax_of_logits(logits, logits.amax(0), top)


def block_logits(x: Any, slopes: Any, offsets: Any, out: Any, reciprocals: Any = None) -> Any:
    """Logits (K, rows) of one block, in `out` unless it is None.

    `reciprocals` (rows,) are 1 / length of rows that have not length 1.
    """
    import torch

    logits = torch.mm(slopes, x.T) if out is None else torch.mm(slopes, x.T, out=out)
    if reciprocals is None:
        logits += offsets
    else:
        torch.addcmul(offsets, logits, reciprocals, out=logits)
    return logits


def softmax_of_logits(logits: Any, peak: Any, top: float) -> tuple[Any, Any]:
    """Responsibilities, in the memory of the logits, and log-partition; `peak` (rows,) are the largest logits."""
    logits -= peak
    logits.clamp_(min=-FLOOR[str(logits.dtype).removeprefix("torch.")])
    gamma = logits.exp_()
    scale = gamma.sum(0)
    gamma /= scale
    return gamma, peak.double() + scale.log_() + top


def shift_responsibilities(gamma: Any, ratio: Any) -> tuple[Any, Any]:
    """Return responsibilities after a shift of the offsets by log ratio, and the growth of the log-partition."""
    growth = ratio[:, 0] @ gamma
    return (gamma * ratio).div_(growth), growth.log()


def block_moments(gamma: Any, w: Any, log_partition: Any, n: int = 1, *, gram: bool) -> Moments:
    """Moments of one block; w None means the uniform weight 1 / n."""
    import torch

    if w is None:
        nats = float(log_partition.sum(dtype=torch.float64)) / n
        mass, weighted, scale = gamma.sum(1), gamma, 1.0 / n
    else:
        nats = float(log_partition.double() @ w.double())
        mass, weighted, scale = gamma @ w, gamma * w if gram else gamma, 1.0
    square = to_numpy(weighted @ gamma.T) * scale if gram else np.zeros((gamma.shape[0], gamma.shape[0]))
    return Moments(nats, to_numpy(mass) * scale, square)


def to_numpy(tensor: Any) -> Float64:
    """Copy a tensor to a float64 array."""
    return np.asarray(tensor.double().cpu().numpy())
