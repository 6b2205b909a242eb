"""Rows of a shard in batches of bounded rows and bytes: documents, and rows that cannot be taken, with the reason."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gem_core.corpus.columns import missing_column_error
from gem_core.corpus.files import BrokenRow, Row, TruncatedFile, byte_lines, parse_line, read_blocks
from gem_core.errors import CorpusError
from gem_core.pipeline.labeling.shard_files import InputShard

ROWS, BYTES = 1024, 8 << 20  # of a batch, at most and about
REASONS = {
    "no_text": "the text is missing or null",
    "not_utf8": "the text is not UTF-8",
    "wrong_type": "the text is not a string",
    "broken_row": "the row is not a JSON object",
    "labelled_already": "the row has a column that labelling adds",
    "cut_short": "the file is damaged or ends here; what follows is lost",
}


@dataclass(frozen=True)
class RefusedRow:
    """A row that cannot be taken: its place in the shard from 0 (blank lines count), a key of `REASONS`, details."""

    row: int
    reason: str
    detail: str


@dataclass(frozen=True)
class ShardRows:
    """Some rows of a shard.

    Attributes
    ----------
    numbers : (n,) int64
        Places in the shard, rising.
    texts : pyarrow.Array of n large_string
    table : pyarrow.Table of n rows, or None
        All columns, of a parquet shard.
    lines : list of n bytes
        Whole lines, of a JSONL shard.
    cells : list of n dicts
        What these lines say.
    refused : list of Refused
        Rows among them that are no documents.
    read : int
        Bytes of the shard that have been passed.
    """

    numbers: NDArray[np.int64]
    texts: pa.LargeStringArray
    table: pa.Table | None
    lines: list[bytes]
    cells: list[dict[str, object]]
    refused: list[RefusedRow]
    read: int


def read_shard_rows(shard: InputShard, text: str, reserved: tuple[str, ...] = ()) -> Iterator[ShardRows]:
    """Walk a shard; memory holds a batch.

    Raises
    ------
    CorpusError
        If a parquet shard cannot be opened or is damaged, a JSONL shard is not UTF-8, or none of its rows has the text.
    """
    return _parquet(shard, text) if shard.source.format == "parquet" else _jsonl(shard, text, reserved)


# ---- parquet --------------------------------------------------------------------------------------------------------


def open_parquet(shard: InputShard) -> pq.ParquetFile:
    """Open a parquet shard for reading in small pieces.

    Raises
    ------
    CorpusError
        If it cannot be opened.
    """
    try:
        return pq.ParquetFile(shard.source.path, buffer_size=1 << 20, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise damaged_parquet_error(shard, error) from error


def damaged_parquet_error(shard: InputShard, error: Exception) -> CorpusError:
    """Word the refusal of a damaged parquet file."""
    lines = str(error).splitlines() or [type(error).__name__]
    return CorpusError(
        f"{shard.name} must be a whole parquet file",
        f"a damaged one ({lines[0][:120].rstrip('.')})",
        "Copy or download it again",
    )


def _parquet(shard: InputShard, text: str) -> Iterator[ShardRows]:
    with open_parquet(shard) as file:
        start, total = 0, max(1, file.metadata.num_rows)
        try:
            for group in range(file.metadata.num_row_groups):
                about = file.metadata.row_group(group)
                size = max(1, min(ROWS, BYTES * about.num_rows // max(1, about.total_byte_size)))
                for batch in file.iter_batches(size, row_groups=[group], use_threads=False):
                    table = pa.Table.from_batches([batch])
                    texts, refused = _texts(table.column(text), start)
                    numbers = np.arange(start, start + len(table))
                    if refused:
                        keep = np.ones(len(table), dtype=bool)
                        keep[[bad.row - start for bad in refused]] = False
                        numbers, texts, table = numbers[keep], texts.filter(pa.array(keep)), _kept(table, keep)
                    start += batch.num_rows
                    yield ShardRows(numbers, texts, table, [], [], refused, shard.source.size * start // total)
        except (pa.ArrowException, OSError) as error:
            raise damaged_parquet_error(shard, error) from error


def _kept(table: pa.Table, keep: NDArray[np.bool_]) -> pa.Table:
    """Rows of a table, as runs of it: Arrow filters not every type."""
    turns = np.flatnonzero(np.diff(keep, prepend=False, append=False))
    return pa.concat_tables(
        [table.slice(begin, end - begin) for begin, end in turns.reshape(-1, 2).tolist()] or [table.slice(0, 0)]
    )


def _texts(column: pa.ChunkedArray, start: int) -> tuple[pa.LargeStringArray, list[RefusedRow]]:
    """Return the texts of a column, null where there is none, and the rows without."""
    array = pa.concat_arrays(column.chunks)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    array = array.cast(pa.large_binary())
    try:
        texts = array.cast(pa.large_string())  # looks at every byte
        bad = {}
    except pa.ArrowInvalid:
        cells = array.to_pylist()
        bad = {place: why for place, cell in enumerate(cells) if cell is not None and (why := _not_utf8(cell))}
        texts = pa.array([None if place in bad else cell for place, cell in enumerate(cells)], pa.large_binary()).cast(
            pa.large_string()
        )
    if not texts.null_count:
        return texts, []
    return texts, [
        RefusedRow(start + place, *(("not_utf8", bad[place]) if place in bad else ("no_text", "no text")))
        for place in np.flatnonzero(np.asarray(texts.is_null())).tolist()
    ]


def _not_utf8(cell: bytes) -> str:
    try:
        cell.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte {error.start:,} of the text is not UTF-8"
    return ""


# ---- JSON Lines -----------------------------------------------------------------------------------------------------


@dataclass
class _Lines:
    """Lines until they are enough for a batch; private and mutable."""

    numbers: list[int] = field(default_factory=list)
    cells: list[dict[str, object]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    size: int = 0

    def full(self) -> bool:
        return len(self.lines) >= ROWS or self.size >= BYTES or len(self.refused) >= ROWS

    def batch(self, read: int) -> ShardRows:
        return ShardRows(
            np.array(self.numbers, dtype=np.int64),
            pa.array(self.texts, pa.large_string()),
            None,
            self.lines,
            self.cells,
            self.refused,
            read,
        )


def _jsonl(shard: InputShard, text: str, reserved: tuple[str, ...]) -> Iterator[ShardRows]:
    held, read, number, seen = _Lines(), 0, -1, False
    names: dict[str, None] = {}

    def tell(done: int) -> None:
        nonlocal read
        read = done

    try:
        for number, line in enumerate(byte_lines(read_blocks(shard.source, tell))):
            if not line.strip():
                continue
            row = parse_line(line)
            if not seen and not isinstance(row, BrokenRow):
                seen = text in row
                names.update(dict.fromkeys(list(row)[:100]))
            why = _fault(row, text, reserved)
            if why is None and not isinstance(row, BrokenRow):
                held.numbers.append(number)
                held.cells.append(row)
                held.texts.append(str(row[text]))
                held.lines.append(line)
            elif why is not None:
                held.refused.append(RefusedRow(number, *why))
            held.size += len(line)
            if held.full():
                yield held.batch(read)
                held = _Lines()
    except TruncatedFile as error:
        held.refused.append(RefusedRow(number + 1, "cut_short", error.got))
    except OSError as error:
        raise CorpusError(f"{shard.name} must be readable", f"{error.strerror or error}", "Check the file") from error
    if names and not seen:
        raise missing_column_error("text", text, list(names), shard.name)
    yield held.batch(shard.source.size)


def _fault(row: Row, text: str, reserved: tuple[str, ...]) -> tuple[str, str] | None:
    if isinstance(row, BrokenRow):
        return "broken_row", row.detail
    cell = row.get(text)
    if cell is None:
        return "no_text", "no text"
    if not isinstance(cell, str):
        return "wrong_type", f"the text is a {type(cell).__name__}, not a string"
    if not cell.isascii():
        try:
            cell.encode("utf-8")
        except UnicodeEncodeError as error:
            return "not_utf8", f"character {error.start:,} of the text is not UTF-8"
    taken = [name for name in reserved if name in row]
    return ("labelled_already", f"it has {taken[0]}") if taken else None
