"""Collect the rows of a corpus: documents with their other columns, refused rows with a reason."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from gem_core.corpus.columns import Columns, count_words, field_or_none, parse_number, replace_surrogates
from gem_core.corpus.encoding_check import EncodingCheck, is_utf8
from gem_core.corpus.fields import FLAT_FIELDS, MISSING, flatten, get_field, join_messages
from gem_core.corpus.rows import BrokenRow, Row

Reason = Literal["empty_text", "too_short", "not_utf8", "duplicate_id", "wrong_type", "broken_row", "too_long"]
REASONS: dict[str, str] = {
    "empty_text": "the text is missing or blank",
    "too_short": "the text has fewer words than the least asked for",
    "not_utf8": "the text or the id is not UTF-8",
    "duplicate_id": "an earlier row has the same id",
    "wrong_type": "the text, id or weight is not of the type it must be",
    "broken_row": "the row cannot be taken apart: not JSON, or not as many cells as the header",
    "too_long": "the row has more bytes than the longest row may have",
}


@dataclass
class Intake:
    """Rows of a corpus while it is read; time and memory grow with the cells that are there.

    Attributes
    ----------
    columns : Columns
        The id becomes None where a guessed id column gave way.
    ids, texts, rows
        Of the documents: id, text, row of the source.
    refused : list of (row, id, reason, detail)
    names : dict
        Columns seen while some role was still without one.
    encoding : EncodingCheck
        Of the present file.
    """

    columns: Columns
    min_words: int
    ids: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    refused: list[tuple[int, str, Reason, str]] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    source_rows: int = 0
    sound_rows: int = 0
    encoding: EncodingCheck = field(default_factory=EncodingCheck)

    def __post_init__(self) -> None:
        self._other: dict[str, list[object]] = {}
        self._row_of: dict[str, int] = {}
        self._files: list[tuple[str, int]] = []  # name and first row of each file
        self._nested_roles = [
            name for name in (self.columns.label, self.columns.tokens, self.columns.weight) if name and "." in name
        ]

    def begin_file(self, name: str) -> None:
        """Note that the following rows come from this file."""
        self._files.append((name, self.source_rows))
        self.encoding = EncodingCheck()

    @staticmethod
    def has(row: Mapping[str, object], path: str) -> bool:
        """Return whether a row has a column or field."""
        return get_field(row, path) is not MISSING

    def take(self, row: Row) -> None:
        """Enter a row as a document, or refuse it."""
        number, self.source_rows = self.source_rows, self.source_rows + 1
        if isinstance(row, BrokenRow):
            self._refuse(number, "", "too_long" if row.reason == "too_long" else "broken_row", row.detail)
            return
        self.sound_rows += 1
        name, why = self._id(row, number)
        if why is not None and self.columns.id_guessed:
            self._drop_guessed_id(why[1], number)
            name, why = f"row-{number}", None
        cell = field_or_none(row, self.columns.text)
        text = join_messages(cell) or cell if isinstance(cell, list) else cell
        why = why or self._fault(text, row)
        if why is None and self.columns.id is not None and name in self._row_of:
            repeated = f"the same id as row {self._row_of[name]:,}"
            if self.columns.id_guessed:
                self._drop_guessed_id(f"row {number:,} has {repeated}", number)
                name = f"row-{number}"
            else:
                why = ("duplicate_id", repeated)
        if why is not None:
            self._refuse(number, name, *why)
            return
        if self.columns.id is not None:
            self._row_of[name] = number
        self._carry(row, len(self.ids))
        self.ids.append(name)
        self.texts.append(str(text))
        self.rows.append(number)

    def _carry(self, row: Mapping[str, object], count: int) -> None:
        """Keep the cells without a role; a column is padded when it gets a cell, so that absent cells cost nothing."""
        for column, cell in row.items():
            if column not in (self.columns.text, self.columns.id):
                self._append(column, cell, count)
        for path in self._nested_roles:
            if path not in row:
                self._append(path, field_or_none(row, path), count)

    def _append(self, column: str, cell: object, count: int) -> None:
        cells = self._other.get(column)
        if cells is None:
            cells = self._other[column] = []
        if len(cells) < count:
            cells.extend([None] * (count - len(cells)))
        cells.append(cell)

    def _drop_guessed_id(self, why: str, number: int) -> None:
        """Name all documents by file and row from now on; the column becomes one like the others."""
        column = str(self.columns.id)
        self.notes.append(
            f"The column '{column}' does not name each row ({why}), so documents are named by file and row; name it "
            "as the id column to refuse such rows instead"
        )
        cells: list[object] = list(self.ids)
        self._other = {column: cells, **self._other}
        self.columns = replace(self.columns, id=None, id_guessed=False)
        self._row_of = {}
        self._by_file = True

    _by_file = False

    def finish(self) -> None:
        """Bring all columns to the number of documents and write the ids by file and row where they are needed."""
        count = len(self.ids)
        for cells in self._other.values():
            cells.extend([None] * (count - len(cells)))
        if not self._by_file or len(self._files) == 1:
            if self._by_file:
                self.ids = [f"row-{row}" for row in self.rows]
            return
        self.ids, file_index = [], 0
        for row in self.rows:
            while file_index + 1 < len(self._files) and self._files[file_index + 1][1] <= row:
                file_index += 1
            name, first = self._files[file_index]
            self.ids.append(f"{name}:{row - first}")

    def column(self, name: str) -> list[object]:
        """Return the cells of a column without a role of its own, one per document."""
        return self._other.get(name) or [None] * len(self.ids)

    def carried_columns(self) -> Iterator[tuple[str, list[object]]]:
        """Yield the other columns; fields of nested objects are columns of their own where they are not too many."""
        for name, cells in self._other.items():
            leaves = _flat_columns(name, cells)
            if leaves is None:
                yield name, cells
                continue
            for path, values in leaves.items():
                if path not in (self.columns.text, self.columns.id) and path not in self._other:
                    yield path, values

    def _refuse(self, row: int, name: str, reason: Reason, detail: str) -> None:
        self.refused.append((row, str(replace_surrogates(name)), reason, str(replace_surrogates(detail))))

    def _id(self, row: Mapping[str, object], number: int) -> tuple[str, tuple[Reason, str] | None]:
        if self.columns.id is None:
            return f"row-{number}", None
        cell = field_or_none(row, self.columns.id)
        if cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell)):
            return "", ("wrong_type", "the id is missing")
        if isinstance(cell, bool) or not isinstance(cell, str | int | float):
            return "", ("wrong_type", f"the id is a {type(cell).__name__}, not a string or a number")
        return str(cell), None if is_utf8(str(cell)) else ("not_utf8", "the id is not UTF-8")

    def _fault(self, text: object, row: Mapping[str, object]) -> tuple[Reason, str] | None:
        if text is None or (isinstance(text, float) and math.isnan(text)):
            return "empty_text", "no text"
        if not isinstance(text, str):
            return "wrong_type", f"the text is a {type(text).__name__}, not a string"
        if not text.strip():
            return "empty_text", "only blanks" if text else "no text"
        if not self.encoding.count(text):
            position = next(i for i, letter in enumerate(text) if "\ud800" <= letter <= "\udfff")
            return "not_utf8", f"character {position:,} of the text is not UTF-8"
        words = count_words(text)
        if words < self.min_words:
            return "too_short", f"{words} word{'s' if words != 1 else ''}, fewer than {self.min_words}"
        if self.columns.weight is not None:
            weight = field_or_none(row, self.columns.weight)
            if parse_number(weight) is None:
                return "wrong_type", f"the weight is {_shorten(weight)}, not a number from 0 up"
        return None

    def refused_table(self) -> pd.DataFrame:
        """Return the refused rows as a table."""
        table = pd.DataFrame(self.refused, columns=["row", "id", "reason", "detail"])
        return table.astype({"row": "int64", "id": "str", "reason": "str", "detail": "str"})


def _flat_columns(name: str, cells: list[object]) -> dict[str, list[object]] | None:
    """Return the fields of a column of objects as columns; None for other columns and for too many fields."""
    objects = [cell for cell in cells if cell is not None]
    if not objects or not all(isinstance(cell, dict) for cell in objects):
        return None
    columns: dict[str, list[object]] = {}
    for row, cell in enumerate(cells):
        for path, value in flatten(cell, name).items() if isinstance(cell, dict) else ():
            if path not in columns and len(columns) == FLAT_FIELDS:
                return None
            values = columns.setdefault(path, [])
            values.extend([None] * (row - len(values)))
            values.append(value)
    for values in columns.values():
        values.extend([None] * (len(cells) - len(values)))
    return columns


def _shorten(cell: object) -> str:
    return "missing" if cell is None or cell == "" else str(replace_surrogates(str(cell)))[:40]
