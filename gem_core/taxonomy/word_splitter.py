"""Word splitter: words of texts in any script."""

import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any

import numpy as np
import regex
from icu4py.breakers import WordBreaker
from numpy.typing import NDArray

from gem_core.taxonomy.stopwords import CONNECTIVES, OPENERS, STOP_WORDS

#: A document counts with its first so many characters: one huge file must not own the vocabulary, nor the memory.
MAX_CHARACTERS = 50_000
#: Longer words are file names, hashes and base64, not words.
MAX_WORD = 30
#: Word 0 is every break: punctuation, a blank line, the end of a document, or a word that cannot name anything.
BREAK = 0

# A word is letters and digits of any script with their marks (vowel signs of Devanagari and Thai among them).
_TOKENS = regex.compile(
    r"[^\W_][\w\p{M}\u200c\u200d]*(?:[-'\u2019][^\W_][\w\p{M}\u200c\u200d]*)*|[^\w\s\p{M}\u200c\u200d]+|\n\s*\n"
)
_TAGS = re.compile(r"<(script|style)\b[^<>]{0,500}>.{0,5000}?</\1>|</?[a-zA-Z][^<>]{0,500}>|<!--.{0,2000}?-->", re.S)
# Every repeat that another one may follow is bounded: a hostile text must not make the search quadratic.
_ADDRESSES = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_COMMANDS = re.compile(r"\\[A-Za-z]+")  # of TeX: \frac, \mathbf
_ENTITIES = re.compile(r"&#?\w{1,31};")
# Scripts written without blanks between words; the long vowel mark belongs to both kana.
_KATAKANA = r"\p{Katakana}\u30fc"
_DICTIONARY_SCRIPTS = r"\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_UNSPACED = regex.compile(f"[{_DICTIONARY_SCRIPTS}{_KATAKANA}]")
_UNSPACED_LETTER = regex.compile(rf"[{_DICTIONARY_SCRIPTS}{_KATAKANA}]\p{{M}}*")
# ICU cuts loan words that its dictionary lacks into single signs, so a run of katakana is one word.
_RUNS = regex.compile(
    rf"[{_KATAKANA}]+|(?P<by_dictionary>[{_DICTIONARY_SCRIPTS}\p{{M}}]+)|[^{_DICTIONARY_SCRIPTS}{_KATAKANA}]+"
)
# Compatibility forms cut this vowel of Thai and Lao in two, which no dictionary of words knows.
_VOWEL_AM = {"\u0e4d\u0e32": "\u0e33", "\u0ecd\u0eb2": "\u0eb3"}
_HAN_SIGN = regex.compile(r"\p{Han}")
_MOST_SIGNS = 4  # of a word that the dictionary lacks
_SHORT_HIRAGANA = regex.compile(r"\p{Hiragana}{1,2}")  # particles and endings
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
    """Say whether a character is of a script without blanks between words: of China, Japan, Thailand, Laos, ...

    Examples
    --------
    >>> [is_unspaced(c) for c in "花ガสa가"]
    [True, True, True, False, False]
    """
    return bool(_UNSPACED.match(character))


def query_words(query: str) -> list[str]:
    """Return the words of a search in their order: runs of letters, digits and marks.

    Examples
    --------
    >>> query_words('"bread" AND text:花园')
    ['bread', 'AND', 'text', '花园']
    """
    words: list[str] = regex.findall(r"[\w\p{M}]*\w[\w\p{M}]*", query)
    return words


def space_letters(text: str) -> str:
    """Write each letter of a script without blanks between words as a word of its own, for an index of words.

    Examples
    --------
    >>> space_letters("AI在花园").split()
    ['AI', '在', '花', '园']
    """
    return _UNSPACED_LETTER.sub(r" \g<0> ", text) if _UNSPACED.search(text) else text


def join_words(words: Sequence[str]) -> str:
    """Write words as one phrase, with blanks except between words of scripts without them.

    Examples
    --------
    >>> join_words(["机器", "学习"]), join_words(["AI", "模型"]), join_words(["New", "York"])
    ('机器学习', 'AI 模型', 'New York')
    """
    phrase = words[0]
    for word in words[1:]:
        phrase += word if is_unspaced(phrase[-1]) and is_unspaced(word[0]) else f" {word}"
    return phrase


def may_name(word: str) -> bool:
    """Say whether a word in lower case may end a phrase, begin one, or be one.

    Examples
    --------
    >>> [may_name(w) for w in ("bread", "the", "1998", "x", "3d")]
    [True, False, False, False, True]
    """
    if word in STOP_WORDS or not _LETTER.search(word) or _SHORT_HIRAGANA.fullmatch(word):
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

    In scripts without blanks between words the dictionaries of ICU decide. A run of katakana is one word, and so are
    two to four single Han signs beside each other that are no function words: the dictionary lacks that word.

    Examples
    --------
    >>> split_text("<b>Don't</b> panic: e-mail me at a@b.org &amp; wait")
    ['.', "Don't", '.', 'panic', ':', 'e-mail', 'me', 'at', '.', '&', 'wait']
    >>> split_text("AI和机器学习"), split_text("ディープラーニングの研究")
    (['AI', '和', '机器', '学习'], ['ディープラーニング', 'の', '研究'])
    >>> split_text("养蜂人照顾蜂箱"), split_text("แม่น้ำในสวน")
    (['养蜂人', '照顾', '蜂箱'], ['แม่น้ำ', 'ใน', 'สวน'])
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
    tokens: list[str] = _TOKENS.findall(text)
    if _UNSPACED.search(text):
        tokens = [word for token in tokens for word in (_split_run(token) if _UNSPACED.search(token) else (token,))]
    return tokens


def _split_run(token: str) -> list[str]:
    """Cut a run of letters without blanks into words."""
    words: list[str] = []
    for run in _RUNS.finditer(_normalize(token)):
        if run["by_dictionary"]:
            words.extend(_join_signs(WordBreaker(run[0], "root")))
        else:
            words.append(run[0])
    return words


def _join_signs(words: Iterable[str]) -> list[str]:
    """Join two to four single Han signs beside each other to one word."""
    joined: list[str] = []
    for is_sign, group in groupby(words, lambda word: bool(_HAN_SIGN.fullmatch(word)) and word not in STOP_WORDS):
        run = list(group)
        joined.extend(["".join(run)] if is_sign and len(run) <= _MOST_SIGNS else run)
    return joined


def _normalize(text: str) -> str:
    """Return the one Unicode form in which words are compared."""
    text = unicodedata.normalize("NFKC", text)
    for cut, whole in _VOWEL_AM.items():
        text = text.replace(cut, whole)
    return text


def _plain(spelling: str) -> str:
    """Lower case, one Unicode form, no possessive; empty for what is no word."""
    if not (spelling[0].isalnum() and len(spelling) <= 8 * MAX_WORD):
        return ""
    word = _normalize(spelling).lower().replace("\u2019", "'").rstrip("_")
    return word.removesuffix("'s").removesuffix("s'") if "'" in word else word


def _number_of(spelling: str, vocabulary: Vocabulary) -> int:
    word = _plain(spelling)
    # Long words that are half digits are hashes and part numbers.
    if not word or len(word) > MAX_WORD or (len(word) > 8 and _MOSTLY_DIGITS.match(word)):
        return BREAK
    return vocabulary.number(word)


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

    numbers = np.zeros(len(local), dtype=np.int32)
    cases = np.zeros(len(local), dtype=np.uint8)
    for index, spelling in enumerate(local):
        number = numbers[index] = _number_of(spelling, vocabulary)
        if number != BREAK and not spelling.islower():
            cases[index] = _case(spelling)
            if cases[index] == OTHER_CASE:
                base = spelling.replace("\u2019", "'").removesuffix("'s").removesuffix("'S")
                vocabulary.spelled(int(number), base, int(occurrences[index]))
    return WordBlock(words=numbers[stream], cases=cases[stream], documents=documents, size=len(texts))
