"""From text to words: what a word is, in any script, at the speed of reading."""

import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core.taxonomy.stopwords import CONNECTIVES, OPENERS, STOP_WORDS

#: A document counts with its first so many characters: one huge file must not own the vocabulary, nor the memory.
MAX_CHARACTERS = 50_000
#: Longer words are file names, hashes and base64, not words.
MAX_WORD = 30
#: Word 0 is every break: punctuation, a blank line, the end of a document, or a word that cannot name anything.
BREAK = 0

# Combining marks of scripts whose words `\\w` alone would cut in two (Devanagari, Thai, Arabic, Hebrew, ...).
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff"
    "\u0e31-\u0e4e\u0eb1-\u0ece\u1000-\u1049\u1050-\u109f\u17b4-\u17d3\u200c\u200d"
)
_TOKENS = re.compile(rf"[^\W_][\w{_MARKS}]*(?:[-'\u2019][^\W_][\w{_MARKS}]*)*|[^\w\s{_MARKS}]+|\n\s*\n")
_TAGS = re.compile(r"<(script|style)\b[^<>]{0,500}>.{0,5000}?</\1>|</?[a-zA-Z][^<>]{0,500}>|<!--.{0,2000}?-->", re.S)
# Every repeat that another one may follow is bounded: a hostile text must not make the search quadratic.
_ADDRESSES = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_COMMANDS = re.compile(r"\\[A-Za-z]+")  # of TeX: \frac, \mathbf
_ENTITIES = re.compile(r"&#?\w{1,31};")
# Scripts written without spaces, where a word is a run of one to three characters.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTER = re.compile(r"[^\W\d_]")
_MOSTLY_DIGITS = re.compile(r"(?:\D*\d){4}")

LOWER, CAPITALIZED, OTHER_CASE = 0, 1, 2


@dataclass(frozen=True)
class WordBlock:
    """The words of a block of documents, in reading order.

    Attributes
    ----------
    words : (N,) int32
        Word numbers of a `Vocabulary`, `BREAK` between sentences and after each document.
    cases : (N,) uint8
        How each word was written: 0 lower, 1 Capitalized, 2 any other way (NASA, iPhone).
    documents : (N,) int32
        Row of the document within the block.
    size : int
        Documents in the block.
    """

    words: NDArray[np.int32]
    cases: NDArray[np.uint8]
    documents: NDArray[np.int32]
    size: int


class Vocabulary:
    """Numbers words from 1 on; once `closed`, a new word is a `BREAK`."""

    def __init__(self) -> None:
        self.names: list[str] = [""]
        self.closed = False
        self._numbers: dict[str, int] = {}
        self._spellings: dict[int, dict[str, int]] = defaultdict(dict)

    def number(self, word: str) -> int:
        """Return the number of a word in lower case."""
        word_number = self._numbers.get(word)
        if word_number is None:
            if self.closed:
                return BREAK
            word_number = self._numbers[word] = len(self.names)
            self.names.append(word)
        return word_number

    def spelled(self, number: int, spelling: str, occurrences: int) -> None:
        """Remember an uncommon spelling such as NASA or iPhone."""
        if not self.closed:
            spellings = self._spellings[number]
            spellings[spelling] = spellings.get(spelling, 0) + occurrences

    def spelling(self, number: int) -> str:
        """Return the commonest uncommon spelling of a word."""
        spellings = self._spellings.get(number)
        return max(sorted(spellings), key=lambda s: spellings[s]) if spellings else self.names[number]


def is_unspaced(character: str) -> bool:
    """Say whether a character belongs to a script that is written without spaces (Chinese, Japanese)."""
    return bool(_UNSPACED.match(character))


def may_name(word: str) -> bool:
    """Say whether a word in lower case may end a phrase, begin one, or be one.

    Examples
    --------
    >>> [may_name(w) for w in ("bread", "the", "1998", "x", "3d")]
    [True, False, False, False, True]
    """
    if word in STOP_WORDS or not _LETTER.search(word):
        return False
    return len(word) > 1 or is_unspaced(word)


def may_open(word: str) -> bool:
    """Say whether a word may begin a phrase of two or three."""
    return word in OPENERS or may_name(word)


def may_join(word: str) -> bool:
    """Say whether a word may stand in the middle of a phrase of three."""
    return word in CONNECTIVES or may_name(word)


def split_text(text: str) -> list[str]:
    """Cut a text into words and breaks, without markup and addresses; spelling untouched.

    Examples
    --------
    >>> split_text("<b>Don't</b> panic: e-mail me at a@b.org &amp; wait")
    ['.', "Don't", '.', 'panic', ':', 'e-mail', 'me', 'at', '.', '&', 'wait']
    """
    text = text[:MAX_CHARACTERS]
    if "<" in text:
        text = _TAGS.sub(" . ", text)
    if "&" in text and _ENTITIES.search(text):
        text = html.unescape(text)
    if "\\" in text:
        text = _COMMANDS.sub(" . ", text)
    if "@" in text or "://" in text or "www." in text:
        text = _ADDRESSES.sub(" . ", text)
    return _TOKENS.findall(text)


def _plain(spelling: str) -> str:
    """Lower case, one Unicode form, no possessive; empty for what is no word."""
    if not (spelling[0].isalnum() and len(spelling) <= 8 * MAX_WORD):
        return ""
    word = unicodedata.normalize("NFKC", spelling).lower().replace("\u2019", "'").rstrip("_")
    return word.removesuffix("'s").removesuffix("s'") if "'" in word else word


def _numbers_of(spelling: str, vocabulary: Vocabulary) -> list[int]:
    """Word numbers of one spelling: mostly one, several for a run of Chinese or Japanese."""
    if _UNSPACED.search(spelling):
        return [vocabulary.number(c) if is_unspaced(c) else BREAK for c in unicodedata.normalize("NFKC", spelling)]
    word = _plain(spelling)
    # Long words that are half digits are hashes and part numbers.
    if not word or len(word) > MAX_WORD or (len(word) > 8 and _MOSTLY_DIGITS.match(word)):
        return [BREAK]
    return [vocabulary.number(word)]


def _case(spelling: str) -> int:
    if spelling.islower():
        return LOWER
    return CAPITALIZED if spelling[:1].isupper() and not any(c.isupper() for c in spelling[1:]) else OTHER_CASE


def read_block(texts: Sequence[str], vocabulary: Vocabulary) -> WordBlock:
    """Read a block of documents into word numbers.

    Memory: about 60 bytes per word of the block while it runs, 9 bytes per word afterwards.
    """
    local: dict[str, int] = defaultdict(count().__next__)
    ends = "\n\n"
    lengths = np.zeros(len(texts), dtype=np.int64)
    pieces: list[NDArray[np.int32]] = []
    for row, text in enumerate(texts):
        tokens = split_text(text)
        tokens.append(ends)
        lengths[row] = len(tokens)
        pieces.append(np.fromiter(map(local.__getitem__, tokens), dtype=np.int32, count=len(tokens)))
    stream: NDArray[Any] = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int32)
    documents = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
    occurrences = np.bincount(stream, minlength=len(local))

    numbers: list[int] = []
    repeats = np.ones(len(local), dtype=np.int64)
    cases = np.zeros(len(local), dtype=np.uint8)
    for index, spelling in enumerate(local):
        word_numbers = _numbers_of(spelling, vocabulary)
        numbers.extend(word_numbers)
        repeats[index] = len(word_numbers)
        if word_numbers[0] != BREAK and not spelling.islower():
            cases[index] = _case(spelling)
            if cases[index] == OTHER_CASE and len(word_numbers) == 1:
                base = spelling.replace("\u2019", "'").removesuffix("'s").removesuffix("'S")
                vocabulary.spelled(word_numbers[0], base, int(occurrences[index]))
    flat = np.array(numbers, dtype=np.int32)
    starts = np.concatenate(([0], np.cumsum(repeats)[:-1]))
    grown = repeats[stream]
    within = np.arange(grown.sum()) - np.repeat(np.cumsum(grown) - grown, grown)
    return WordBlock(
        words=flat[np.repeat(starts[stream], grown) + within],
        cases=np.repeat(cases[stream], grown),
        documents=np.repeat(documents, grown),
        size=len(texts),
    )
