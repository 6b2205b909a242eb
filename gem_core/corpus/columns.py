"""Which column of a source is the text, the id, the label, the tokens, the weight: guesses, checks, a first look."""

import dataclasses
import difflib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gem_core.corpus.files import BrokenRow, SourceFile, column_names, find_sources, read_rows
from gem_core.errors import CorpusError

TEXT_NAMES = (
    "text",
    "content",
    "body",
    "document",
    "raw_content",
    "page_content",
    "doc",
    "passage",
    "article",
    "abstract",
    "markdown",
    "description",
    "message",
    "review",
)
ID_NAMES = ("id", "doc_id", "document_id", "docid", "_id", "uuid", "guid", "uid", "key", "url")
LABEL_NAMES = ("label", "labels", "category", "class", "topic", "subject", "domain", "subset", "section", "source")
TOKEN_NAMES = ("tokens", "token_count", "n_tokens", "num_tokens", "tokens_count", "token_len", "ntokens")
WEIGHT_NAMES = ("weight", "weights", "sample_weight", "doc_weight", "document_weight")


@dataclass(frozen=True)
class Columns:
    """The columns of a source that have a role; the others are carried along.

    Attributes
    ----------
    text : str
        Column of the documents' text.
    id : str or None
        Column of unique names; None makes ids from row numbers ("row-0" is the first).
    label : str or None
        Column of labels to compare clusters with; never used for clustering.
    tokens : str or None
        Column of token counts, whole numbers from 0 up; None counts them.
    weight : str or None
        Column of document weights, numbers from 0 up.

    Examples
    --------
    >>> Columns("body", id="url").by_role()
    {'text': 'body', 'id': 'url'}
    """

    text: str
    id: str | None = None
    label: str | None = None
    tokens: str | None = None
    weight: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """Return every role with its column or None."""
        return dataclasses.asdict(self)

    def by_role(self) -> dict[str, str]:
        """Return the roles that have a column."""
        return {role: name for role, name in self.as_dict().items() if name is not None}


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
        The first rows as they stand, at most as many as asked for. Bytes that are not UTF-8 show as U+FFFD.
    files : int
        Number of files the corpus has.
    size : int
        Bytes on disk, all files together.
    """

    columns: tuple[str, ...]
    guesses: Columns
    table: pd.DataFrame
    files: int
    size: int


def preview(path: Path | str, rows: int = 50) -> CorpusPreview:
    r"""Look at the first rows of a corpus and guess its columns; reads no more of the file than it shows.

    Parameters
    ----------
    path : path
        A csv, tsv, jsonl (each also .gz or .zst) or parquet file, or a folder of such files of one format.
    rows : int
        How many rows to show and to guess from.

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
    sources = find_sources(path)
    first = sources[0]
    sound = (row for row in read_rows(first) if not isinstance(row, BrokenRow))
    seen = [{name: replace_surrogates(cell) for name, cell in row.items()} for row in itertools.islice(sound, rows)]
    names = column_names(first) or tuple(dict.fromkeys(name for row in seen for name in row))
    if not seen:
        raise CorpusError(
            f"{first.path.name} must hold at least one row", "no row that can be read", "Check the export that wrote it"
        )
    table = pd.DataFrame({name: pd.Series([row.get(name) for row in seen], dtype=object) for name in names})
    return CorpusPreview(names, guess_columns(table), table, len(sources), sum(s.size for s in sources))


def replace_surrogates(cell: object) -> object:
    r"""Replace what is not UTF-8 in a string by U+FFFD; other values pass.

    Examples
    --------
    >>> replace_surrogates("caf\udce9"), replace_surrogates(3)
    ('caf�', 3)
    """
    if not isinstance(cell, str) or cell.isascii():
        return cell
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in cell)
    return cell


def guess_columns(table: pd.DataFrame) -> Columns:
    """Guess the role of each column from its name and its first values.

    The text is a column with a telling name ("text", "content", "body", ...) whose strings are at least a quarter as
    long on average as the longest column's, else the column with the longest strings. The other roles go by name
    alone; tokens and weight must also hold numbers, and an id must differ in every row.

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
        When no column holds strings.

    Examples
    --------
    >>> guess_columns(pd.DataFrame({"title": ["Bees", "Tea"], "content": ["Bees dance.", "Tea is picked."]}))
    Columns(text='content', id=None, label=None, tokens=None, weight=None)
    """
    names = [str(name) for name in table.columns]
    lengths = {name: _mean_length(table[name]) for name in names}
    longest = max(lengths.values(), default=0.0)
    if longest == 0.0:
        raise CorpusError(
            "one column must hold text",
            f"columns {list_names(names)} without any",
            "Choose another file, or name the text column",
        )
    candidates = [name for name in names if lengths[name] >= longest / 4]
    text = _named(candidates, TEXT_NAMES) or max(candidates, key=lambda name: lengths[name])
    others = [name for name in names if name != text]
    numeric = [name for name in others if _is_numeric(table[name])]
    distinct = [name for name in others if _is_distinct(table[name])]
    plain = [name for name in others if not table[name].map(lambda cell: isinstance(cell, list | dict)).any()]
    return Columns(
        text,
        id=_named(distinct, ID_NAMES),
        label=_named(plain, LABEL_NAMES),
        tokens=_named(numeric, TOKEN_NAMES),
        weight=_named(numeric, WEIGHT_NAMES),
    )


def _mean_length(column: pd.Series) -> float:
    return float(sum(len(cell) for cell in column if isinstance(cell, str)) / max(1, len(column)))


def _named(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    by_name = {name.strip().lower(): name for name in reversed(names)}
    return next((by_name[want] for want in wanted if want in by_name), None)


def _is_numeric(column: pd.Series) -> bool:
    return all(parse_number(cell) is not None for cell in column)


def _is_distinct(column: pd.Series) -> bool:
    cells = list(column)
    return all(isinstance(cell, str | int) and cell != "" for cell in cells) and len(set(cells)) == len(cells)


def parse_number(cell: object) -> float | None:
    """Read a cell as a finite number from 0 up, else None.

    Examples
    --------
    >>> parse_number("12"), parse_number(-1), parse_number("many"), parse_number(None)
    (12.0, None, None, None)
    """
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        return None
    try:
        number = float(cell)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < float("inf") else None


def list_names(names: Iterable[str], most: int = 12) -> str:
    """Name columns in a line that stays readable however many there are.

    Examples
    --------
    >>> list_names(["id", "text"]), list_names(map(str, range(200)), most=3)
    ('id, text', '0, 1, 2 and 197 more')
    """
    short = [name if len(name) <= 40 else name[:39] + "…" for name in names]
    more = len(short) - most
    return ", ".join(short[:most]) + (f" and {more:,} more" if more > 0 else "") if short else "none"


def check_columns(columns: Columns, sources: Sequence[SourceFile]) -> None:
    """Refuse columns that the files do not have, one column in two roles, and files that differ in their columns.

    Files of JSON Lines name their fields in every row and are checked while they are read.

    Raises
    ------
    CorpusError
    """
    roles = columns.by_role()
    for role, name in roles.items():
        twice = [other for other, same in roles.items() if same == name and other != role]
        if twice:
            raise CorpusError(
                "every role must have a column of its own",
                f"'{name}' as {role} and {twice[0]}",
                "Choose another column for one of them",
            )
    first: tuple[str, ...] | None = None
    for source in sources:
        names = column_names(source)
        if names is None:
            return
        if first is not None and set(names) != set(first):
            raise CorpusError(
                f"the files of a folder must have the same columns as {sources[0].path.name}",
                f"{source.path.name} with {_difference(first, names)}",
                "Point at files of one kind, or bring them to the same columns",
            )
        first = first or names
        for role, name in roles.items():
            if name not in names:
                raise missing_column_error(role, name, names, source.path.name)


def _difference(first: Sequence[str], names: Sequence[str]) -> str:
    lacks = [name for name in first if name not in names]
    extra = [name for name in names if name not in first]
    parts = [f"no {list_names(lacks, 5)}"] if lacks else []
    return " and ".join(parts + ([f"extra {list_names(extra, 5)}"] if extra else []))


def missing_column_error(role: str, name: str, names: Sequence[str], where: str) -> CorpusError:
    """Word the refusal of a column that is not there, with the nearest name there is."""
    near = difflib.get_close_matches(name, names, n=1)
    return CorpusError(
        f"the {role} column '{name}' must be in {where}",
        f"{len(names):,} column{'s' if len(names) != 1 else ''}: {list_names(names)}",
        f"Did you mean '{near[0]}'" if near else f"Choose the {role} column from these",
    )


def choose_columns(
    path: Path | str,
    *,
    text: str | None = None,
    id: str | None = None,
    label: str | None = None,
    tokens: str | None = None,
    weight: str | None = None,
) -> Columns:
    """Take the columns that a person named and guess the others from the first rows.

    A column that was named for one role is guessed for no other.

    Raises
    ------
    CorpusError
        When a named column is not there, or nothing can be read.
    """
    look = preview(path)
    named = {"text": text, "id": id, "label": label, "tokens": tokens, "weight": weight}
    declared = column_names(find_sources(path)[0])
    for role, name in named.items():
        # A field of JSON Lines may come later than the preview looks; read_corpus finds out.
        if name is not None and declared is not None and name not in declared:
            raise missing_column_error(role, name, declared, Path(path).name)
    given = {role: name for role, name in named.items() if name is not None}
    others = look.table.drop(columns=list(given.values()), errors="ignore")
    guessed = guess_columns(others) if text is None else look.guesses
    roles = {role: name for role, name in guessed.by_role().items() if role not in given and name not in given.values()}
    return Columns(**(roles | given))
