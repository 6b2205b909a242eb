"""Rebuild the damaged parts of a workspace: from the corpus file, from the documents, and from the edit history."""

import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from gem_core._storage import path_exists
from gem_core._types import Float32, Progress, silent
from gem_core.corpus import hash_documents
from gem_core.embedding import embed
from gem_core.errors import WorkspaceError
from gem_core.pipeline.building.balance_path import ensure_path
from gem_core.pipeline.building.fit import load_or_fit
from gem_core.pipeline.building.ingest import (
    Source,
    finish_workspace,
    prepare,
    read_source,
    recorded_embedding,
    recorded_source,
)
from gem_core.pipeline.building.new_documents import append_rows, read_addition, recorded_addition, vectors_of
from gem_core.pipeline.editing.edit import replay
from gem_core.workspace import Settings, Workspace
from gem_core.workspace.atomic_files import remove_folder, write_array, write_parquet
from gem_core.workspace.database import FILE as DATABASE
from gem_core.workspace.excerpts import openings, write_openings
from gem_core.workspace.faults import find_faults
from gem_core.workspace.history import JOURNAL, read_journal, write_journal
from gem_core.workspace.integrity import Fault
from gem_core.workspace.manifest import BACKUP
from gem_core.workspace.manifest import FILE as MANIFEST
from gem_core.workspace.selections import copy_selections


def mend_workspace(root: Path, source: Source | None = None, *, progress: Progress = silent) -> tuple[Fault, ...]:
    """Rebuild every damaged part of a workspace that can be rebuilt, and return what was damaged.

    The manifest comes back from its backup; documents from the corpus file; vectors from the documents or the file of
    vectors; terms, text index and maps from these; the history from edits.jsonl; fits and edited taxonomies by fitting
    again and replaying the history.

    Parameters
    ----------
    root : Path
        The workspace folder.
    source : Source, optional
        The corpus, if documents must be read again; the file that the manifest names when left out.
    progress : Progress

    Raises
    ------
    WorkspaceError
        If a part cannot be rebuilt, such as the documents without the corpus file; the message says what is needed.
    """
    root = Path(root).expanduser().resolve()
    faults = find_faults(root)
    if any(fault.part == MANIFEST for fault in faults):
        _restore_manifest(root)
        faults += find_faults(root)
    damaged = {fault.part.split("/")[0] for fault in faults}
    if not damaged:
        return ()
    if damaged & {"documents.parquet", "refused.parquet"}:
        _read_documents_again(root, source, progress)
    if DATABASE in damaged:
        _restore_history(root)
    _remove_derived(root, damaged)
    _embed_again(root, progress)
    workspace = Workspace(root)
    finish_workspace(workspace, progress=progress)
    with workspace.writing():
        if not workspace.has("openings.arrow"):
            write_openings(root / "openings.arrow", openings(workspace.all_texts()))
        workspace.manifest.save(root)
    _replay_history(workspace, faults, progress)
    return faults


def _restore_manifest(root: Path) -> None:
    if not (root / BACKUP).is_file():
        raise WorkspaceError(
            f"{MANIFEST} can be restored only from {BACKUP}",
            f"none in {root}",
            "Build the workspace again: gem-explorer fit CORPUS --workspace NEWDIR",
        )
    shutil.copyfile(root / BACKUP, root / MANIFEST)


def _read_documents_again(root: Path, source: Source | None, progress: Progress) -> None:
    """Read the corpus file and then, in their order, the files that were added; all must be as they were."""
    workspace = Workspace(root)
    manifest = workspace.manifest
    additions = [recorded_addition(record, recorded_embedding(manifest)) for record in manifest.additions]
    path = source.path if source is not None else Path(manifest.source)
    expected, hint = "Damaged documents are read again from the corpus file", "Run gem-explorer fit with that file"
    for needed in (path, *(addition.path for addition in additions)):
        if not path_exists(needed):
            raise WorkspaceError(expected, f"{needed}, which is not there", hint)
    corpus = read_source(source or recorded_source(manifest), progress=progress)
    documents, refused, data_hash = corpus.documents, corpus.refused, corpus.data_hash
    for addition in additions:
        _, new = read_addition(addition, documents, progress=progress)
        documents, refused = append_rows(documents, new.table), pd.concat([refused, new.refused], ignore_index=True)
    if additions:
        data_hash = hash_documents(documents["id"].astype(str), documents["text"])
    if data_hash != manifest.data_hash:
        files = " and ".join(str(file) for file in (path, *(addition.path for addition in additions)))
        raise WorkspaceError(expected, f"{files}, whose documents are no longer the same", hint)
    with workspace.writing():
        write_parquet(root / "documents.parquet", documents)
        write_parquet(root / "refused.parquet", refused)
        manifest.without_hashes("documents.parquet", "refused.parquet").save(root)


def _restore_history(root: Path) -> None:
    """Build gem.sqlite from the journal, with the saved selections that can still be read."""
    history = read_journal(root)
    workspace = Workspace(root)
    with workspace.writing():
        old = root / f"{DATABASE}.damaged"
        with suppress(FileNotFoundError):
            (root / DATABASE).replace(old)
        (root / f"{DATABASE}-journal").unlink(missing_ok=True)  # It belongs to the damaged file.
        workspace.database.restore(history)
        copy_selections(old, workspace.database)


def _remove_derived(root: Path, damaged: set[str]) -> None:
    """Remove damaged parts that are computed from others, so that the usual steps make them again."""
    workspace = Workspace(root)
    with workspace.writing():
        for part in damaged & {"embeddings.npy", "openings.arrow"}:
            (root / part).unlink(missing_ok=True)
        if damaged & {"sphere.npy", "flat.npy"}:
            (root / "sphere.npy").unlink(missing_ok=True)
        if "terms" in damaged:
            remove_folder(root / "terms")
        parts = [part for part in workspace.manifest.hashes if part.split("/")[0] in damaged]
        workspace.manifest.without_hashes(*parts).save(root)


def _embed_again(root: Path, progress: Progress) -> None:
    workspace = Workspace(root)
    encoder, manifest = workspace.manifest.encoder, workspace.manifest
    if workspace.has("embeddings.npy") or not encoder:
        return
    if Path(encoder).suffix in (".npy", ".parquet", ".pq"):
        if manifest.additions:
            vectors = _vectors_of_sources(workspace, progress)
        else:
            prepare(recorded_source(manifest), root, progress=progress)
            return
    else:
        vectors = embed(
            list(workspace.all_texts()),
            cache=root / "cache",
            encoder=encoder,
            settings=recorded_embedding(manifest),
            progress=progress,
        )
    with workspace.writing():
        write_array(root / "embeddings.npy", vectors)
        manifest.without_hashes("embeddings.npy").save(root)
        shutil.rmtree(root / "cache", ignore_errors=True)


def _vectors_of_sources(workspace: Workspace, progress: Progress) -> Float32:
    """Return the vectors of a corpus with supplied vectors and of the documents that were added to it."""
    manifest, every = workspace.manifest, pd.read_parquet(workspace.root / "documents.parquet", columns=["id", "text"])
    source = recorded_source(manifest)
    corpus, cache = read_source(source, progress=progress), workspace.root / "cache"
    parts = [vectors_of(source, corpus, np.arange(len(corpus.documents)), cache, progress)]
    for record in manifest.additions:
        addition, before = recorded_addition(record, recorded_embedding(manifest)), sum(map(len, parts))
        corpus, new = read_addition(addition, every[:before], progress=progress)
        parts.append(vectors_of(addition, corpus, new.positions, cache, progress))
    if sum(map(len, parts)) != len(every):
        raise WorkspaceError(
            "Vectors are read again from the files that the documents came from",
            f"{sum(map(len, parts)):,} documents there, {len(every):,} in the workspace",
            "Build the workspace again: gem-explorer fit CORPUS --workspace NEWDIR",
        )
    return np.concatenate(parts)


def _replay_history(workspace: Workspace, faults: tuple[Fault, ...], progress: Progress) -> None:
    """Fit again and replay edits for every step whose taxonomy is damaged; write the journal again."""
    keys = {fault.part.split("/")[1] for fault in faults if fault.part.startswith("fits/")}
    had_path = any(fault.part.endswith("/path.npz") for fault in faults)
    previous = None
    with workspace.writing():
        _check_fits_can_be_made(workspace, faults)
        for key in keys:
            paths_only = all(f.part.endswith("path.npz") for f in faults if f.part.startswith(f"fits/{key}/"))
            if paths_only:
                (workspace.root / "fits" / key / "path.npz").unlink(missing_ok=True)
            elif (workspace.root / "fits" / key).exists():
                had_path = had_path or (workspace.root / "fits" / key / "path.npz").exists()
                remove_folder(workspace.root / "fits" / key)
        for step in workspace.history().steps:
            first, *edits = step.edits
            if workspace.has(f"fits/{step.key}/taxonomy.json"):
                previous = workspace.taxonomy(step.key)
                if workspace.has(f"fits/{previous.base}/taxonomy.json"):
                    continue
            if first["do"] == "fit":
                base = load_or_fit(workspace, Settings.from_json(first["settings"]), progress=progress)
                rebuilt = replay(workspace, base, edits, progress=progress)
            else:
                if previous is None:
                    raise WorkspaceError("The history must begin with a fit", f"{first['do']}", "Fit again")
                rebuilt = replay(workspace, previous, step.edits, progress=progress)
            if rebuilt.key != step.key:
                raise WorkspaceError(
                    f"The history of {JOURNAL} must lead to the taxonomies it names",
                    f"{rebuilt.key} instead of {step.key}",
                    "Build the workspace again: gem-explorer fit CORPUS --workspace NEWDIR",
                )
            previous = rebuilt
        if workspace.history().steps:
            write_journal(workspace.root, workspace.history())
    if had_path and previous is not None:
        ensure_path(workspace, progress=progress)


def _check_fits_can_be_made(workspace: Workspace, faults: tuple[Fault, ...]) -> None:
    """Refuse to fit again what was fitted before documents were added: the same settings give another fit now."""
    if not workspace.manifest.additions:
        return
    fits = {step.key for step in workspace.history().steps if step.edits[0]["do"] == "fit"}
    for fault in faults:
        part = fault.part.split("/")
        if part[0] == "fits" and part[1] in fits and part[-1] != "path.npz":
            raise WorkspaceError(
                "A damaged fit is made again on the documents that it was made on",
                f"{fault.part}, after which documents were added",
                "Put the folder back from a copy, or build anew: gem-explorer fit CORPUS --workspace NEWDIR, then add",
            )
