"""Pieces of documents: what a training set draws, whole documents or parts of very long ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64, frozen

LEAST_PIECE = 256  # tokens of a piece, about
_WINDOW = 200  # characters after a cut in which white space is looked for

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Pieces:
    """Pieces of n documents, m of them; a document that is not cut is one piece.

    Attributes
    ----------
    rows : (m,) int64
        Document of each piece, rising.
    number, count : (m,) int64
        Number of the piece in its document, from 0, and how many pieces that has.
    tokens : (m,) int64
        Tokens of each piece: those of its document in equal parts.
    """

    rows: Int64
    number: Int64
    count: Int64
    tokens: Int64


def whole_documents(tokens: Int64) -> Pieces:
    """Return each document as one piece."""
    return cut_documents(tokens, np.full(len(tokens), np.inf))


def cut_documents(tokens: Int64, longest: Float64) -> Pieces:
    """Cut documents into equal pieces of at most `longest` tokens, but not below `LEAST_PIECE` tokens.

    Parameters
    ----------
    tokens, longest : (n,) int and float
        Tokens of each document, and of its pieces.

    Examples
    --------
    >>> pieces = cut_documents(np.array([300, 1000]), np.array([400.0, 400.0]))
    >>> pieces.rows.tolist(), pieces.tokens.tolist()
    ([0, 1, 1, 1], [300, 334, 333, 333])
    """
    counts = np.maximum(np.ceil(tokens / np.maximum(longest, LEAST_PIECE)), 1).astype(np.int64)
    rows = np.repeat(np.arange(len(tokens)), counts)
    number = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    parts = tokens[rows] // counts[rows] + (number < tokens[rows] % counts[rows])
    return Pieces(frozen(rows), frozen(number), frozen(counts[rows]), frozen(parts))


def cut_text(text: str, number: int, count: int) -> str:
    """Return a piece of a text; cuts are after white space where there is some near, and all pieces give the text.

    Examples
    --------
    >>> [cut_text("one two three four", number, 2) for number in range(2)]
    ['one two three ', 'four']
    """
    return text[_cut(text, number, count) : _cut(text, number + 1, count)]


def _cut(text: str, number: int, count: int) -> int:
    at = len(text) * number // count
    if at in (0, len(text)):
        return at
    end = min(at + _WINDOW, len(text))
    return next((i + 1 for i in range(at, end) if text[i].isspace()), at)
