"""Add documents to a workspace atomically: all parts are written beside it and then moved in.

Every part of the larger corpus is written into a temporary folder. Its renaming to ``added/`` decides: before it a
killed process leaves the old workspace, after it the next opening of the workspace moves the parts in.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from gem_core._checkpoints import sync_folder
from gem_core._shared_files import temporary_folder
from gem_core.workspace.atomic_files import remove_folder, unwritable
from gem_core.workspace.database import Database
from gem_core.workspace.manifest import FILE as MANIFEST
from gem_core.workspace.manifest import read_manifest

FOLDER = "added"
DOCUMENTS = "documents.parquet"
STALE = ("duplicates",)  # computed over the documents before


def commit_addition(root: Path, fill: Callable[[Path], None]) -> None:
    """Write the parts of a larger corpus with `fill` and make them those of the workspace; needs the writers' lock.

    Parameters
    ----------
    root : Path
        The workspace folder.
    fill : callable
        Gets an empty folder and writes into it what changes: the manifest, the parts of the corpus, and every fit that
        stays, under fits/.

    Raises
    ------
    WorkspaceError
        If the folder cannot be written or the disk is full; the workspace is as before.
    """
    staged: Path | None = None
    try:
        staged = temporary_folder(root / FOLDER)
        fill(staged)
        for path in (staged, *staged.rglob("*")):
            sync_folder(path)
        os.replace(staged, root / FOLDER)
        sync_folder(root)
    except OSError as error:
        raise unwritable(root, error) from error
    finally:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)
    finish_addition(root)


def finish_addition(root: Path) -> None:
    """Move the parts of a committed addition into the workspace; needs the writers' lock.

    It may be killed and called again at any point: a part that was moved is no longer in the folder, and the text index
    takes the new rows in one transaction.
    """
    added = root / FOLDER
    if not added.is_dir():
        return
    try:
        if (added / DOCUMENTS).is_file():
            first = read_manifest(root).documents
            Database(root).add_to_index(_texts_from(added / DOCUMENTS, first), first)
        for part in _parts(added):
            target = root / part
            if (added / part).is_dir():
                remove_folder(target)
            target.parent.mkdir(exist_ok=True)
            os.replace(added / part, target)
        sync_folder(root)
        if (added / MANIFEST).is_file():
            os.replace(added / MANIFEST, root / MANIFEST)
        for name in STALE:
            remove_folder(root / name)
        shutil.rmtree(added)
        sync_folder(root)
    except OSError as error:
        raise unwritable(root, error) from error


def _parts(added: Path) -> list[Path]:
    """Return the parts to move, the documents after all fits and the manifest not among them."""
    fits = sorted(path.relative_to(added) for path in (added / "fits").glob("*"))
    others = sorted(path.name for path in added.iterdir() if path.name not in ("fits", DOCUMENTS, MANIFEST))
    return [*fits, *map(Path, others), *([Path(DOCUMENTS)] if (added / DOCUMENTS).exists() else [])]


def _texts_from(path: Path, first: int) -> Iterator[str]:
    """Yield the texts of a file of documents from a row on."""
    import pyarrow.parquet as pq

    row = 0
    for batch in pq.ParquetFile(path).iter_batches(columns=["text"]):
        texts = batch.column(0)
        if row + len(texts) > first:
            yield from texts.slice(max(0, first - row)).to_pylist()
        row += len(texts)
