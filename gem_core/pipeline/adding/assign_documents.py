"""Assign new documents to the clusters of the present taxonomy; the workspace is not changed."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gem_core._types import Float32, Progress, silent
from gem_core.clustering import Assignment
from gem_core.clustering.assignment import assign_units
from gem_core.corpus import ReadOptions, check_vectors, choose_columns, load_vectors, preview
from gem_core.corpus.fields import has_field
from gem_core.corpus.read import MIN_WORDS
from gem_core.corpus.unpack import LONGEST_ROW
from gem_core.errors import InputError
from gem_core.pipeline.building.ingest import PACKAGED, Source, read_source, recorded_embedding
from gem_core.pipeline.building.new_documents import vectors_of
from gem_core.pipeline.search.semantic import encoder_of
from gem_core.workspace import Taxonomy, Workspace

POOR_FIT = 0.01  # a new document fits badly when its cosine lies below this quantile of its cluster


def assign_documents(
    workspace: Workspace,
    source: Source | None = None,
    *,
    vectors: Path | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Assign documents or vectors to the clusters of the present taxonomy, with all its edits.

    Parameters
    ----------
    workspace : Workspace
        With a fit; nothing is written to it.
    source : Source, optional
        Documents (`source_like`); embedded with the encoder of the workspace, or with the vectors of the source.
    vectors : Path, optional
        Vectors alone, one row per document: .npy, or Parquet with a list column.
    progress : Progress

    Returns
    -------
    DataFrame
        One row per document, in their order: id ("row-0", "row-1", ... without a source), cluster_id, label, group,
        margin (nats; lead over the second cluster), posterior (probability of the cluster under the fit, near 1 in
        high dimension even where the margin is small), cosine (to the center of the cluster), second (number of the
        next cluster), excluded, fits_badly (cosine below that of 99% of the cluster's documents).

    Raises
    ------
    InputError
        If neither or both of `source` and `vectors` are given, the dimension is another one, or the encoder is unknown.
    CorpusError
        If the documents or vectors cannot be read.
    WorkspaceError
        If nothing has been fitted yet.
    """
    if (source is None) == (vectors is None):
        raise InputError(
            "Documents or vectors alone are assigned",
            "neither" if source is None else "both",
            "Give a corpus file, or --embeddings FILE",
        )
    taxonomy = workspace.taxonomy()
    check_vectors_from(workspace, source.vectors if source is not None else vectors)
    if source is None:
        assert vectors is not None
        count, _ = check_vectors(vectors)
        rows, ids = load_vectors(vectors, count), np.array([f"row-{row}" for row in range(count)], dtype=object)
    else:
        corpus = read_source(source, progress=progress)
        ids = corpus.documents["id"].to_numpy()
        with TemporaryDirectory(prefix="gem-explorer-") as cache:
            every = np.arange(len(ids), dtype=np.int64)
            rows = np.array(vectors_of(source, corpus, every, Path(cache), progress))
    progress("assign", 0, 1)
    table = assignment_table(taxonomy, assign_units(rows, taxonomy.fit), ids)
    progress("assign", 1, 1)
    return table


def assignment_table(taxonomy: Taxonomy, assignment: Assignment, ids: NDArray[np.object_]) -> pd.DataFrame:
    """Return the table of `assign_documents` for vectors that were assigned under the mixture of a taxonomy."""
    clusters, labels = taxonomy.clusters, assignment.labels
    numbers = np.array([cluster.number for cluster in clusters], dtype=np.int32)
    names = np.array([cluster.label for cluster in clusters], dtype=object)
    groups = np.array([taxonomy.group(cluster.group).label for cluster in clusters], dtype=object)
    excluded = np.array([cluster.excluded for cluster in clusters])
    return pd.DataFrame(
        {
            "id": ids,
            "cluster_id": numbers[labels],
            "label": names[labels],
            "group": groups[labels],
            "margin": assignment.margin,
            "posterior": np.exp(assignment.log_responsibility),
            "cosine": assignment.cosine,
            "second": numbers[assignment.second],
            "excluded": excluded[labels],
            "fits_badly": assignment.cosine < least_cosines(taxonomy)[labels],
        }
    )


def least_cosines(taxonomy: Taxonomy) -> Float32:
    """Return the cosine below which a document fits a cluster badly: the first percentile of its documents, (K,)."""
    by_cluster = taxonomy.documents.groupby(taxonomy.positions)["cosine"].quantile(POOR_FIT)
    every = by_cluster.reindex(range(len(taxonomy.clusters)), fill_value=-1.0)
    return np.asarray(every, dtype=np.float32)


def source_like(
    workspace: Workspace, path: Path, *, text: str = "", id: str = "", vectors: Path | None = None
) -> Source:
    """Return a source whose columns have the roles that they have in a workspace, where the file has them.

    Raises
    ------
    CorpusError
        If the file cannot be read or lacks the text column.
    """
    manifest = workspace.manifest
    options = ReadOptions(
        encoding=manifest.options.get("encoding", "utf-8"),
        header=not manifest.options.get("no_header", False),
        longest_row=manifest.options.get("longest_row", LONGEST_ROW),
    )
    present = preview(path, options=options).columns
    roles = {
        role: name if name and has_field(present, name) else ""
        for role, name in manifest.columns.items()
        if role != "text"
    }
    if id:
        roles["id"] = id
    columns = choose_columns(path, text=text or manifest.columns["text"], options=options, **roles)
    return Source(
        path,
        columns=columns,
        vectors=vectors,
        encoder=encoder_of(workspace) or PACKAGED,
        min_words=manifest.options.get("min_words", MIN_WORDS),
        options=options,
        embedding=recorded_embedding(manifest),
    )


def check_vectors_from(workspace: Workspace, vectors: Path | None) -> None:
    """Refuse vectors of another dimension, or none where the encoder of the workspace is not known.

    Raises
    ------
    InputError, CorpusError
    """
    if vectors is not None:
        _, dimension = check_vectors(vectors)
        if dimension != workspace.manifest.dimension:
            raise InputError(
                f"New vectors must have the {workspace.manifest.dimension} dimensions of the workspace",
                f"{dimension} in {vectors.name}",
                "Embed the documents with the same encoder",
            )
    elif encoder_of(workspace) is None:
        raise InputError(
            "New documents are embedded with the encoder of the workspace",
            "an unknown encoder: its vectors were supplied",
            "Give the vectors with --embeddings, or name the encoder: gem-explorer search DIR WORDS --meaning "
            "--encoder NAME",
        )
