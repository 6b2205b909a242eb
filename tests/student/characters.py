"""What the shipped table of characters must say, from the running Python's own Unicode data (slow and obvious).

python tests/student/characters.py     writes gem_core/student/characters.txt anew (Python 3.11 has Unicode 14.0)
"""

import unicodedata
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2] / "gem_core" / "student" / "characters.txt"
# Scripts written without spaces: Thai and Lao, Myanmar, Khmer, kana, Han.
UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0x2FDF),
    (0x3005, 0x3007),
    (0x3021, 0x3029),
    (0x3040, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9D),
    (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),
)
PICTURES = ((0x2600, 0x27BF), (0x2B00, 0x2BFF), (0x1F000, 0x1FAFF))
VARIANTS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0x1F3FB, 0x1F3FF), (0xE0100, 0xE01EF))


def within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def kind(code: int) -> str:
    """Letter, single, mark, ignored or break."""
    category = unicodedata.category(chr(code))
    if within(code, VARIANTS) or category == "Cf":
        return "ignored"
    if category in ("Lo", "Lm", "Nl", "So") and within(code, UNSPACED):
        return "single"
    if category == "So" and within(code, PICTURES):
        return "single"
    return {"L": "letter", "N": "letter", "M": "mark"}.get(category[0], "break")


def lower(code: int) -> int:
    """Simple lower case: one character becomes one (U+0130 is the only one whose full mapping has two)."""
    return ord(chr(code).lower()[0])


def table() -> str:
    lines = [f"unicode {unicodedata.unidata_version}"]
    first, what = 0, kind(0)
    for code in range(1, 0x110001):
        now = kind(code) if code < 0x110000 else ""
        if now != what:
            if what != "break":
                lines.append(f"{what} {first:X} {code - 1:X}")
            first, what = code, now
    lines += [f"lower {code:X} {lower(code):X}" for code in range(0x110000) if lower(code) != code]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    SHIPPED.write_text(table(), encoding="ascii")
