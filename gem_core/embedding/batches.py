"""Run an encoder over texts: batches of about one length, one thread each, rows back in their own order."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

import numpy as np

from gem_core._types import Float32
from gem_core.embedding.encoders import Encoder
from gem_core.errors import CorpusError

Prepared = list[tuple[int, Any]]
# Measured with benchmarks/embedding.py: a batch of 2,048 tokens keeps its matrices in a core's cache and is large
# enough that starting an operation costs nothing. A GPU wants all it can get.
TOKENS_PER_BATCH = {"cpu": 2048, "cuda": 65536}


def cut_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Put texts of about one length together: places of texts, each batch padded to at most `budget` tokens.

    Longest first, so that no thread is left with a long batch at the end. A text beyond the budget stands alone.

    Examples
    --------
    >>> cut_batches([5, 100, 4, 90], budget=200)
    [[1, 3], [0, 2]]
    """
    batches: list[list[int]] = []
    for text_index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batches and _fits(lengths, batches[-1], text_index, budget):
            batches[-1].append(text_index)
        else:
            batches.append([text_index])
    return batches


def _fits(lengths: Sequence[int], batch: Sequence[int], text_index: int, budget: int) -> bool:
    longest = lengths[batch[0]]
    # More than a third of padding costs more than one batch more.
    return longest * (len(batch) + 1) <= budget and 3 * lengths[text_index] >= 2 * longest


class Runner:
    """An encoder with its threads; made by `running`."""

    def __init__(self, encoder: Encoder, pool: ThreadPoolExecutor) -> None:
        self.encoder, self._pool = encoder, pool

    def prepare(self, texts: Sequence[str], *, query: bool = False) -> "Future[Prepared]":
        """Begin to tokenize documents or queries in a thread."""
        return self._pool.submit(self.encoder.prepare, list(texts), query=query)

    def rows(self, prepared: Prepared, tell: Callable[[int], None], first_row: int = 0) -> Float32:
        """Return unit vectors, shape (texts, dimension), in the order of `prepared`; `tell` receives the count."""
        out = np.empty((len(prepared), self.encoder.dimension), dtype=np.float32)
        batches = cut_batches([length for length, _ in prepared], TOKENS_PER_BATCH[self.encoder.device])
        waiting = {self._pool.submit(self.encoder.forward, [prepared[i][1] for i in batch]): batch for batch in batches}
        encoded_rows = 0
        for future in as_completed(waiting):
            batch = waiting[future]
            out[batch] = future.result()
            encoded_rows += len(batch)
            tell(encoded_rows)
        return _unit(out, first_row, self.encoder.name)


def _unit(rows: Float32, first_row: int, name: str) -> Float32:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    bad = np.flatnonzero(~np.isfinite(norms[:, 0]) | (norms[:, 0] == 0))
    if bad.size:
        raise CorpusError(
            f"the encoder '{name}' must give every text a direction",
            f"a zero or infinite vector for document {first_row + int(bad[0]):,}",
            "Drop that document or choose another encoder",
        )
    return np.asarray(rows / norms, dtype=np.float32)


@contextmanager
def encoder_threads(encoder: Encoder) -> Iterator[Runner]:
    """Start the threads of an encoder, and leave torch's number of threads as it was found."""
    import torch

    before = torch.get_num_threads()
    single = (lambda: torch.set_num_threads(1)) if encoder.workers > 1 else (lambda: None)
    pool = ThreadPoolExecutor(encoder.workers, initializer=single, thread_name_prefix="embed")
    try:
        yield Runner(encoder, pool)
    finally:
        # On an error or a cancellation what has not begun is dropped.
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(before)


def encode(texts: Sequence[str], encoder: Encoder, *, query: bool = False) -> Float32:
    """Return unit vectors of a few texts in memory, shape (texts, dimension): samples, or queries with their prompt.

    Examples
    --------
    >>> from gem_core.embedding.encoders import load_encoder
    >>> bees, honey, tax = encode(["bees", "honey", "tax law"], load_encoder())
    >>> bool(bees @ honey > bees @ tax)
    True
    """
    with encoder_threads(encoder) as runner:
        return runner.rows(runner.prepare(texts, query=query).result(), lambda completed: None)
