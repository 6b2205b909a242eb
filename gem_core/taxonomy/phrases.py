"""Candidate phrases of a corpus and how often each document uses them: counted once, used by every fit."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gem_core._types import Float64, Progress, silent
from gem_core.errors import InputError, WorkspaceError
from gem_core.taxonomy.function_words import find_function_words, find_parts_of_words
from gem_core.taxonomy.word_splitter import (
    BREAK,
    CAPITALIZED,
    OTHER_CASE,
    Vocabulary,
    WordBlock,
    is_unspaced,
    join_words,
    may_join,
    may_name,
    may_open,
    read_block,
)

_FORMAT = 1
_BLOCK = 2000  # documents read at a time
_LIFT = 6.0  # a phrase must be this much commoner than chance would make it
_WORD_BITS = 20  # three words of a phrase packed into one int64
_ACRONYM = 6  # longer words in capitals are shouted, not acronyms
_STEP = "Counting phrases"


@dataclass(frozen=True)
class Terms:
    """Candidate phrases and their counts per document.

    Attributes
    ----------
    names : tuple of T str
        Phrases of one to three words as they are mostly written ("New York", "machine learning"), unique in lower case.
    counts : (n, T) scipy CSR matrix of int32
        How often each document (its first 50,000 characters) uses each phrase. Treat as read-only.
    """

    names: tuple[str, ...]
    counts: sparse.csr_matrix

    def save(self, folder: Path | str) -> None:
        """Write `terms.npz` and `terms.json` into `folder`, each under a temporary name that is then renamed."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        arrays = folder / "terms.npz.part"
        with arrays.open("wb") as file:
            np.savez(file, data=self.counts.data, indices=self.counts.indices, indptr=self.counts.indptr)
        os.replace(arrays, folder / "terms.npz")
        text = folder / "terms.json.part"
        text.write_text(
            json.dumps({"format": _FORMAT, "shape": list(self.counts.shape), "names": list(self.names)}), "utf-8"
        )
        os.replace(text, folder / "terms.json")

    @staticmethod
    def load(folder: Path | str) -> "Terms":
        """Read what `save` wrote.

        Raises
        ------
        WorkspaceError
            When the files are missing, damaged or of a newer format.
        """
        folder = Path(folder)
        again = "Count the phrases again"
        try:
            head = json.loads((folder / "terms.json").read_text("utf-8"))
            if head["format"] != _FORMAT:
                raise WorkspaceError(f"{folder}/terms.json must have format {_FORMAT}", str(head["format"]), again)
            with np.load(folder / "terms.npz", allow_pickle=False) as arrays:
                counts = sparse.csr_matrix(
                    (arrays["data"], arrays["indices"], arrays["indptr"]), shape=tuple(head["shape"])
                )
        except WorkspaceError:
            raise
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise WorkspaceError(f"{folder} must hold terms.json and terms.npz", f"{error}", again) from error
        if counts.shape[1] != len(head["names"]):
            raise WorkspaceError(
                f"{folder}: terms.npz and terms.json must belong together",
                f"{counts.shape[1]:,} columns and {len(head['names']):,} names",
                again,
            )
        return Terms(names=tuple(head["names"]), counts=_read_only(counts))


def count_terms(
    texts: Iterable[str],
    *,
    min_documents: int | None = None,
    max_terms: int = 50_000,
    sample: int = 50_000,
    progress: Progress = silent,
) -> Terms:
    """Find the candidate phrases of a corpus and count them in every document.

    A word is a run of letters, digits and marks of any script, with inner hyphens and apostrophes; markup, web
    addresses, hashes and numbers are no words; in scripts without blanks between words (Chinese, Japanese, Thai, Lao,
    Khmer, Burmese) the dictionaries of ICU say where words end. A phrase has one to three words, crosses no
    punctuation, neither begins nor ends with a function word, occurs in at least `min_documents` documents and, when
    longer than a word, is at least six times commoner than chance would make it or takes up at least half the uses of
    one of its words. What a function word is depends on the corpus too; see `find_function_words`.

    Parameters
    ----------
    texts : iterable of n str
        Documents; only the first 50,000 characters of each are read. What is not a list or tuple is listed
        first, which holds all texts in memory.
    min_documents : int, optional
        Fewest documents a phrase occurs in. Default: 1 below 20 documents, 2 below 1,000, else n/3000 between 3 and 50.
    max_terms : int
        Most phrases kept, those in most documents first.
    sample : int
        Phrases are sought in an even sample of at most so many documents and then counted in all: it bounds the memory
        to about 13 bytes per word of the sample plus 8 bytes a counted (document, phrase) pair.
    progress : Progress
        Called after every 2,000 documents; may raise `Cancelled`.

    Returns
    -------
    Terms

    Raises
    ------
    InputError
        When a text is not a str.

    Examples
    --------
    >>> terms = count_terms(["Sourdough bread needs time.", "Bread, with butter!", "A sourdough bread oven"])
    >>> terms.names
    ('bread', 'sourdough', 'sourdough bread', 'butter', 'oven', 'bread oven', 'sourdough bread oven')
    >>> terms.counts.toarray()[0].tolist()
    [1, 1, 1, 0, 0, 0, 0]
    """
    text_list: Sequence[str] = texts if isinstance(texts, Sequence) else list(texts)
    n = len(text_list)
    vocabulary = Vocabulary()
    rows = np.unique(np.linspace(0, n - 1, min(n, sample)).astype(np.int64)) if n else np.zeros(0, np.int64)
    complete = rows.size == n
    total = n + rows.size
    blocks = []
    for start in range(0, rows.size, _BLOCK):
        blocks.append(read_block(_checked(text_list, rows[start : start + _BLOCK]), vocabulary))
        progress(_STEP, min(start + _BLOCK, rows.size), total)
    vocabulary.closed = True
    least = _default_least(rows.size) if min_documents is None else min_documents
    grams = _candidates(blocks, vocabulary, least, max_terms)
    cases = np.zeros(grams.keys.size * 9)
    parts = []
    for index, start in enumerate(range(0, n, _BLOCK)):
        stop = min(start + _BLOCK, n)
        block = blocks[index] if complete else read_block(_checked(text_list, np.arange(start, stop)), vocabulary)
        parts.append(_count(block, grams, cases))
        progress(_STEP, rows.size + stop, total)
    counts = sparse.vstack(parts, format="csr") if parts else sparse.csr_matrix((0, grams.keys.size), dtype=np.int32)
    return Terms(names=_spell(grams, cases.reshape(-1, 3, 3), vocabulary), counts=_read_only(counts))


@dataclass(frozen=True)
class _Grams:
    """Kept phrases. Kept words have small numbers; a phrase is a key: its small numbers in base 2**20."""

    small: NDArray[np.int64]  # vocabulary number -> small number, 0 = break
    numbers: NDArray[np.int64]  # small number -> vocabulary number
    may_open: NDArray[np.bool_]  # by small number
    may_name: NDArray[np.bool_]  # by small number
    may_join: NDArray[np.bool_]  # by small number
    sign: NDArray[np.bool_]  # by small number: a single sign of a script without blanks
    border: NDArray[np.bool_]  # by small number: a break or a function word
    keys: NDArray[np.int64]  # (T,) rising
    columns: NDArray[np.int64]  # (T,) column of each key


def _default_least(n: int) -> int:
    if n < 20:
        return 1
    return 2 if n < 1000 else min(50, max(3, n // 3000))


def _checked(texts: Sequence[str], rows: NDArray[np.int64]) -> list[str]:
    block = [texts[int(row)] for row in rows]
    for row, text in zip(rows, block, strict=True):
        if not isinstance(text, str):
            raise InputError(
                "texts must hold strings", f"{type(text).__name__} at row {int(row):,}", "Drop or convert that document"
            )
    return block


def _read_only(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    for array in (counts.data, counts.indices, counts.indptr):
        array.setflags(write=False)
    return counts


def _tally(keys: NDArray[np.int64], documents: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return distinct keys and, (2, m), the documents and the occurrences of each; documents come in rising order."""
    order = np.argsort(keys, kind="stable")
    keys, documents = keys[order], documents[order]
    new_key = np.ones(keys.size, dtype=bool)
    new_key[1:] = keys[1:] != keys[:-1]
    new_pair = new_key.copy()
    new_pair[1:] |= documents[1:] != documents[:-1]
    starts = np.flatnonzero(new_key)
    if not starts.size:
        return keys, np.zeros((2, 0), dtype=np.int64)
    frequency = np.add.reduceat(new_pair.astype(np.int64), starts)
    return keys[starts], np.stack((frequency, np.diff(np.append(starts, keys.size))))


def _summed(parts: list[tuple[NDArray[Any], NDArray[Any]]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Add up the tallies of several blocks."""
    if not parts:
        return np.zeros(0, dtype=np.int64), np.zeros((2, 0), dtype=np.int64)
    keys, inverse = np.unique(np.concatenate([p[0] for p in parts]), return_inverse=True)
    tallies = np.concatenate([p[1] for p in parts], axis=1)
    return keys, np.stack([np.bincount(inverse, t, keys.size) for t in tallies]).astype(np.int64)


def _packed(words: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Key of the phrase of `length` words that begins at each position."""
    last = words.size - length + 1
    key = words[: max(last, 0)]
    for offset in range(1, length):
        key = (key << _WORD_BITS) | words[offset : last + offset]
    return key


def _phrase_starts(words: NDArray[np.int64], grams: _Grams, length: int) -> NDArray[np.int64]:
    """Positions at which a phrase of `length` words may begin."""
    last = words.size - length + 1
    if last <= 0:
        return np.zeros(0, dtype=np.int64)
    first = grams.may_name if length == 1 else grams.may_open
    good = first[words[:last]] & grams.may_name[words[length - 1 :]]
    if grams.sign.any():  # A sign beside another content word may belong to that word.
        border = grams.border[words]
        good &= ~grams.sign[words[:last]] | np.append(True, border[: last - 1])
        good &= ~grams.sign[words[length - 1 :]] | np.append(border[length:], True)
    if length == 3:
        good &= grams.may_join[words[1 : last + 1]]
    return np.flatnonzero(good)


def _candidates(blocks: list[WordBlock], vocabulary: Vocabulary, least: int, most: int) -> _Grams:
    """Choose the phrases that count: frequent enough, and no chance neighbors."""
    keys, tally = _summed([_tally(b.words.astype(np.int64), b.documents) for b in blocks])
    frequent_words = np.flatnonzero((tally[0] >= least) & (keys != BREAK))
    if frequent_words.size >= 1 << _WORD_BITS:  # a key has room for so many words
        frequent_words = np.sort(
            frequent_words[np.argsort(-tally[0, frequent_words], kind="stable")[: (1 << _WORD_BITS) - 1]]
        )
    numbers = np.concatenate(([0], keys[frequent_words]))
    small = np.zeros(len(vocabulary.names), dtype=np.int64)
    small[keys[frequent_words]] = np.arange(1, frequent_words.size + 1)
    occurrences = np.concatenate(([1], tally[1, frequent_words])).astype(np.float64)
    words = [vocabulary.names[number] for number in numbers]
    by_number = np.zeros((2, len(vocabulary.names)), dtype=np.int64)
    by_number[:, keys] = tally
    is_function = find_function_words(blocks, vocabulary, *by_number)
    stop = is_function | np.array([bool(name) and not may_name(name) for name in vocabulary.names])
    ends_word, begins_word = (part[numbers] for part in find_parts_of_words(blocks, vocabulary, stop))
    content = np.array([bool(w) and may_name(w) for w in words]) & ~is_function[numbers]
    empty = np.zeros(0, dtype=np.int64)
    grams = _Grams(
        small,
        numbers,
        np.array([bool(w) and may_open(w) for w in words]) & ~is_function[numbers] & ~ends_word,
        content & ~begins_word,
        np.array([bool(w) and may_join(w) for w in words]),
        np.array([len(w) == 1 and is_unspaced(w) for w in words]),
        stop[numbers] | (numbers == BREAK),
        empty,
        empty,
    )
    whole = np.array([len(w) > 1 for w in words]) & grams.may_name
    gram_blocks = [(np.flatnonzero(whole), np.concatenate(([0], tally[0, frequent_words]))[whole])]
    chance = float(tally[1, keys != BREAK].sum())
    streams = [small[b.words] for b in blocks]
    pairs = _phrases(streams, blocks, grams, 2, least)
    a, b = pairs[0] >> _WORD_BITS, pairs[0] & ((1 << _WORD_BITS) - 1)
    good = _firm(pairs[1][1], occurrences[a], occurrences[b], chance)
    pair_keys = pairs[0][good]
    gram_blocks.append((pair_keys, pairs[1][0, good]))
    triples = _phrases(streams, blocks, grams, 3, least)
    a, rest = triples[0] >> (2 * _WORD_BITS), triples[0] & ((1 << (2 * _WORD_BITS)) - 1)
    b, c = rest >> _WORD_BITS, rest & ((1 << _WORD_BITS) - 1)
    firm = np.isin((a << _WORD_BITS) | b, pair_keys) & np.isin(rest, pair_keys)
    good = firm | (~content[b] & _firm(triples[1][1], occurrences[a], occurrences[c], chance))
    gram_blocks.append((triples[0][good], triples[1][0, good]))
    keys, frequency = np.concatenate([f[0] for f in gram_blocks]), np.concatenate([f[1] for f in gram_blocks])
    most_frequent = np.argsort(-frequency, kind="stable")[:most]
    order = np.argsort(keys[most_frequent], kind="stable")
    return replace(grams, keys=keys[most_frequent][order], columns=order)


def _firm(together: NDArray[Any], first: Float64, last: Float64, total: float) -> NDArray[np.bool_]:
    """Return which pairs of words are collocations."""
    return np.asarray((together * total >= _LIFT * first * last) | (together >= 0.5 * np.minimum(first, last)))


def _phrases(
    streams: list[NDArray[np.int64]], blocks: list[WordBlock], grams: _Grams, length: int, least: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tally the phrases of 2 or 3 words that at least `least` documents hold."""
    parts = []
    for words, block in zip(streams, blocks, strict=True):
        at = _phrase_starts(words, grams, length)
        parts.append(_tally(_packed(words, length)[at], block.documents[at]))
    keys, tally = _summed(parts)
    return keys[tally[0] >= least], tally[:, tally[0] >= least]


def _count(block: WordBlock, grams: _Grams, cases: NDArray[np.float64]) -> sparse.csr_matrix:
    """Count the kept phrases of a block; add how each of their words was written to `cases` (T * 3 words * 3 cases)."""
    words = grams.small[block.words]
    rows, columns = [], []
    for length in (1, 2, 3):
        at = _phrase_starts(words, grams, length)
        keys = _packed(words, length)[at]
        gram_index = np.minimum(np.searchsorted(grams.keys, keys), max(grams.keys.size - 1, 0))
        hit = grams.keys[gram_index] == keys if grams.keys.size else np.zeros(at.size, dtype=bool)
        at, column = at[hit], grams.columns[gram_index[hit]]
        rows.append(block.documents[at])
        columns.append(column)
        for offset in range(length):
            cases += np.bincount(column * 9 + offset * 3 + block.cases[at + offset], minlength=cases.size)
    row, column = np.concatenate(rows), np.concatenate(columns)
    ones = np.ones(row.size, dtype=np.int32)
    counts = sparse.csr_matrix((ones, (row, column)), shape=(block.size, grams.keys.size))
    counts.sum_duplicates()
    return counts


def _spell(grams: _Grams, cases: NDArray[np.float64], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Name each phrase, every word written as it mostly is inside that phrase."""
    names = [""] * grams.keys.size
    mask = (1 << _WORD_BITS) - 1
    mostly = cases.argmax(axis=2)
    # Headlines and datelines shout words that elsewhere are Capitalized; acronyms hardly ever are.
    mostly[(mostly == OTHER_CASE) & (cases[:, :, CAPITALIZED] > 0.25 * cases.sum(axis=2))] = CAPITALIZED
    for key, column in zip(grams.keys.tolist(), grams.columns.tolist(), strict=True):
        numbers = [n for n in (key >> 2 * _WORD_BITS, key >> _WORD_BITS & mask, key & mask) if n]
        words = []
        for offset, number in enumerate(numbers):
            word = vocabulary.names[int(grams.numbers[number])]
            case = int(mostly[column, offset])
            if case == CAPITALIZED:
                word = word[:1].upper() + word[1:]
            elif case == OTHER_CASE:
                word = vocabulary.spelling(int(grams.numbers[number]))
                if word.isupper() and len(word) > _ACRONYM:
                    word = word.capitalize()
            words.append(word)
        names[column] = join_words(words)
    return tuple(names)
