"""Rebuild the damaged parts of a workspace: from the corpus file, from the documents, and from the edit history."""

import shutil
from contextlib import suppress
from pathlib import Path

from gem_core._types import Progress, silent
from gem_core.corpus import read_corpus
from gem_core.embedding import embed
from gem_core.errors import WorkspaceError
from gem_core.pipeline.building.balance_path import ensure_path
from gem_core.pipeline.building.fit import load_or_fit
from gem_core.pipeline.building.ingest import (
    Source,
    finish_workspace,
    prepare,
    recorded_embedding,
    recorded_source,
)
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
    workspace = Workspace(root)
    manifest = workspace.manifest
    path = source.path if source is not None else Path(manifest.source)
    expected, hint = "Damaged documents are read again from the corpus file", "Run gem-explorer fit with that file"
    if not path.exists():
        raise WorkspaceError(expected, f"{path}, which is not there", hint)
    source = source or recorded_source(manifest)
    corpus = read_corpus(
        path, columns=source.columns, min_words=source.min_words, options=source.options, progress=progress
    )
    if corpus.data_hash != manifest.data_hash:
        raise WorkspaceError(expected, f"{path}, whose documents are no longer the same", hint)
    with workspace.writing():
        write_parquet(root / "documents.parquet", corpus.documents)
        write_parquet(root / "refused.parquet", corpus.refused)
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
        prepare(recorded_source(manifest), root, progress=progress)
        return
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


def _replay_history(workspace: Workspace, faults: tuple[Fault, ...], progress: Progress) -> None:
    """Fit again and replay edits for every step whose taxonomy is damaged; write the journal again."""
    keys = {fault.part.split("/")[1] for fault in faults if fault.part.startswith("fits/")}
    had_path = any(fault.part.endswith("/path.npz") for fault in faults)
    previous = None
    with workspace.writing():
        for key in keys:
            paths_only = all(f.part.endswith("path.npz") for f in faults if f.part.startswith(f"fits/{key}/"))
            if paths_only:
                (workspace.root / "fits" / key / "path.npz").unlink(missing_ok=True)
            elif (workspace.root / "fits" / key).exists():
                had_path = had_path or (workspace.root / "fits" / key / "path.npz").exists()
                remove_folder(workspace.root / "fits" / key)
        for step in workspace.history().steps:
            first, *edits = step.edits
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
