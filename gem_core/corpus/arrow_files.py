"""Parquet, Arrow and Feather files as a schema and record batches of bounded size."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gem_core._storage import is_remote, open_input, store_errors
from gem_core.corpus.files import SourceFile
from gem_core.corpus.unpack import TruncatedFile, truncated_error
from gem_core.errors import CorpusError

_LARGE_BINARY = pa.large_binary()
BATCH_ROWS, BATCH_BYTES = 1024, 8 << 20
READ_ERRORS = (pa.ArrowException, OSError)


@dataclass(frozen=True)
class ArrowFile:
    """An open file of tables.

    Attributes
    ----------
    schema : pyarrow.Schema
    rows : int
        Rows of the file; 0 where a stream does not say.
    reader : pyarrow.parquet.ParquetFile, pyarrow.ipc.RecordBatchFileReader, ...
    """

    source: SourceFile
    schema: pa.Schema
    rows: int
    reader: Any

    def batches(
        self, rows: int = BATCH_ROWS, size: int = BATCH_BYTES, columns: list[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most `rows` rows and about `size` bytes.

        Raises
        ------
        TruncatedFile
            Where the file is damaged.
        """
        batches = (
            self._parquet_batches(rows, size, columns)
            if isinstance(self.reader, pq.ParquetFile)
            else self._ipc_batches(rows, size, columns)
        )
        with store_errors(self.source.path, CorpusError):
            try:
                yield from batches
            except READ_ERRORS as error:
                raise _read_error(self.source, error) from error

    def _parquet_batches(self, rows: int, size: int, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        for groups, count, total in self._row_groups(rows, size):
            batch_rows = max(1, min(rows, size * count // max(1, total)))
            yield from self.reader.iter_batches(batch_rows, row_groups=groups, columns=columns, use_threads=False)

    def _row_groups(self, rows: int, size: int) -> Iterator[tuple[list[int], int, int]]:
        """Put small row groups together: opening each alone costs more than reading it."""
        metadata = self.reader.metadata
        groups: list[int] = []
        count = total = 0
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            if groups and (count + group.num_rows > rows or total + group.total_byte_size > size):
                yield groups, count, total
                groups, count, total = [], 0, 0
            groups.append(number)
            count, total = count + group.num_rows, total + group.total_byte_size
        if groups:
            yield groups, count, total

    def _ipc_batches(self, rows: int, size: int, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        for batch in _record_batches(self.reader):
            selection = batch if columns is None else batch.select(columns)
            step = max(1, min(rows, size * max(1, len(selection)) // max(1, selection.nbytes)))
            for begin in range(0, len(selection), step):
                yield selection.slice(begin, step)


def find_oversized_rows(batch: pa.RecordBatch, longest: int) -> list[int]:
    """Return the rows of a batch whose texts, bytes, lists and objects have more than `longest` bytes together."""
    if batch.nbytes <= longest:
        return []
    sizes = sum((_cell_sizes(column) for column in batch.columns), np.zeros(batch.num_rows, dtype=np.int64))
    return [int(row) for row in np.flatnonzero(sizes > longest)]


def _cell_sizes(column: pa.Array) -> NDArray[np.int64]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        column = column.cast(pa.large_binary())
        kind = column.type
    if (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or (kind == _LARGE_BINARY)
    ):
        return np.asarray(pc.binary_length(column).fill_null(0), dtype=np.int64)
    if not pa.types.is_nested(kind):
        return np.zeros(len(column), dtype=np.int64)
    return np.array([column.slice(row, 1).nbytes for row in range(len(column))], dtype=np.int64)


def _record_batches(reader: Any) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)
    elif isinstance(reader, pa.Table):
        yield from reader.to_batches()
    else:
        yield from reader


@contextmanager
def open_arrow(source: SourceFile) -> Iterator[ArrowFile]:
    """Open a parquet, Arrow (file or stream, as `datasets` writes them) or Feather file.

    Raises
    ------
    TruncatedFile
        If it cannot be opened.
    """
    if source.format == "parquet":
        with store_errors(source.path, CorpusError):
            try:
                content = open_input(source.path) if is_remote(source.path) else source.path
                file = pq.ParquetFile(content, buffer_size=1 << 20, pre_buffer=False)
            except READ_ERRORS as error:
                raise _read_error(source, error) from error
        with file:
            yield ArrowFile(source, file.schema_arrow, file.metadata.num_rows, file)
        return
    try:
        mapped = pa.PythonFile(open_input(source.path)) if is_remote(source.path) else pa.memory_map(str(source.path))
    except READ_ERRORS as error:
        raise damaged_file(source, error) from error
    with mapped:
        try:
            opened = _open_ipc(source, mapped)
        except READ_ERRORS as error:
            raise damaged_file(source, error) from error
        yield opened


def _open_ipc(source: SourceFile, mapped: pa.NativeFile) -> ArrowFile:
    magic = mapped.read(6)
    mapped.seek(0)
    if magic == b"ARROW1":
        reader = pa.ipc.open_file(mapped)
        return ArrowFile(source, reader.schema, 0, reader)
    if magic.startswith(b"FEA1"):
        table = pyarrow.feather.read_table(mapped)
        return ArrowFile(source, table.schema, len(table), table)
    stream = pa.ipc.open_stream(mapped)
    return ArrowFile(source, stream.schema, 0, stream)


def _read_error(source: SourceFile, error: Exception) -> Exception:
    """Return the refusal of a damaged file, or the error itself where a store or its network raised it."""
    return error if is_remote(source.path) and getattr(error, "errno", None) else damaged_file(source, error)


def damaged_file(source: SourceFile, error: Exception) -> TruncatedFile:
    """Word the refusal of a damaged file."""
    lines = str(error).splitlines() or [type(error).__name__]
    return truncated_error(source.name, source.kind, lines[0][:120].rstrip("."))
