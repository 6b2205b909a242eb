"""Take a person's own vectors: an .npy file or a list column of parquet, checked and normalised block by block."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gem_core._types import Float32, Float64
from gem_core.corpus.columns import list_names
from gem_core.corpus.files import find_sources
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
    """Read one vector a document and scale each to unit length.

    Memory: the result (4 n d bytes, or nothing with `out`) and a block of 4,096 rows in float64.

    Parameters
    ----------
    path : path
        An .npy file of shape (n, d) without pickled objects, or a parquet file or folder with a column of lists of
        numbers.
    documents : int
        n, the number of documents of the corpus.
    column : str, optional
        Column of the parquet file; the only list column, or the one named embedding or vector, when None.
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
    path = Path(path).expanduser()
    if not path.exists():
        raise CorpusError(
            "the vectors must be a file on this machine", f"{path}, which does not exist", "Check the path"
        )
    if path.suffix.lower() == ".npy":
        count, dimension, blocks = _npy_blocks(path)
    elif path.is_dir() or path.suffix.lower() in (".parquet", ".pq"):
        count, dimension, blocks = _parquet_blocks(path, column)
    else:
        raise CorpusError("vectors must be an .npy or a parquet file", path.name, "Save them with numpy.save")
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
        wanted = slice(None) if keep is None else keep[(keep >= begin) & (keep < begin + len(block))] - begin
        unit = faults.unit(block, begin)[wanted]
        result[filled : filled + len(unit)] = unit
        begin, filled = begin + len(block), filled + len(unit)
    faults.settle(keep)
    return result


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
        f"{path.name} must have one vector a document, {documents:,} rows{also}",
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
        for must, what, found in (
            ("finite numbers", "NaN or infinity", self._not_finite),
            ("vectors with a direction", "all-zero vectors", self._zero),
        ):
            bad = np.concatenate(found)
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
        array = np.load(path, mmap_mode="r", allow_pickle=False)
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
            f"{path.name} must be a table of shape (documents, dimensions)", f"shape {shape}", "Save one row a document"
        )


def _parquet_blocks(path: Path, column: str | None) -> Blocks:
    sources = find_sources(path)
    if any(source.format != "parquet" for source in sources):
        raise CorpusError(
            "vectors must be an .npy or a parquet file",
            f"a folder of {sources[0].format} files",
            "Point at the parquet files",
        )
    try:
        files = [pq.ParquetFile(source.path) for source in sources]
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(path, error) from error
    name = _vector_column(path, files[0].schema_arrow, column)
    count = sum(file.metadata.num_rows for file in files)
    first = next(
        (
            len(cell)
            for file in files
            for batch in file.iter_batches(1, columns=[name])
            for cell in batch.column(0).to_pylist()
            if cell is not None
        ),
        0,
    )
    _check_shape(path, (count, first), "list", True)
    return count, first, _list_blocks(path, files, name, first)


def _damaged(path: Path, error: Exception) -> CorpusError:
    return CorpusError(
        f"{path.name} must be a whole parquet file",
        f"one that is damaged or cut short ({str(error).splitlines()[0][:100]})",
        "Copy it again",
    )


def _vector_column(path: Path, schema: pa.Schema, column: str | None) -> str:
    lists = [field.name for field in schema if _is_numbers(field.type)]
    if column is not None:
        if column not in lists:
            came = (
                f"type {schema.field(column).type}" if column in schema.names else f"columns {list_names(schema.names)}"
            )
            raise CorpusError(
                f"column '{column}' of {path.name} must be a column of lists of numbers",
                came,
                f"Choose one of the list columns: {list_names(lists)}",
            )
        return column
    named = [name for name in VECTOR_NAMES if name in lists]
    if not named and len(lists) != 1:
        raise CorpusError(
            f"{path.name} must have one column of lists of numbers",
            f"{len(lists)} such columns among {list_names(schema.names)}",
            "Name the column of the vectors",
        )
    return named[0] if named else str(lists[0])


def _is_numbers(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(is_list and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)))


def _list_blocks(path: Path, files: list[pq.ParquetFile], name: str, dimension: int) -> Iterator[NDArray[Any]]:
    begin = 0
    for file in files:
        try:
            for batch in file.iter_batches(BLOCK, columns=[name]):
                cells = batch.column(0)
                lengths = np.asarray(pa.compute.fill_null(pa.compute.list_value_length(cells), -1))
                wrong = np.flatnonzero(lengths != dimension)
                if wrong.size:
                    row, length = begin + int(wrong[0]), int(lengths[wrong[0]])
                    raise CorpusError(
                        f"every vector of {path.name} must have {dimension:,} numbers",
                        f"{'none' if length < 0 else f'{length:,}'} in row {row:,}",
                        "Embed that document again or drop it",
                    )
                # Nulls inside a list become NaN and are counted with them.
                flat = pa.compute.list_flatten(cells).cast(pa.float64()).to_numpy(zero_copy_only=False)
                yield flat.reshape(len(cells), dimension)
                begin += len(cells)
        except (pa.ArrowInvalid, OSError) as error:
            raise _damaged(path, error) from error
