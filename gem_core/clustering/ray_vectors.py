"""Vectors whose sums are added up by Ray actors, on this machine or many: `with ray_vectors(paths) as X: fit(X)`."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gem_core._ray import check_machines, ray_cpus, ray_session
from gem_core._types import Float64
from gem_core.clustering.blocks import Statistics
from gem_core.clustering.out_of_core import FileSums, StreamedDocuments
from gem_core.clustering.vector_files import StoredVectors, stored_vectors
from gem_core.errors import GemError, InputError

# How often the rows of a lost actor go to a new one. An actor only holds where its rows are, so the call that died
# with it is made once more.
RESTARTS = 3
TICK, SAY_AFTER = 0.5, 5.0  # seconds between two looks at actors that start, and until a wait is said
PROCESSOR_WAIT = 30.0  # seconds that an actor waits for a processor of its own
LOG = logging.getLogger("gem_explorer")


class RayVectors(StoredVectors):
    """`StoredVectors` whose passes run on Ray actors, each with a range of the rows; made by `ray_vectors`."""

    def __init__(self, vectors: StoredVectors, workers: int, ray: Any) -> None:
        super().__init__(vectors.stretches, vectors.shape[1], vectors.stored)
        self.workers = workers
        self._ray = ray
        self._actors: list[Any] = []
        self._parts: list[tuple[StoredVectors, Float64 | None, int]] = []
        self._losses: list[int] = []

    def documents(self, weights: Float64 | None) -> StreamedDocuments:
        """Start the actors with `weights` (n,), None for all alike; those of an earlier call end."""
        self.close()
        n = self.shape[0]
        ends = np.linspace(0, n, self.workers + 1).astype(int)
        self._parts = [
            (self.part(low, high), None if weights is None else weights[low:high], low)
            for low, high in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
        ]
        self._losses = [0] * self.workers
        self._actors = [self._start(index) for index in range(self.workers)]
        self._await_processors(range(self.workers))
        self._all("check")
        return StreamedDocuments(self._statistics, (n, self.shape[1]), "cpu")

    def close(self) -> None:
        """End the actors."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._actors = []

    def _start(self, index: int, processors: int = 1) -> Any:
        """Start the actor of a range of rows; with 0 processors it shares one with another actor."""
        part, weights, first = self._parts[index]
        kind = self._ray.remote(num_cpus=processors, max_restarts=0)(FileSums)
        return kind.remote(part, weights, self.shape[0], first=first, device="cpu")

    def _await_processors(self, indices: Iterable[int]) -> None:
        """Wait until actors run; those without a processor after a while share one with another actor."""
        waiting = {self._actors[index].__ray_ready__.remote(): index for index in indices}
        began, has_warned = time.monotonic(), False
        while waiting:
            ready, _ = self._ray.wait(list(waiting), num_returns=len(waiting), timeout=TICK)
            for handle in ready:  # An actor that could not start says so in its first call.
                del waiting[handle]
            seconds = time.monotonic() - began
            if waiting and not has_warned and seconds > SAY_AFTER:
                has_warned = True
                LOG.warning("Waiting for a processor (%d of %d workers)", self.workers - len(waiting), self.workers)
            if waiting and seconds > PROCESSOR_WAIT:
                for index in waiting.values():
                    self._ray.kill(self._actors[index])
                    self._actors[index] = self._start(index, 0)
                LOG.warning("No processor came free: %d of %d workers share one", len(waiting), self.workers)
                return

    def _statistics(self, slopes: Float64, offsets: Float64, gram: bool) -> Statistics:
        """Add the sums of all actors in the order of their rows."""
        first, *rest = self._all("statistics", self._ray.put(slopes), self._ray.put(offsets), gram)
        total: Statistics = sum(rest, start=first)
        return total

    def _all(self, method: str, *arguments: Any) -> list[Any]:
        """Call all actors and return their results in order; the rows of a lost actor go to a new one."""
        calls = [getattr(actor, method).remote(*arguments) for actor in self._actors]
        results = []
        for index, call in enumerate(calls):
            while True:
                try:
                    results.append(self._ray.get(call))
                    break
                except self._ray.exceptions.RayTaskError as error:
                    if isinstance(error.cause, InputError):
                        raise error.cause from None
                    raise
                except self._ray.exceptions.RayActorError as error:
                    self._losses[index] += 1
                    if self._losses[index] > RESTARTS:
                        raise GemError(
                            f"A Ray worker was lost more than {RESTARTS} times, or could not start: {error}"
                        ) from error
                    self._actors[index] = self._start(index)
                    self._await_processors([index])
                    call = getattr(self._actors[index], method).remote(*arguments)
        return results


@contextmanager
def ray_vectors(paths: str | Path | Sequence[str | Path], *, workers: int | None = None) -> Iterator[RayVectors]:
    """Vectors in .npy files, fitted by Ray actors that each hold a range of the rows.

    Parameters
    ----------
    paths : path or sequence of paths
        As in `stored_vectors`; every machine of the cluster must see the files under these paths, unchanged.
    workers : int, optional
        Actors, one processor each. Default: the processors of the cluster, at most one for 10,000 rows.

    Yields
    ------
    RayVectors
        To be given to `fit_mixture` or `balance_path` in place of an array. The fit is that of `stored_vectors` but
        for the rounding of sums. The actors end with the block.

    Raises
    ------
    InputError
        As in `stored_vectors`; Ray is not installed or not reached within 10 s; a machine lacks the package or a file;
        `workers` is below 1 or above the processors of the cluster.
    GemError
        The rows of a worker were lost more than three times in a fit; up to then they go to a new worker, which shares
        a processor where none comes free in 30 s, and nothing is lost.

    Notes
    -----
    A pass sends K x d slopes and K offsets to every actor and brings back K x d resultants, K masses and a K x K Gram
    matrix, float64: 0.15 MB an actor for 24 clusters in 384 dimensions, 1.5 MB for 200.

    A connection that is there already is used and left as it is. Otherwise RAY_ADDRESS names a running cluster ("auto":
    the one of this machine); without it Ray is started on this machine, without usage reports, and ends with the block.

    Examples
    --------
    >>> from gem_core.clustering import MixtureConfig, fit_mixture
    >>> with ray_vectors(["a.npy", "b.npy"], workers=8) as X:  # doctest: +SKIP
    ...     fit = fit_mixture(X, MixtureConfig(n_clusters=200))
    """
    vectors = stored_vectors(paths)
    if workers is not None and workers < 1:
        raise InputError(
            "workers must be a whole number of at least 1", f"{workers!r}", "Leave it out for all processors"
        )
    with ray_session(purpose="Fitting on several machines") as ray:
        n, processors = vectors.shape[0], ray_cpus(ray)
        if workers is not None and workers > processors:
            raise InputError(
                f"workers must not exceed the processors of the cluster ({processors})",
                f"{workers}",
                "Leave it out for all processors, or add machines to the cluster",
            )
        check_machines(ray, [Path(stretch.path) for stretch in vectors.stretches])
        vectors_on_ray = RayVectors(vectors, min(workers or max(1, min(processors, n // 10_000)), n), ray)
        try:
            yield vectors_on_ray
        finally:
            vectors_on_ray.close()
