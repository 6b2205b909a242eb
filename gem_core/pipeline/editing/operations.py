"""Edit operations on a taxonomy: one record per edit, stored as JSON in the history."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gem_core.errors import InputError
from gem_core.workspace import Edit

Kind = Literal["cluster", "parent"]
MAX_LABEL = 120
MAX_NOTE = 2_000  # characters
JOINERS = "\u200c\u200d"  # spelling of Persian, Hindi and of some emoji


@dataclass(frozen=True)
class Rename:
    """Give a cluster or a group (kind "parent") another label; `source` says who gave it, `by` which model."""

    kind: Kind
    number: int
    label: str
    source: Literal["person", "llm"] = "person"
    by: str = ""


@dataclass(frozen=True)
class Merge:
    """Merge clusters. The largest keeps its number, color and group; the result is pinned."""

    clusters: tuple[int, ...]


@dataclass(frozen=True)
class Split:
    """Divide a cluster into parts, which are pinned; the largest keeps the number.

    `parts` hold document rows: every document of the cluster in exactly one (`propose_split` makes them).
    """

    cluster: int
    parts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Move:
    """Move documents to a cluster, which is pinned; to a new one when `to` is None."""

    rows: tuple[int, ...]
    to: int | None


@dataclass(frozen=True)
class Regroup:
    """Move a cluster to another group; to a new one when `group` is None."""

    cluster: int
    group: int | None


@dataclass(frozen=True)
class Pin:
    """Pin a cluster, so that a refit keeps its documents together, or unpin it."""

    cluster: int
    on: bool = True


@dataclass(frozen=True)
class Exclude:
    """Leave clusters out of shares and weights (and pin them), or include them again."""

    clusters: tuple[int, ...]
    on: bool = True


@dataclass(frozen=True)
class Note:
    """Write a note on a cluster for people who read the taxonomy; an empty text removes it."""

    cluster: int
    text: str


@dataclass(frozen=True)
class Check:
    """Mark a cluster as checked by a person, or remove the mark."""

    cluster: int
    on: bool = True


@dataclass(frozen=True)
class RenameAutomatically:
    """Give clusters and groups the names that a vocabulary proposes; names of persons and models stay.

    `clusters` hold (number, label, "vocabulary" or "keywords", coverage, kind of text), `groups` (number, label).
    """

    clusters: tuple[tuple[int, str, Literal["vocabulary", "keywords"], float, str], ...]
    groups: tuple[tuple[int, str], ...]
    vocabulary: str


@dataclass(frozen=True)
class ArrangeGroups:
    """Put all clusters into groups, each a tuple of cluster numbers; a group of the same clusters keeps its name."""

    groups: tuple[tuple[int, ...], ...]


Op = Rename | Merge | Split | Move | Regroup | Pin | Exclude | Note | Check | RenameAutomatically | ArrangeGroups
KINDS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind
    for kind in (Rename, Merge, Split, Move, Regroup, Pin, Exclude, Note, Check, RenameAutomatically, ArrangeGroups)
}

#: Entry of a recorded edit that names the program which made it; a person's edit has none.
AGENT = "agent"

#: Names of fields in recorded edits that differ from those of the classes: histories of older versions stay readable.
_RECORD_NAMES = {"group": "parent"}
_FIELD_NAMES = {recorded: field for field, recorded in _RECORD_NAMES.items()}


def to_json(op: Op) -> Edit:
    """Return an edit in JSON's types.

    Examples
    --------
    >>> to_json(Merge((3, 5)))
    {'do': 'merge', 'clusters': [3, 5]}
    """
    fields = {_RECORD_NAMES.get(name, name): _as_lists(value) for name, value in asdict(op).items()}
    return {"do": type(op).__name__.lower(), **fields}


def _as_lists(value: Any) -> Any:
    return [_as_lists(item) for item in value] if isinstance(value, tuple) else value


def from_json(value: Edit) -> Op:
    """Read what `to_json` wrote.

    Raises
    ------
    InputError
        If it is no edit.

    Examples
    --------
    >>> from_json({"do": "move", "rows": [4], "to": None})
    Move(rows=(4,), to=None)
    """
    fields = {_FIELD_NAMES.get(name, name): item for name, item in value.items() if name not in ("do", AGENT)}
    try:
        op: Op = KINDS[value["do"]](**{name: _tupled(item) for name, item in fields.items()})
    except (KeyError, TypeError) as error:
        raise InputError(
            f"An edit must be one of {', '.join(KINDS)} with its fields",
            f"{str(value)[:200]}",
            "Take the lines of an edits.jsonl that gem-explorer wrote",
        ) from error
    return op


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def clean_label(label: str) -> str:
    r"""Return a label on one line, without control characters.

    Raises
    ------
    InputError
        If nothing is left, or more than 120 characters.

    Examples
    --------
    >>> clean_label("  Bread\n and   cake ")
    'Bread and cake'
    """
    text = " ".join("".join(c if c.isprintable() or c in JOINERS else " " for c in label).split())
    if not 0 < len(text) <= MAX_LABEL:
        raise InputError(f"A label holds 1 to {MAX_LABEL} characters", f"{len(text)}", "Choose another name")
    return text


def clean_note(text: str) -> str:
    r"""Return a note without control characters; line breaks stay.

    Raises
    ------
    InputError
        If it has more than 2,000 characters.

    Examples
    --------
    >>> clean_note("  two\nlines\x07 ")
    'two\nlines'
    """
    cleaned = "".join(c if c == "\n" or c.isprintable() or c in JOINERS else " " for c in text).strip()
    if len(cleaned) > MAX_NOTE:
        raise InputError(f"A note has at most {MAX_NOTE:,} characters", f"{len(cleaned):,}", "Shorten the note")
    return cleaned


def join_names(names: Sequence[str], most: int = 3) -> str:
    """Join names for a sentence: "A, B and C", "A, B, C and 4 more".

    Examples
    --------
    >>> join_names(["A"]), join_names(["A", "B"]), join_names(["A", "B", "C", "D", "E"])
    ('A', 'A and B', 'A, B, C and 2 more')
    """
    parts = [*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
