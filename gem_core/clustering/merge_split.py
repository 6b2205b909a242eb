"""Merge-and-split proposals: join two clusters that are alike and divide one that holds two groups."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64, Floating
from gem_core.clustering.m_step import Parameters

POWER_STEPS = 4
HALVING_STEPS = 3
# Pairs (in units of K) and splits that are combined to proposals.
PAIRS = 3
SPLITS = 8


@dataclass(frozen=True)
class MergeSplit:
    """Merge clusters `first` and `second`, split cluster `divided`; `gain` is the change of sum_k ||r_k||."""

    gain: float
    divided: int
    first: int
    second: int


@dataclass(frozen=True)
class Halves:
    """Each cluster in two halves: resultants (K, d), centers of the halves (K, 2, d), and gains of length (K,)."""

    resultants: Float64
    centers: Float64
    gains: Float64

    def proposals(self) -> list[MergeSplit]:
        """Proposals by falling gain (Ueda et al., Neural Computation 12, 2000, with the loss of resultant length)."""
        pairs = self._pairs()
        splits = np.argsort(-self.gains, kind="stable")[:SPLITS]
        proposals = [
            MergeSplit(float(self.gains[s] - loss), int(s), first, second)
            for first, second, loss in pairs
            for s in splits
            if s not in (first, second)
        ]
        return sorted(proposals, key=lambda proposal: -proposal.gain)

    def disjoint_proposals(self) -> list[MergeSplit]:
        """Proposals with a gain that share no cluster: the next best pair with the next best split, and so on."""
        busy, proposals = np.zeros(len(self.gains), dtype=bool), []
        splits = iter(np.argsort(-self.gains, kind="stable").tolist())
        for first, second, loss in self._pairs():
            if busy[first] or busy[second]:
                continue
            divided = next((s for s in splits if not busy[s] and s not in (first, second)), None)
            if divided is None or self.gains[divided] <= loss:
                break
            busy[[first, second, divided]] = True
            proposals.append(MergeSplit(float(self.gains[divided] - loss), divided, first, second))
        return proposals

    def _pairs(self) -> list[tuple[int, int, float]]:
        """Return the pairs of clusters that lose least when joined, and what they lose of ||r_1|| + ||r_2||."""
        r = self.resultants
        k = len(r)
        length = np.linalg.norm(r, axis=1)
        first, second = np.triu_indices(k, 1)
        joined = np.sqrt(np.maximum(length[first] ** 2 + length[second] ** 2 + 2.0 * (r @ r.T)[first, second], 0.0))
        loss = length[first] + length[second] - joined
        pairs = np.argsort(loss, kind="stable")[: PAIRS * k]
        return list(zip(first[pairs].tolist(), second[pairs].tolist(), loss[pairs].tolist(), strict=True))

    def apply(self, proposal: MergeSplit, parameters: Parameters, concentration: float) -> Parameters:
        """Return the parameters after a proposal; the three new clusters start at one concentration."""
        centers, kappa = parameters.centers.copy(), parameters.concentrations.copy()
        joined = self.resultants[proposal.first] + self.resultants[proposal.second]
        centers[proposal.first] = joined / max(float(np.linalg.norm(joined)), 1e-12)
        centers[[proposal.divided, proposal.second]] = self.centers[proposal.divided]
        kappa[[proposal.first, proposal.second, proposal.divided]] = concentration
        return replace(parameters, centers=centers, concentrations=kappa)


def halve_clusters(x: Floating, weights: Float64, labels: NDArray[np.int64], k: int) -> Halves:
    """Divide every cluster in two: by the sign along its leading direction, then by spherical 2-means.

    Parameters
    ----------
    x, weights : ndarray, shape (n, d) and (n,)
        Rows and fractions.
    labels : ndarray of int, shape (n,)
        Cluster of each document.
    k : int
        Number of clusters.
    """
    kind = x.dtype
    mass, sums = _sums(x, weights, labels, k)
    mean = (sums / np.maximum(mass, 1e-12)[:, None]).astype(kind)
    # The row farthest from the mean starts the power iteration: no random number, no order of rows.
    deviation = 1.0 - np.einsum("ij,ij->i", x, mean[labels])
    axis = np.zeros((k, x.shape[1]), dtype=kind)
    far = np.lexsort((deviation, labels))
    axis[labels[far]] = x[far]
    side = np.zeros(len(x), dtype=np.int64)
    for _ in range(POWER_STEPS):
        axis -= (
            mean
            * np.einsum("ij,ij->i", mean, axis)[:, None]
            / np.maximum(np.einsum("ij,ij->i", mean, mean), 1e-12)[:, None].astype(kind)
        )
        axis /= np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-12)
        along = np.einsum("ij,ij->i", x, axis[labels]) - np.einsum("ij,ij->i", mean, axis)[labels]
        side = (along > 0).astype(np.int64)
        _, moment = _sums(x, weights * along, labels, k)
        axis = (moment - mean * np.bincount(labels, weights * along, k)[:, None]).astype(kind)
    for step in range(HALVING_STEPS):
        _, halves = _sums(x, weights, 2 * labels + side, 2 * k)
        centers = halves / np.maximum(np.linalg.norm(halves, axis=1, keepdims=True), 1e-12)
        if step + 1 < HALVING_STEPS:
            near = centers.astype(kind)
            left, right = (np.einsum("ij,ij->i", x, near[2 * labels + half]) for half in (0, 1))
            side = (right > left).astype(np.int64)
    gains = np.linalg.norm(halves, axis=1).reshape(k, 2).sum(axis=1) - np.linalg.norm(sums, axis=1)
    return Halves(sums, centers.reshape(k, 2, -1), gains)


def _sums(x: Floating, weights: Float64, labels: NDArray[np.int64], k: int) -> tuple[Float64, Float64]:
    from scipy.sparse import csr_matrix

    n = len(x)
    member = csr_matrix((weights.astype(x.dtype), labels, np.arange(n + 1)), shape=(n, k))
    mass: Float64 = np.bincount(labels, weights, k).astype(np.float64)
    return mass, np.asarray(member.T @ x, dtype=np.float64)
