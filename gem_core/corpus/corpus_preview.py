"""Preview the first rows of a corpus, guess the roles of its columns, and choose them."""

import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gem_core._storage import storage_path
from gem_core.corpus.columns import (
    ID_NAMES,
    LABEL_NAMES,
    TEXT_NAMES,
    TOKEN_NAMES,
    WEIGHT_NAMES,
    Columns,
    count_words,
    list_names,
    missing_column_error,
    parse_number,
    replace_surrogates,
)
from gem_core.corpus.fields import flatten, has_field, join_messages
from gem_core.corpus.files import FileListing, ReadOptions, SourceFile, find_files
from gem_core.corpus.rows import BrokenRow, column_names, read_rows
from gem_core.corpus.unpack import TruncatedFile
from gem_core.errors import CorpusError


@dataclass(frozen=True)
class CorpusPreview:
    """The first rows of a corpus, before it is read.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns, in the order of the file.
    guesses : Columns
        What each is likely to be; a person should confirm it.
    table : pandas.DataFrame
        The first rows as they are, at most as many as asked for. Bytes that are not UTF-8 show as U+FFFD.
    files : int
        Number of files the corpus has.
    size : int
        Bytes on disk, all files together.
    header_doubt : str
        Why the first line of a csv or tsv file seems to be a row and not names; empty where it does not.
    """

    columns: tuple[str, ...]
    guesses: Columns
    table: pd.DataFrame
    files: int
    size: int
    header_doubt: str = ""


def preview(path: Path | str, rows: int = 50, options: ReadOptions | None = None) -> CorpusPreview:
    r"""Read the first rows of a corpus and guess its columns; no more of the file is read than is shown.

    Parameters
    ----------
    path : path
        A file of rows or a folder of such files: csv, tsv, jsonl, json (each also compressed), parquet, arrow, feather,
        or a folder of text files.
    rows : int
        How many rows to show and to guess from.
    options : ReadOptions, optional

    Raises
    ------
    CorpusError
        When there is nothing to read there, or no column holds text.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "pool.csv"
    >>> _ = path.write_text("url,body\nexample.org/1,A page about bees and the flowers they visit\n")
    >>> preview(path).guesses
    Columns(text='body', id='url', label=None, tokens=None, weight=None)
    """
    return preview_files(find_files(path, options), rows)


def preview_files(listing: FileListing, rows: int = 50) -> CorpusPreview:
    """Read the first rows of the first file that has any, and guess its columns; see `preview`."""
    names: tuple[str, ...] = ()
    sample: list[dict[str, object]] = []
    first = listing.files[0]
    damaged: TruncatedFile | None = None
    for first in listing.files:
        sound = (row for row in read_rows(first) if not isinstance(row, BrokenRow))
        some = itertools.islice(sound, rows)
        try:
            sample = [{name: replace_surrogates(cell) for name, cell in row.items()} for row in some]
        except TruncatedFile as error:  # Another file may show the columns; reading this one will say what is wrong.
            damaged = damaged or error
            continue
        if sample:
            names = column_names(first) or tuple(dict.fromkeys(name for row in sample for name in row))
            break
    if not sample:
        if damaged is not None:
            raise damaged
        raise CorpusError(
            f"{listing.files[0].path.name} must hold at least one row",
            "no row that can be read",
            "Check the export that wrote it",
        )
    table = pd.DataFrame({name: pd.Series([row.get(name) for row in sample], dtype=object) for name in names})
    size = sum(file.size for file in listing.files)
    return CorpusPreview(names, guess_columns(table), table, len(listing.files), size, _header_doubt(first, names))


def _header_doubt(source: SourceFile, names: Sequence[str]) -> str:
    """Say why the names of a csv or tsv file look like a row of data; empty where they do not."""
    if source.format not in ("csv", "tsv") or not source.options.header:
        return ""
    role_names = {*TEXT_NAMES, *ID_NAMES, *LABEL_NAMES, *TOKEN_NAMES, *WEIGHT_NAMES}
    if any(name.strip().lower() in role_names for name in names):
        return ""
    number = next((name for name in names if parse_number(name) is not None), None)
    sentence = next((name for name in names if len(name.split()) >= 5), None)
    if sentence is None and (number is None or len(names) > 4):
        return ""
    return f"a first line with '{list_names([sentence or str(number)])}', which looks like a row"


def guess_sound_columns(path: Path, listing: FileListing) -> Columns:
    """Guess the columns of files of which no column was named.

    Raises
    ------
    CorpusError
        When the first line of a csv or tsv file may be a document and not column names, or no column holds text.
    """
    look = preview_files(listing)
    if look.header_doubt:
        raise _header_error(path.name, look.header_doubt)
    return look.guesses


def _header_error(source_name: str, doubt: str) -> CorpusError:
    return CorpusError(
        f"{source_name} must begin with a line of column names",
        doubt,
        "Give --no-header to read the first line as a row, or name the text column if these are names",
    )


def guess_columns(table: pd.DataFrame) -> Columns:
    """Guess the role of each column from its name and its first values.

    The text is a column with a telling name ("text", "content", "body", ...) whose strings are at least a quarter as
    long on average as the longest column's, else the column with the longest strings, else the first one of chats. The
    other roles go by name alone; tokens and weight must also hold numbers, and an id must differ in every row.

    Parameters
    ----------
    table : pandas.DataFrame
        Some rows of a corpus.

    Returns
    -------
    Columns

    Raises
    ------
    CorpusError
        When no column holds strings or chats.

    Examples
    --------
    >>> guess_columns(pd.DataFrame({"title": ["Bees", "Tea"], "content": ["Bees dance.", "Tea is picked."]}))
    Columns(text='content', id=None, label=None, tokens=None, weight=None)
    """
    names = [str(name) for name in table.columns]
    lengths = {name: _mean_length(table[name]) for name in names if _may_be_text(name, table[name])}
    longest = max(lengths.values(), default=0.0)
    chats = [name for name in names if table[name].map(join_messages).notna().any()] if longest == 0.0 else []
    if longest == 0.0 and not chats:
        nested = _flatten_table(table)
        if nested is not None:
            return guess_columns(nested)
        raise CorpusError(
            "one column must hold text",
            f"columns {list_names(names)} without any",
            "Choose another file, or name the text column",
        )
    candidates = chats or [name for name in lengths if lengths[name] >= longest / 4]
    text = _first_match(candidates, TEXT_NAMES) or max(candidates, key=lambda name: lengths.get(name, 0.0))
    others = [name for name in names if name != text]
    numeric = [name for name in others if _is_numeric(table[name])]
    distinct = [name for name in others if _is_distinct(table[name])]
    plain = [name for name in others if not table[name].map(lambda cell: isinstance(cell, list | dict)).any()]
    id_name = _first_match(distinct, ID_NAMES)
    return Columns(
        text,
        id=id_name,
        label=_first_match(plain, LABEL_NAMES),
        tokens=_first_match(numeric, TOKEN_NAMES),
        weight=_first_match(numeric, WEIGHT_NAMES),
        id_guessed=id_name is not None,
    )


def _may_be_text(name: str, column: pd.Series) -> bool:
    """Whether a column may hold documents: a telling name, or some cell of two words or more (no column of ids)."""
    if name.strip().lower() in TEXT_NAMES:
        return True
    return any(isinstance(cell, str) and count_words(cell) > 1 for cell in column)


def _flatten_table(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return a table of the fields of nested columns, None where there are none."""
    nested = [name for name in table.columns if table[name].map(lambda cell: isinstance(cell, dict)).any()]
    if not nested:
        return None
    rows = [
        {
            path: leaf
            for name in nested
            if isinstance(row[name], dict)
            for path, leaf in flatten(row[name], name).items()
        }
        for row in table.to_dict("records")
    ]
    flat = pd.DataFrame(rows, dtype=object)
    plain = table.drop(columns=nested)
    return pd.concat([plain, flat.astype(object).where(flat.notna(), None)], axis=1)


def _mean_length(column: pd.Series) -> float:
    return float(sum(len(cell) for cell in column if isinstance(cell, str)) / max(1, len(column)))


def _first_match(names: Sequence[str], candidates: Sequence[str]) -> str | None:
    by_name = {name.strip().lower(): name for name in reversed(names)}
    return next((by_name[want] for want in candidates if want in by_name), None)


def _is_numeric(column: pd.Series) -> bool:
    return all(parse_number(cell) is not None for cell in column)


def _is_distinct(column: pd.Series) -> bool:
    cells = list(column)
    return all(isinstance(cell, str | int) and cell != "" for cell in cells) and len(set(cells)) == len(cells)


def choose_columns(
    path: Path | str,
    *,
    text: str | None = None,
    id: str | None = None,
    label: str | None = None,
    tokens: str | None = None,
    weight: str | None = None,
    options: ReadOptions | None = None,
) -> Columns:
    """Take the columns that a person named and guess the others from the first rows.

    A column that was named for one role is guessed for no other; an empty name means that the role has no column.

    Raises
    ------
    CorpusError
        When a named column is not there, nothing can be read, or the first line of a csv or tsv file does not look
        like column names and no text column was named.
    """
    listing = find_files(path, options)
    look = preview_files(listing)
    arguments: dict[str, str | None] = {
        "text": text or None,
        "id": id,
        "label": label,
        "tokens": tokens,
        "weight": weight,
    }
    if look.header_doubt and not text:
        raise _header_error(storage_path(path).name, look.header_doubt)
    declared = next((names for names in map(column_names, listing.files) if names is not None), ())
    for role, name in arguments.items():
        # A field of JSON may come later than the preview looks; `read_corpus` finds out.
        if name and declared and not has_field(declared, name):
            raise missing_column_error(role, name, declared, storage_path(path).name)
    explicit_roles: dict[str, str | None] = {role: name or None for role, name in arguments.items() if name is not None}
    used = [name for name in explicit_roles.values() if name]
    guessed = look.guesses
    if text is None and guessed.text in used:
        with suppress(CorpusError):  # No other column holds text: `check_columns` refuses one column in two roles.
            guessed = guess_columns(look.table.drop(columns=used, errors="ignore"))
    roles: dict[str, str | None] = {
        role: name for role, name in guessed.by_role().items() if role not in explicit_roles and name not in used
    }
    names_by_role = {"text": guessed.text, **roles, **explicit_roles}
    return Columns(**names_by_role, id_guessed="id" in roles)  # type: ignore[arg-type]  # The text is never None.
