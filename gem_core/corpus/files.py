"""Find the data files below a path: one rule for fit, label and sample, formats known by content."""

import json
import os
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gem_core._storage import (
    file_name,
    file_size,
    is_remote,
    open_input,
    path_exists,
    storage_path,
    store_errors,
    store_files,
)
from gem_core.corpus.unpack import LONGEST_ROW, UNPACK_ERRORS, compression_of, unpack
from gem_core.errors import CorpusError

Format = Literal["csv", "tsv", "jsonl", "json", "parquet", "arrow", "warc", "text"]
SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".warc": "warc",
    ".wet": "warc",
    ".txt": "text",
    ".md": "text",
}
COMPRESSIONS = {".gz": ".gz", ".zst": ".zst", ".zstd": ".zst", ".bz2": ".bz2", ".xz": ".xz"}
KNOWN = "csv, tsv, jsonl, json (each also .gz, .zst, .bz2 or .xz), parquet, arrow, feather, warc or wet"
HEAD = 1 << 16  # bytes that show what a file holds
LOOKS = 16  # files of a store that are looked into at a time
NAMES_SHOWN = 4  # skipped files that a message names
BOM = b"\xef\xbb\xbf"
SPLITS = ("train", "training", "validation", "valid", "val", "dev", "test", "testing", "eval", "evaluation")
# Files that describe the data beside them: Hugging Face datasets, model folders, frictionless data.
METADATA = re.compile(
    r"(dataset_info|dataset_infos|dataset_dict|state|config|metadata|package|datapackage)\.json|cache-.*\.arrow|"
    r"(readme|license|licence|changelog|requirements)(\..*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ReadOptions:
    """How the files of a corpus are chosen and read.

    Attributes
    ----------
    split : str or None
        Only the files of this split ("train"): by a folder or a part of the file's name.
    encoding : str
        Encoding of text files.
    header : bool
        Whether the first line of csv and tsv files names the columns; else they are "column 1", "column 2", ...
    longest_row : int
        Bytes; a longer row is set aside.
    """

    split: str | None = None
    encoding: str = "utf-8"
    header: bool = True
    longest_row: int = LONGEST_ROW

    def __post_init__(self) -> None:
        try:
            "".encode(self.encoding)
        except LookupError:
            raise CorpusError(
                "--encoding must be an encoding that Python knows",
                self.encoding,
                "Use a name such as utf-8, cp1252, latin-1 or utf-16",
            ) from None
        if self.longest_row < 1:
            raise CorpusError("--longest-row must be at least 1 byte", f"{self.longest_row}", "Leave it out for 256 MB")


@dataclass(frozen=True)
class SourceFile:
    """One data file.

    Attributes
    ----------
    path : Path
    format : Format
    compression : str
        "", ".gz", ".zst", ".bz2" or ".xz".
    size : int
        Bytes on disk.
    name : str
        Path below the folder, with slashes; the file's name where a file was named.
    partitions : tuple of (str, str or None)
        Columns that Hive folders such as "lang=en" add to every row.
    options : ReadOptions
    """

    path: Path
    format: Format
    compression: str
    size: int
    name: str = ""
    partitions: tuple[tuple[str, str | None], ...] = ()
    options: ReadOptions = ReadOptions()

    @property
    def kind(self) -> str:
        """Format and compression, as a suffix would say them."""
        return f"{self.format}{self.compression}"


@dataclass(frozen=True)
class FileListing:
    """The data files below a path.

    Attributes
    ----------
    files : tuple of SourceFile
        In the order of their names; those without a byte included.
    skipped : tuple of str
        Names of the files that hold no data.
    """

    files: tuple[SourceFile, ...]
    skipped: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: empty files and files that were skipped."""
        empty = [file.name for file in self.files if file.size == 0]
        notes = [f"{_count(len(empty), 'empty file')} without rows: {_first_names(empty)}"] if empty else []
        if self.skipped:
            notes.append(f"{_count(len(self.skipped), 'file')} skipped, not data: {_first_names(self.skipped)}")
        return tuple(notes)


def find_files(path: Path | str, options: ReadOptions | None = None) -> FileListing:
    """Return the data files that `path` names: itself, or every one below a folder in the order of their names.

    Hidden files and those whose name starts with an underscore are passed over in folders; links are followed. Where a
    folder has files of rows, its text files, metadata and files of unknown kinds are skipped and listed; a folder of
    .txt and .md files alone is a corpus of one document per file.

    Raises
    ------
    CorpusError
        When there is no such file, or no data file in the folder.
    """
    options = options or ReadOptions()
    path = storage_path(path)
    with store_errors(path, CorpusError):
        return _list_files(path, options)


def _list_files(path: Path, options: ReadOptions) -> FileListing:
    if not path_exists(path):
        raise CorpusError("the corpus must be a file or a folder", f"{path}, which does not exist", "Check the path")
    if path.is_file():
        return FileListing((_named_file(path, options),))
    if is_remote(path):
        sizes = {name: size for name, size in store_files(path).items() if not _is_hidden(name)}
    else:
        sizes = {name: (path / name).stat().st_size for name in _walk(path, "", (os.path.realpath(path),))}
    names = sorted(sizes, key=lambda name: name.split("/"))
    with ThreadPoolExecutor(LOOKS if is_remote(path) else 1) as pool:  # A store answers each look after a while.
        kinds = list(zip(names, pool.map(_examine, [path / name for name in names]), strict=True))
    rows = [(name, kind) for name, kind in kinds if kind is not None and kind[0] != "text"]
    if not rows:
        rows = [(name, kind) for name, kind in kinds if kind is not None]
    files = tuple(
        SourceFile(path / name, kind[0], kind[1], sizes[name], name, _partitions(name), options) for name, kind in rows
    )
    data_names = {file.name for file in files}
    skipped = tuple(name for name in names if name not in data_names)
    if not files:
        raise CorpusError(
            f"a corpus folder must hold {KNOWN} files",
            f"{path.name} with {_describe_kinds(names)}",
            "Point at the folder that holds the data files",
        )
    if options.split is not None:
        files = _select_split(path, files, options.split)
    return FileListing(files, skipped)


def _walk(root: Path, below: str, chain: tuple[str, ...]) -> Iterator[str]:
    """Yield the names of all files below a folder; a link back into a folder that it lies in is not followed."""
    with os.scandir(root / below) as entries:
        for entry in entries:
            if entry.name.startswith((".", "_")):
                continue
            name = f"{below}{entry.name}"
            if entry.is_dir():
                real = os.path.realpath(entry.path)
                if real not in chain:
                    yield from _walk(root, f"{name}/", (*chain, real))
            elif entry.is_file():
                yield name


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))


def _named_file(path: Path, options: ReadOptions) -> SourceFile:
    size = file_size(path)
    kind = _examine(path, by_user=True)
    if kind is None:
        raise CorpusError(f"a corpus file must be {KNOWN}", f"{path.name}", "Convert it, for example to JSON Lines")
    if size == 0:
        raise CorpusError(
            f"{path.name} must hold at least one row", "an empty file (0 bytes)", "Check the export that wrote it"
        )
    return SourceFile(path, kind[0], kind[1], size, file_name(path), (), options)


def suffix_of(name: str) -> tuple[Format | None, str]:
    """Return what a file's name says: its format (None where it says none) and its compression.

    Examples
    --------
    >>> suffix_of("part-3.jsonl.zst"), suffix_of("notes.docx")
    (('jsonl', '.zst'), (None, ''))
    """
    name = name.lower()
    ending = next((ending for ending in COMPRESSIONS if name.endswith(ending)), "")
    return SUFFIXES.get(Path(name.removesuffix(ending)).suffix), COMPRESSIONS.get(ending, "")


def _examine(path: Path, by_user: bool = False) -> tuple[Format, str] | None:
    """Return format and compression of a file by its first bytes, and by its name where they do not tell."""
    format_, compression = suffix_of(file_name(path))
    if not by_user and METADATA.fullmatch(path.name):
        return None
    with open_input(path) as file:
        head = file.read(HEAD)
    packed_by = compression_of(head)
    if packed_by:
        compression = packed_by
    elif head.lstrip()[:1] in (b"{", b"["):  # A web server may have unpacked a file and left its name.
        compression = ""
    if compression:
        head = _unpacked_head(path, compression)
    if not compression and (head.startswith(b"PAR1") or format_ == "parquet"):
        return "parquet", ""
    if not compression and (head.startswith((b"ARROW1", b"FEA1")) or format_ == "arrow"):
        return "arrow", ""
    if head.startswith(b"WARC/"):
        return "warc", compression
    if format_ in ("csv", "tsv", "text"):
        return format_, compression
    of_json = _json_format(head)
    if of_json is None and format_ == "jsonl":
        of_json = "jsonl"
    if of_json is None and by_user and ".json" in path.name.lower():
        raise CorpusError(
            f"{path.name} must hold one JSON object per line, or a list of objects",
            "one object over several lines" if head.lstrip()[:1] == b"{" else "something else",
            "Write one object per line (JSON Lines)",
        )
    return None if of_json is None or format_ in ("parquet", "arrow", "warc") else (of_json, compression)


def _unpacked_head(path: Path, compression: str) -> bytes:
    parts, size = [], 0
    with open_input(path) as file, suppress(*UNPACK_ERRORS, OSError):
        for block in unpack(file, compression):
            parts.append(block[:HEAD])
            size += len(block)
            if size >= HEAD:
                break
    return b"".join(parts)[:HEAD]


def _json_format(head: bytes) -> Format | None:
    """Tell JSON Lines and JSON lists from other content, by the first bytes."""
    start = head.removeprefix(BOM).lstrip()
    if start[:1] == b"[":
        return "json" if start[1:].lstrip()[:1] in (b"{", b"") else None
    if start[:1] != b"{":
        return None
    line, newline, _ = start.partition(b"\n")
    if not newline and len(head) == HEAD:  # A first row that is longer than what was read.
        return "jsonl"
    try:
        json.loads(line.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None
    return "jsonl"


def _partitions(name: str) -> tuple[tuple[str, str | None], ...]:
    pairs = (part.partition("=") for part in name.split("/")[:-1])
    return tuple(
        (column, None if value == "__HIVE_DEFAULT_PARTITION__" else urllib.parse.unquote(value))
        for column, mark, value in pairs
        if mark and column
    )


def split_of(name: str) -> set[str]:
    """Return the words of a file's path that may name its split.

    Examples
    --------
    >>> sorted(split_of("data/train-00000-of-00002.parquet") & {"train", "test"})
    ['train']
    """
    return set(re.split(r"[^a-z0-9]+", name.lower()))


def _select_split(path: Path, files: tuple[SourceFile, ...], split: str) -> tuple[SourceFile, ...]:
    split_files = tuple(file for file in files if split.lower() in split_of(file.name))
    if not split_files:
        splits = [name for name in SPLITS if any(name in split_of(file.name) for file in files)]
        raise CorpusError(
            f"{path.name} must hold files of the split '{split}'",
            f"{_count(len(files), 'file')} and the splits: {', '.join(splits) or 'none'}",
            "Name one of them, or leave --split out to read all files",
        )
    return split_files


def with_options(file: SourceFile, options: ReadOptions) -> SourceFile:
    """Return the same file, read with other options."""
    return replace(file, options=options)


def _describe_kinds(names: Sequence[str]) -> str:
    """List the kinds of files that a folder holds."""
    if not names:
        return "no files"
    endings = Counter(Path(name).suffix.lower() or "no suffix" for name in names)
    kinds = ", ".join(f"{count:,} {ending}" for ending, count in endings.most_common(NAMES_SHOWN))
    return f"{_count(len(names), 'other file')}: {kinds}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def _first_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
