"""Format percentages, counts, strengths and one-line excerpts alike in the app, the command line and the report."""

import unicodedata

SCANNED = 20_000  # characters of a document that are looked at for its opening
_JOINERS = {"\u200c", "\u200d"}  # emoji, Persian and the scripts of India need them


def clean(text: str, most: int) -> str:
    r"""Text on one line of at most `most` characters, without control and direction-changing characters.

    Examples
    --------
    >>> clean("one\x00two\n  three", 40), clean("left\u202eright", 40), clean("a long line", 7)
    ('one two three', 'leftright', 'a long…')
    """
    characters = []
    for character in text[:SCANNED]:
        kind = unicodedata.category(character)
        if kind in ("Cc", "Zl", "Zp"):
            characters.append(" ")
        elif kind != "Cs" and (kind != "Cf" or character in _JOINERS):
            characters.append(character)
    line = " ".join("".join(characters).split())
    whole = len(line) <= most and len(text) <= SCANNED
    return line if whole else line[: most - 1].rstrip() + "…"


def percent(fraction: float) -> str:
    """Format a fraction as a percentage with one decimal.

    Examples
    --------
    >>> percent(0.0523)
    '5.2%'
    """
    return f"{100 * fraction:.1f}%"


def count(number: float) -> str:
    """Format a whole number with thousands separators.

    Examples
    --------
    >>> count(24000)
    '24,000'
    """
    return f"{number:,.0f}"


def decimal(value: float, digits: int = 2) -> str:
    """Format a number with a fixed number of digits and no sign before a zero.

    Examples
    --------
    >>> decimal(-0.001), decimal(1234.5, 1)
    ('0.00', '1,234.5')
    """
    return f"{round(float(value), digits) + 0.0:,.{digits}f}"


def strength_text(strength: float) -> str:
    """Format a balance strength; infinite strength is exact balance.

    Examples
    --------
    >>> strength_text(0.5), strength_text(float("inf"))
    ('0.5', 'exact')
    """
    return "exact" if strength == float("inf") else f"{strength:.3g}"
