"""Read a shard in batches of bounded rows and bytes: documents, and rows that cannot be taken, with the reason."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gem_core.corpus.arrow_files import find_oversized_rows, open_arrow
from gem_core.corpus.columns import field_or_none, missing_column_error
from gem_core.corpus.encoding_check import EncodingCheck
from gem_core.corpus.fields import MISSING, arrow_field, get_field, join_messages
from gem_core.corpus.rows import BrokenRow, Row, json_rows, parse_line, read_blocks, read_rows
from gem_core.corpus.unpack import OversizedRow, TruncatedFile, byte_lines
from gem_core.errors import CorpusError
from gem_core.pipeline.labeling.shard_files import InputShard

ROWS, BYTES = 1024, 8 << 20  # of a batch, at most and about
REASONS = {
    "no_text": "the text is missing or null",
    "not_utf8": "the text is not UTF-8",
    "wrong_type": "the text is not a string",
    "broken_row": "the row is not a JSON object, or has not as many cells as the header",
    "too_long": "the row has more bytes than the longest row may have",
    "labelled_already": "the row has a column that labeling adds",
    "cut_short": "the file is damaged or ends here; what follows is lost",
}


@dataclass(frozen=True)
class RefusedRow:
    """A row that cannot be taken: its number in the shard from 0 (blank lines count), a key of `REASONS`, details."""

    row: int
    reason: str
    detail: str


@dataclass(frozen=True)
class ShardRows:
    """Some rows of a shard.

    Attributes
    ----------
    numbers : (n,) int64
        Numbers of the rows in the shard, rising.
    texts : pyarrow.Array of n large_string
    table : pyarrow.Table of n rows, or None
        All columns, of a table.
    lines : list of n bytes
        Whole rows of JSON; of csv and tsv as JSON.
    cells : list of n dicts
        The columns of these rows.
    refused : list of RefusedRow
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
        If a table cannot be opened or is damaged, a text file is not UTF-8, or none of its rows has the text.
    """
    if shard.source.size == 0:
        return iter(())
    return _table_batches(shard, text) if shard.is_table else _row_batches(shard, text, reserved)


# ---- tables ---------------------------------------------------------------------------------------------------------


def _table_batches(shard: InputShard, text: str) -> Iterator[ShardRows]:
    size = shard.source.size
    with open_arrow(shard.source) as file:
        start, total = 0, max(1, file.rows)
        for batch in file.batches(ROWS, BYTES):
            table = pa.Table.from_batches([batch])
            column = arrow_field(table, text)
            if column is None:
                raise missing_column_error("text", text, table.column_names, shard.name)
            long = find_oversized_rows(batch, shard.source.options.longest_row)
            texts, refused = _texts(column, start)
            refused = _with_oversized(refused, [start + row for row in long], shard)
            numbers = np.arange(start, start + len(table))
            if refused:
                keep = np.ones(len(table), dtype=bool)
                keep[[row.row - start for row in refused]] = False
                numbers, texts, table = numbers[keep], texts.filter(pa.array(keep)), _filter_rows(table, keep)
            start += batch.num_rows
            read = min(size, size * start // total) if file.rows else 0
            yield ShardRows(numbers, texts, table, [], [], refused, read)


def _with_oversized(refused: list[RefusedRow], rows: list[int], shard: InputShard) -> list[RefusedRow]:
    """Return refused rows with those that are too long, by number."""
    detail = f"the row is longer than {shard.source.options.longest_row:,} bytes"
    others = [row for row in refused if row.row not in rows]
    return sorted([*others, *(RefusedRow(row, "too_long", detail) for row in rows)], key=lambda row: row.row)


def _filter_rows(table: pa.Table, keep: NDArray[np.bool_]) -> pa.Table:
    """Return the rows of a table that are kept, as runs of it: Arrow cannot filter every type."""
    turns = np.flatnonzero(np.diff(keep, prepend=False, append=False))
    return pa.concat_tables(
        [table.slice(begin, end - begin) for begin, end in turns.reshape(-1, 2).tolist()] or [table.slice(0, 0)]
    )


def _texts(column: pa.ChunkedArray, start: int) -> tuple[pa.LargeStringArray, list[RefusedRow]]:
    """Return the texts of a column, null where there is none, and the rows without."""
    array = pa.concat_arrays(column.chunks)
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        array = pa.array([join_messages(cell) for cell in array.to_pylist()], pa.large_string())
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    array = array.cast(pa.large_binary())
    try:
        texts = array.cast(pa.large_string())  # This looks at every byte.
        bad = {}
    except pa.ArrowInvalid:
        cells = array.to_pylist()
        bad = {row: why for row, cell in enumerate(cells) if cell is not None and (why := _not_utf8(cell))}
        texts = pa.array([None if row in bad else cell for row, cell in enumerate(cells)], pa.large_binary()).cast(
            pa.large_string()
        )
    if not texts.null_count:
        return texts, []
    return texts, [
        RefusedRow(start + row, *(("not_utf8", bad[row]) if row in bad else ("no_text", "no text")))
        for row in np.flatnonzero(np.asarray(texts.is_null())).tolist()
    ]


def _not_utf8(cell: bytes) -> str:
    try:
        cell.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte {error.start:,} of the text is not UTF-8"
    return ""


# ---- JSON, csv and tsv ----------------------------------------------------------------------------------------------


@dataclass
class _Batch:
    """Rows until they are enough for a batch; private and mutable."""

    numbers: list[int] = field(default_factory=list)
    cells: list[dict[str, object]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    size: int = 0

    def is_full(self) -> bool:
        return len(self.lines) >= ROWS or self.size >= BYTES or len(self.refused) >= ROWS

    def finish(self, read: int) -> ShardRows:
        return ShardRows(
            np.array(self.numbers, dtype=np.int64),
            pa.array(self.texts, pa.large_string()),
            None,
            self.lines,
            self.cells,
            self.refused,
            read,
        )


def _row_batches(shard: InputShard, text: str, reserved: tuple[str, ...]) -> Iterator[ShardRows]:
    batch, read, number, has_text_field, encoding = _Batch(), 0, -1, False, EncodingCheck()
    names: dict[str, None] = {}

    def report(completed: int) -> None:
        nonlocal read
        read = completed

    rows = _json_lines(shard, report) if shard.source.format in ("jsonl", "json") else _cell_lines(shard, report)
    try:
        for number, line, row in rows:
            if not has_text_field and not isinstance(row, BrokenRow):
                has_text_field = get_field(row, text) is not MISSING
                names.update(dict.fromkeys(list(row)[:100]))
            document, why = _document(row, text, reserved, encoding)
            if why is None and not isinstance(row, BrokenRow):
                batch.numbers.append(number)
                batch.cells.append(row)
                batch.texts.append(document)
                batch.lines.append(line)
            elif why is not None:
                batch.refused.append(RefusedRow(number, *why))
            batch.size += len(line)
            if batch.is_full():
                yield batch.finish(read)
                batch = _Batch()
    except TruncatedFile as error:
        batch.refused.append(RefusedRow(number + 1, "cut_short", error.got))
    except OSError as error:
        raise CorpusError(f"{shard.name} must be readable", f"{error.strerror or error}", "Check the file") from error
    if names and not has_text_field:
        raise missing_column_error("text", text, list(names), shard.name)
    encoding.verify(shard.name)
    yield batch.finish(shard.source.size)


Numbered = tuple[int, bytes, Row]


def _json_lines(shard: InputShard, report: Callable[[int], None]) -> Iterator[Numbered]:
    source = shard.source
    lines: Iterable[bytes | OversizedRow] = (
        byte_lines(read_blocks(source, report), source.options.longest_row)
        if source.format == "jsonl"
        else json_rows(source, report)
    )
    for number, line in enumerate(lines):
        if isinstance(line, OversizedRow):
            yield number, b"", parse_line(line)
        elif line.strip():
            yield number, line, parse_line(line)


def _cell_lines(shard: InputShard, report: Callable[[int], None]) -> Iterator[Numbered]:
    # The columns of Hive folders stay in the names of the folders.
    for number, row in enumerate(read_rows(replace(shard.source, partitions=()), report)):
        if isinstance(row, BrokenRow):
            yield number, b"", row
        else:
            yield number, json.dumps(row, ensure_ascii=True).encode() + b"\n", row


def _document(
    row: Row, text: str, reserved: tuple[str, ...], encoding: EncodingCheck
) -> tuple[str, tuple[str, str] | None]:
    """Return the text of a row, and why it is no document."""
    if isinstance(row, BrokenRow):
        return "", (row.reason, row.detail)
    cell = field_or_none(row, text)
    if cell is None:
        return "", ("no_text", "no text")
    if isinstance(cell, list):
        cell = join_messages(cell) or cell
    if not isinstance(cell, str):
        return "", ("wrong_type", f"the text is a {type(cell).__name__}, not a string")
    if not encoding.count(cell):
        position = next(i for i, letter in enumerate(cell) if "\ud800" <= letter <= "\udfff")
        return "", ("not_utf8", f"character {position:,} of the text is not UTF-8")
    present = [name for name in reserved if name in row]
    return cell, ("labelled_already", f"it has {present[0]}") if present else None
