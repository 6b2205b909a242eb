"""Documents whose vectors stay in files: every pass reads them once, block by block, and keeps sums only."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import numpy as np

from gem_core import _check
from gem_core._types import Float64
from gem_core.clustering.blocks import Moments, Statistics, affine, softmax
from gem_core.clustering.sparse_blocks import MANY_CLUSTERS, gamma_moments, gamma_sums, sparse_softmax
from gem_core.clustering.statistics import BLOCK_VALUES, pick_device
from gem_core.clustering.threads import torch_threads
from gem_core.clustering.vector_files import StoredVectors
from gem_core.errors import InputError

# Most rows of one block: vectors and responsibilities of a block then stay in the cache of the core that works on it.
ROWS = {"cpu": 4096, "cuda": 65536}
Part = TypeVar("Part")
# Lengths outside this range overflow a float32 product.
LENGTHS = (1e-30, 1e30)


class FileSums:
    """Sums over documents in files, on one machine.

    Every thread reads a block, turns it into float32 and multiplies it, so one thread's reading is hidden behind
    another's products; sums are added in the order of the blocks, so that they do not depend on the threads. Resident
    are the vectors and responsibilities of a block a thread, and 4 bytes per document (8 with weights).

    Parameters
    ----------
    vectors : StoredVectors
        Rows of any length but 0.
    weights : ndarray, shape (n,), optional
        Fractions of the whole corpus. Default: 1 / `total` each.
    total : int
        Documents of the whole corpus, of which these may be a part.
    first : int
        Number of the first of these documents in the whole corpus, for refusals.
    device : str
        "cpu", "cuda" or "auto".
    """

    def __init__(
        self, vectors: StoredVectors, weights: Float64 | None, total: int, *, first: int = 0, device: str = "auto"
    ) -> None:
        import torch

        self.vectors, self.total, self.first = vectors, total, first
        self.device = pick_device(device)
        self._w = None if weights is None else torch.from_numpy(weights.astype(np.float32)).to(self.device)
        self._spare: SimpleQueue[tuple[Any, Any, Any]] = SimpleQueue()
        self._reciprocals: Any = None  # 1 / length of every row

    def check(self) -> None:
        """Validate every row once; `statistics` does it if it has not been done.

        Raises
        ------
        InputError
            A row is zero or not finite.
        """
        import torch

        self._reciprocals = torch.from_numpy((1.0 / self._lengths()).astype(np.float32)).to(self.device)

    def statistics(self, slopes: Float64, offsets: Float64, gram: bool) -> Statistics:
        """Statistics at slopes (K, d) and offsets (K,); the Gram matrix only on request."""
        if self._reciprocals is None:
            self.check()
        k, d = slopes.shape
        fitting = ROWS["cpu"] if self._is_sparse(k) else max(256, BLOCK_VALUES[self.device] // k)
        rows = min(ROWS[self.device], fitting, self.vectors.shape[0])
        parameters = affine(self._reciprocals, slopes, offsets)
        total = Statistics(Moments(0.0, np.zeros(k), np.zeros((k, k))), np.zeros((k, d)))

        def add(part: Statistics) -> None:
            nonlocal total
            total += part

        self._spare = SimpleQueue()
        self._walk(rows, lambda start: self._block(start, rows, parameters, gram), add)
        return total

    def _block(self, start: int, rows: int, parameters: tuple[Any, Any, float], gram: bool) -> Statistics:
        raw, x, out = self._buffers(rows, parameters[0].shape[0])
        stop = min(start + rows, self.vectors.shape[0])
        count = stop - start
        self.vectors.read(start, raw.numpy()[:count])
        part = x[:count].copy_(raw[:count])
        reciprocals = self._reciprocals[start:stop]
        responsibilities = sparse_softmax if self._is_sparse(parameters[0].shape[0]) else softmax
        gamma, log_partition = responsibilities(part, *parameters, out if count == rows else None, reciprocals)
        w = None if self._w is None else self._w[start:stop]
        moments = gamma_moments(gamma, w, log_partition, self.total, gram=gram)
        resultants = gamma_sums(gamma, reciprocals if w is None else reciprocals * w, part)
        self._spare.put((raw, x, out))
        return Statistics(moments, resultants / self.total if w is None else resultants)

    def _is_sparse(self, k: int) -> bool:
        return k >= MANY_CLUSTERS and self.device == "cpu"

    def _buffers(self, rows: int, k: int) -> tuple[Any, Any, Any]:
        """Memory for one block, used again by the next: raw rows, float32 rows and responsibilities."""
        import torch

        with suppress(Empty):
            return self._spare.get_nowait()
        d, kind = self.vectors.shape[1], torch.float16 if self.vectors.stored == np.float16 else torch.float32
        return (
            torch.empty(rows, d, dtype=kind),
            torch.empty(rows, d, device=self.device),
            torch.empty(k, rows, device=self.device),
        )

    def _lengths(self) -> Float64:
        """Length of every row, (n,), none of them zero."""
        n, d = self.vectors.shape
        squares = np.empty(n)

        def measure(start: int) -> None:
            raw = np.empty((min(ROWS["cpu"], n - start), d), dtype=self.vectors.stored)
            self.vectors.read(start, raw)
            x = raw.astype(np.float32, copy=False)
            squares[start : start + len(x)] = np.einsum("ij,ij->i", x, x, dtype=np.float64)

        self._walk(ROWS["cpu"], measure, lambda _: None)
        _check.finite_rows(squares, first=self.first)
        lengths: Float64 = np.sqrt(squares)
        odd = (lengths < LENGTHS[0]) | (lengths > LENGTHS[1])
        if np.any(odd):
            raise InputError(
                "X must hold vectors of lengths that float32 can work with, 1e-30 to 1e30",
                _check.first_rows(odd, self.first),
                "Divide the vectors by their lengths first",
            )
        return lengths

    def _walk(self, rows: int, work: Callable[[int], Part], add: Callable[[Part], None]) -> None:
        """Call `work` with the first row of every block, on all threads, and `add` its results in their order."""
        waiting: deque[Future[Part]] = deque()
        with torch_threads(1) as threads, ThreadPoolExecutor(threads) as pool:
            try:
                for start in range(0, self.vectors.shape[0], rows):
                    if len(waiting) == 2 * threads:
                        add(waiting.popleft().result())
                    waiting.append(pool.submit(work, start))
                while waiting:
                    add(waiting.popleft().result())
            finally:
                pool.shutdown(cancel_futures=True)


class StreamedDocuments:
    """Documents of which one pass returns all sums at once, the resultants too, without storing rows.

    Parameters
    ----------
    statistics : callable
        statistics(slopes, offsets, gram) -> Statistics of all documents: `FileSums.statistics`, or a sum of several.
    shape : tuple of two int
        n and d.
    device : str
        Where `statistics` computes.

    Notes
    -----
    `evaluate` and `move` both cost a pass (reading, and three matrix products); `resultants` costs nothing. So a fit
    over files wants few Newton steps, and a good first guess.
    """

    precision = "float32"

    def __init__(
        self, statistics: Callable[[Float64, Float64, bool], Statistics], shape: tuple[int, int], device: str
    ) -> None:
        self.n, self.dimension = shape
        self.device, self.passes = device, 0
        self._statistics = statistics
        self._slopes = self._resultants = np.zeros((0, self.dimension))

    def evaluate(self, slopes: Float64, offsets: Float64, *, gram: bool = True) -> Moments:
        """Moments at new parameters, slopes (K, d) and offsets (K,)."""
        self.passes += 1
        total = self._statistics(slopes, offsets, gram)
        self._slopes, self._resultants = slopes, total.resultants
        return total.moments

    def move(self, offsets: Float64, *, gram: bool = True) -> Moments:
        """Moments at the slopes of the last `evaluate` and other offsets (K,)."""
        return self.evaluate(self._slopes, offsets, gram=gram)

    def resultants(self) -> Float64:
        """Resultants sum_i w_i gamma_ik x_i, shape (K, d), of the pass before."""
        return self._resultants
