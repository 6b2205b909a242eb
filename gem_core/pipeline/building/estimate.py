"""Estimate the size of a corpus and the time that embedding it takes, before anything is written."""

from dataclasses import dataclass

from gem_core._types import Progress, silent
from gem_core.corpus import load_vectors
from gem_core.embedding import estimate_embedding
from gem_core.pipeline.building.ingest import Source, read_source


@dataclass(frozen=True)
class Estimate:
    """Size of a corpus and the time its embedding would take on this machine.

    Attributes
    ----------
    documents, tokens : int
        Of the documents that are kept.
    tokens_from : str
        How tokens were counted.
    refused : dict
        Reason code to number of refused rows.
    documents_per_second : float
        Measured on a few batches; 0 with supplied vectors, which need no embedding.
    seconds : float
        Estimated time to embed all documents; 0 with supplied vectors.
    notes : tuple of str
        What reading the corpus found: empty and skipped files, an id column that was not unique.
    """

    documents: int
    tokens: int
    tokens_from: str
    refused: dict[str, int]
    documents_per_second: float
    seconds: float
    notes: tuple[str, ...] = ()


def estimate(source: Source, *, progress: Progress = silent) -> Estimate:
    """Read a corpus and embed a few batches of it; nothing is written.

    Parameters
    ----------
    source : Source
    progress : Progress

    Raises
    ------
    CorpusError
        If the file cannot be read, or no document is left.
    InputError
        If the encoder is not there, or supplied vectors do not fit the corpus.
    """
    corpus = read_source(source, progress=progress)
    rate = seconds = 0.0
    if source.vectors is not None:
        load_vectors(source.vectors, len(corpus.documents), rows=corpus.rows, source_rows=corpus.source_rows)
    else:
        progress("measure the encoder", 0, 1)
        measured = estimate_embedding(list(corpus.documents["text"]), source.encoder, settings=source.embedding)
        rate, seconds = measured.documents_per_second, measured.seconds
        progress("measure the encoder", 1, 1)
    return Estimate(
        len(corpus.documents),
        int(corpus.documents["tokens"].sum()),
        corpus.tokens_from,
        corpus.refused_counts,
        rate,
        seconds,
        corpus.notes,
    )
