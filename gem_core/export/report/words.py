"""Words and figures of the report; corpus text is made one clean line here, and escaped by the template."""

import unicodedata

SCANNED = 20_000  # characters of a document that are looked at for its opening
_JOINERS = {"\u200c", "\u200d"}  # emoji, Persian and the scripts of India need them


def clean(text: str, most: int) -> str:
    """Text on one line of at most `most` characters, without control and direction-changing characters.

    Examples
    --------
    >>> clean("one\\x00two\\n  three", 40), clean("left\\u202eright", 40), clean("a long line", 7)
    ('one two three', 'leftright', 'a long…')
    """
    kept = []
    for character in text[:SCANNED]:
        kind = unicodedata.category(character)
        if kind in ("Cc", "Zl", "Zp"):
            kept.append(" ")
        elif kind != "Cs" and (kind != "Cf" or character in _JOINERS):
            kept.append(character)
    line = " ".join("".join(kept).split())
    whole = len(line) <= most and len(text) <= SCANNED
    return line if whole else line[: most - 1].rstrip() + "…"


def percent(fraction: float) -> str:
    """Write 0.0523 as 5.2%."""
    return f"{100 * fraction:.1f}%"


def count(number: float) -> str:
    """Write 24000 as 24,000."""
    return f"{number:,.0f}"


def figure(value: float, digits: int = 2) -> str:
    """Write a number with so many digits, and no sign before a zero."""
    return f"{round(float(value), digits) + 0.0:,.{digits}f}"


def strength_words(strength: float) -> str:
    """Write a balance strength; infinite strength is exact balance."""
    return "exact" if strength == float("inf") else f"{strength:.3g}"
