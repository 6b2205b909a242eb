"""Reasons to refuse a label of a weak model: loops, role words, repeated requests, another cluster's label."""

import re
from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher

from gem_core.taxonomy.keywords import stem

ALIKE = 0.9  # similarity of two spellings that are one label
#: Words of the request and of chat formats: no subject of documents.
ROLE_WORDS = frozenset(
    [
        "user",
        "assistant",
        "system",
        "human",
        "model",
        "ai",
        "bot",
        "label",
        "labels",
        "keyword",
        "keywords",
        "document",
        "documents",
        "answer",
        "question",
        "group",
        "groups",
        "cluster",
        "topic",
        "category",
        "title",
        "name",
        "none",
        "unknown",
        "other",
        "others",
        "n",
        "a",
        "na",
        "null",
        "and",
        "the",
        "of",
    ]
)
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


def describe_weakness(label: str, instructions: str, others: Iterable[str] = ()) -> str:
    """Return the reason to refuse a label of a model, or "".

    Parameters
    ----------
    label : str
        As `clean_label` returned it.
    instructions : str
        What the model was told to do.
    others : iterable of str
        Present labels of the other clusters.

    Examples
    --------
    >>> describe_weakness("England, England, England", "")
    'repeats itself'
    >>> describe_weakness("User", ""), describe_weakness("Garden tools", "", ["garden tool"])
    ('is no subject', "is another cluster's label")
    >>> describe_weakness("River floods", "Name groups of documents.", ["Rivers"])
    ''
    """
    words = [word.casefold() for word in _WORD.findall(label)]
    if not words or all(word in ROLE_WORDS for word in words):
        return "is no subject"
    if max(Counter(word for word in words if len(word) > 3).values(), default=0) > 2 or _repeats(label):
        return "repeats itself"
    if len(words) > 2 and " ".join(words) in " ".join(word.casefold() for word in _WORD.findall(instructions)):
        return "repeats the request"
    if any(is_alike(label, other) for other in others):
        return "is another cluster's label"
    return ""


def is_alike(label: str, other: str) -> bool:
    """Return whether two labels are one in other words of the same stems, or in another spelling.

    Examples
    --------
    >>> is_alike("Sports news", "News, sport"), is_alike("Sports news", "Finance news")
    (True, False)
    """
    stems = [sorted(stem(word) for word in _WORD.findall(text)) for text in (label, other)]
    if stems[0] == stems[1]:
        return True
    return SequenceMatcher(None, label.casefold(), other.casefold()).ratio() >= ALIKE and _numbers(label) == _numbers(
        other
    )


def _repeats(label: str) -> bool:
    parts = [part.strip().casefold() for part in re.split(r"[,;/]| and ", label) if part.strip()]
    return len(parts) != len(set(parts))


def _numbers(text: str) -> list[str]:
    """Digits and single letters, which tell "Topic 1" from "Topic 2"."""
    return [word for word in _WORD.findall(text) if len(word) == 1 or word.isdigit()]
