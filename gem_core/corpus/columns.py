"""Choose the columns of a corpus: text, id, label, tokens, weight; their names and checks."""

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gem_core.corpus.fields import MISSING, get_field, has_field
from gem_core.corpus.files import SourceFile
from gem_core.corpus.rows import column_names
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
# Scripts written without spaces: each letter counts as a word, or a page of Chinese would be one word long.
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
WEIGHT_NAMES = ("weight", "weights", "sample_weight", "doc_weight", "document_weight")


@dataclass(frozen=True)
class Columns:
    """The columns of a source that have a role; the others are carried along.

    A name may be a dotted path into nested values, such as "metadata.language".

    Attributes
    ----------
    text : str
        Column of the documents' text: strings, or chats (lists of messages), which are joined.
    id : str or None
        Column of unique names; None makes ids from row numbers ("row-0" is the first).
    label : str or None
        Column of labels to compare clusters with; never used for clustering.
    tokens : str or None
        Column of token counts, whole numbers from 0 up; None counts them.
    weight : str or None
        Column of document weights, numbers from 0 up.
    id_guessed : bool
        Whether the id column was guessed: where its values are not unique, documents are named by file and row.

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
    id_guessed: bool = dataclasses.field(default=False, compare=False, repr=False)

    def as_dict(self) -> dict[str, str | None]:
        """Return every role with its column or None."""
        return {
            "text": self.text,
            "id": self.id,
            "label": self.label,
            "tokens": self.tokens,
            "weight": self.weight,
        }

    def by_role(self) -> dict[str, str]:
        """Return the roles that have a column."""
        return {role: name for role, name in self.as_dict().items() if name is not None}


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
    """Refuse one column in two roles, a file without the text column, and columns that no file has.

    JSON names its fields in every row and is checked while it is read.

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
    declared = [(source, column_names(source)) for source in sources]
    sources_with_names = [(source, names) for source, names in declared if names is not None]
    for source, names in sources_with_names:
        if not has_field(names, columns.text):
            raise missing_column_error("text", columns.text, names, source.name)
    if not sources_with_names or len(sources_with_names) < sum(source.size > 0 for source in sources):
        return
    for role, name in roles.items():
        if not any(has_field(names, name) for _, names in sources_with_names):
            source, names = sources_with_names[0]
            raise missing_column_error(role, name, names, source.name)


def missing_column_error(role: str, name: str, names: Sequence[str], where: str) -> CorpusError:
    """Word the refusal of a column that is not there, with the nearest name there is."""
    near = difflib.get_close_matches(name, names, n=1)
    return CorpusError(
        f"the {role} column '{name}' must be in {where}",
        f"{len(names):,} column{'s' if len(names) != 1 else ''}: {list_names(names)}",
        f"Did you mean '{near[0]}'" if near else f"Choose the {role} column from these",
    )


def field_or_none(row: Mapping[str, object], path: str) -> object:
    """Return the value at a column name or path of a row, None where there is none."""
    value = get_field(row, path)
    return None if value is MISSING else value


def count_words(text: str) -> int:
    """Count the runs without blanks, and each letter of a script that is written without spaces.

    Examples
    --------
    >>> count_words("two words"), count_words("蜜蜂跳舞")
    (2, 4)
    """
    if text.isascii():
        return len(text.split())
    return len(UNSPACED.sub(" ", text).split()) + len(UNSPACED.findall(text))
