"""Shards: the files of a folder that are read one by one, each by one worker."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from gem_core._storage import storage_path, store_errors
from gem_core.corpus.arrow_files import open_arrow
from gem_core.corpus.columns import list_names
from gem_core.corpus.fields import arrow_field, has_field
from gem_core.corpus.files import COMPRESSIONS, FileListing, ReadOptions, SourceFile, find_files
from gem_core.corpus.rows import BrokenRow, column_names, json_rows, parse_line
from gem_core.errors import CorpusError, InputError

NAMES_SHOWN = 3  # files that a refusal names
TABLES, TEXTS = ("parquet", "arrow"), ("csv", "tsv")


@dataclass(frozen=True)
class InputShard:
    """One file of a folder.

    Attributes
    ----------
    name : str
        Path below the folder, with slashes.
    source : SourceFile
        Path, format, compression and size in bytes.
    """

    name: str
    source: SourceFile

    @property
    def labeled_name(self) -> str:
        """Name of the labeled shard: its own, but NAME.jsonl of web archives and of text files, which hold no rows."""
        if self.source.format not in ("warc", "text"):
            return self.name
        ending = next((ending for ending in COMPRESSIONS if self.name.lower().endswith(ending)), "")
        return f"{self.name[: len(self.name) - len(ending)]}.jsonl{self.source.compression}"

    @property
    def is_table(self) -> bool:
        """Whether the shard holds Arrow tables: parquet, arrow or feather."""
        return self.source.format in TABLES


def find_shards(folder: Path, options: ReadOptions | None = None) -> tuple[InputShard, ...]:
    """Return the shards below a folder in the order of their names.

    The files are those that `gem_core.corpus.files.find_files` finds for a corpus.

    Raises
    ------
    InputError
        If there is no such folder, or no data file in it.
    """
    return shards_of(list_shards(folder, options))


def list_shards(folder: Path, options: ReadOptions | None = None) -> FileListing:
    """Return the files below a folder of shards with those that were skipped; see `find_shards`."""
    folder = storage_path(folder)
    with store_errors(folder):
        is_folder = folder.is_dir()
    if not is_folder:
        raise InputError("The input must be a folder of shards", f"{folder}, which is none", "Check the path")
    return find_files(folder, options)


def shards_of(listing: FileListing) -> tuple[InputShard, ...]:
    """Return the files of a listing as shards."""
    return tuple(InputShard(file.name, file) for file in sorted(listing.files, key=lambda file: file.name))


def check_shard_columns(
    shards: Iterable[InputShard],
    text: str,
    *,
    reserved: Iterable[str] = (),
    needed: Iterable[str] = (),
) -> None:
    """Look into every shard before any work: the text must be there, and no column that labeling adds.

    Reads the footer of a table, the header of a csv or tsv file and the first row of JSON; files that cannot be opened
    are left to the work. A column that is needed must be in some shard; rows of the others have no value there.

    Raises
    ------
    InputError
        If a table, csv or tsv file lacks the text column or holds something else than text in it, no such file has a
        column that is needed, or shards have a reserved column already.
    """
    without_text: list[str] = []
    other: list[str] = []
    present: list[str] = []
    columns: set[str] = set()
    lacking: dict[str, list[str]] = {name: [] for name in needed}
    present_columns: set[str] = set()
    for shard in shards:
        fields = _fields(shard)
        if fields is None:
            continue
        present += [f"{shard.name} ({name})" for name in reserved if name in fields]
        partitions = dict(shard.source.partitions)
        for name in lacking:
            if has_field(fields, name) or name in partitions:
                present_columns.add(name)
            else:
                lacking[name].append(shard.name)
                columns.update(fields)
        if shard.source.format in ("jsonl", "json"):
            continue
        kind = _text_type(fields, text)
        if not has_field(fields, text):
            without_text.append(shard.name)
            columns.update(fields)
        elif not is_text(kind):
            other.append(f"{shard.name} ({kind or 'two columns'})")
    if without_text:
        raise InputError(
            f"Every shard must have the column '{text}'",
            f"{len(without_text):,} without it: {list_first(without_text)}; columns there: "
            f"{list_names(sorted(columns))}",
            "Name the column of the text with --text-column",
        )
    for name, names in lacking.items():
        if names and name not in present_columns:
            raise missing_everywhere_error(name, names, columns)
    if other:
        raise InputError(
            f"The column '{text}' must be one column of text",
            f"something else in {list_first(other)}",
            "Name the column of the text with --text-column",
        )
    if present:
        raise InputError(
            "A shard must not have columns that labeling adds",
            list_first(present),
            "Add a --prefix for the new columns, or point at the shards as they were before",
        )


def missing_everywhere_error(name: str, shards: list[str], columns: Iterable[str]) -> InputError:
    """Word the refusal of a column that no shard has."""
    return InputError(
        f"Some shard must have the column '{name}'",
        f"{len(shards):,} without it: {list_first(shards)}; columns there: {list_names(sorted(columns))}",
        "Name another column",
    )


def _fields(shard: InputShard) -> Mapping[str, pa.DataType | None] | None:
    """Return columns of a shard and their types (None: of two columns, or of JSON); None where it cannot be said."""
    if shard.source.size == 0:
        return None
    try:
        if shard.is_table:
            with open_arrow(shard.source) as file:
                names = file.schema.names
                return {field.name: None if names.count(field.name) > 1 else field.type for field in file.schema}
        if shard.source.format not in ("jsonl", "json"):
            return dict.fromkeys(column_names(shard.source) or (), pa.string())
        row = next((parse_line(line) for line in json_rows(shard.source)), BrokenRow("no row"))
        return None if isinstance(row, BrokenRow) else dict.fromkeys(row)
    except (pa.ArrowException, OSError, CorpusError):
        return None


def _text_type(fields: Mapping[str, pa.DataType | None], text: str) -> pa.DataType | None:
    """Return the type at a column name or dotted path; None for two columns of that name."""
    if text in fields:
        return fields[text]
    typed_fields = [(name, kind) for name, kind in fields.items() if kind is not None]
    column = arrow_field(pa.schema(typed_fields).empty_table(), text)
    return None if column is None else column.type


def is_text(kind: pa.DataType | None) -> bool:
    """Return whether a column's type is text, bytes that may be text, or a chat: a list of messages."""
    if kind is None:
        return False
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return bool(pa.types.is_struct(kind.value_type))
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
    """Name the first of many.

    Examples
    --------
    >>> list_first(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    more = f" and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
