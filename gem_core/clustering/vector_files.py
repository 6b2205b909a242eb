"""Vectors that stay on disk: rows are read block by block and never mapped, so only what is worked on is resident."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core import _check
from gem_core._types import Float32, Floating
from gem_core.errors import InputError

# A memory map whose unit vectors would take more than this in float32 is read in blocks instead of into memory.
LARGE = 1 << 29
READABLE = (np.dtype(np.float16), np.dtype(np.float32))


@dataclass(frozen=True)
class RowRange:
    """Rows that lie one after another in one file; `stamp` tells whether the file is still the same."""

    path: str
    position: int
    rows: int
    stamp: tuple[int, int]


class StoredVectors:
    """Rows of one or more files as one table; indexing reads rows and returns them in float32 with length 1.

    Parameters
    ----------
    stretches : sequence of Stretch
        Where the rows are.
    dimension : int
        d.
    stored : dtype
        float16 or float32, as in the files.

    Attributes
    ----------
    shape : tuple of two int
        Documents and dimensions.
    dtype : dtype
        float32, of what indexing returns.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, stretches: Sequence[RowRange], dimension: int, stored: Any) -> None:
        self.stretches, self.stored = tuple(stretches), np.dtype(stored)
        self.shape = (sum(stretch.rows for stretch in self.stretches), dimension)
        self._starts = np.cumsum([0, *(stretch.rows for stretch in self.stretches)])

    def read(self, start: int, out: Floating) -> None:
        """Fill `out`, (rows, d) in the type of the files, with the rows from `start` on, as they are."""
        rows_read = 0
        at = int(np.searchsorted(self._starts, start, side="right")) - 1
        while rows_read < len(out):
            inside = start + rows_read - int(self._starts[at])
            count = min(len(out) - rows_read, self.stretches[at].rows - inside)
            self._fill(self.stretches[at], inside, out[rows_read : rows_read + count])
            rows_read, at = rows_read + count, at + 1

    def __getitem__(self, rows: slice | NDArray[np.integer[Any]]) -> Float32:
        """Read unit rows; errors as in `fit_mixture`, with the number of the row."""
        n, d = self.shape
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(n)
            raw = np.empty((max(0, stop - start), d), dtype=self.stored)
            self.read(start, raw)
        else:
            start, raw = 0, np.empty((len(rows), d), dtype=self.stored)
            for at, row in enumerate(rows):
                self.read(int(row), raw[at : at + 1])
        x = raw.astype(np.float32)
        return np.divide(x, _check.lengths(x, first=start)[:, None], out=x, casting="same_kind")

    def part(self, start: int, stop: int) -> "StoredVectors":
        """Return the rows from `start` to before `stop`."""
        width = self.shape[1] * self.stored.itemsize
        parts = []
        for stretch, begin in zip(self.stretches, self._starts[:-1].tolist(), strict=True):
            low, high = max(start - begin, 0), min(stop - begin, stretch.rows)
            if low < high:
                parts.append(RowRange(stretch.path, stretch.position + low * width, high - low, stretch.stamp))
        return StoredVectors(parts, self.shape[1], self.stored)

    def _fill(self, stretch: RowRange, row: int, out: Floating) -> None:
        into = out.data.cast("B")
        position = stretch.position + row * self.shape[1] * self.stored.itemsize
        file = os.open(stretch.path, os.O_RDONLY)
        try:
            bytes_read, got = 0, 1
            same = _stamp(os.fstat(file)) == stretch.stamp
            while same and bytes_read < len(into) and got:
                got = os.preadv(file, [into[bytes_read:]], position + bytes_read)
                bytes_read += got
        finally:
            os.close(file)
        if bytes_read < len(into):
            raise InputError(
                "A file of vectors must stay as it is while it is being read",
                f"another size or time of change of {stretch.path}",
                "Let it be written, then start again",
            )


def stored_vectors(paths: str | Path | Sequence[str | Path]) -> StoredVectors:
    """Vectors in .npy files, read block by block by whatever takes vectors here.

    Parameters
    ----------
    paths : path or sequence of paths
        .npy files of float16 or float32, shape (rows, d), all of one type and d; their rows are counted through.

    Returns
    -------
    StoredVectors
        To be given to `fit_mixture`, `balance_path` and `assign` in place of an array.

    Raises
    ------
    InputError
        A file is missing, cut short, no .npy file, or holds something else than such a table.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("a.npy", "b.npy"):
    ...     np.save(folder / name, np.eye(3, dtype=np.float16))
    >>> stored_vectors([folder / "a.npy", folder / "b.npy"]).shape
    (6, 3)
    """
    tables = [_table(Path(path)) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    if not tables:
        raise InputError("There must be at least one file of vectors", "none", "Pass the path of a .npy file")
    (_, dimension, dtype) = tables[0]
    for stretch, d, kind in tables:
        if (d, kind) != (dimension, dtype):
            raise InputError(
                "All files of vectors must have one type and number of columns",
                f"{kind} with {d} columns in {stretch.path}, {dtype} with {dimension} in {tables[0][0].path}",
                "Convert them to one type, of one encoder",
            )
    return StoredVectors([stretch for stretch, _, _ in tables], dimension, dtype)


def large_map(X: Any) -> StoredVectors | None:
    """Return the file behind a large memory map; None for small maps and for anything else, which fit in memory.

    A view of a map counts too where its rows lie one after another. The map must show what the file holds, so
    copy-on-write maps and files that were replaced since are not accepted here.
    """
    if not isinstance(X, np.memmap) or X.ndim != 2 or X.dtype not in READABLE or not X.flags.c_contiguous:
        return None
    if 4 * X.size <= LARGE or X.filename is None or X.mode == "c":
        return None
    root = X
    while isinstance(root.base, np.memmap):
        root = root.base
    # `offset` belongs to the whole map, whatever part of it X is.
    position = root.offset + X.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    path = os.path.abspath(X.filename)
    if not os.path.isfile(path) or os.path.getsize(path) < position + X.nbytes:
        return None
    vectors = StoredVectors([RowRange(path, position, X.shape[0], _stamp(os.stat(path)))], X.shape[1], X.dtype)
    for row in (0, X.shape[0] // 2, X.shape[0] - 1):
        there = np.empty((1, X.shape[1]), dtype=X.dtype)
        vectors.read(row, there)
        if there.tobytes() != X[row].tobytes():
            return None
    return vectors


def _table(path: Path) -> tuple[RowRange, int, np.dtype[Any]]:
    do = "Save a table of float16 or float32 vectors with numpy.save"
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, by_columns, dtype = read(file)
            position, stat = file.tell(), os.fstat(file.fileno())
    except OSError as error:
        raise InputError(
            "A file of vectors must be there and readable", f"{path}: {error.strerror}", "Check the path"
        ) from error
    except ValueError as error:
        raise InputError("A file of vectors must be a .npy file", f"{path}", do) from error
    if len(shape) != 2 or by_columns or dtype not in READABLE or 0 in shape:
        raise InputError(
            "A file of vectors must hold a table of float16 or float32, row after row",
            f"{dtype} of shape {shape}{' by columns' if by_columns else ''} in {path}",
            do,
        )
    rows, d = shape
    missing = position + rows * d * dtype.itemsize - stat.st_size
    if missing > 0:
        raise InputError(
            "A file of vectors must be whole",
            f"{path}, {missing:,} bytes short of its {rows:,} rows",
            "Copy or embed it again",
        )
    return RowRange(os.path.abspath(path), position, rows, _stamp(stat)), d, dtype


def _stamp(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_size, stat.st_mtime_ns
