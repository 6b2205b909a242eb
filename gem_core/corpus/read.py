"""Read a corpus: rows become documents, or are refused with a reason and counted."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gem_core._storage import storage_path
from gem_core._types import Progress, frozen, silent
from gem_core.corpus.columns import (
    Columns,
    check_columns,
    count_words,
    missing_column_error,
    parse_number,
    replace_surrogates,
)
from gem_core.corpus.corpus_preview import guess_sound_columns
from gem_core.corpus.files import ReadOptions, SourceFile, find_files
from gem_core.corpus.intake import REASONS, Intake
from gem_core.corpus.rows import BrokenRow, read_rows
from gem_core.embedding.tokens import TokenCounter, packaged_counter
from gem_core.errors import CorpusError

__all__ = ["REASONS", "Corpus", "clean_column", "count_words", "hash_documents", "read_corpus"]
Int64 = NDArray[np.int64]
MIN_WORDS = 3
WORDS_TO_TOKENS = 1.3
MANY_COPIES = 0.01  # part of the documents from which copies are worth a note


@dataclass(frozen=True)
class Corpus:
    """Documents in the order of their source, and what was refused.

    Attributes
    ----------
    documents : pandas.DataFrame
        One row per document: id (str, unique), text (str, as in the source), tokens (int64, from 0 up), then the
        source's other columns under their own names, cleaned to one type each; nested objects become columns with
        dotted names.
    refused : pandas.DataFrame
        One row per dropped row: row (int64, counted from 0 over all files), id (str, may be empty), reason (a key of
        `REASONS`), detail (str).
    columns : Columns
        The columns read. A source's label and weight columns are in `documents` under these names.
    tokens_from : str
        How `tokens` were counted, in words.
    data_hash : str
        sha256 (64 hex digits) over ids and texts in their order.
    rows : int64 array of shape (n,)
        The source's row of each document, counted from 0 over all files: what `load_vectors` needs to match vectors
        that were made for every row of the source.
    source_rows : int
        Rows of the source: documents and refused ones together.
    notes : tuple of str
        What a person should know: empty and skipped files, an id column that was not unique.
    """

    documents: pd.DataFrame
    refused: pd.DataFrame
    columns: Columns
    tokens_from: str
    data_hash: str
    rows: Int64
    source_rows: int
    notes: tuple[str, ...] = ()

    @property
    def refused_counts(self) -> dict[str, int]:
        """Number of refused rows by reason, the most frequent first."""
        return {str(reason): int(n) for reason, n in self.refused["reason"].value_counts().items()}


def read_corpus(
    path: Path | str,
    *,
    columns: Columns | None = None,
    min_words: int = MIN_WORDS,
    counter: TokenCounter | Literal["packaged", "words"] = "packaged",
    options: ReadOptions | None = None,
    progress: Progress = silent,
) -> Corpus:
    r"""Read a file, or a folder of files, as documents.

    A row is refused, with a reason, when its text is missing, blank, shorter than `min_words`, not UTF-8 or not a
    string, when its id is missing, not a string or number, or was seen before, when its weight is not a number from 0
    up, and when the row itself is broken or longer than the longest row. A document of 10 MB is kept whole, and the
    encoder reads its beginning. Text is kept letter for letter (HTML, formulas, line feeds, NUL). Blank lines are no
    rows. An id column that was guessed and is not unique is replaced by file and row.

    Parameters
    ----------
    path : path
        A file of rows or a folder of such files, which are read in the order of their names: csv, tsv, jsonl, json
        (each also compressed), parquet, arrow, feather, or a folder of text files. Content decides the format,
        not its name.
    columns : Columns, optional
        Which column is which; `preview`'s guess when None.
    min_words : int
        Least number of words (runs without blanks; each letter of a script written without spaces counts as one).
    counter : callable or "packaged" or "words"
        Counts the tokens of a list of texts where no column gives them: the packaged encoder's tokenizer, words x 1.3,
        or a function of your own.
    options : ReadOptions, optional
        Split, encoding, header and longest row.
    progress : Progress
        Receives step "read" in bytes of the source and step "count tokens" in documents.

    Returns
    -------
    Corpus

    Raises
    ------
    CorpusError
        When the source cannot be read at all, lacks a column, is of another encoding, or holds no document.

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
    listing = find_files(path, options)
    if columns is None:
        columns = guess_sound_columns(storage_path(path), listing)
    check_columns(columns, listing.files)
    intake = Intake(columns, min_words)
    total, passed = sum(source.size for source in listing.files), 0
    unseen: dict[str, str] = dict(columns.by_role())
    progress("read", 0, total)
    for source in listing.files:
        _read_source(source, intake, unseen, _report_bytes(progress, passed, total))
        passed += source.size
        progress("read", passed, total)
    if intake.sound_rows and unseen:
        role, name = sorted(unseen.items())[0]
        raise missing_column_error(role, name, list(intake.names), listing.files[0].path.name)
    intake.finish()
    if not intake.texts:
        raise _no_document_error(storage_path(path), intake)
    tokens, tokens_from = _tokens(intake, columns, counter, progress)
    return Corpus(
        _documents(intake, columns, tokens),
        intake.refused_table(),
        intake.columns,
        tokens_from,
        hash_documents(intake.ids, intake.texts),
        cast(Int64, frozen(np.array(intake.rows, dtype=np.int64))),
        intake.source_rows,
        (*listing.notes, *intake.notes, *_identical_note(intake.texts)),
    )


def _report_bytes(progress: Progress, passed: int, total: int) -> Callable[[int], None]:
    return lambda completed: progress("read", passed + completed, total)


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


def _read_source(source: SourceFile, intake: Intake, unseen: dict[str, str], report: Callable[[int], None]) -> None:
    """Read one file; a file none of whose rows has the text column lacks that column."""
    intake.begin_file(source.name)
    text_seen = False
    sound = 0
    for row in read_rows(source, report):
        if not isinstance(row, BrokenRow):
            sound += 1
            if unseen or not text_seen:
                for role, name in list(unseen.items()):
                    if intake.has(row, name):
                        del unseen[role]
                text_seen = text_seen or intake.has(row, intake.columns.text)
                intake.names.update(dict.fromkeys(list(row)[:1000]))
        intake.take(row)
    if sound and not text_seen:
        raise missing_column_error("text", intake.columns.text, list(intake.names), source.name)
    intake.encoding.verify(source.name)


def _identical_note(texts: Sequence[str]) -> tuple[str, ...]:
    """Return a note about documents with the text of an earlier one, where they are at least 1% of the corpus."""
    copies = Counter(texts)
    repeated, most = len(texts) - len(copies), max(copies.values())
    if repeated < MANY_COPIES * len(texts):
        return ()
    return (
        f"{repeated:,} of {len(texts):,} documents have the text of an earlier one (the most frequent text stands "
        f"{most:,} times); identical documents have one vector, so no fit parts them: see near-duplicates",
    )


def _no_document_error(path: Path, intake: Intake) -> CorpusError:
    if not intake.source_rows:
        return CorpusError(
            f"{path.name} must hold at least one row", "a file without rows", "Check the export that wrote it"
        )
    counts: dict[str, int] = {}
    for _, _, reason, _ in intake.refused:
        counts[reason] = counts.get(reason, 0) + 1
    row, _, _, detail = intake.refused[0]
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in sorted(counts.items(), key=lambda item: -item[1]))
    short = 2 * counts.get("too_short", 0) > len(intake.refused)
    check = f"heck that '{intake.columns.text}' is the text column and how the file was written"
    return CorpusError(
        f"{path.name} must hold at least one document",
        f"{intake.source_rows:,} row{'s' if intake.source_rows != 1 else ''}, all refused ({reasons}; row {row:,}: "
        f"{detail})",
        f"Lower the least number of words with --min-words, or c{check}" if short else f"C{check}",
    )


def _tokens(
    intake: Intake, columns: Columns, counter: TokenCounter | Literal["packaged", "words"], progress: Progress
) -> tuple[list[int], str]:
    """Return token counts and where they come from: the column, the tokenizer, or words x 1.3."""
    if columns.tokens is not None:
        numbers = [parse_number(cell) for cell in intake.column(columns.tokens)]
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


def _documents(intake: Intake, columns: Columns, tokens: Sequence[int]) -> pd.DataFrame:
    table = {
        "id": pd.Series(intake.ids, dtype="str"),
        "text": pd.Series(intake.texts, dtype="str"),
        "tokens": pd.Series(tokens, dtype="int64"),
    }
    for name, cells in intake.carried_columns():
        if name == columns.tokens:
            continue
        clean = str(replace_surrogates(name))
        # A source may have an "id" that was not chosen as one; it is kept beside ours.
        while clean in table:
            clean += " (source)"
        numbers = [parse_number(cell) for cell in cells] if name == columns.weight else None
        table[clean] = pd.Series(numbers, dtype="float64") if numbers else clean_column(cells)
    return pd.DataFrame(table)


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
