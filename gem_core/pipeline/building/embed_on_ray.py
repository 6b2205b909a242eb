"""Embed on Ray: actors that hold the encoder, one per processor or GPU."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from gem_core._ray import check_machines, ray_cpus, ray_session
from gem_core._types import Float32
from gem_core.embedding.batches import encoder_threads
from gem_core.embedding.embed import Engine
from gem_core.embedding.encoders import Encoder, EncoderSettings, load_encoder
from gem_core.errors import GemError, InputError

RETRIES = 3  # of an actor that was killed
AHEAD = 2  # batches that wait for an actor, so that it never waits for one


class _Holder:
    """An actor: the encoder, loaded once, and not before its first task: that can be answered with what went wrong."""

    def __init__(self, encoder: str, settings: EncoderSettings) -> None:
        self._asked = (encoder, settings)

    @cached_property
    def _encoder(self) -> Encoder:
        return load_encoder(*self._asked)

    def dimension(self) -> int:
        """Length of the vectors."""
        return self._encoder.dimension

    def rows(self, first: int, texts: Sequence[str]) -> Float32:
        """Return unit vectors of a batch whose first document has this row."""
        with encoder_threads(self._encoder) as runner:
            return runner.rows(runner.prepare(texts).result(), lambda completed: None, first)


class RayEmbedders:
    """Actors that embed batches in turn; made by `ray_engine`."""

    def __init__(self, ray: Any, actors: Sequence[Any]) -> None:
        self._ray, self._actors = ray, actors
        self.dimension = int(self._got(actors[0].dimension.remote()))

    def rows(self, batches: Iterable[tuple[int, Sequence[str]]]) -> Iterator[Float32]:
        """Yield unit vectors of batches in their order."""
        waiting: deque[Any] = deque()
        for turn, (first, texts) in enumerate(batches):
            if len(waiting) >= AHEAD * len(self._actors):
                yield self._got(waiting.popleft())
            waiting.append(self._actors[turn % len(self._actors)].rows.remote(first, list(texts)))
        while waiting:
            yield self._got(waiting.popleft())

    def _got(self, reference: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, GemError):
                raise error.cause from None
            raise
        except errors.RayError as error:
            raise InputError(
                "Every worker must live until its texts are embedded",
                f"one that was lost {RETRIES + 1} times (for want of memory?)",
                "Run the same command again: finished batches are kept",
            ) from error


def ray_engine(workers: int | None = None) -> Engine:
    """Return an engine for `gem_core.embedding.embed` that embeds on Ray.

    The vectors are those of this process to rounding, in the same cache. An actor takes one processor, or one GPU
    where the cluster has any; one that is killed is started again and its batches are embedded again.

    Parameters
    ----------
    workers : int, optional
        Number of actors; one for each GPU, or else for each processor, when None.

    Raises
    ------
    InputError
        When the engine is used: if Ray is not installed or its cluster cannot be reached.
    """

    @contextmanager
    def engine(encoder: str, settings: EncoderSettings) -> Iterator[RayEmbedders]:
        with ray_session(workers) as ray:
            check_machines(ray)
            gpus = int(ray.cluster_resources().get("GPU", 0))
            count = workers or gpus or ray_cpus(ray)
            holder = ray.remote(num_cpus=1, num_gpus=1 if gpus else 0, max_restarts=RETRIES, max_task_retries=RETRIES)(
                _Holder
            )
            actors = [holder.remote(encoder, settings) for _ in range(count)]
            try:
                yield RayEmbedders(ray, actors)
            finally:
                for actor in actors:
                    ray.kill(actor)

    return engine
