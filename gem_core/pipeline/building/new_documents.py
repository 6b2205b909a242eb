"""Documents that a workspace does not hold yet: which they are, their vectors, and their record in the manifest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gem_core._types import Float32, Progress, silent
from gem_core.corpus import Columns, Corpus, ReadOptions, load_vectors
from gem_core.corpus.read import clean_column
from gem_core.embedding import EncoderSettings, embed
from gem_core.pipeline.building.ingest import Source, read_source


@dataclass(frozen=True)
class NewDocuments:
    """The documents of a corpus that a workspace does not hold.

    Attributes
    ----------
    table : DataFrame
        id, text, tokens and the other columns, one row per new document.
    positions : (m,) int64
        Their rows in the corpus.
    skipped : int
        Documents whose text the workspace holds already.
    refused : DataFrame
        Rows that the corpus or the workspace refuses: row, id, reason, detail.
    """

    table: pd.DataFrame
    positions: NDArray[np.int64]
    skipped: int
    refused: pd.DataFrame


def vectors_of(
    source: Source, corpus: Corpus, positions: NDArray[np.int64], cache: Path, progress: Progress
) -> Float32:
    """Return unit vectors of some documents of a corpus, (m, d): from the file of the source, or embedded now."""
    if source.vectors is not None:
        every = load_vectors(source.vectors, len(corpus.documents), rows=corpus.rows, source_rows=corpus.source_rows)
        return every[positions]
    texts = [str(text) for text in corpus.documents["text"].iloc[positions]]
    return embed(texts, cache=cache, encoder=source.encoder, settings=source.embedding, progress=progress)


def select_new(documents: pd.DataFrame, corpus: Corpus, name: str) -> NewDocuments:
    """Return the documents of a corpus whose text is not among `documents`.

    A document with the id of one of `documents` and another text is refused; where the corpus has no id column, ids
    begin with the name of its file.

    Parameters
    ----------
    documents : DataFrame
        id and text of the documents that are there.
    corpus : Corpus
    name : str
        Name of its file.
    """
    known_texts = {_fingerprint(text) for text in documents["text"]}
    is_new = np.array([_fingerprint(text) not in known_texts for text in corpus.documents["text"]], dtype=bool)
    positions = np.flatnonzero(is_new)
    table = corpus.documents.iloc[positions].reset_index(drop=True)
    used = set(documents["id"].astype(str))
    refused = corpus.refused
    if corpus.columns.id is None:
        table["id"] = pd.Series(_free_ids([f"{name}:{row}" for row in table["id"]], used), dtype="str")
    else:
        is_duplicate = table["id"].isin(used).to_numpy()
        rows = pd.DataFrame(
            {
                "row": corpus.rows[positions[is_duplicate]],
                "id": table["id"][is_duplicate].to_numpy(),
                "reason": "duplicate_id",
                "detail": "a document of the workspace has the same id and another text",
            }
        ).astype({"row": "int64", "id": "str", "reason": "str", "detail": "str"})
        refused = pd.concat([refused, rows], ignore_index=True) if len(rows) else refused
        positions, table = positions[~is_duplicate], table[~is_duplicate].reset_index(drop=True)
    return NewDocuments(table, positions, int((~is_new).sum()), refused)


def _fingerprint(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


def _free_ids(ids: list[str], used: set[str]) -> list[str]:
    """Return ids of which none is used: a number is put behind those that are."""
    free = []
    for name in ids:
        number, candidate = 2, name
        while candidate in used:
            number, candidate = number + 1, f"{name} ({number})"
        free.append(candidate)
    return free


def append_rows(documents: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Append documents; a column that only one side has is empty on the other, one of two types becomes text."""
    columns = {}
    for name in dict.fromkeys([*documents.columns, *new.columns]):
        parts = [table[name] if name in table else pd.Series([None] * len(table)) for table in (documents, new)]
        if name in documents and name in new and parts[0].dtype == parts[1].dtype:
            columns[name] = pd.concat(parts, ignore_index=True)
        else:
            columns[name] = clean_column([None if pd.isna(cell) else cell for part in parts for cell in part.tolist()])
    return pd.DataFrame(columns)


def record_addition(source: Source, corpus: Corpus, documents: int, data_hash: str) -> dict[str, Any]:
    """Return what the manifest records of an addition; `recorded_addition` reads it."""
    options = source.options or ReadOptions()
    return {
        "source": str(source.path),
        "vectors": str(source.vectors) if source.vectors else None,
        "encoder": source.encoder,
        "columns": corpus.columns.as_dict(),
        "options": {"min_words": source.min_words, **asdict(options)},
        "documents": documents,
        "data_hash": data_hash,
    }


def recorded_addition(record: Mapping[str, Any], embedding: EncoderSettings) -> Source:
    """Return the source of an addition from its record in the manifest."""
    options = dict(record["options"])
    return Source(
        Path(record["source"]),
        columns=Columns(**record["columns"]),
        vectors=Path(record["vectors"]) if record["vectors"] else None,
        encoder=record["encoder"],
        min_words=options.pop("min_words"),
        options=ReadOptions(**options),
        embedding=embedding,
    )


def read_addition(
    source: Source, documents: pd.DataFrame, *, progress: Progress = silent
) -> tuple[Corpus, NewDocuments]:
    """Read a source and select the documents that are not among `documents`."""
    corpus = read_source(source, progress=progress)
    return corpus, select_new(documents, corpus, source.path.name)
