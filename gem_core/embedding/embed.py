"""Embed a corpus: durable batch by durable batch, resumable, the same rows however often it was interrupted."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from gem_core._content_key import content_key
from gem_core._types import Float32, Progress, silent
from gem_core.embedding.batches import Runner, encoder_threads
from gem_core.embedding.encoders import PACKAGED, Encoder, EncoderSettings, identify, load_encoder
from gem_core.embedding.vector_cache import VectorCache, open_vector_cache
from gem_core.errors import InputError


class Embedders(Protocol):
    """Other processes that hold the encoder.

    Attributes
    ----------
    dimension : int
        Length of the vectors.
    """

    dimension: int

    def rows(self, batches: Iterable[tuple[int, Sequence[str]]]) -> Iterator[Float32]:
        """Yield unit vectors of batches (first row, texts) in their order."""


Engine = Callable[[str, EncoderSettings], AbstractContextManager[Embedders]]


@dataclass(frozen=True)
class EmbeddingEstimate:
    """How long embedding will take, from a few batches that were really embedded.

    Attributes
    ----------
    documents_per_second : float
        Rate measured, loading the encoder not counted.
    seconds : float
        Documents of the corpus divided by that rate.
    measured : int
        Documents that were embedded to find out.
    encoder, precision, device : str
        What they were embedded with.
    max_tokens : int
        Tokens of a document that are read; the rest of a longer one is not seen by the encoder.
    """

    documents_per_second: float
    seconds: float
    measured: int
    encoder: str
    precision: str
    device: str
    max_tokens: int


def embed(
    texts: Sequence[str],
    *,
    cache: Path | str,
    encoder: str = PACKAGED,
    settings: EncoderSettings | None = None,
    batch: int = 256,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> Float32:
    """Turn texts into unit vectors, kept on disk.

    The vectors are found again when texts, encoder and settings are the same: nothing is computed then, and the
    encoder is not loaded. After an interruption of any kind, kill -9 included, the same call resumes after the last
    durable batch, so at most `batch` documents are embedded twice.

    Parameters
    ----------
    texts : sequence of str
        n documents. A text beyond the encoder's limit is read up to it.
    cache : path
        Folder for vectors; each corpus and encoder gets a folder of its own in it.
    encoder : str
        "packaged" (all-MiniLM-L6-v2, d = 384, no network), the folder of a sentence-transformers model, or its name on
        the Hugging Face hub, which is downloaded if it is not on this machine.
    settings : EncoderSettings, optional
    batch : int
        Documents that are made durable together.
    engine : Engine, optional
        Who embeds the batches; this process when None.
    progress : Progress
        Receives step "embed" in documents; may raise `Cancelled`.

    Returns
    -------
    numpy.memmap of float32, shape (n, d)
        Read-only, rows of unit length in the order of `texts`.

    Raises
    ------
    InputError
        When there are no texts, or one is not a string.
    CorpusError
        When the encoder cannot be loaded, its weights are not the packaged ones, or it gives a text no direction.
    WorkspaceError
        When the disk is full (what was written stays), the folder cannot be written, or another process is at work.

    Examples
    --------
    >>> import tempfile
    >>> vectors = embed(["bees dance", "tea is picked"], cache=tempfile.mkdtemp())
    >>> vectors.shape, vectors.dtype
    ((2, 384), dtype('float32'))
    """
    settings = settings or EncoderSettings()
    if batch < 1:
        raise InputError("batch must be at least 1", f"{batch}", "Ask for one document or more")
    digest = _hash_texts(texts)
    identity, model = identify(encoder), None
    if identity is None:  # a model of the hub that is not here yet
        model = load_encoder(encoder, settings)
        identity = identify(encoder) or f"{encoder}@unknown"
    about = {"texts": digest, "encoder": identity, **_of_results(settings)}
    key = content_key(about, 20)
    with open_vector_cache(Path(cache).expanduser() / key, about, len(texts)) as store:
        vectors = store.finished()
        if vectors is None:
            progress("load encoder", 0, 1)
            if engine is None:
                model = model or load_encoder(encoder, settings)
                progress("load encoder", 1, 1)
                _fill(store, texts, model, batch, progress)
            else:
                with engine(encoder, settings) as others:
                    progress("load encoder", 1, 1)
                    _fill_by(others, store, texts, batch, progress)
            vectors = store.finished()
            assert vectors is not None
        progress("embed", len(texts), len(texts))
        return vectors


def _of_results(settings: EncoderSettings) -> dict[str, object]:
    # The device is left out: a corpus embedded on one machine opens on another. No document has the queries' prompt.
    return {name: value for name, value in asdict(settings).items() if name not in ("device", "query_prompt")}


def _hash_texts(texts: Sequence[str]) -> str:
    if isinstance(texts, str) or len(texts) == 0:
        raise InputError(
            "texts must be a list of at least one text",
            "a string" if isinstance(texts, str) else "none",
            "Pass the texts of a corpus",
        )
    digest = hashlib.sha256()
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(
                "every text must be a string",
                f"a {type(text).__name__} in row {row:,}",
                "Read the corpus with read_corpus, which refuses such rows",
            )
        data = text.encode("utf-8", "replace")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def _fill(store: VectorCache, texts: Sequence[str], model: Encoder, batch: int, progress: Progress) -> None:
    first_row, total = store.resume(model.dimension), len(texts)
    progress("embed", first_row, total)
    with encoder_threads(model) as runner:
        waiting = runner.prepare(texts[first_row : first_row + batch])
        for begin in range(first_row, total, batch):
            prepared = waiting.result()
            if begin + batch < total:  # the next texts are tokenized while these are embedded
                waiting = runner.prepare(texts[begin + batch : begin + 2 * batch])
            store.append(runner.rows(prepared, _teller(progress, begin, total), begin))
    store.finish()


def _fill_by(others: Embedders, store: VectorCache, texts: Sequence[str], batch: int, progress: Progress) -> None:
    next_row, total = store.resume(others.dimension), len(texts)
    progress("embed", next_row, total)
    for rows in others.rows((begin, texts[begin : begin + batch]) for begin in range(next_row, total, batch)):
        store.append(rows)
        next_row += len(rows)
        progress("embed", next_row, total)
    store.finish()


def _teller(progress: Progress, begin: int, total: int) -> "_Teller":
    return _Teller(progress, begin, total)


@dataclass(frozen=True)
class _Teller:
    progress: Progress
    begin: int
    total: int

    def __call__(self, completed: int) -> None:
        self.progress("embed", self.begin + completed, self.total)


def estimate_embedding(
    texts: Sequence[str],
    encoder: str | Encoder = PACKAGED,
    *,
    settings: EncoderSettings | None = None,
    seconds: float = 3.0,
) -> EmbeddingEstimate:
    """Measure how fast this machine embeds this corpus: about `seconds` of real work on documents of every length.

    Parameters
    ----------
    texts : sequence of str
        The corpus.
    encoder : str or Encoder
        As for `embed`, or one that is already loaded.
    settings : EncoderSettings, optional
    seconds : float
        Time after which no further batch is begun; at least one batch is measured after a first one to warm up.

    Returns
    -------
    Estimate
        Other work on the machine makes it wrong in both directions; the job's own progress is better once it runs.

    Raises
    ------
    InputError
        When there are no texts.
    CorpusError
        When the encoder cannot be loaded.
    """
    if len(texts) == 0:
        raise InputError("texts must hold at least one text", "none", "Pass the texts of a corpus")
    model = load_encoder(encoder, settings) if isinstance(encoder, str) else encoder
    # Every 1/32 of the sorted lengths goes into each batch, so a batch is a small image of the corpus.
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    with encoder_threads(model) as runner:
        _measure(runner, [texts[i] for i in order[len(order) // 64 :: max(1, len(order) // 8)]][:8])
        spent, measured, offset = 0.0, 0, 0
        while spent < seconds and measured < len(texts):
            step = max(1, len(order) // 32)
            some = [texts[i] for i in order[offset % step :: step]]
            spent += _measure(runner, some)
            measured += len(some)
            offset += max(1, step // 3)
    rate = measured / spent
    return EmbeddingEstimate(
        rate, len(texts) / rate, measured, model.name, model.precision, model.device, model.max_tokens
    )


def _measure(runner: Runner, texts: Sequence[str]) -> float:
    begin = time.perf_counter()
    runner.rows(runner.prepare(texts).result(), lambda completed: None)
    return time.perf_counter() - begin
