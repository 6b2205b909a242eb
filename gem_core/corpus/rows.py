"""Walk the rows of a corpus file of any format without holding the file in memory.

Every format gives the same stream: a row is a dict of cells, or a `BrokenRow` where the row itself cannot be taken
apart. Bytes that are not UTF-8 arrive as lone surrogates (PEP 383), so that the reader above can refuse that row alone.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from gem_core._storage import open_input, store_errors
from gem_core.corpus.arrow_files import find_oversized_rows, open_arrow
from gem_core.corpus.files import BOM, SourceFile
from gem_core.corpus.separated import choose_separator, read_cells
from gem_core.corpus.unpack import (
    UNPACK_ERRORS,
    OversizedRow,
    array_elements,
    byte_lines,
    to_utf8,
    truncated_error,
    unpack,
)
from gem_core.corpus.web_archives import COLUMNS as ARCHIVE_COLUMNS
from gem_core.corpus.web_archives import archive_rows
from gem_core.errors import CorpusError

LENIENT = json.JSONDecoder(strict=False)  # Bare control characters in strings are against the standard and harmless.
TEXT_COLUMNS = ("id", "text")  # of a folder of text files: the file's name and what it holds


@dataclass(frozen=True)
class BrokenRow:
    """A row that cannot be taken apart: a line that is not JSON, the wrong number of cells, or too many bytes."""

    detail: str
    reason: str = "broken_row"


Row = dict[str, object] | BrokenRow


def _no_report(completed: int) -> None:
    pass


def read_rows(source: SourceFile, report: Callable[[int], None] = _no_report) -> Iterator[Row]:
    """Yield the rows of one file; `report` is given the bytes of the file that have been passed, about every MiB.

    Columns of Hive folders are added to every row.
    """
    if source.size == 0:
        return iter(())
    rows = _rows_by_format(source, report)
    if not source.partitions:
        return rows
    return (row if isinstance(row, BrokenRow) else dict(source.partitions) | row for row in rows)


def _rows_by_format(source: SourceFile, report: Callable[[int], None]) -> Iterator[Row]:
    match source.format:
        case "parquet" | "arrow":
            return _table_rows(source, report)
        case "jsonl" | "json":
            return (parse_line(row) for row in json_rows(source, report))
        case "text":
            return _text_rows(source, report)
        case "warc":
            return (_set_aside(row) for row in archive_rows(source, read_blocks(source, report)))
        case _:
            return _separated_rows(source, report)


def column_names(source: SourceFile) -> tuple[str, ...] | None:
    """Return the column names that a file declares, or None where each row names its own (JSON) or there is no row."""
    if source.size == 0 or source.format in ("jsonl", "json"):
        return None
    if source.format in ("parquet", "arrow"):
        with open_arrow(source) as file:
            names = unique_names(file.schema.names)
    elif source.format == "text":
        names = TEXT_COLUMNS
    elif source.format == "warc":
        names = ARCHIVE_COLUMNS
    else:
        rows = _numbered_cells(source, read_blocks(source, _no_report))
        names = _header(source, rows)[0]
    return tuple(dict.fromkeys((*names, *(column for column, _ in source.partitions))))


# ---- bytes ----------------------------------------------------------------------------------------------------------


def read_blocks(source: SourceFile, report: Callable[[int], None]) -> Iterator[bytes]:
    """Yield unpacked blocks of UTF-8 text of a file, its byte-order mark removed.

    Raises
    ------
    TruncatedFile
        After all that could be unpacked, where the file is damaged or ends too early.
    """
    with store_errors(source.path, CorpusError), open_input(source.path) as file:

        def blocks() -> Iterator[bytes]:
            try:
                for block in unpack(file, source.compression):
                    yield block
                    report(file.tell())
            except UNPACK_ERRORS as error:
                raise truncated_error(source.name, source.kind, str(error)) from error
            except OSError as error:
                if error.errno is not None:  # The disk, not the content; bz2 reports damaged data as a bare OSError.
                    raise
                raise truncated_error(source.name, source.kind, str(error)) from error

        own = source.options.encoding.lower().replace("_", "-") not in ("utf-8", "utf8")
        first = True
        for block in to_utf8(blocks(), source.options.encoding) if own else blocks():
            if first:
                if not own:
                    _refuse_utf16(source, block)
                block = block.removeprefix(BOM)
            first = False
            yield block


def _refuse_utf16(source: SourceFile, block: bytes) -> None:
    if block.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CorpusError(
            f"{source.name} must be UTF-8",
            "a UTF-16 byte-order mark",
            "Give --encoding utf-16, or save it as UTF-8 (for example iconv -f UTF-16 -t UTF-8)",
        )


# ---- JSON -----------------------------------------------------------------------------------------------------------


def json_rows(source: SourceFile, report: Callable[[int], None] = _no_report) -> Iterator[bytes | OversizedRow]:
    """Yield the bytes of each row of JSON Lines, or of each element of a JSON list; blank lines are no rows.

    Raises
    ------
    TruncatedFile
        After the whole rows, where the file is damaged or ends too early.
    """
    blocks, longest = read_blocks(source, report), source.options.longest_row
    if source.format == "jsonl":
        for line in byte_lines(blocks, longest):
            if isinstance(line, OversizedRow) or line.strip():
                yield line
        return
    try:
        yield from array_elements(blocks, longest)
    except EOFError as error:
        raise truncated_error(source.name, source.kind, str(error)) from error


def _set_aside(row: dict[str, object] | OversizedRow) -> Row:
    if isinstance(row, OversizedRow):
        return BrokenRow(f"the row is longer than {row.limit:,} bytes", "too_long")
    return row


def parse_line(line: bytes | OversizedRow) -> Row:
    """Take one row of JSON apart.

    Examples
    --------
    >>> parse_line(b'{"text": "bees"}'), parse_line(b"[1]").detail
    ({'text': 'bees'}, 'a JSON list, not an object')
    """
    if isinstance(line, OversizedRow):
        return _set_aside(line)
    try:
        value = LENIENT.decode(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        return BrokenRow(f"not JSON: {str(error) or type(error).__name__}"[:200])
    return value if isinstance(value, dict) else BrokenRow(f"a JSON {type(value).__name__}, not an object")


# ---- other formats --------------------------------------------------------------------------------------------------


def unique_names(names: Iterable[object]) -> tuple[str, ...]:
    """Name nameless columns by their number and count repeated names: ("a", "", "a") -> ("a", "column 2", "a (2)")."""
    out: list[str] = []
    for number, raw in enumerate(names, start=1):
        name = str(raw).encode("utf-8", "replace").decode().strip() or f"column {number}"
        candidate, copy = name, 1
        while candidate in out:
            copy += 1
            candidate = f"{name} ({copy})"
        out.append(candidate)
    return tuple(out)


def _numbered_cells(source: SourceFile, blocks: Iterable[bytes]) -> Iterator[tuple[int, list[str] | str]]:
    longest = source.options.longest_row
    lines = (
        line if isinstance(line, OversizedRow) else line.decode("utf-8", "surrogateescape")
        for line in byte_lines(blocks, longest)
    )
    first = next(lines, None)
    if first is None:
        return iter(())
    first_line = "" if isinstance(first, OversizedRow) else first.split("\r")[0]
    return read_cells(_chain(first, lines), choose_separator(first_line, source.format == "tsv"), longest)


def _chain(first: str | OversizedRow, rest: Iterator[str | OversizedRow]) -> Iterator[str | OversizedRow]:
    yield first
    yield from rest


def _header(
    source: SourceFile, rows: Iterator[tuple[int, list[str] | str]]
) -> tuple[tuple[str, ...], list[tuple[int, list[str] | str]]]:
    """Return the names of the columns, and the rows that were read to learn them and are data."""
    first = next(rows, None)
    if first is None or isinstance(first[1], str):
        raise CorpusError(
            f"{source.name} must begin with a line of column names",
            "no line at all" if first is None else str(first[1]),
            "Add a header line",
        )
    if source.options.header:
        return unique_names(first[1]), []
    return tuple(f"column {number}" for number in range(1, len(first[1]) + 1)), [first]


def _separated_rows(source: SourceFile, report: Callable[[int], None]) -> Iterator[Row]:
    rows = _numbered_cells(source, read_blocks(source, report))
    names, data = _header(source, rows)
    for line, cells in _chain_rows(data, rows):
        if isinstance(cells, str):
            long = cells.startswith("the row is longer")
            yield BrokenRow(cells, "too_long") if long else BrokenRow(f"line {line:,}: {cells}")
        elif len(cells) != len(names):
            yield BrokenRow(f"{len(cells)} cells where the header has {len(names)}")
        else:
            yield dict(zip(names, cells, strict=True))


def _chain_rows(
    data: list[tuple[int, list[str] | str]], rows: Iterator[tuple[int, list[str] | str]]
) -> Iterator[tuple[int, list[str] | str]]:
    yield from data
    yield from rows


def _text_rows(source: SourceFile, report: Callable[[int], None]) -> Iterator[Row]:
    """Yield a text file as one document."""
    parts, size = [], 0
    for block in read_blocks(source, report):
        size += len(block)
        if size > source.options.longest_row:
            yield BrokenRow(f"the row is longer than {source.options.longest_row:,} bytes", "too_long")
            return
        parts.append(block)
    text = b"".join(parts).decode("utf-8", "surrogateescape")
    yield dict(zip(TEXT_COLUMNS, (source.name, text), strict=True))


def _table_rows(source: SourceFile, report: Callable[[int], None]) -> Iterator[Row]:
    with open_arrow(source) as file:
        names, total, rows_read = unique_names(file.schema.names), max(1, file.rows), 0
        for batch in file.batches():
            long = set(find_oversized_rows(batch, source.options.longest_row))
            columns = [_cells(_without_cells(column, long)) for column in batch.columns]
            for row in range(batch.num_rows):
                if row in long:
                    yield _set_aside(OversizedRow(source.options.longest_row))
                else:
                    yield {name: column[row] for name, column in zip(names, columns, strict=True)}
            rows_read += batch.num_rows
            report(min(source.size, source.size * rows_read // total) if file.rows else 0)


def _without_cells(column: pa.Array, rows: set[int]) -> pa.Array:
    """Return a column with null in some rows."""
    if not rows:
        return column
    return column.take(pa.array([None if row in rows else row for row in range(len(column))], pa.int64()))


def _cells(column: pa.Array) -> list[object]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [None if cell is None else cell.decode("utf-8", "surrogateescape") for cell in column.to_pylist()]
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:  # Parquet does not check that its strings are UTF-8.
        return _cells(column.cast(pa.large_binary()))
