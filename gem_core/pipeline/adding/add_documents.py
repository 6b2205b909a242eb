"""Add documents to a workspace: known texts are skipped, new ones are assigned to the existing clusters."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gem_core._types import Float32, Progress, silent
from gem_core.clustering.assignment import assign_units
from gem_core.corpus import Corpus, hash_documents
from gem_core.errors import WorkspaceError
from gem_core.pipeline.adding.assign_documents import assignment_table, check_vectors_from
from gem_core.pipeline.adding.extend_taxonomy import TaxonomyExtension
from gem_core.pipeline.building.ingest import Source
from gem_core.pipeline.building.new_documents import (
    NewDocuments,
    append_rows,
    read_addition,
    record_addition,
    vectors_of,
)
from gem_core.pipeline.labels.stop_words import FILE as STOP_WORDS
from gem_core.projection import equal_earth, place_beside_neighbors
from gem_core.taxonomy import count_terms
from gem_core.workspace import Workspace
from gem_core.workspace.addition import commit_addition, finish_addition
from gem_core.workspace.atomic_files import remove_folder, write_array, write_folder, write_parquet, write_whole
from gem_core.workspace.excerpts import openings, write_openings
from gem_core.workspace.integrity import reading_part
from gem_core.workspace.manifest import Manifest, read_manifest

BLOCK = 16_384
MANY_POOR = 0.05  # part of the added documents that fit badly from which a refit is worth a thought


@dataclass(frozen=True)
class AddedDocuments:
    """Result of adding documents.

    Attributes
    ----------
    table : DataFrame
        The added documents under the present taxonomy, as `assign_documents` returns them.
    skipped : int
        Documents that were skipped because the workspace holds their text.
    refused : dict
        Reason code to number of rows that were not added.
    """

    table: pd.DataFrame
    skipped: int
    refused: dict[str, int]

    @property
    def poor(self) -> int:
        """Added documents that fit badly: cosine below that of 99% of their cluster's documents before."""
        return int(self.table["fits_badly"].sum())

    @property
    def suggests_refit(self) -> bool:
        """Whether more than 5% of the added documents fit badly; about 1% would by chance."""
        return self.poor > MANY_POOR * len(self.table)


def add_documents(workspace: Workspace, source: Source, *, progress: Progress = silent) -> AddedDocuments:
    """Add the documents of a source that a workspace does not hold, and assign them to its clusters.

    A document whose text is there already is skipped, so adding a file again adds nothing; documents that are there
    keep their vectors and their places on the map. The clusters, their names, pins, notes and every step of the history
    stay: each step's mixture takes the new documents, so undo and redo work as before. They change clusters, not
    documents: an addition itself cannot be undone. It is whole or absent: a killed process leaves the workspace as it
    was or with all new documents. Mixing runs, students and studies stay with the documents they were made on.

    Parameters
    ----------
    workspace : Workspace
        With a fit. It is stale afterwards: open the folder again.
    source : Source
        From `source_like`.
    progress : Progress
        Raise `Cancelled` in it to stop; embedding goes on from its last batch when called again.

    Returns
    -------
    AddedDocuments

    Raises
    ------
    InputError
        If the vectors have another dimension, or the encoder of the workspace is unknown and none are given.
    CorpusError
        If the documents or vectors cannot be read.
    WorkspaceError
        If nothing has been fitted yet, or the workspace cannot be written or was changed meanwhile.
    """
    root = workspace.root
    with workspace.writing():
        finish_addition(root)
        if read_manifest(root).data_hash != workspace.manifest.data_hash:
            raise WorkspaceError(
                "Documents are added to the corpus as it was opened",
                f"{root}, which another process has changed since",
                "Run the same command again",
            )
        taxonomy = workspace.taxonomy()
        check_vectors_from(workspace, source.vectors)
        with reading_part(root, "documents.parquet"):
            documents = pd.read_parquet(root / "documents.parquet")
        corpus, new = read_addition(source, documents, progress=progress)
        vectors = np.empty((0, workspace.manifest.dimension), dtype=np.float32)
        if len(new.table):
            vectors = np.array(vectors_of(source, corpus, new.positions, root / "cache", progress))
            larger = append_rows(documents, new.table)
            manifest = _larger_manifest(workspace, source, corpus, new, larger)
            commit_addition(root, lambda folder: _fill(folder, workspace, manifest, larger, new, vectors, progress))
            shutil.rmtree(root / "cache", ignore_errors=True)
    return AddedDocuments(
        assignment_table(taxonomy, assign_units(vectors, taxonomy.fit), new.table["id"].to_numpy(object)),
        new.skipped,
        {str(reason): int(n) for reason, n in new.refused["reason"].value_counts().items()},
    )


def _larger_manifest(
    workspace: Workspace, source: Source, corpus: Corpus, new: NewDocuments, larger: pd.DataFrame
) -> Manifest:
    manifest = workspace.manifest
    refused = dict(manifest.refused)
    for reason, count in new.refused["reason"].value_counts().items():
        refused[str(reason)] = refused.get(str(reason), 0) + int(count)
    return replace(
        manifest,
        data_hash=hash_documents(larger["id"].astype(str), larger["text"]),
        documents=len(larger),
        tokens=int(larger["tokens"].sum()),
        refused=refused,
        additions=(*manifest.additions, record_addition(source, corpus, len(new.table), manifest.data_hash)),
        hashes={},
    )


def _fill(
    folder: Path,
    workspace: Workspace,
    manifest: Manifest,
    larger: pd.DataFrame,
    new: NewDocuments,
    vectors: Float32,
    progress: Progress,
) -> None:
    """Write every part of the larger corpus into a folder: corpus, vectors, terms, map and taxonomies."""
    root = workspace.root
    write_parquet(folder / "documents.parquet", larger)
    refused = pd.concat([pd.read_parquet(root / "refused.parquet"), new.refused], ignore_index=True)
    write_parquet(folder / "refused.parquet", refused)
    _append_vectors(folder / "embeddings.npy", workspace.embeddings, vectors)
    write_openings(folder / "openings.arrow", openings(larger["text"]))
    added = place_beside_neighbors(workspace.embeddings, workspace.sphere, vectors, progress=progress)
    write_array(folder / "sphere.npy", np.concatenate([workspace.sphere, added]))
    write_array(folder / "flat.npy", np.concatenate([workspace.flat, equal_earth(added)]))
    write_folder(folder / "terms", count_terms(larger["text"], progress=progress).save)
    if workspace.has(STOP_WORDS):
        shutil.copyfile(root / STOP_WORDS, folder / STOP_WORDS)
    manifest.save(folder)
    keys = dict.fromkeys(step.key for step in workspace.history().steps)
    keys |= dict.fromkeys(workspace.taxonomy(key).base for key in list(keys))
    extension = TaxonomyExtension(Workspace(folder), vectors)
    for completed, key in enumerate(keys):
        progress("extend taxonomies", completed, len(keys))
        extension.extend(workspace.taxonomy(key))
    progress("extend taxonomies", len(keys), len(keys))
    for old in (root / "fits").glob("[!.]*"):
        if old.name not in keys:  # No step leads to it: it would have to be fitted again.
            remove_folder(old)


def _append_vectors(path: Path, vectors: Float32, new: Float32) -> None:
    """Write two tables of vectors as one .npy file, block by block."""
    n, shape = len(vectors), (len(vectors) + len(new), vectors.shape[1])

    def write(temporary: Path) -> None:
        out = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=shape)
        for first in range(0, n, BLOCK):
            out[first : min(n, first + BLOCK)] = vectors[first : first + BLOCK]
        out[n:] = new
        out.flush()

    write_whole(path, write)
