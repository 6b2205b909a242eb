"""Vectors on disk while they are made: batch by batch, each durable before the next, whole or absent at the end.

A folder holds `meta.json` (what the vectors are of), `vectors.part` (an .npy file that still grows) and `journal.jsonl`
(one line a finished batch: its rows and the CRC-32 of their bytes). A batch is written and synced first and journalled
after, so a line of the journal vouches for its rows; whatever a crash left beyond the last good line is cut off. The
finished file is renamed to `vectors.npy`.
"""

import contextlib
import errno
import io
import json
import os
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from gem_core._checkpoints import read_record, replace_file, sync_folder
from gem_core._shared_files import file_lock
from gem_core._types import Float32
from gem_core.errors import WorkspaceError

FORMAT = 1
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class VectorCache:
    """The vectors of one corpus by one encoder; made by `open_vector_cache`.

    Parameters
    ----------
    folder : Path
        Folder of its own.
    about : dict
        What the vectors are of; kept in meta.json and compared when the folder is opened again.
    documents : int
        Number of rows when finished.
    """

    def __init__(self, folder: Path, about: dict[str, Any], documents: int) -> None:
        self.folder, self._about, self._documents = folder, about, documents
        self._rows = 0
        self._start = self._dimension = 0
        self._part: BinaryIO | None = None
        self._journal: BinaryIO | None = None

    def finished(self) -> Float32 | None:
        """Return the finished vectors as a read-only memory map, or None where they are not finished."""
        path = self.folder / "vectors.npy"
        if not path.exists():
            return None
        try:
            vectors = np.load(path, mmap_mode="r", allow_pickle=False)
            sound = vectors.dtype == np.float32 and vectors.ndim == 2 and len(vectors) == self._documents
        except (ValueError, OSError, EOFError):
            sound = False
        if not sound:
            raise WorkspaceError(
                f"the cached vectors must be {self._documents:,} whole rows of float32",
                f"a damaged file {path}",
                f"Delete the folder {self.folder} and embed again",
            )
        return cast(Float32, vectors)

    def resume(self, dimension: int) -> int:
        """Open for writing and return how many rows are already there and sound; the rest is cut off."""
        header = _header(self._documents, dimension)
        self._start, self._dimension = len(header), dimension
        about = {**self._about, "format": FORMAT, "documents": self._documents, "dimension": dimension}
        meta, part, journal = (self.folder / name for name in ("meta.json", "vectors.part", "journal.jsonl"))
        with _refusing(self.folder):
            if not (meta.exists() and part.exists() and journal.exists() and read_record(meta) == about):
                replace_file(meta, partial(Path.write_bytes, data=json.dumps(about, indent=1).encode()))
                part.write_bytes(header)
                journal.write_bytes(b"")
            self._part, self._journal = part.open("r+b"), journal.open("r+b")
            lines_end = self._sound_rows(header)
            self._cut_to(lines_end)
        return self._rows

    def _sound_rows(self, header: bytes) -> int:
        """Walk the journal as far as it holds; return the byte where its good lines end."""
        assert self._part is not None
        assert self._journal is not None
        if self._part.read(len(header)) != header:
            self._part.seek(0)
            self._part.write(header)
            return 0
        end = 0
        for line in self._journal:
            entry = _parse(line)
            if entry is None or entry[0] != self._rows or not entry[0] < entry[1] <= self._documents:
                break
            data = self._part.read(4 * self._dimension * (entry[1] - entry[0]))
            if len(data) != 4 * self._dimension * (entry[1] - entry[0]) or zlib.crc32(data) != entry[2]:
                break
            self._rows, end = entry[1], end + len(line)
        return end

    def _cut_to(self, lines_end: int) -> None:
        assert self._part is not None
        assert self._journal is not None
        for file, end in ((self._journal, lines_end), (self._part, self._data_end())):
            file.seek(end)
            file.truncate()
            os.fsync(file.fileno())

    def _data_end(self) -> int:
        return self._start + 4 * self._dimension * self._rows

    def append(self, rows: Float32) -> None:
        """Add the next rows; when this returns they survive a crash.

        Raises
        ------
        WorkspaceError
            When the disk is full or read-only; the rows before are kept.
        """
        assert self._part is not None
        assert self._journal is not None
        data = np.ascontiguousarray(rows, dtype="<f4").tobytes()
        journal_end = os.fstat(self._journal.fileno()).st_size
        entry = json.dumps({"rows": [self._rows, self._rows + len(rows)], "crc32": zlib.crc32(data)})
        with _refusing(self.folder, self._rows, undo=lambda: self._cut_to(journal_end)):
            _write_and_sync(self._part, data)
            _write_and_sync(self._journal, entry.encode() + b"\n")
        self._rows += len(rows)

    def finish(self) -> None:
        """Give the whole file its final name."""
        assert self._rows == self._documents
        self.close()
        with _refusing(self.folder, self._rows):
            os.replace(self.folder / "vectors.part", self.folder / "vectors.npy")
            sync_folder(self.folder)
            (self.folder / "journal.jsonl").unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files; what was appended stays."""
        for file in (self._part, self._journal):
            if file is not None:
                file.close()
        self._part = self._journal = None


@contextlib.contextmanager
def open_vector_cache(folder: Path, about: dict[str, Any], documents: int) -> Iterator[VectorCache]:
    """Open the cache of one corpus and encoder for this process alone.

    Raises
    ------
    WorkspaceError
        When another process embeds the same corpus there, or the folder cannot be written.
    """
    from filelock import Timeout

    with _refusing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = file_lock(folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise WorkspaceError(
                "one process at a time may embed a corpus",
                f"another one at work in {folder}",
                "Wait for it to finish, or stop it",
            ) from error
    cache = VectorCache(folder, about, documents)
    try:
        yield cache
    finally:
        cache.close()
        lock.release()


def _write_and_sync(file: BinaryIO, data: bytes) -> None:
    # Straight to the system: a buffer that could not be written would be tried again when the file is closed.
    view, handle = memoryview(data), file.fileno()
    os.lseek(handle, 0, os.SEEK_END)
    while view:
        view = view[os.write(handle, view) :]
    os.fsync(handle)


@contextlib.contextmanager
def _refusing(folder: Path, rows: int = 0, undo: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Turn what the system refuses into words; `undo` removes a half-written batch."""
    try:
        yield
    except OSError as error:
        with contextlib.suppress(OSError):  # the journal decides what is sound when the folder is opened again
            undo()
        if error.errno in FULL:
            raise WorkspaceError(
                "the disk must have room for the vectors",
                f"a full disk in {folder} after {rows:,} documents",
                "Free some space and start again: it goes on after them",
            ) from error
        raise WorkspaceError(
            "the folder of the vectors must be writable",
            f"{error.strerror or error} in {folder}",
            "Choose another folder",
        ) from error


def _header(documents: int, dimension: int) -> bytes:
    buffer = io.BytesIO()
    about = {"descr": "<f4", "fortran_order": False, "shape": (documents, dimension)}
    np.lib.format.write_array_header_1_0(buffer, about)
    return buffer.getvalue()


def _parse(line: bytes) -> tuple[int, int, int] | None:
    """Read a line of the journal; None for one that a crash cut short."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
        return int(entry["rows"][0]), int(entry["rows"][1]), int(entry["crc32"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None
