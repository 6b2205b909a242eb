"""Work that survives a kill: files that are whole or absent, and states that only the same work goes on from."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from gem_core._shared_files import temporary_file
from gem_core._storage import is_remote, write_to_store
from gem_core.errors import InputError

Record = TypeVar("Record")


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary path beside `path`, flush it to disk and rename it into place.

    Of a path in a store, the temporary file is on this machine and the store gets it as a whole.

    Raises
    ------
    OSError
        If the folder cannot be written or the disk is full; what stood at `path` is untouched.
    """
    if is_remote(path):
        write_to_store(path, write)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_file(path)
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Flush a folder or file to disk, so that a rename survives a power cut; systems that cannot do so are left."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_record(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file, or None where there is none that can be read: the work is done again."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def read_whole_record(path: Path, parse: Callable[[dict[str, Any]], Record], *, hint: str) -> Record | None:
    """Return what `parse` makes of the JSON object in a file, or None where there is no file.

    Parameters
    ----------
    path : Path
    parse : callable
        Raises ValueError, KeyError, TypeError or AttributeError when the object is not as it was written.
    hint : str
        What to do about a damaged file.

    Raises
    ------
    InputError
        If the file cannot be read or is damaged.
    """
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path.name} must be as it was written", f"{path}, which is damaged or cannot be read", hint
        ) from error


def read_state(path: Path | None, key: str, read: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Return the state of a piece of work, as it was written with its key; empty where there is none to go on from.

    Parameters
    ----------
    path : Path, optional
    key : str
        Hash of everything that decides the work; a state of other work is ignored.
    read : callable
        Reads the file.
    """
    if path is not None and path.exists():
        with suppress(Exception):  # Whatever a damaged file makes the reader raise, the work starts again.
            state = dict(read(path))
            if state.pop("key") == key:
                return state
    return {}
