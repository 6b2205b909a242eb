"""Vectors whose sums are added up by Ray actors, on this machine or many: `with ray_vectors(paths) as X: fit(X)`."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gem_core._types import Float64
from gem_core.clustering.blocks import Statistics
from gem_core.clustering.out_of_core import FileSums, StreamedDocuments
from gem_core.clustering.vector_files import StoredVectors, stored_vectors
from gem_core.errors import GemError, InputError

# How often Ray starts a lost actor again. An actor only holds where its rows are, so the call that died with it is
# simply made once more.
RESTARTS = 3


class RayVectors(StoredVectors):
    """`StoredVectors` whose passes run on Ray actors, each with a range of the rows; made by `ray_vectors`."""

    def __init__(self, vectors: StoredVectors, workers: int) -> None:
        super().__init__(vectors.stretches, vectors.shape[1], vectors.stored)
        self.workers = workers
        self._ray = _ray()
        self._actors: list[Any] = []

    def documents(self, weights: Float64 | None) -> StreamedDocuments:
        """Start the actors with `weights` (n,), None for all alike; those of an earlier call end."""
        self.close()
        n = self.shape[0]
        kind = self._ray.remote(num_cpus=1, max_restarts=RESTARTS, max_task_retries=RESTARTS)(FileSums)
        ends = np.linspace(0, n, self.workers + 1).astype(int)
        for low, high in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            part = None if weights is None else weights[low:high]
            self._actors.append(kind.remote(self.part(low, high), part, n, first=low, device="cpu"))
        self._all([actor.check.remote() for actor in self._actors])
        return StreamedDocuments(self._statistics, (n, self.shape[1]), "cpu")

    def close(self) -> None:
        """End the actors."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._actors = []

    def _statistics(self, slopes: Float64, offsets: Float64, gram: bool) -> Statistics:
        """Add the sums of all actors in the order of their rows."""
        shared = self._ray.put(slopes), self._ray.put(offsets)
        first, *rest = self._all([actor.statistics.remote(*shared, gram) for actor in self._actors])
        total: Statistics = sum(rest, start=first)
        return total

    def _all(self, calls: list[Any]) -> list[Any]:
        """Wait for all actors and return their results in order."""
        try:
            return list(self._ray.get(calls))
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, InputError):
                raise error.cause from None
            raise
        except self._ray.exceptions.RayActorError as error:
            raise GemError(f"A Ray worker was lost more than {RESTARTS} times, or could not start: {error}") from error


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
        As in `stored_vectors`; Ray is not installed; `workers` is below 1 or above the processors of the cluster.
    GemError
        A worker was lost more than three times in a fit; up to then Ray starts it again, and nothing is lost.

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
    ray = _ray()
    vectors = stored_vectors(paths)
    if workers is not None and workers < 1:
        raise InputError(
            "workers must be a whole number of at least 1", f"{workers!r}", "Leave it out for all processors"
        )
    ours = not ray.is_initialized()
    if ours:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        ray.init(address=os.environ.get("RAY_ADDRESS", "local"), log_to_driver=False, logging_level="error")
    try:
        n, processors = vectors.shape[0], int(ray.cluster_resources().get("CPU", 1))
        if workers is not None and workers > processors:  # Ray would wait for them without a message
            raise InputError(
                f"workers must not exceed the processors of the cluster ({processors})",
                f"{workers}",
                "Leave it out for all processors, or add machines to the cluster",
            )
        vectors_on_ray = RayVectors(vectors, min(workers or max(1, min(processors, n // 10_000)), n))
        try:
            yield vectors_on_ray
        finally:
            vectors_on_ray.close()
    finally:
        if ours:
            ray.shutdown()


def _ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise InputError(
            "Fitting on several machines needs Ray", "none installed", 'Install it: pip install "gem-explorer[ray]"'
        ) from error
    return ray
