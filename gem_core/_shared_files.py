"""Create temporary files, folders and locks that colleagues can open: their permissions are those of the umask.

The functions of `tempfile` make files that only their owner can read, whatever the umask and the folder say.
"""

import os
import random
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"
_random = random.SystemRandom()


def temporary_file(path: Path) -> Path:
    """Create an empty file beside `path`, with a hidden name made from its own, and return where it is."""
    while True:
        temporary = _hidden_name(path)
        try:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            continue
        return temporary


def temporary_folder(path: Path) -> Path:
    """Create an empty folder beside `path`, with a hidden name made from its own, and return where it is."""
    while True:
        temporary = _hidden_name(path)
        try:
            temporary.mkdir()
        except FileExistsError:
            continue
        return temporary


def _hidden_name(path: Path) -> Path:
    ending = "".join(_random.choices(LETTERS, k=8))
    return path.with_name(f".{path.name}.{ending}")


def file_lock(path: Path) -> "BaseFileLock":
    """Return a lock by a file that every account of the group can take where the umask lets it."""
    from filelock import FileLock

    # The library would set its own permissions, so the file is created first and keeps those of the umask.
    path.touch()
    # The library refuses a mode without these bits, which a read-only workspace lacks; the lock itself then refuses.
    return FileLock(path, mode=stat.S_IMODE(path.stat().st_mode) | stat.S_IRUSR | stat.S_IWUSR)
