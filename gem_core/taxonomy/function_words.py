"""Function words and parts of words that the corpus itself shows, by language and by how words are used."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gem_core.taxonomy.stopwords import AMBIGUOUS, LANGUAGES
from gem_core.taxonomy.word_splitter import BREAK, Vocabulary, WordBlock, is_unspaced, split_text

_COMMON = 0.4  # share of the documents that hold a function word of a language without a list
_SHORT = 4  # most letters of such a word
_LEAST = 30  # fewest uses that show how a word is used
_AT_END = 0.02  # most of its uses that end a clause
_BEFORE_ONE = 0.35  # most of its uses that one and the same word follows
#: Least part of the uses of a sign that stand first (last) in a clause or beside a function word: a sign that hardly
#: ever does is the end (beginning) of a word that the dictionary lacks.
_FREE = 0.1
_OTHER_SCRIPT = 0.3  # letters of scripts without blanks, of all letters of a text
_SHARED = 0.5  # most of its uses that one function word stands beside: more, and the two are one word


def find_function_words(
    blocks: Sequence[WordBlock], vocabulary: Vocabulary, frequency: NDArray[np.int64], uses: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return the words that are function words in this corpus, though not in every corpus.

    - A word that is a function word of one language and names things in English ("die", "las", "son") counts as a
      function word where most of its uses are in documents of that language. The language of a document is the one
      with the most uses of function words that no other language shares.
    - A word of a language without a list counts as one when it is short (4 letters), in 40% of the documents, hardly
      ever ends a clause (2% of its uses) and is followed by many words (none follows more than 35% of its uses).

    Parameters
    ----------
    blocks : sequence of WordBlock
    vocabulary : Vocabulary
        That gave the blocks their numbers.
    frequency, uses : (V,) int64
        Documents that hold each word, and how often it occurs in all.

    Returns
    -------
    (V,) bool
        By the word's number.
    """
    function_words = np.zeros(len(vocabulary.names), dtype=np.bool_)
    function_words[_foreign_words(blocks, vocabulary)] = True
    function_words[_common_words(blocks, vocabulary, frequency, uses)] = True
    return function_words


def find_parts_of_words(
    blocks: Sequence[WordBlock], vocabulary: Vocabulary, function_words: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the single signs that end a longer word, and those that begin one, in scripts without blanks.

    A dictionary cuts a word that it lacks into signs, and a phrase must not begin or end inside such a word. A sign
    counts as the end of a word when less than 10% of its uses begin a clause or follow a function word, and as the
    beginning of one when less than 10% end a clause or stand before a function word.

    Parameters
    ----------
    blocks : sequence of WordBlock
    vocabulary : Vocabulary
        That gave the blocks their numbers.
    function_words : (V,) bool
        By the word's number.

    Returns
    -------
    ends, begins : (V,) bool
    """
    size = len(vocabulary.names)
    signs = np.array([len(name) == 1 and is_unspaced(name) for name in vocabulary.names], dtype=np.bool_)
    ends, begins = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    if not signs.any():
        return ends, begins
    borders = function_words.copy()
    borders[BREAK] = True
    streams = [block.words for block in blocks]
    return (
        signs & ~_stands_free([(words[1:], words[:-1]) for words in streams], signs, borders),
        signs & ~_stands_free([(words[:-1], words[1:]) for words in streams], signs, borders),
    )


def _stands_free(
    pairs: Sequence[tuple[NDArray[np.int32], NDArray[np.int32]]], signs: NDArray[np.bool_], borders: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the signs that often have a border beside them; a function word that most uses share is none.

    Parameters
    ----------
    pairs : sequence of (words, neighbors)
        Neighboring words of each block.
    signs, borders : (V,) bool
    """
    size = signs.size
    sign_pairs = [(words[signs[words]], beside[signs[words]]) for words, beside in pairs]
    words, beside = (np.concatenate([part[side] for part in sign_pairs]).astype(np.int64) for side in (0, 1))
    uses = np.bincount(words, minlength=size)
    keys, counts = np.unique(words * size + beside, return_counts=True)
    word, neighbor = keys // size, keys % size
    is_border = borders[neighbor] & ((neighbor == BREAK) | (counts <= _SHARED * uses[word]))
    free = np.bincount(word[is_border], counts[is_border], size)
    return np.asarray((uses > 0) & (free >= _FREE * uses))


def is_foreign_text(text: str) -> bool:
    """Return whether a text is in another language than English, by its function words and its script.

    A text is foreign when another language has more function words in its first 1,000 characters than English has, or
    when 30% or more of its letters are of a script without blanks. A text without function words (code, tables) is not.

    Examples
    --------
    >>> is_foreign_text("Die Datei wird mit dem Programm geöffnet."), is_foreign_text("The file is opened.")
    (True, False)
    >>> is_foreign_text("本软件是自由软件"), is_foreign_text("import numpy")
    (True, False)
    """
    words = [word.lower() for word in split_text(text[:1000])]
    letters = sum(len(word) for word in words if word[0].isalpha())
    if sum(len(word) for word in words if is_unspaced(word[0])) >= _OTHER_SCRIPT * max(letters, 1):
        return True
    uses = {language: sum(word in own for word in words) for language, own in _exclusive_words().items()}
    return max(uses[language] for language in uses if language != "English") > uses["English"]


def _foreign_words(blocks: Sequence[WordBlock], vocabulary: Vocabulary) -> list[int]:
    """Return the ambiguous words most uses of which are in documents of a language in which they are function words."""
    numbers = {name: number for number, name in enumerate(vocabulary.names) if name in AMBIGUOUS}
    if not numbers:
        return []
    tables = _exclusive_tables(vocabulary)
    uses = dict.fromkeys(numbers, 0)
    foreign_uses = dict.fromkeys(numbers, 0)
    for block in blocks:
        evidence = np.stack(
            [np.bincount(block.documents[table[block.words]], minlength=block.size) for table in tables.values()]
        )
        language = np.where(evidence.any(axis=0), evidence.argmax(axis=0), -1)
        for name, number in numbers.items():
            of_use = language[block.documents[block.words == number]]
            own = [
                index
                for index, (family, words) in enumerate(LANGUAGES.items())
                if name in words and family != "English"
            ]
            uses[name] += int((of_use >= 0).sum())
            foreign_uses[name] += int(np.isin(of_use, own).sum())
    return [number for name, number in numbers.items() if foreign_uses[name] > 0.5 * uses[name]]


def _exclusive_tables(vocabulary: Vocabulary) -> dict[str, NDArray[np.bool_]]:
    """Return for each language which words of the vocabulary are function words of it alone."""
    return {
        language: np.array([name in own for name in vocabulary.names], dtype=np.bool_)
        for language, own in _exclusive_words().items()
    }


@cache
def _exclusive_words() -> dict[str, frozenset[str]]:
    """Return the function words of each language that no other language has."""
    exclusive = {}
    for language, words in LANGUAGES.items():
        others = frozenset().union(*(more for name, more in LANGUAGES.items() if name != language))
        exclusive[language] = words - others - AMBIGUOUS
    return exclusive


def _common_words(
    blocks: Sequence[WordBlock], vocabulary: Vocabulary, frequency: NDArray[np.int64], uses: NDArray[np.int64]
) -> list[int]:
    """Return the short words of most documents that join others instead of naming something."""
    size = len(vocabulary.names)
    documents = sum(block.size for block in blocks)
    at_end = np.zeros(size, dtype=np.int64)
    for block in blocks:
        at_end += np.bincount(block.words[:-1][block.words[1:] == BREAK], minlength=size)
    frequent = (frequency >= _COMMON * documents) & (uses >= _LEAST) & (at_end <= _AT_END * uses)
    frequent[BREAK] = False
    return [
        number
        for number in np.flatnonzero(frequent).tolist()
        if len(vocabulary.names[number]) <= _SHORT
        and _most_followers(blocks, number, size) <= _BEFORE_ONE * uses[number]
    ]


def _most_followers(blocks: Sequence[WordBlock], number: int, size: int) -> int:
    """Return how often the commonest word that follows a word does so."""
    followers = np.zeros(size, dtype=np.int64)
    for block in blocks:
        followers += np.bincount(block.words[1:][block.words[:-1] == number], minlength=size)
    return int(followers.max())
