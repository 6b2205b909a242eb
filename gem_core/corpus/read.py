"""Read a corpus: rows become documents, or are refused with a reason and counted."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gem_core._types import Progress, frozen, silent
from gem_core.corpus.columns import (
    Columns,
    check_columns,
    missing_column_error,
    parse_number,
    preview,
    replace_surrogates,
)
from gem_core.corpus.files import BrokenRow, Row, SourceFile, find_sources, read_rows
from gem_core.embedding.tokens import TokenCounter, packaged_counter
from gem_core.errors import CorpusError

Int64 = NDArray[np.int64]
Reason = Literal["empty_text", "too_short", "not_utf8", "duplicate_id", "wrong_type", "broken_row"]
REASONS: dict[str, str] = {
    "empty_text": "the text is missing or blank",
    "too_short": "the text has fewer words than the least asked for",
    "not_utf8": "the text or the id is not UTF-8",
    "duplicate_id": "an earlier row has the same id",
    "wrong_type": "the text, id or weight is not of the type it must be",
    "broken_row": "the row cannot be taken apart: not JSON, or not as many cells as the header",
}
WORDS_TO_TOKENS = 1.3
# Scripts written without spaces: each letter counts as a word, or a page of Chinese would be one word long.
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True)
class Corpus:
    """Documents in the order of their source, and what was refused.

    Attributes
    ----------
    documents : pandas.DataFrame
        One row a document: id (str, unique), text (str, as it stands in the source), tokens (int64, from 0 up), then
        the source's other columns under their own names, cleaned to one type each.
    refused : pandas.DataFrame
        One row a dropped row: row (int64, counted from 0 over all files), id (str, may be empty), reason (a key of
        `REASONS`), detail (str).
    columns : Columns
        The columns read. A source's label and weight columns stand in `documents` under these names.
    tokens_from : str
        How `tokens` were counted, in words.
    data_hash : str
        sha256 (64 hex digits) over ids and texts in their order.
    rows : int64 array of shape (n,)
        The source's row of each document, counted from 0 over all files: what `load_vectors` needs to match vectors
        that were made for every row of the source.
    source_rows : int
        Rows of the source: documents and refused ones together.
    """

    documents: pd.DataFrame
    refused: pd.DataFrame
    columns: Columns
    tokens_from: str
    data_hash: str
    rows: Int64
    source_rows: int

    @property
    def refused_counts(self) -> dict[str, int]:
        """Number of refused rows by reason, the most frequent first."""
        return {str(reason): int(n) for reason, n in self.refused["reason"].value_counts().items()}


def read_corpus(
    path: Path | str,
    *,
    columns: Columns | None = None,
    min_words: int = 3,
    counter: TokenCounter | Literal["packaged", "words"] = "packaged",
    progress: Progress = silent,
) -> Corpus:
    r"""Read a file, or a folder of files, as documents.

    A row is refused, with a reason, when its text is missing, blank, shorter than `min_words`, not UTF-8 or not a
    string, when its id is missing, not a string or number, or was seen before, when its weight is not a number from 0
    up, and when the row itself is broken. No text is too long: a document of 10 MB is kept whole, and the encoder reads
    its beginning. Text is kept letter for letter (HTML, formulas, line feeds, NUL). Blank lines are no rows.

    Parameters
    ----------
    path : path
        A csv, tsv, jsonl (each also .gz or .zst) or parquet file, or a folder of such files of one format, which are
        read in the order of their names.
    columns : Columns, optional
        Which column is which; `preview`'s guess when None.
    min_words : int
        Least number of words (runs without blanks; each letter of a script written without spaces counts as one).
    counter : callable or "packaged" or "words"
        Counts the tokens of a list of texts where no column gives them: the packaged encoder's tokenizer, words x 1.3,
        or a function of your own.
    progress : Progress
        Hears step "read" in bytes of the source and step "count tokens" in documents.

    Returns
    -------
    Corpus

    Raises
    ------
    CorpusError
        When the source cannot be read at all, lacks a column, or holds no document.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "pool.jsonl"
    >>> _ = path.write_text('{"id": 1, "text": "Bees dance to tell where."}\n{"id": 2, "text": ""}\n')
    >>> corpus = read_corpus(path, counter="words")
    >>> corpus.documents
      id                       text  tokens
    0  1  Bees dance to tell where.       7
    >>> corpus.refused_counts, corpus.tokens_from
    ({'empty_text': 1}, 'words x 1.3')
    """
    sources = find_sources(path)
    columns = columns or preview(path).guesses
    check_columns(columns, sources)
    intake = _Intake(columns, min_words)
    total, passed = sum(source.size for source in sources), 0
    progress("read", 0, total)
    for source in sources:
        _take_source(source, intake, _teller(progress, passed, total))
        passed += source.size
        progress("read", passed, total)
    if not intake.texts:
        raise _nothing_left(Path(path), intake)
    tokens, tokens_from = _tokens(intake, columns, counter, progress)
    rows = cast(Int64, frozen(np.fromiter(intake.row_of.values(), dtype=np.int64)))
    return Corpus(
        _documents(intake, columns, tokens),
        intake.refused_table(),
        columns,
        tokens_from,
        hash_documents(intake.ids, intake.texts),
        rows,
        intake.rows,
    )


def _teller(progress: Progress, passed: int, total: int) -> Callable[[int], None]:
    return lambda done: progress("read", passed + done, total)


def hash_documents(ids: Iterable[str], texts: Iterable[str]) -> str:
    """Return sha256 over ids and texts in order, each preceded by its length in bytes (8, little-endian).

    Examples
    --------
    >>> hash_documents(["a"], ["bc"]) == hash_documents(["ab"], ["c"])
    False
    """
    digest = hashlib.sha256()
    for pair in zip(ids, texts, strict=True):
        for part in pair:
            data = part.encode("utf-8")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
    return digest.hexdigest()


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


@dataclass
class _Intake:
    """Collects rows; private and mutable until the corpus is made."""

    columns: Columns
    min_words: int
    ids: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    other: dict[str, list[object]] = field(default_factory=dict)
    refused: list[tuple[int, str, Reason, str]] = field(default_factory=list)
    row_of: dict[str, int] = field(default_factory=dict)
    rows: int = 0

    def take(self, row: Row) -> None:
        number, self.rows = self.rows, self.rows + 1
        if isinstance(row, BrokenRow):
            self.refuse(number, "", "broken_row", row.detail)
            return
        name, why = self._name(row, number)
        why = why or self._fault(row)
        if why is None and name in self.row_of:
            why = ("duplicate_id", f"the same id as row {self.row_of[name]:,}")
        if why is not None:
            self.refuse(number, name, *why)
            return
        self.row_of[name] = number
        self.ids.append(name)
        self.texts.append(str(row[self.columns.text]))
        for column, cell in row.items():
            if column not in (self.columns.text, self.columns.id):
                # A field that first appears late is missing in the documents before.
                self.other.setdefault(column, [None] * (len(self.ids) - 1)).append(cell)
        for cells in self.other.values():
            if len(cells) < len(self.ids):
                cells.append(None)

    def refuse(self, row: int, name: str, reason: Reason, detail: str) -> None:
        self.refused.append((row, str(replace_surrogates(name)), reason, str(replace_surrogates(detail))))

    def _name(self, row: Mapping[str, object], number: int) -> tuple[str, tuple[Reason, str] | None]:
        if self.columns.id is None:
            return f"row-{number}", None
        cell = row.get(self.columns.id)
        if cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell)):
            return "", ("wrong_type", "the id is missing")
        if isinstance(cell, bool) or not isinstance(cell, str | int | float):
            return "", ("wrong_type", f"the id is a {type(cell).__name__}, not a string or a number")
        return str(cell), None if _is_utf8(str(cell)) else ("not_utf8", "the id is not UTF-8")

    def _fault(self, row: Mapping[str, object]) -> tuple[Reason, str] | None:
        text = row.get(self.columns.text)
        if text is None or (isinstance(text, float) and math.isnan(text)):
            return "empty_text", "no text"
        if not isinstance(text, str):
            return "wrong_type", f"the text is a {type(text).__name__}, not a string"
        if not text.strip():
            return "empty_text", "only blanks" if text else "no text"
        if not _is_utf8(text):
            place = next(i for i, letter in enumerate(text) if "\ud800" <= letter <= "\udfff")
            return "not_utf8", f"character {place:,} of the text is not UTF-8"
        words = count_words(text)
        if words < self.min_words:
            return "too_short", f"{words} word{'s' if words != 1 else ''}, fewer than {self.min_words}"
        if self.columns.weight is not None and parse_number(row.get(self.columns.weight)) is None:
            return "wrong_type", f"the weight is {_shown(row.get(self.columns.weight))}, not a number from 0 up"
        return None

    def refused_table(self) -> pd.DataFrame:
        table = pd.DataFrame(self.refused, columns=["row", "id", "reason", "detail"])
        return table.astype({"row": "int64", "id": "str", "reason": "str", "detail": "str"})


def _is_utf8(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _shown(cell: object) -> str:
    return "missing" if cell is None or cell == "" else str(replace_surrogates(str(cell)))[:40]


def _take_source(source: SourceFile, intake: _Intake, tell: Callable[[int], None]) -> None:
    """Read one file; a file of JSON Lines none of whose rows has a column lacks that column."""
    needed = set(intake.columns.by_role().items()) if source.format == "jsonl" else set()
    names: dict[str, None] = {}
    sound = 0
    for row in read_rows(source, tell):
        if not isinstance(row, BrokenRow):
            sound += 1
            if needed:
                needed = {(role, name) for role, name in needed if name not in row}
                names.update(dict.fromkeys(row))
        intake.take(row)
    for role, name in sorted(needed) if sound else []:
        raise missing_column_error(role, name, list(names), source.path.name)


def _nothing_left(path: Path, intake: _Intake) -> CorpusError:
    if not intake.rows:
        return CorpusError(
            f"{path.name} must hold at least one row", "a file without rows", "Check the export that wrote it"
        )
    counts: dict[str, int] = {}
    for _, _, reason, _ in intake.refused:
        counts[reason] = counts.get(reason, 0) + 1
    row, _, _, detail = intake.refused[0]
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in sorted(counts.items(), key=lambda item: -item[1]))
    return CorpusError(
        f"{path.name} must hold at least one document",
        f"{intake.rows:,} row{'s' if intake.rows != 1 else ''}, all refused ({reasons}; row {row:,}: {detail})",
        f"Check that '{intake.columns.text}' is the text column and how the file was written",
    )


def _tokens(
    intake: _Intake, columns: Columns, counter: TokenCounter | Literal["packaged", "words"], progress: Progress
) -> tuple[list[int], str]:
    """Return token counts and where they come from: the column, the tokenizer, or words x 1.3."""
    if columns.tokens is not None:
        numbers = [parse_number(cell) for cell in intake.other[columns.tokens]]
        missing = sum(number is None for number in numbers)
        note = f" ({missing:,} without a number there: words x 1.3)" if missing else ""
        return [
            _by_words(text) if number is None else int(number)
            for number, text in zip(numbers, intake.texts, strict=True)
        ], f"column {columns.tokens}{note}"
    if counter == "packaged":
        counter = packaged_counter() or "words"
    if counter == "words":
        return [_by_words(text) for text in intake.texts], "words x 1.3"
    counts: list[int] = []
    progress("count tokens", 0, len(intake.texts))
    for begin in range(0, len(intake.texts), 256):
        counts += counter(intake.texts[begin : begin + 256])
        progress("count tokens", len(counts), len(intake.texts))
    return counts, getattr(counter, "name", "a tokenizer of the caller")


def _by_words(text: str) -> int:
    return max(1, math.floor(count_words(text) * WORDS_TO_TOKENS + 0.5))


def _documents(intake: _Intake, columns: Columns, tokens: Sequence[int]) -> pd.DataFrame:
    made = {
        "id": pd.Series(intake.ids, dtype="str"),
        "text": pd.Series(intake.texts, dtype="str"),
        "tokens": pd.Series(tokens, dtype="int64"),
    }
    for name, cells in intake.other.items():
        if name == columns.tokens:
            continue
        clean = str(replace_surrogates(name))
        # A source may have an "id" that was not chosen as one; it stands beside ours.
        while clean in made:
            clean += " (source)"
        numbers = [parse_number(cell) for cell in cells] if name == columns.weight else None
        made[clean] = pd.Series(numbers, dtype="float64") if numbers else clean_column(cells)
    return pd.DataFrame(made)


def clean_column(cells: Sequence[object]) -> pd.Series:
    """Bring the cells of a source's column to one type that every file format can hold.

    Truth values, whole numbers (of 64 bits) and numbers stay where all cells are that without loss;
    all else becomes strings: lists and dicts as JSON, what is not UTF-8 replaced. None stays missing.

    Examples
    --------
    >>> clean_column([1, None, [2, "x"]]).tolist()[::2]
    ['1', '[2, "x"]']
    >>> clean_column([1, 2]).dtype, clean_column([1, 2.5]).dtype
    (dtype('int64'), dtype('float64'))
    """
    kinds = {type(cell) for cell in cells if cell is not None}
    whole = all(cell is not None for cell in cells)
    if kinds == {bool} and whole:
        return pd.Series(cells, dtype="bool")
    if kinds == {int} and whole and all(abs(cell) < 2**63 for cell in cells):  # type: ignore[arg-type]
        return pd.Series(cells, dtype="int64")
    # Whole numbers beyond 2^53 (long ids) would lose digits as float64.
    if kinds and kinds <= {int, float} and all(not isinstance(cell, int) or abs(cell) <= 2**53 for cell in cells):
        return pd.Series(cells, dtype="float64")
    return pd.Series([None if cell is None else _as_string(cell) for cell in cells], dtype="str")


def _as_string(cell: object) -> str:
    if isinstance(cell, list | dict):
        cell = json.dumps(cell, ensure_ascii=False, default=str)
    return str(replace_surrogates(cell if isinstance(cell, str) else str(cell)))
