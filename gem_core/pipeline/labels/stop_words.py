"""Custom stop words: excluded from keywords and from names made of keywords."""

from collections.abc import Collection, Iterable, Sequence

from gem_core.errors import InputError
from gem_core.taxonomy.keywords import stem
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import write_text

FILE = "stop_words.txt"  # in a workspace: one word on a line
MOST, LONGEST = 2_000, 60


def read_stop_words(workspace: Workspace) -> tuple[str, ...]:
    """Return the words of a workspace, in the order they were given; none when it has none."""
    try:
        lines = (workspace.root / FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    return tuple(dict.fromkeys(word for line in lines if (word := line.strip())))


def write_stop_words(workspace: Workspace, words: Iterable[str]) -> tuple[str, ...]:
    """Replace the words of a workspace; fits, edits and `rename-auto` leave them out of keywords from now on.

    Raises
    ------
    InputError
        If there are more than 2,000 words, or one has more than 60 characters.
    """
    cleaned = tuple(dict.fromkeys(word for raw in words if (word := " ".join(raw.split()))))
    too_long = next((word for word in cleaned if len(word) > LONGEST), None)
    if len(cleaned) > MOST or too_long is not None:
        raise InputError(
            f"Own stop words are at most {MOST:,} words of {LONGEST} characters",
            f"{len(cleaned):,} words" if too_long is None else f"one of {len(too_long):,} characters",
            "Give single words",
        )
    with workspace.writing():
        write_text(workspace.root / FILE, "".join(f"{word}\n" for word in cleaned))
    return cleaned


def drop_stop_words(keywords: Sequence[tuple[str, float]], words: Collection[str]) -> tuple[tuple[str, float], ...]:
    """Return the (term, score) pairs whose term holds none of some words, in any case and number.

    Examples
    --------
    >>> drop_stop_words([("fresh breads", 0.9), ("oven", 0.5)], ["Bread"])
    (('oven', 0.5),)
    """
    stems = {stem(part) for word in words for part in word.split()}
    return tuple((term, score) for term, score in keywords if not stems & {stem(word) for word in term.split()})
