"""Search by meaning: words become a vector by the encoder that made the documents' vectors, the nearest answer."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from gem_core._bundled import bundled
from gem_core._checkpoints import read_record
from gem_core._types import Bool, Float32, Int32, Progress, frozen, silent
from gem_core.embedding.batches import encode
from gem_core.embedding.encoders import PACKAGED, Encoder, EncoderSettings, load_encoder
from gem_core.errors import InputError
from gem_core.pipeline.building.ingest import recorded_embedding
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import write_json

FILE = "encoder.json"
CHECKED = 12  # documents that are embedded again to see whether an encoder made the vectors
SAME = 0.9  # cosine to their vectors from which it did: other cuts and number formats cost some hundredths
BLOCK = 16_384
_LOADING = Lock()


@dataclass(frozen=True)
class Near:
    """Documents near to a question.

    Attributes
    ----------
    rows : (m,) int32
        Nearest first.
    cosine : (m,) float32
    """

    rows: Int32
    cosine: Float32


def encoder_of(workspace: Workspace) -> str | None:
    """Name the encoder that made a workspace's vectors; None when it is unknown.

    Nothing is concluded from their dimension: many models have 384.
    """
    encoder = workspace.manifest.encoder
    if not encoder.endswith((".npy", ".parquet", ".pq")) and not Path(encoder).expanduser().is_file():
        return encoder or None
    if Path(encoder) == bundled("sample_data") / "embeddings.npy":  # shipped with the program, made by its own encoder
        return PACKAGED
    record = read_record(workspace.root / FILE) or {}
    return str(record["encoder"]) if record.get("vectors") == _print(workspace) else None


def name_encoder(workspace: Workspace, encoder: str, *, progress: Progress = silent) -> float:
    """Record which encoder made supplied vectors; stored in the workspace after a look at whether it can be true.

    Twelve documents, evenly through the corpus, are embedded again and compared with the vectors they have.

    Parameters
    ----------
    workspace : Workspace
    encoder : str
        "packaged", the folder of a sentence-transformers model, or its name on the hub.
    progress : Progress

    Returns
    -------
    float
        Median cosine between the new vectors and the old ones.

    Raises
    ------
    InputError
        If the encoder makes vectors of another length, or others than these.
    CorpusError
        If it cannot be loaded.
    """
    model = loaded(encoder, progress)
    vectors = workspace.embeddings
    if model.dimension != vectors.shape[1]:
        raise InputError(
            f"The encoder must make vectors of {vectors.shape[1]:,} numbers, as the corpus has",
            f"{model.dimension:,} from {encoder}",
            "Name the encoder that made them",
        )
    rows = np.unique(np.linspace(0, len(vectors) - 1, CHECKED).astype(int))
    progress("compare", 0, 1)
    again = encode(workspace.texts(rows.tolist()), model)
    cosine = float(np.median(np.einsum("ij,ij->i", again, vectors[rows])))
    progress("compare", 1, 1)
    if cosine < SAME:
        raise InputError(
            f"The encoder must make these vectors again, at a cosine of {SAME} or more",
            f"a median of {cosine:.2f} over {len(rows)} documents with {encoder}",
            "Name the encoder that made them, or search for documents like one you know",
        )
    with workspace.writing():
        write_json(workspace.root / FILE, {"encoder": encoder, "cosine": cosine, "vectors": _print(workspace)})
    return cosine


def _print(workspace: Workspace) -> str:
    """Return what the words about an encoder hold for: these vectors and no later ones."""
    manifest = workspace.manifest
    return f"{manifest.data_hash} {manifest.encoder} {manifest.dimension}"


@lru_cache(maxsize=2)
def _load(encoder: str, settings: EncoderSettings) -> Encoder:
    return load_encoder(encoder, settings)


def loaded(encoder: str, progress: Progress = silent, *, settings: EncoderSettings | None = None) -> Encoder:
    """Return an encoder, loaded once in a process: the first time takes seconds."""
    progress("load encoder", 0, 1)
    with _LOADING:  # two people who ask at once wait for one encoder
        model = _load(encoder, settings or EncoderSettings())
    progress("load encoder", 1, 1)
    return model


def vector_of(workspace: Workspace, words: str, *, progress: Progress = silent) -> Float32:
    """Turn words into a unit vector, (d,), in the space of the workspace's documents, with the prompt of queries.

    Raises
    ------
    InputError
        If there are no words, or the encoder of the vectors is unknown.
    CorpusError
        If the encoder cannot be loaded.
    """
    if not words.strip():
        raise InputError("A search by meaning needs words", "none", "Say what the documents should be about")
    name = encoder_of(workspace)
    if name is None:
        raise InputError(
            "A search by meaning needs the encoder that made the vectors",
            f"vectors from {Path(workspace.manifest.encoder).name}, which do not say",
            "Name it with --encoder, or search for documents like one you know with --like ROW",
        )
    model = loaded(name, progress, settings=recorded_embedding(workspace.manifest))
    if model.dimension != workspace.manifest.dimension:
        raise InputError(
            f"The encoder must make {workspace.manifest.dimension:,} numbers, as the corpus has",
            f"{model.dimension:,} from {name}",
            "Name the encoder that made them with --encoder",
        )
    vector = encode([" ".join(words.split())], model, query=True)[0]
    return frozen(np.asarray(vector, dtype=np.float32))


def nearest(workspace: Workspace, vector: Float32, limit: int, *, within: Bool | None = None) -> Near:
    """Return the `limit` documents of highest cosine to a unit vector, exactly; one pass over the vectors.

    Parameters
    ----------
    workspace : Workspace
    vector : (d,) unit vector
    limit : int
    within : (n,) bool, optional
        Only these documents.
    """
    if limit < 1:
        raise InputError("limit must be at least 1", str(limit), "Ask for one document or more")
    vectors = workspace.embeddings
    cosine = np.concatenate(
        [np.asarray(vectors[begin : begin + BLOCK] @ vector) for begin in range(0, len(vectors), BLOCK)]
    )
    rows = np.arange(len(cosine)) if within is None else np.flatnonzero(within)
    row_cosines = cosine[rows]
    if limit < len(rows):
        best = np.argpartition(-row_cosines, limit - 1)[:limit]
        rows, row_cosines = rows[best], row_cosines[best]
    order = np.lexsort((rows, -row_cosines))
    return Near(frozen(rows[order].astype(np.int32)), frozen(row_cosines[order]))


def search_meaning(
    workspace: Workspace, words: str, limit: int = 200, *, within: Bool | None = None, progress: Progress = silent
) -> Near:
    """Return the documents nearest in meaning to words: the highest cosines x_i'q to the words' own vector q.

    Parameters
    ----------
    workspace : Workspace
        With vectors of a known encoder (`encoder_of`).
    words : str
        A question, a phrase or a whole text.
    limit : int
        At most so many documents.
    within : (n,) bool, optional
        Only these documents.
    progress : Progress
        Receives step "load encoder", which takes seconds the first time.

    Raises
    ------
    InputError
        If there are no words, or the encoder of the vectors is unknown.
    CorpusError
        If the encoder cannot be loaded.
    """
    return nearest(workspace, vector_of(workspace, words, progress=progress), limit, within=within)


def search_like(workspace: Workspace, row: int, limit: int = 200, *, within: Bool | None = None) -> Near:
    """Return the documents nearest to one of them, itself left out; needs no encoder.

    Raises
    ------
    InputError
        If there is no such document.
    """
    n = len(workspace)
    if not 0 <= row < n:
        raise InputError(f"A document is a row from 0 to {n - 1:,}", f"{row:,}", "Choose one of the corpus")
    others = np.ones(n, dtype=np.bool_) if within is None else within.copy()
    others[row] = False
    return nearest(workspace, np.asarray(workspace.embeddings[row]), limit, within=others)
