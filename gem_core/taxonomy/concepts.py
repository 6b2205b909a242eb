"""Vocabularies of subjects: the one that is shipped, and a person's own as TSV, CSV, TXT or JSON."""

import csv
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from gem_core._types import Float32, Int32, frozen
from gem_core.errors import InputError

FOLDER = Path(__file__).parent / "vocabulary"
LARGEST = 20_000  # entries: a taxonomy of products with more is no list of names
LONGEST = 120  # characters of a name
#: Headings under which published tables keep the name, the parent and the gloss of an entry.
_NAMES = ("name", "label", "title", "topic", "category", "term", "choice", "extension", "tier 1")
_PARENTS = ("parent", "parent_name", "broader", "parent id", "parent_id")
_GLOSSES = ("gloss", "definition", "description", "definition (en-us)", "definition (en-gb)", "comment")
_IDS = ("unique id", "id", "code", "newscode-qcode", "uri")


@dataclass(frozen=True)
class ConceptTable:
    """Subjects in levels: an entry of level 0 has no parent, its children have level 1, and so on.

    Attributes
    ----------
    source : str
        "packaged" or the name of the file.
    names : tuple of S str
        Unique, whatever the case.
    glosses : tuple of S str
        A few words that explain the name, or "".
    parents : (S,) int32
        Index of the parent, -1 for none. A parent stands before its children.
    levels : (S,) int32
    """

    source: str
    names: tuple[str, ...]
    glosses: tuple[str, ...]
    parents: Int32
    levels: Int32

    @property
    def texts(self) -> list[str]:
        """What is embedded: the name, then the gloss."""
        return [f"{name}: {gloss}" if gloss else name for name, gloss in zip(self.names, self.glosses, strict=True)]

    @property
    def key(self) -> str:
        """Hash of everything the vectors depend on."""
        return hashlib.sha256(json.dumps(self.texts).encode()).hexdigest()[:16]

    def ancestor(self, level: int) -> Int32:
        """Index of the ancestor at `level` of each entry: the entry itself when it is not deeper."""
        above = np.arange(len(self.names), dtype=np.int32)
        while (deep := self.levels[above] > level).any():
            above[deep] = self.parents[above[deep]]
        return above


@cache
def packaged_concepts() -> ConceptTable:
    """Return the shipped vocabulary (CC0): 32 fields, about 120 areas and 1,450 topics, in English.

    Examples
    --------
    >>> table = packaged_concepts()
    >>> len(table.names) >= 1500, int(table.levels.max())
    (True, 2)
    """
    return _table(_rows((FOLDER / "subjects.tsv").read_text("utf-8"), "\t"), "packaged")


@cache
def proper_words() -> frozenset[str]:
    """Return first words of entries that are names and keep their capital inside a sentence."""
    return frozenset((FOLDER / "proper_words.txt").read_text("utf-8").split())


@cache
def packaged_vectors() -> tuple[str, Float32]:
    """Return the key of the shipped vocabulary and its unit vectors by the packaged encoder, (S, 384)."""
    with np.load(FOLDER / "packaged_vectors.npz", allow_pickle=False) as arrays:
        vectors = arrays["vectors"].astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return str(arrays["key"]), frozen(vectors)


def load_concepts(path: Path | str | None = None) -> ConceptTable:
    """Read a vocabulary.

    Parameters
    ----------
    path : path, optional
        TSV or CSV with a heading (name, and optionally parent and gloss), TXT with one name a line, or JSON (a list of
        names or of objects, or nested objects); the shipped one when left out. Tables of IAB (Unique ID, Parent, Name)
        and IPTC, and lists of category names such as WebOrganizer's, load as they are published.

    Raises
    ------
    InputError
        If the file cannot be read or holds no name.
    """
    if path is None:
        return packaged_concepts()
    file = Path(path)
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "A vocabulary must be a text file in UTF-8", f"{file}: {error}", "Give a .tsv, .csv, .txt or .json file"
        ) from error
    if file.suffix.lower() == ".json":
        try:
            rows = _from_json(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise InputError("A vocabulary in JSON must be valid", f"{file.name}: {error}", "Correct it") from error
    elif file.suffix.lower() in (".tsv", ".csv"):
        rows = _rows(text, "\t" if file.suffix.lower() == ".tsv" else ",")
    else:
        rows = [(line.strip(), "", "") for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return _table(rows, file.name)


def _rows(text: str, delimiter: str) -> list[tuple[str, str, str]]:
    """Rows (name, parent, gloss) of a table, whatever its columns are called."""
    table = list(csv.reader(StringIO(text), delimiter=delimiter, quoting=csv.QUOTE_NONE if delimiter == "\t" else 0))
    table = [row for row in table if any(cell.strip() for cell in row)]
    start = next((i for i, row in enumerate(table[:5]) if _column(row, _NAMES) is not None), None)
    if start is None:
        return [(row[0].strip(), "", "") for row in table]
    head = table[start]
    name, parent, gloss, code = (_column(head, headings) for headings in (_NAMES, _PARENTS, _GLOSSES, _IDS))
    body = [row + [""] * (len(head) - len(row)) for row in table[start + 1 :]]
    of_code = {row[code].strip(): row[name or 0].strip() for row in body} if code is not None else {}
    rows = []
    for row in body:
        above = row[parent].strip() if parent is not None else ""
        rows.append(
            (row[name or 0].strip(), of_code.get(above, above), row[gloss].strip() if gloss is not None else "")
        )
    return rows


def _column(head: list[str], headings: tuple[str, ...]) -> int | None:
    cells = [cell.strip().casefold() for cell in head]
    return next((cells.index(word) for word in headings if word in cells), None)


def _from_json(value: Any, parent: str = "") -> list[tuple[str, str, str]]:
    if isinstance(value, str):
        return [(value, parent, "")]
    if isinstance(value, list):
        return [row for item in value for row in _from_json(item, parent)]
    if not isinstance(value, dict):
        return []
    name = next((str(value[key]) for key in _NAMES if isinstance(value.get(key), str)), None)
    if name is None:
        rows = []
        for key, inner in value.items():
            rows.append((str(key), parent, inner if isinstance(inner, str) else ""))
            rows += [] if isinstance(inner, str) else _from_json(inner, str(key))
        return rows
    above = next((str(value[key]) for key in _PARENTS if isinstance(value.get(key), str)), parent)
    gloss = next((str(value[key]) for key in _GLOSSES if isinstance(value.get(key), str)), "")
    children = value.get("children") or value.get("narrower") or []
    return [(name, above, gloss), *_from_json(children, name)]


def _table(rows: list[tuple[str, str, str]], source: str) -> ConceptTable:
    """Order entries so that parents come first; an unknown parent becomes an entry of its own."""
    entries: dict[str, tuple[str, str, str]] = {}
    for raw, parent, gloss in rows:
        name = " ".join(raw.split())[:LONGEST]
        if name:
            entries.setdefault(name.casefold(), (name, " ".join(parent.split()).casefold(), " ".join(gloss.split())))
            if parent.strip():
                entries.setdefault(parent.strip().casefold(), (parent.strip(), "", ""))
    if not 2 <= len(entries) <= LARGEST:
        raise InputError(
            f"A vocabulary holds 2 to {LARGEST:,} different names", f"{len(entries):,} in {source}", "Check the file"
        )
    order: dict[str, int] = {}
    levels: list[int] = []

    def add_entry(key: str, above: frozenset[str]) -> int:
        if key in order:
            return order[key]
        parent = entries[key][1]
        up = add_entry(parent, above | {key}) if parent in entries and parent not in above | {key} else -1
        order[key] = len(order)
        levels.append(levels[up] + 1 if up >= 0 else 0)
        parents.append(up)
        return order[key]

    parents: list[int] = []
    for key in entries:
        add_entry(key, frozenset())
    return ConceptTable(
        source,
        tuple(entries[key][0] for key in order),
        tuple(entries[key][2] for key in order),
        frozen(np.array(parents, dtype=np.int32)),
        frozen(np.array(levels, dtype=np.int32)),
    )
