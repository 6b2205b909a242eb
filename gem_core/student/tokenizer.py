"""Tokenizer of the student: words of UTF-8 text, the same on every machine.

A text is read character by character; each is of one kind:

letter
    Letters and digits of scripts that part words by spaces. A run of them is a word.
single
    A character of a script written without spaces (Han, kana, Thai, Lao, Khmer, Myanmar) or a picture (emoji): a word
    of its own.
mark
    A combining mark belongs to the word before it; with none right before it, it is as good as absent.
ignored
    Soft hyphen, joiners, direction marks, variation selectors, skin tones: as good as absent.
break
    Everything else, U+FFFD and bytes that are no valid UTF-8 included: ends a word.

Every character counts as its simple lower case (one character becomes one). Composed and decomposed spellings of
an accented letter stay different words. The kinds and lower cases are frozen in `characters.txt` (Unicode 14.0), not
taken from the running Python: two machines must read the same words.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._types import frozen

BREAK, LETTER, SINGLE, MARK, IGNORED = range(5)
KINDS = {"letter": LETTER, "single": SINGLE, "mark": MARK, "ignored": IGNORED}
NOT_ASCII = 1  # in `Characters.ascii`: the byte begins a longer character


@dataclass(frozen=True)
class Characters:
    """The table of characters as the compiled functions read it.

    Attributes
    ----------
    ascii : (256,) uint8
        Per byte: 0 for a break, `NOT_ASCII` from 128 on, else the letter in lower case.
    page : (4352,) int32
        Where in `entry` the 256 characters of a page begin.
    entry : (256 P,) uint32
        Lower case times 8, plus kind.
    unicode : str
        Version of Unicode that the table was made from.
    """

    ascii: NDArray[np.uint8]
    page: NDArray[np.int32]
    entry: NDArray[np.uint32]
    unicode: str


@cache
def characters() -> Characters:
    """Read the shipped table, once a process."""
    kind = np.zeros(0x110000, dtype=np.uint32)
    lower = np.arange(0x110000, dtype=np.uint32)
    lines = (Path(__file__).parent / "characters.txt").read_text(encoding="ascii").splitlines()
    for line in lines[1:]:
        what, first, second = line.split()
        if what == "lower":
            lower[int(first, 16)] = int(second, 16)
        else:
            kind[int(first, 16) : int(second, 16) + 1] = KINDS[what]
    pages, which = np.unique((lower * 8 + kind).reshape(-1, 256), axis=0, return_inverse=True)
    letters = np.where(kind[:128] == LETTER, lower[:128], 0)
    return Characters(
        ascii=_frozen(np.concatenate((letters, np.full(128, NOT_ASCII))), np.uint8),
        page=_frozen(which.reshape(-1) * 256, np.int32),
        entry=_frozen(pages.reshape(-1), np.uint32),
        unicode=lines[0].removeprefix("unicode "),
    )


def _frozen(array: NDArray[Any], kind: Any) -> NDArray[Any]:
    return frozen(np.ascontiguousarray(array, dtype=kind))
