"""Files that are either whole or absent: every write goes to a temporary name and is renamed."""

import errno
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gem_core._checkpoints import replace_file, sync_folder
from gem_core._content_key import content_key
from gem_core._shared_files import file_lock, temporary_file, temporary_folder
from gem_core._storage import check_rights, is_remote, upload_folder
from gem_core.errors import InputError, WorkspaceError
from gem_core.workspace.home import home

TEMPORARY = re.compile(r"^\..+\.[a-z0-9_]{8}$")  # The names that `gem_core._shared_files` makes.
LEFT = 3600.0  # seconds after which a temporary name counts as abandoned


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Call `write` with a temporary path beside `path`, flush it to disk and rename it into place.

    Raises
    ------
    WorkspaceError
        If the folder cannot be written or the disk is full; what stood at `path` is untouched.
    """
    try:
        replace_file(path, write)
    except OSError as error:
        raise unwritable(path.parent, error) from error


def check_output(path: Path) -> None:
    """Refuse a file that cannot be written before the work that makes it; remove what killed runs left beside it.

    Raises
    ------
    InputError, WorkspaceError
    """
    if is_remote(path):
        check_rights(path)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers_of(path)
        temporary_file(path).unlink()
    except OSError as error:
        raise unwritable(path.parent, error) from error


def check_folder(folder: Path) -> None:
    """Refuse a folder that can neither be written nor made, before the work that fills it; nothing is made.

    Raises
    ------
    WorkspaceError
    """
    present = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not present.is_dir() or not os.access(present, os.W_OK | os.X_OK):
        number = errno.EACCES if present.is_dir() else errno.ENOTDIR
        raise unwritable(folder, OSError(number, os.strerror(number)))


def clear_leftovers_of(path: Path, older: float = LEFT) -> None:
    """Remove the temporary files that killed runs left beside one output; other hidden files are not touched."""
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            ending = entry.name.removeprefix(f".{path.name}.")
            if ending != entry.name and TEMPORARY.match(f".x.{ending}") and "." not in ending:
                leftover = Path(entry.path)
                if _untouched(leftover, entry.is_dir(follow_symlinks=False)) > older:
                    shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def write_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Fill a temporary folder beside `path` and rename it into place; an older folder there is replaced.

    In a store the files appear one by one, in the order in which `fill` wrote them.
    """
    if is_remote(path):
        with tempfile.TemporaryDirectory(prefix="gem-explorer-") as folder:
            fill(Path(folder))
            upload_folder(Path(folder), path)
        return
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_folder(path)
        fill(temporary)
        for file in temporary.rglob("*"):
            sync_folder(file)  # A file or folder: both must be on disk before the rename is.
        remove_folder(path)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder: renamed first, so that a partly removed folder is never read."""
    if path.exists():
        aside = temporary_folder(path)
        os.replace(path, aside)
        shutil.rmtree(aside, ignore_errors=True)


def clear_leftovers(root: Path, older: float = LEFT) -> list[Path]:
    """Remove temporary files of killed processes; return the removed paths.

    Looks into `root` and two floors below, at names of the form that `write_whole` and `write_folder` give and
    that have not changed for `older` seconds. A process that still writes is younger.
    """
    leftovers: list[Path] = []
    floors = [root]
    for _ in range(3):
        below: list[Path] = []
        for folder in floors:
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    inside = entry.is_dir(follow_symlinks=False)
                    if TEMPORARY.match(entry.name):
                        if _untouched(Path(entry.path), inside) > older:
                            leftovers.append(Path(entry.path))
                    elif inside:
                        below.append(Path(entry.path))
        floors = below
    for path in leftovers:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
    return leftovers


def _untouched(path: Path, inside: bool) -> float:
    """Seconds since a file, or the newest one in a folder, was written."""
    with suppress(OSError):
        newest: float = max(p.stat().st_mtime for p in (path, *(path.rglob("*") if inside else ())))
        return time.time() - newest
    return 0.0


def unwritable(folder: Path, error: OSError) -> WorkspaceError:
    """Return the error for a failed write, with its reason."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return WorkspaceError(
            "The disk must have room for the workspace",
            f"no space left at {folder}",
            "Free some space and run the same command again: finished steps are kept",
        )
    return WorkspaceError(
        "The workspace must be writable",
        f"{folder}: {error.strerror or error}",
        "Copy the workspace to a folder of your own or change its permissions",
    )


@contextmanager
def alone(folder: Path, lock: str, must: str) -> Iterator[None]:
    """Hold a folder, made if absent, for this process by a lock file in it; `must` words the refusal of a second one.

    A store has no locks: of a folder there, the lock file is in the home folder of this program and keeps out the
    other processes of this account alone.

    Raises
    ------
    InputError
        If another process holds it.
    WorkspaceError
        If it cannot be written.
    """
    from filelock import Timeout

    locked = folder
    if is_remote(folder):
        locked = home() / "locks" / content_key(str(folder), 32)
    try:
        locked.mkdir(parents=True, exist_ok=True)
        folder_lock = file_lock(locked / lock)
        folder_lock.acquire(timeout=1)
    except Timeout:
        raise InputError(
            must, f"{folder}, held by another process", "Wait for it to end, or choose another folder"
        ) from None
    except OSError as error:
        raise unwritable(locked, error) from error
    try:
        yield
    finally:
        folder_lock.release()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with its line ends as they are, whole or not at all."""

    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8", newline="")

    write_whole(path, write)


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False))


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a .npy file, whole or not at all."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)

    write_whole(path, write)


def write_parquet(path: Path, table: pd.DataFrame, row_group_size: int = 1024) -> None:
    """Write a parquet file in small row groups, so that one document can be read alone."""
    write_whole(path, lambda p: table.to_parquet(p, index=False, row_group_size=row_group_size))
