"""Names of clusters and groups from a vocabulary: which encoder, which documents, which vectors."""

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gem_core._content_key import content_key
from gem_core._types import Float32, Float64, Floating, Int32, Progress, silent
from gem_core.embedding.encoders import PACKAGED, EncoderSettings, identify
from gem_core.errors import CorpusError
from gem_core.taxonomy.cluster_names import name_clusters_by_concepts, telling_kinds
from gem_core.taxonomy.concept_scores import ConceptScores, score_concepts
from gem_core.taxonomy.concepts import ConceptTable, load_concepts, packaged_concepts, packaged_vectors
from gem_core.taxonomy.function_words import is_foreign_text
from gem_core.taxonomy.keywords import Keyword
from gem_core.taxonomy.name_parts import ClusterName
from gem_core.taxonomy.text_kinds import document_kinds, text_kinds
from gem_core.workspace import Workspace
from gem_core.workspace.home import home
from gem_core.workspace.integrity import DAMAGE

OWN = "vocabulary"  # stem of the file in a workspace that holds a person's own vocabulary
EXEMPLARS = 30  # documents of a cluster that are embedded where the encoder of the vectors is unknown
EXEMPLAR_CHARACTERS = 800  # of each: more hardly changes which entries are near, and costs time
FEWEST = 5  # embedded documents of every cluster without which a fit names by keywords
EXEMPLAR_VECTORS = "exemplar_vectors.npz"  # in a workspace: rows and vectors of documents embedded for names
NO_KIND = ("", 0.0, 0.0)
KIND_SAMPLE = 24  # documents of a cluster whose form and language are looked at
FOREIGN = 0.5  # most of them in other languages than English: more, and English entries do not name the cluster


@dataclass(frozen=True)
class ConceptSpace:
    """Documents and entries as vectors of one encoder.

    Attributes
    ----------
    table : ConceptTable
    vectors : (S, d) float32
    X : (m, d) float
        Documents, all of them or some of each cluster.
    rows : (m,) int
        Their rows in the corpus.
    encoder : str
    """

    table: ConceptTable
    vectors: Float32
    X: Floating
    rows: NDArray[np.int64]
    encoder: str


def workspace_concepts(workspace: Workspace) -> ConceptTable:
    """Return the vocabulary of a workspace: its own, or the shipped one."""
    own = sorted(workspace.root.glob(f"{OWN}.*"))
    return load_concepts(own[0]) if own else packaged_concepts()


def keep_vocabulary(workspace: Workspace, file: Path | None) -> None:
    """Make a file the vocabulary of a workspace, or return to the shipped one when None.

    Raises
    ------
    InputError
        If the file is no vocabulary.
    """
    if file is not None:
        load_concepts(file)
    with workspace.writing():
        for old in workspace.root.glob(f"{OWN}.*"):
            old.unlink()
        if file is not None:
            shutil.copyfile(file, workspace.root / f"{OWN}{file.suffix.lower() or '.txt'}")


def concept_space(
    workspace: Workspace,
    positions: Int32,
    gis: Float64,
    *,
    table: ConceptTable | None = None,
    embed_exemplars: bool = False,
    progress: Progress = silent,
) -> ConceptSpace | None:
    """Return documents and vocabulary in one space; None when the encoder of the vectors is unknown.

    With `embed_exemplars` the packaged encoder embeds 30 documents of each cluster in that case and the workspace keeps
    their vectors: later fits and edits name by them as long as every cluster has 5 of them.
    """
    # Imported here: the search builds on the pipeline's fit, which names clusters by this module.
    from gem_core.pipeline.search.semantic import encoder_of

    table = table or workspace_concepts(workspace)
    encoder = encoder_of(workspace)
    if encoder is not None:
        vectors = concept_vectors(table, encoder, progress=progress)
        return ConceptSpace(table, vectors, workspace.embeddings, np.arange(len(positions)), encoder)
    rows, X = _load_exemplars(workspace)
    if embed_exemplars:
        typical = [_typical(positions, gis, k, EXEMPLARS) for k in range(int(positions.max()) + 1)]
        wanted_rows = np.setdiff1d(np.concatenate(typical), rows)
        if wanted_rows.size:
            rows, X = _embed_exemplars(workspace, wanted_rows, rows, X, progress)
    sizes, embedded = np.bincount(positions), np.bincount(positions[rows], minlength=int(positions.max()) + 1)
    if (embedded < np.minimum(sizes, FEWEST)).any():
        return None
    return ConceptSpace(table, concept_vectors(table, PACKAGED, progress=progress), X, rows, PACKAGED)


def _load_exemplars(workspace: Workspace) -> tuple[NDArray[np.int64], Float32]:
    """Rows and vectors of the documents that were embedded for names before; none when there are none."""
    try:
        with np.load(workspace.root / EXEMPLAR_VECTORS, allow_pickle=False) as arrays:
            rows, X = arrays["rows"].astype(np.int64), arrays["vectors"].astype(np.float32)
        if len(rows) == len(X) and (rows < len(workspace.documents)).all():
            return rows, X
    except DAMAGE:
        pass  # Not there, or damaged: the documents are embedded again when these names are requested.
    return np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.float32)


def _embed_exemplars(
    workspace: Workspace, new: NDArray[np.int64], rows: NDArray[np.int64], X: Float32, progress: Progress
) -> tuple[NDArray[np.int64], Float32]:
    """Embed documents with the packaged encoder and keep them beside those that are there."""
    from gem_core.embedding.batches import encode
    from gem_core.pipeline.search.semantic import loaded

    progress("embed exemplars", 0, len(new))
    vectors = encode([text[:EXEMPLAR_CHARACTERS] for text in workspace.texts(new.tolist())], loaded(PACKAGED))
    progress("embed exemplars", len(new), len(new))
    rows, X = np.concatenate((rows, new)), np.concatenate((X, vectors)) if len(X) else vectors
    order = np.argsort(rows)
    rows, X = rows[order], np.asarray(X[order], dtype=np.float32)
    part = workspace.root / f"{EXEMPLAR_VECTORS}.part"
    with part.open("wb") as file:
        np.savez(file, rows=rows, vectors=X)
    part.replace(workspace.root / EXEMPLAR_VECTORS)
    return rows, X


def concept_vectors(
    table: ConceptTable, encoder: str, *, settings: EncoderSettings | None = None, progress: Progress = silent
) -> Float32:
    """Return the unit vectors of a vocabulary: shipped, or embedded once and kept in the home folder.

    Raises
    ------
    CorpusError
        If the encoder cannot be loaded.
    """
    from gem_core.embedding.batches import encode
    from gem_core.pipeline.search.semantic import loaded

    prompt = settings.prompt if settings is not None else None
    if encoder == PACKAGED and not prompt:
        key, shipped = packaged_vectors()
        if key == table.key:
            return shipped
    identity = [identify(encoder) or encoder, table.key, *([prompt] if prompt is not None else [])]
    path = home() / "vocabularies" / f"{content_key(identity)}.npy"
    try:
        cached_vectors: Float32 = np.load(path, allow_pickle=False)
        if cached_vectors.shape[0] == len(table.names):
            return cached_vectors
    except (OSError, ValueError):
        pass  # Not embedded yet, or damaged: the file is written again.
    progress("embed vocabulary", 0, len(table.names))
    vectors = encode(table.texts, loaded(encoder, settings=settings))
    progress("embed vocabulary", len(table.names), len(table.names))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, vectors)
    part.replace(path)
    return vectors


@dataclass(frozen=True)
class ConceptNaming:
    """Scores of all clusters of a taxonomy, from which clusters and groups are named.

    Attributes
    ----------
    workspace : Workspace
    positions : (n,) int
    gis : (n,) float
    scores : ConceptScores
        0 for clusters that are not in English.
    is_foreign : (K,) bool
        Clusters that keywords name, for most of their documents are in other languages and the vocabulary and the
        encoder know English only.
    """

    workspace: Workspace
    positions: Int32
    gis: Float64
    scores: ConceptScores
    is_foreign: NDArray[np.bool_]

    def clusters(
        self,
        which: Sequence[int],
        keywords: Sequence[Sequence[Keyword]],
        *,
        numbers: Sequence[int] = (),
        used: Collection[str] = (),
    ) -> tuple[ClusterName, ...]:
        """Name the clusters at some places; `used` are labels of the others."""
        kinds = self._kinds(which)
        rows = np.asarray(list(which), dtype=np.int64)
        scores = ConceptScores(
            self.scores.table, self.scores.coverage[rows], self.scores.votes[rows], self.scores.cosine[rows]
        )
        return name_clusters_by_concepts(scores, kinds, keywords, numbers=numbers, used=used)

    def _kinds(self, which: Sequence[int]) -> list[tuple[str, float, float]]:
        every = range(len(self.scores.coverage))
        samples = [_typical(self.positions, self.gis, k, KIND_SAMPLE, spread=True) for k in every]
        rows = np.concatenate(samples) if samples else np.zeros(0, dtype=np.int64)
        hits = document_kinds(self.workspace.texts(rows.tolist()))
        ends = np.cumsum([len(sample) for sample in samples])
        parts = np.split(hits, ends[:-1]) if len(ends) else []
        kinds = telling_kinds([part.astype(np.float64) for part in parts], [kind.name for kind in text_kinds()])
        return [NO_KIND if self.is_foreign[k] else kinds[k] for k in which]


def concept_naming(
    workspace: Workspace,
    positions: Int32,
    gis: Float64,
    n_clusters: int,
    *,
    table: ConceptTable | None = None,
    embed_exemplars: bool = False,
    progress: Progress = silent,
) -> ConceptNaming | None:
    """Score a taxonomy's clusters against the vocabulary; None when the encoder of the vectors is not known.

    Parameters
    ----------
    workspace : Workspace
    positions : (n,) int
        Place of each document's cluster.
    gis : (n,) float
    n_clusters : int
    table : ConceptTable, optional
        The vocabulary of the workspace when left out.
    embed_exemplars : bool
        Embed 30 documents of each cluster with the packaged encoder when the encoder is not known.
    progress : Progress
    """
    try:
        space = concept_space(
            workspace, positions, gis, table=table, embed_exemplars=embed_exemplars, progress=progress
        )
    except CorpusError:
        if embed_exemplars:  # these names are requested
            raise
        return None  # A fit must not fail because an encoder that names clusters is gone.
    if space is None:
        return None
    inside = positions[space.rows]
    scores = score_concepts(space.X, inside, space.vectors, space.table, n_clusters, gis=gis[space.rows])
    is_foreign = np.zeros(n_clusters, dtype=np.bool_)
    if space.encoder == PACKAGED and space.table.key == packaged_concepts().key:
        is_foreign = _find_foreign_clusters(workspace, positions, gis, n_clusters)
        english = ~is_foreign[:, None]
        scores = replace(scores, coverage=scores.coverage * english, votes=scores.votes * english)
    return ConceptNaming(workspace, positions, gis, scores, is_foreign)


def _find_foreign_clusters(workspace: Workspace, positions: Int32, gis: Float64, n_clusters: int) -> NDArray[np.bool_]:
    """Return which clusters hold more documents in other languages than in English, by 24 of each."""
    samples = [_typical(positions, gis, k, KIND_SAMPLE, spread=True) for k in range(n_clusters)]
    cluster = np.repeat(np.arange(n_clusters), [len(rows) for rows in samples])
    texts = workspace.texts(np.concatenate(samples).tolist())
    foreign = np.bincount(cluster, [is_foreign_text(text) for text in texts], n_clusters)
    return np.asarray(foreign > FOREIGN * np.bincount(cluster, minlength=n_clusters), dtype=np.bool_)


def _typical(positions: Int32, gis: Float64, cluster: int, count: int, *, spread: bool = False) -> NDArray[np.int64]:
    """Rows of a cluster by falling GIS: the first ones, or evenly over all."""
    rows: NDArray[np.int64] = np.flatnonzero(positions == cluster)
    rows = rows[np.argsort(-gis[rows], kind="stable")]
    if not spread or len(rows) <= count:
        return np.asarray(rows[:count], dtype=np.int64)
    picks = np.unique(np.linspace(0, len(rows) - 1, count).astype(np.int64))
    return np.asarray(rows[picks], dtype=np.int64)
