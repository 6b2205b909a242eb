"""Load embeddings from an .npy file, a column of tables or JSON Lines, checked and normalized block by block."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from gem_core._storage import file_name, local_copy, path_exists, storage_path, store_errors
from gem_core._types import Float32, Float64
from gem_core.corpus.arrow_files import open_arrow
from gem_core.corpus.columns import list_names
from gem_core.corpus.files import SourceFile, find_files
from gem_core.corpus.rows import BrokenRow, read_rows
from gem_core.errors import CorpusError

BLOCK = 4096
VECTOR_NAMES = ("embedding", "embeddings", "vector", "vectors", "emb")


def load_vectors(
    path: Path | str,
    documents: int,
    *,
    column: str | None = None,
    rows: NDArray[np.integer[Any]] | None = None,
    source_rows: int | None = None,
    out: Path | None = None,
) -> Float32:
    """Read one vector per document and scale each to unit length.

    Memory: the result (4 n d bytes, or nothing with `out`) and a block of 4,096 rows in float64.

    Parameters
    ----------
    path : path
        An .npy file of shape (n, d) without pickled objects, or parquet, arrow or JSON Lines (a file or a folder) with
        a column of lists of numbers.
    documents : int
        n, the number of documents of the corpus.
    column : str, optional
        Column of the vectors; the only list column, or the one named embedding or vector, when None.
    rows : integer array of shape (n,), optional
        Rows of the source that became documents (`Corpus.rows`). A file with a vector for every row of the source,
        refused ones included, is then taken apart by them.
    source_rows : int, optional
        Number of rows of the source, refused ones included (`Corpus.source_rows`).
    out : Path, optional
        Where to keep the result as an .npy file; it is then returned as a memory map.

    Returns
    -------
    float32 array of shape (n, d)
        Rows of unit length in the order of the documents.

    Raises
    ------
    CorpusError
        When the file cannot be read, has another number of rows, holds no numbers, or a vector has NaN, infinity or no
        direction (all zero).

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "own.npy"
    >>> np.save(path, np.array([[3.0, 4.0], [0.0, 2.0]]))
    >>> load_vectors(path, 2).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 1.0]]
    """
    path = storage_path(path)
    count, dimension, blocks = _open_vectors(path, column)
    keep = _which(path, count, documents, rows, source_rows)
    shape = (documents, dimension)
    result: NDArray[np.float32] = (
        np.empty(shape, dtype=np.float32)
        if out is None
        else np.lib.format.open_memmap(out, mode="w+", dtype=np.float32, shape=shape)
    )
    faults = _Faults(path.name)
    begin = filled = 0
    for block in blocks:
        selection = slice(None) if keep is None else keep[(keep >= begin) & (keep < begin + len(block))] - begin
        unit = faults.unit(block, begin)[selection]
        result[filled : filled + len(unit)] = unit
        begin, filled = begin + len(block), filled + len(unit)
    faults.settle(keep)
    return result


def check_vectors(path: Path | str, column: str | None = None) -> tuple[int, int]:
    """Check that a file of vectors is there and of the right type and shape, before a corpus is read.

    Returns
    -------
    rows, dimension : int

    Raises
    ------
    CorpusError
        When it cannot be read, holds no numbers, or is no table.
    """
    count, dimension, _ = _open_vectors(storage_path(path), column)
    return count, dimension


def _open_vectors(path: Path, column: str | None) -> "Blocks":
    with store_errors(path, CorpusError):
        present = path_exists(path)
    if not present:
        raise CorpusError("the vectors must be a file", f"{path}, which does not exist", "Check the path")
    if file_name(path).lower().endswith(".npy"):
        return _npy_blocks(path)
    listing = None
    with suppress(CorpusError):
        listing = find_files(path)
    formats = {file.format for file in listing.files if file.size} if listing else set()
    if formats and formats <= {"parquet", "arrow", "jsonl", "json"}:
        assert listing is not None
        return _column_blocks(path, tuple(file for file in listing.files if file.size), column)
    raise CorpusError(
        "vectors must be an .npy file, or parquet, arrow or JSON Lines with a column of lists of numbers",
        f"{path.name}" + (f" with {' and '.join(sorted(formats))}" if formats else ""),
        "Save them with numpy.save",
    )


def _which(
    path: Path, count: int, documents: int, rows: NDArray[np.integer[Any]] | None, source_rows: int | None
) -> NDArray[np.int64] | None:
    """Return the rows to take, or None for all of them."""
    if count == documents:
        return None
    if rows is not None and source_rows == count:
        return np.asarray(rows, dtype=np.int64)
    also = f" (or a row for each of the source's {source_rows:,})" if rows is not None and source_rows else ""
    raise CorpusError(
        f"{path.name} must have one vector per document, {documents:,} rows{also}",
        f"{count:,} rows",
        "Export the vectors of exactly these documents, in their order",
    )


class _Faults:
    """Counts the rows that are no directions, so that one message can name them all."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._not_finite: list[NDArray[np.int64]] = []
        self._zero: list[NDArray[np.int64]] = []

    def unit(self, block: NDArray[Any], begin: int) -> Float64:
        rows = np.asarray(block, dtype=np.float64)
        # The largest entry is divided out first: squares of 1e200 are infinite, of 1e-200 zero.
        largest = np.abs(rows).max(axis=1, keepdims=True)
        finite, zero = np.isfinite(largest[:, 0]), largest[:, 0] == 0
        self._not_finite.append(begin + np.flatnonzero(~finite))
        self._zero.append(begin + np.flatnonzero(zero))
        largest[~finite | zero] = 1.0
        rows = np.where(finite[:, None], rows, 0.0) / largest
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        norms[norms == 0] = 1.0
        return np.asarray(rows / norms)

    def settle(self, keep: NDArray[np.int64] | None) -> None:
        for must, what, row_blocks in (
            ("finite numbers", "NaN or infinity", self._not_finite),
            ("vectors with a direction", "all-zero vectors", self._zero),
        ):
            bad = np.concatenate(row_blocks)
            bad = bad if keep is None else bad[np.isin(bad, keep)]
            if bad.size:
                plural = "s" if bad.size != 1 else ""
                raise CorpusError(
                    f"{self._name} must hold {must}",
                    f"{what} in {bad.size:,} row{plural}, the first at row {int(bad[0]):,}",
                    "Embed those documents again or drop them",
                )


Blocks = tuple[int, int, Iterator[NDArray[Any]]]


def _npy_blocks(path: Path) -> Blocks:
    try:
        with local_copy(path) as copy:  # The map keeps the bytes of a copy after its name is gone.
            array = np.load(copy, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        if "object" in str(error).lower() or "pickle" in str(error).lower():
            raise CorpusError(
                f"{path.name} must be a plain array of numbers",
                "pickled objects or another format",
                "Save a float32 array with numpy.save; pickles are never opened",
            ) from error
        raise CorpusError(
            f"{path.name} must be a whole .npy file",
            f"one that is damaged or cut short ({str(error)[:100]})",
            "Copy it again",
        ) from error
    real = np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)
    _check_shape(path, array.shape, str(array.dtype), real)
    return len(array), array.shape[1], (np.asarray(array[i : i + BLOCK]) for i in range(0, len(array), BLOCK))


def _check_shape(path: Path, shape: tuple[int, ...], kind: str, real: bool) -> None:
    if not real:
        raise CorpusError(f"{path.name} must hold real numbers", f"type {kind}", "Convert the vectors to float32")
    if len(shape) != 2 or shape[1] == 0:
        raise CorpusError(
            f"{path.name} must be a table of shape (documents, dimensions)",
            f"shape {shape}",
            "Save one row per document",
        )


def _column_blocks(path: Path, files: Sequence[SourceFile], column: str | None) -> Blocks:
    """Open a column of vectors in tables, or a field of vectors in JSON."""
    if any(file.format in ("jsonl", "json") for file in files):
        if any(file.format in ("parquet", "arrow") for file in files):
            raise CorpusError("vectors must be in files of one kind", f"tables and JSON in {path.name}", "Choose one")
        return _json_blocks(path, files, column)
    count, first, name = 0, 0, ""
    for file in files:
        with open_arrow(file) as opened:
            name = name or _vector_column(path, opened.schema, column)
            if name not in opened.schema.names:
                raise CorpusError(
                    f"every file of {path.name} must have the column '{name}'", f"{file.name} without it", "Check it"
                )
            count += opened.rows or sum(len(batch) for batch in opened.batches(columns=[name]))
            if not first:
                cells = (cell for batch in opened.batches(1, columns=[name]) for cell in _numbers(batch.column(0)))
                first = next((len(cell) for cell in cells if cell is not None), 0)
    _check_shape(path, (count, first), "list", True)
    return count, first, _list_blocks(path, files, name, first)


def _vector_column(path: Path, schema: pa.Schema, column: str | None) -> str:
    lists = [field.name for field in schema if _is_numbers(field.type)]
    if column is not None:
        if column not in lists:
            got = (
                f"type {schema.field(column).type}" if column in schema.names else f"columns {list_names(schema.names)}"
            )
            raise CorpusError(
                f"column '{column}' of {path.name} must be a column of lists of numbers",
                got,
                f"Choose one of the list columns: {list_names(lists)}",
            )
        return column
    telling = [name for name in VECTOR_NAMES if name in lists]
    if not telling and len(lists) != 1:
        raise CorpusError(
            f"{path.name} must have one column of lists of numbers",
            f"{len(lists)} such columns among {list_names(schema.names)}",
            "Name the column of the vectors",
        )
    return telling[0] if telling else str(lists[0])


def _storage(kind: pa.DataType) -> pa.DataType:
    """Return the type that holds the values: of a tensor or another extension, and of a dictionary."""
    while True:
        if isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        elif pa.types.is_dictionary(kind):
            kind = kind.value_type
        else:
            return kind


def _is_numbers(kind: pa.DataType) -> bool:
    kind = _storage(kind)
    tests = ("is_list", "is_large_list", "is_fixed_size_list", "is_list_view", "is_large_list_view")
    if not any(getattr(pa.types, test)(kind) for test in tests):
        return False
    value = kind.value_type
    return bool(pa.types.is_floating(value) or pa.types.is_integer(value) or pa.types.is_decimal(value))


def _plain_lists(cells: pa.Array) -> pa.Array:
    """Return lists of float64, however Arrow holds the rows."""
    if isinstance(cells, pa.ExtensionArray):
        cells = cells.storage
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_list_view(cells.type) or pa.types.is_large_list_view(cells.type):
        # Arrow 26 loses rows when it casts part of a list view, so that the rows are taken one by one.
        cells = pa.array(cells.to_pylist(), pa.large_list(cells.type.value_type))
    return cells


def _numbers(cells: pa.Array) -> list[list[float] | None]:
    return list(_plain_lists(cells).to_pylist())


def _list_blocks(path: Path, files: Sequence[SourceFile], name: str, dimension: int) -> Iterator[NDArray[Any]]:
    begin = 0
    for file in files:
        with open_arrow(file) as opened:
            for batch in opened.batches(BLOCK, BLOCK * dimension * 8, [name]):
                cells = _plain_lists(batch.column(0))
                lengths = np.asarray(pa.compute.fill_null(pa.compute.list_value_length(cells), -1))
                _check_lengths(path, lengths, dimension, begin)
                # Nulls inside a list become NaN and are counted with them.
                flat = pa.compute.list_flatten(cells).cast(pa.float64()).to_numpy(zero_copy_only=False)
                yield flat.reshape(len(cells), dimension)
                begin += len(cells)


def _check_lengths(path: Path, lengths: NDArray[Any], dimension: int, begin: int) -> None:
    wrong = np.flatnonzero(lengths != dimension)
    if wrong.size:
        row, length = begin + int(wrong[0]), int(lengths[wrong[0]])
        raise CorpusError(
            f"every vector of {path.name} must have {dimension:,} numbers",
            f"{'none' if length < 0 else f'{length:,}'} in row {row:,}",
            "Embed that document again or drop it",
        )


# ---- JSON -----------------------------------------------------------------------------------------------------------


def _json_blocks(path: Path, files: Sequence[SourceFile], column: str | None) -> Blocks:
    first = next((row for file in files for row in read_rows(file) if isinstance(row, dict)), {})
    lists = [name for name, cell in first.items() if _as_vector(cell) is not None]
    telling = [name for name in VECTOR_NAMES if name in lists] or (lists if len(lists) == 1 else [])
    name = column or (telling[0] if telling else None)
    if name is None or (column is not None and column not in lists):
        raise CorpusError(
            f"{path.name} must have one field that is a list of numbers",
            f"{len(lists)} such fields among {list_names(first)}",
            "Name the field of the vectors",
        )
    dimension = len(first[name])  # type: ignore[arg-type]  # It is a list, as was just checked.
    count = sum(1 for file in files for _ in read_rows(file))
    _check_shape(path, (count, dimension), "list", True)
    return count, dimension, _json_rows(path, files, name, dimension)


def _as_vector(cell: object) -> list[float] | None:
    """Return a list of numbers, None for anything else; a null among them is NaN."""
    if not isinstance(cell, list) or not cell:
        return None
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in cell):
        return [float("nan") if value is None else float(value) for value in cell]
    return None


def _json_rows(path: Path, files: Sequence[SourceFile], name: str, dimension: int) -> Iterator[NDArray[Any]]:
    block: list[list[float]] = []
    begin = 0
    for file in files:
        for row in read_rows(file):
            vector = None if isinstance(row, BrokenRow) else _as_vector(row.get(name))
            length = -1 if vector is None else len(vector)
            _check_lengths(path, np.array([length]), dimension, begin + len(block))
            assert vector is not None
            block.append(vector)
            if len(block) == BLOCK:
                yield np.array(block)
                begin, block = begin + len(block), []
    if block:
        yield np.array(block)
