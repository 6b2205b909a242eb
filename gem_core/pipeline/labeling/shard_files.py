"""Shards: the files of a folder that are read one by one, each by one worker."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gem_core.corpus.columns import list_names
from gem_core.corpus.files import BrokenRow, SourceFile, byte_lines, parse_line, read_blocks, split_suffix
from gem_core.errors import CorpusError, InputError

NAMES_SHOWN = 3  # files that a refusal names


@dataclass(frozen=True)
class InputShard:
    """One file of a folder.

    Attributes
    ----------
    name : str
        Path below the folder, with slashes.
    source : Source
        Path, format ("parquet" or "jsonl"), compression and size in bytes.
    """

    name: str
    source: SourceFile


def find_shards(folder: Path) -> tuple[InputShard, ...]:
    """Return the shards below a folder in the order of their names.

    Hidden files and those that begin with an underscore are passed over, and so are files that are no shards.

    Raises
    ------
    InputError
        If there is no such folder, or no parquet or JSONL file in it.
    """
    if not folder.is_dir():
        raise InputError("The input must be a folder of shards", f"{folder}, which is none", "Check the path")
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        form, compression = split_suffix(path)
        if form in ("parquet", "jsonl") and path.is_file() and not any(p.startswith((".", "_")) for p in name.parts):
            found.append(InputShard(name.as_posix(), SourceFile(path, form, compression, path.stat().st_size)))
    if not found:
        raise InputError(
            "The folder must hold parquet or jsonl(.gz, .zst) shards",
            f"{folder} without any",
            "Point at the folder that holds the data files",
        )
    return tuple(sorted(found, key=lambda shard: shard.name))


def check_shard_columns(
    shards: Iterable[InputShard],
    text: str,
    *,
    reserved: Iterable[str] = (),
    needed: Iterable[str] = (),
) -> None:
    """Look into every shard before any work: the text must be there, and no column of our own.

    Reads the footer of a parquet shard and the first line of a JSONL shard; what cannot be opened is left to the work.

    Raises
    ------
    InputError
        If parquet shards lack the text column or another that is needed, hold something else than text in it, or
        shards have a reserved column already.
    """
    lacking: dict[str, list[str]] = {}
    taken: list[str] = []
    other: list[str] = []
    columns: set[str] = set()
    for shard in shards:
        fields = _fields(shard)
        if fields is None:
            continue
        for name in reserved:
            if name in fields:
                taken.append(f"{shard.name} ({name})")
        if shard.source.format == "parquet":
            for name in (text, *needed):
                if name not in fields:
                    lacking.setdefault(name, []).append(shard.name)
                    columns.update(fields)
            if text in fields and not is_text(fields[text]):
                other.append(f"{shard.name} ({fields[text] or 'two columns'})")
    for name, names in lacking.items():
        raise InputError(
            f"Every parquet shard must have the column '{name}'",
            f"{len(names):,} without it: {list_first(names)}; columns there: {list_names(sorted(columns))}",
            "Name the column of the text with --text-column" if name == text else "Name another column",
        )
    if other:
        raise InputError(
            f"The column '{text}' must be one column of text",
            f"something else in {list_first(other)}",
            "Name the column of the text with --text-column",
        )
    if taken:
        raise InputError(
            "A shard must not have columns that labelling adds",
            list_first(taken),
            "Point at the shards as they were before, or rename these columns",
        )


def _fields(shard: InputShard) -> dict[str, pa.DataType | None] | None:
    """Columns of a shard and their types (None: of two columns, or of JSON); None where it cannot be said."""
    try:
        if shard.source.format == "parquet":
            schema = pq.read_schema(shard.source.path)
            return {field.name: None if schema.names.count(field.name) > 1 else field.type for field in schema}
        line = next((line for line in byte_lines(read_blocks(shard.source, lambda done: None)) if line.strip()), b"")
        row = parse_line(line)
        return None if isinstance(row, BrokenRow) else dict.fromkeys(row)
    except (pa.ArrowException, OSError, CorpusError):
        return None


def is_text(kind: pa.DataType | None) -> bool:
    """Whether a column's type is text, or bytes that may be."""
    if kind is None:
        return False
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        test(kind)
        for test in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
        )
    )


def list_first(names: list[str]) -> str:
    """Name the first of many."""
    more = f" and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
