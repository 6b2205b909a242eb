"""Kinds of text (recipe, statute, source code, ...) by their form: typical words, digits, line lengths, pronouns."""

import csv
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_FILE = Path(__file__).parent / "vocabulary" / "kinds.tsv"
_READ = 1200  # characters of a text that are looked at
_SHORT = 60  # characters of a short line
_FIRST = frozenset(["i", "me", "my", "mine", "i'm", "i've", "i'd", "i'll", "we", "our"])
_THIRD = frozenset(["he", "she", "him", "her", "his", "hers", "they", "them", "their", "himself", "herself"])
_CONDITION = re.compile(r"(\w+)(>=|<)([\d.]+)")
_SYMBOLS = frozenset("{}()[]<>=;$#*/\\|_+&")
_COMPARE = {">=": operator.ge, "<": operator.lt}
_WORD = re.compile(r"[a-z']+")


@dataclass(frozen=True)
class TextKind:
    """One kind of text and how it is recognized.

    Attributes
    ----------
    name, gloss : str
    conditions : tuple of (measure, ">=" or "<", value)
        All must hold; see `measure_form`.
    cues : tuple of str
        Pieces of lower-case text; at least `least` different ones must occur.
    least : int
    """

    name: str
    gloss: str
    conditions: tuple[tuple[str, str, float], ...]
    cues: tuple[str, ...]
    least: int


@cache
def text_kinds() -> tuple[TextKind, ...]:
    """Return the shipped kinds of text (CC0).

    Examples
    --------
    >>> len(text_kinds()) >= 80
    True
    """
    with _FILE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return tuple(
        TextKind(
            row["name"],
            row["gloss"],
            tuple((name, sign, float(value)) for name, sign, value in _CONDITION.findall(row["form"])),
            tuple(cue.replace("\\n", "\n") for part in row["cues"].split(";") if (cue := part.removeprefix(" "))),
            int(row["least"]),
        )
        for row in rows
    )


def measure_form(text: str) -> dict[str, float]:
    """Measure the form of a text.

    Returns
    -------
    dict
        words, lines (numbers), quotes (number of quotation marks), digits and symbols (parts of the characters that
        are not blank), shortlines (part of the lines under 60 characters), first and third (parts of the words that
        are pronouns of that person), past (part of the words that end in -ed or are common past forms).

    Examples
    --------
    >>> form = measure_form("I said 12!")
    >>> round(form["digits"], 2), round(form["first"], 2)
    (0.25, 0.5)
    """
    lower = text.lower()
    words = _WORD.findall(lower)
    lines = [line for line in text.splitlines() if line.strip()]
    dense = "".join(text.split())
    size, count = max(len(dense), 1), max(len(words), 1)
    return {
        "words": len(words),
        "lines": len(lines),
        "quotes": sum(text.count(mark) for mark in '"\u201c\u201d'),
        "digits": sum(map(str.isdigit, dense)) / size,
        "symbols": sum(map(_SYMBOLS.__contains__, dense)) / size,
        "shortlines": sum(len(line) < _SHORT for line in lines) / max(len(lines), 1),
        "first": sum(map(_FIRST.__contains__, words)) / count,
        "third": sum(map(_THIRD.__contains__, words)) / count,
        "past": sum(word.endswith("ed") or word in ("was", "were", "had", "said", "went") for word in words) / count,
    }


def document_kinds(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Recognize the kinds of some texts by their first 1,200 characters.

    Parameters
    ----------
    texts : sequence of n str

    Returns
    -------
    (n, kinds) bool
        In the order of `text_kinds`; a text may be of several kinds or of none.

    Examples
    --------
    >>> row = document_kinds(["Preheat the oven. Stir 2 cups flour with salt, bake 30 minutes."])[0]
    >>> [kind.name for kind, is_kind in zip(text_kinds(), row) if is_kind]
    ['Recipes']
    """
    return np.array([_kinds_of(text[:_READ]) for text in texts], dtype=bool).reshape(len(texts), len(text_kinds()))


@lru_cache(maxsize=4096)  # Each edit of a taxonomy reads the same exemplars again.
def _kinds_of(text: str) -> tuple[bool, ...]:
    form, lower = measure_form(text), " " + text.lower() + " "
    return tuple(
        all(_COMPARE[sign](form[name], value) for name, sign, value in kind.conditions)
        and sum(map(lower.__contains__, kind.cues)) >= kind.least
        for kind in text_kinds()
    )
