"""Find the files of a corpus and walk their rows without holding a file in memory.

Every format gives the same stream: a row is a dict of cells, or a `Broken` where the row itself cannot be taken apart.
Bytes that are not UTF-8 arrive as lone surrogates (PEP 383), so that the reader above can refuse that row alone.
"""

import csv
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from gem_core.errors import CorpusError

Format = Literal["csv", "tsv", "jsonl", "parquet"]
FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
COMPRESSIONS = (".gz", ".zst")
KNOWN = "csv, tsv, jsonl (each also .gz or .zst) or parquet"
BLOCK, PACKED = 1 << 20, 1 << 16  # bytes read, and unpacked, at a time
# The csv module's limit is one number for the whole process; a 10 MB document needs more than its 128 KiB.
CELL_LIMIT = 2**31 - 1
LENIENT = json.JSONDecoder(strict=False)  # bare control characters in strings are against the standard and do no harm


class TruncatedFile(CorpusError):
    """A file is damaged or ends too early."""


@dataclass(frozen=True)
class BrokenRow:
    """A row that cannot be taken apart: a line that is not JSON, or the wrong number of cells."""

    detail: str


Row = dict[str, object] | BrokenRow


@dataclass(frozen=True)
class SourceFile:
    """One file of a corpus."""

    path: Path
    format: Format
    compression: str
    size: int


def find_sources(path: Path | str) -> tuple[SourceFile, ...]:
    """Return the corpus files that `path` names: itself, or every one below a folder in the order of their names.

    Hidden files and those whose name starts with an underscore are passed over in folders.

    Raises
    ------
    CorpusError
        When there is no such file, no corpus file in the folder, several formats in it, or the suffix is unknown.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise CorpusError(
            "the corpus must be a file or a folder on this machine", f"{path}, which does not exist", "Check the path"
        )
    if path.is_file():
        return (_source(path),)
    inside = sorted(p for p in path.rglob("*") if p.is_file() and not _hidden(p.relative_to(path)))
    sources = tuple(_source(p) for p in inside if split_suffix(p)[0] is not None)
    if not sources:
        raise CorpusError(
            f"a corpus folder must hold {KNOWN} files",
            f"{path.name} with {len(inside):,} other file{'s' if len(inside) != 1 else ''}",
            "Point at the folder that holds the data files",
        )
    formats = sorted({s.format for s in sources})
    if len(formats) > 1:
        raise CorpusError(
            "a corpus folder must hold files of one format",
            " and ".join(formats) + f" in {path.name}",
            "Point at the files of one format, or move the others away",
        )
    return sources


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def split_suffix(path: Path) -> tuple[Format | None, str]:
    """Return what a file's name says: its format (None for what is no corpus file) and its compression.

    Examples
    --------
    >>> split_suffix(Path("part-3.jsonl.zst")), split_suffix(Path("notes.docx"))
    (('jsonl', '.zst'), (None, ''))
    """
    name = path.name.lower()
    compression = next((c for c in COMPRESSIONS if name.endswith(c)), "")
    form = FORMATS.get(Path(name.removesuffix(compression)).suffix)
    return (None, "") if form == "parquet" and compression else (form, compression)


def _source(path: Path) -> SourceFile:
    form, compression = split_suffix(path)
    if form is None:
        raise CorpusError(f"a corpus file must be {KNOWN}", f"{path.name}", "Convert it, for example to JSON Lines")
    size = path.stat().st_size
    if size == 0:
        raise CorpusError(
            f"{path.name} must hold at least one row", "an empty file (0 bytes)", "Check the export that wrote it"
        )
    return SourceFile(path, form, compression, size)


def read_rows(source: SourceFile, tell: Callable[[int], None] = lambda done: None) -> Iterator[Row]:
    """Yield the rows of one file; `tell` hears how many bytes of the file have been passed, about once a mebibyte."""
    if source.format == "parquet":
        return _parquet_rows(source, tell)
    blocks = read_blocks(source, tell)
    return _jsonl_rows(source, blocks) if source.format == "jsonl" else _csv_rows(source, blocks)


def column_names(source: SourceFile) -> tuple[str, ...] | None:
    """Return the column names that a file declares (csv, tsv, parquet), or None where each row names its own."""
    if source.format == "parquet":
        with _open_parquet(source) as file:
            return unique_names(file.schema_arrow.names)
    if source.format == "jsonl":
        return None
    return _csv_header(source, _csv_cells(source, _text_lines(read_blocks(source, lambda done: None))))


# ---- bytes ----------------------------------------------------------------------------------------------------------


def read_blocks(source: SourceFile, tell: Callable[[int], None]) -> Iterator[bytes]:
    """Yield decompressed blocks of a file, its byte-order mark removed.

    Raises
    ------
    Truncated
        After all that could be unpacked, where the file is damaged or ends too early.
    """
    with source.path.open("rb") as file:
        unpack = {"": _plain, ".gz": _gunzip, ".zst": _unzstd}[source.compression]
        first = True
        try:
            for block in unpack(source, file):
                if first:
                    _refuse_utf16(source, block)
                    block = block.removeprefix(b"\xef\xbb\xbf")
                first = False
                yield block
                tell(file.tell())
        except (zlib.error, zstandard.ZstdError) as error:
            raise _truncated(source, str(error)) from error


def _plain(source: SourceFile, file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def _gunzip(source: SourceFile, file: BinaryIO) -> Iterator[bytes]:
    # Not gzip.GzipFile: what it has unpacked before a break in the file is lost with its error.
    member = None
    while packed := file.read(PACKED):
        while packed:
            member = member or zlib.decompressobj(wbits=31)
            if block := member.decompress(packed, BLOCK):
                yield block
            packed = member.unconsumed_tail
            if member.eof:
                packed, member = member.unused_data.lstrip(b"\0"), None  # zeros may fill up the end of a file
    if member is not None:
        raise _truncated(source, "the last gzip member does not end")


def _unzstd(source: SourceFile, file: BinaryIO) -> Iterator[bytes]:
    # Frames are opened one by one: the library's stream reader ends quietly on a truncated file.
    opener = zstandard.ZstdDecompressor(max_window_size=2**31)
    frame = None
    while packed := file.read(PACKED):
        while packed:
            frame = frame or opener.decompressobj()
            if block := frame.decompress(packed):
                yield block
            packed = b""
            if frame.eof:
                packed, frame = frame.unused_data, None
    if frame is not None:
        raise _truncated(source, "the last zstd frame does not end")


def _refuse_utf16(source: SourceFile, block: bytes) -> None:
    if block.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CorpusError(
            f"{source.path.name} must be UTF-8",
            "a UTF-16 byte-order mark",
            "Save it as UTF-8 (for example iconv -f UTF-16 -t UTF-8)",
        )


def _truncated(source: SourceFile, why: str) -> TruncatedFile:
    return TruncatedFile(
        f"{source.path.name} must be a whole {source.format}{source.compression} file",
        f"one that is damaged or cut short ({why})",
        "Copy or download it again",
    )


def byte_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Split blocks into lines, each with its end, at line feeds only: other line separators are part of the text."""
    rest: list[bytes] = []
    for block in blocks:
        head, newline, tail = block.partition(b"\n")
        rest.append(head)
        if not newline:
            continue
        yield b"".join(rest) + b"\n"
        *whole, last = tail.split(b"\n")
        for line in whole:
            yield line + b"\n"
        rest = [last]
    if any(rest):
        yield b"".join(rest)


def _text_lines(blocks: Iterable[bytes]) -> Iterator[str]:
    return (line.decode("utf-8", "surrogateescape") for line in byte_lines(blocks))


# ---- formats --------------------------------------------------------------------------------------------------------


def unique_names(names: Iterable[object]) -> tuple[str, ...]:
    """Name nameless columns by their place and number repeated names: ("a", "", "a") -> ("a", "column 2", "a (2)")."""
    out: list[str] = []
    for place, raw in enumerate(names, start=1):
        name = str(raw).encode("utf-8", "replace").decode().strip() or f"column {place}"
        candidate, copy = name, 1
        while candidate in out:
            copy += 1
            candidate = f"{name} ({copy})"
        out.append(candidate)
    return tuple(out)


def parse_line(line: bytes) -> Row:
    """Take one line of JSON Lines apart.

    Examples
    --------
    >>> parse_line(b'{"text": "bees"}'), parse_line(b"[1]")
    ({'text': 'bees'}, BrokenRow(detail='a JSON list, not an object'))
    """
    try:
        value = LENIENT.decode(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        return BrokenRow(f"not JSON: {str(error) or type(error).__name__}"[:200])
    return value if isinstance(value, dict) else BrokenRow(f"a JSON {type(value).__name__}, not an object")


def _jsonl_rows(source: SourceFile, blocks: Iterable[bytes]) -> Iterator[Row]:
    return (parse_line(line) for line in byte_lines(blocks) if line.strip())


def _csv_cells(source: SourceFile, lines: Iterable[str]) -> Iterator[list[str] | BrokenRow]:
    """Yield the cells of every row that is not blank; strict, so that a stray quote cannot swallow later rows."""
    lines = iter(lines)
    first = next(lines, "")
    csv.field_size_limit(CELL_LIMIT)
    # An old Macintosh's or a spreadsheet's lone carriage returns would make one endless line.
    if first.count("\r") > 1 and not first.endswith("\n"):
        lines = iter(io.StringIO(first + "".join(lines), newline=""))
    else:
        lines = _chain(first, lines)
    reader = csv.reader(lines, delimiter=_delimiter(source, first.split("\r")[0]), strict=True)
    while True:
        begin = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise CorpusError(
                    f"every quoted cell of {source.path.name} must be closed",
                    f"a quote in the row that starts on line {begin:,} and never ends",
                    "Close or double the quote in that row",
                ) from error
            yield BrokenRow(f"line {begin:,}: {error}")
            continue
        if cells:
            yield cells


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter(source: SourceFile, header: str) -> str:
    if source.format == "tsv":
        return "\t"
    # Commas unless the header has none: spreadsheets of many countries write semicolons.
    return max([",", ";", "\t", "|"], key=lambda mark: (mark == "," and mark in header, header.count(mark)))


def _csv_header(source: SourceFile, cells: Iterator[list[str] | BrokenRow]) -> tuple[str, ...]:
    header = next(cells, None)
    if header is None or isinstance(header, BrokenRow):
        raise CorpusError(
            f"{source.path.name} must begin with a line of column names",
            "no line at all" if header is None else header.detail,
            "Add a header line",
        )
    return unique_names(header)


def _csv_rows(source: SourceFile, blocks: Iterable[bytes]) -> Iterator[Row]:
    cells = _csv_cells(source, _text_lines(blocks))
    names = _csv_header(source, cells)
    for row in cells:
        if isinstance(row, BrokenRow):
            yield row
        elif len(row) != len(names):
            yield BrokenRow(f"{len(row)} cells where the header has {len(names)}")
        else:
            yield dict(zip(names, row, strict=True))


def _open_parquet(source: SourceFile) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(source.path)
    except (pa.ArrowInvalid, OSError) as error:
        raise _truncated(source, str(error).splitlines()[0][:120]) from error


def _parquet_rows(source: SourceFile, tell: Callable[[int], None]) -> Iterator[Row]:
    with _open_parquet(source) as file:
        names, total, done = unique_names(file.schema_arrow.names), max(1, file.metadata.num_rows), 0
        try:
            for batch in file.iter_batches(batch_size=1024):
                columns = [_cells(column) for column in batch.columns]
                for place in range(batch.num_rows):
                    yield {name: column[place] for name, column in zip(names, columns, strict=True)}
                done += batch.num_rows
                tell(source.size * done // total)
        except (pa.ArrowInvalid, OSError) as error:
            raise _truncated(source, str(error).splitlines()[0][:120]) from error


def _cells(column: pa.Array) -> list[object]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [None if cell is None else cell.decode("utf-8", "surrogateescape") for cell in column.to_pylist()]
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:  # parquet does not check that its strings are UTF-8
        return _cells(column.cast(pa.large_binary()))
