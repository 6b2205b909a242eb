"""Find the damaged parts of a workspace: compare recorded hashes, and read every part that has none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gem_core.errors import DamageError, WorkspaceError
from gem_core.workspace.database import FILE as DATABASE
from gem_core.workspace.history import JOURNAL, read_journal
from gem_core.workspace.integrity import PARTS, Fault, find_changed, read_hashes
from gem_core.workspace.manifest import FILE as MANIFEST
from gem_core.workspace.store import Workspace
from gem_core.workspace.taxonomy import read_taxonomy


def find_faults(root: Path) -> tuple[Fault, ...]:
    """Return the damaged parts of a workspace; empty if all are whole.

    Every file with a recorded hash is read and compared. Workspaces made before version 0.3 have no hashes: their
    parts are opened instead, which finds what is missing, cut short or not of its format, but not a changed number.

    Parameters
    ----------
    root : Path
        The workspace folder.

    Raises
    ------
    WorkspaceError
        If the folder holds no workspace, or one of a format that this version does not read.
    """
    try:
        workspace = Workspace(root)
    except DamageError as error:
        return (Fault(MANIFEST, _reason(error)),)
    faults = list(find_changed(workspace.root, workspace.manifest.hashes))
    faults += _unrecorded_faults(workspace)
    faults += _history_faults(workspace)
    faults += _taxonomy_faults(workspace, history_is_whole=not any(fault.part == DATABASE for fault in faults))
    return tuple(faults)


def _reason(error: WorkspaceError) -> str:
    """Return what is wrong without the path that the caller names."""
    return error.got.partition(": ")[2] or error.got


def _read(part: str, read: Callable[[], Any]) -> list[Fault]:
    try:
        read()
    except WorkspaceError as error:
        return [Fault(part, _reason(error))]
    return []


def _unrecorded_faults(workspace: Workspace) -> list[Fault]:
    """Open the parts that have no hash."""
    readers: dict[str, Callable[[], Any]] = {
        "documents.parquet": lambda: (workspace.documents, sum(1 for _ in workspace.all_texts())),
        "embeddings.npy": lambda: workspace.embeddings,
        "terms/terms.json": lambda: workspace.terms,
        "openings.arrow": lambda: workspace.openings([0]),
        "sphere.npy": lambda: workspace.sphere,
        "flat.npy": lambda: workspace.flat,
    }
    needed = PARTS if workspace.has("fits") else ("documents.parquet",)
    return [
        fault
        for part, read in readers.items()
        if part not in workspace.manifest.hashes and (part in needed or workspace.has(part))
        for fault in _read(part, read)
    ]


def _history_faults(workspace: Workspace) -> list[Fault]:
    faults = _read(DATABASE, workspace.database.verify) if workspace.has("fits") else []
    if faults or not workspace.has("fits") or not workspace.manifest.hashes:
        return faults
    if not workspace.has(JOURNAL) and not workspace.history().steps:
        return []
    faults = _read(JOURNAL, lambda: read_journal(workspace.root))
    if not faults and read_journal(workspace.root) != workspace.history():
        faults = [Fault(JOURNAL, f"it differs from the history in {DATABASE}")]
    return faults


def _taxonomy_faults(workspace: Workspace, *, history_is_whole: bool) -> list[Fault]:
    """Check every taxonomy that the history names, and the others that lie in the folder of fits."""
    folders = {path.name for path in (workspace.root / "fits").glob("[!.]*")}
    if history_is_whole:
        folders |= {step.key for step in workspace.history().steps}
    faults = []
    for key in sorted(folders):
        folder = workspace.root / "fits" / key
        if not folder.is_dir():
            faults.append(Fault(f"fits/{key}", "missing"))
            continue
        hashes = read_hashes(folder)
        changes = find_changed(folder, hashes) if hashes else ()
        faults += [Fault(f"fits/{key}/{fault.part}", fault.reason) for fault in changes]
        if not changes and hashes is None:
            faults += _read(f"fits/{key}/taxonomy.json", lambda folder=folder: _open_taxonomy(folder))  # type: ignore[misc]
        if not changes and (folder / "path.npz").exists():
            faults += _read(f"fits/{key}/path.npz", lambda folder=folder: read_taxonomy(folder).path)  # type: ignore[misc]
    return faults


def _open_taxonomy(folder: Path) -> None:
    taxonomy = read_taxonomy(folder)
    _ = taxonomy.fit, taxonomy.documents
