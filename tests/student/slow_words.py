"""Words, hashes and sums the slow way: Python strings, Python integers, the running Python's Unicode data."""

from itertools import pairwise

from tests.student.characters import kind, lower

MASK = (1 << 64) - 1


def words(text: bytes) -> list[str]:
    """Words of a text in lower case."""
    spans: list[str] = []
    inside = "break"
    for character in text.decode("utf-8", errors="replace"):
        what = kind(ord(character))
        if what == "ignored":
            continue
        small = chr(lower(ord(character)))
        if what == "mark":
            if inside != "break":
                spans[-1] += small
            continue
        if what == "single" or (what == "letter" and inside != "letter"):
            spans.append(small)
        elif what == "letter":
            spans[-1] += small
        inside = what
    return spans


def hashed(word: str) -> int:
    """FNV-1a of the UTF-8 bytes, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in word.encode("utf-8"):
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def bucket(value: int, buckets: int) -> int:
    for _ in range(2):
        value = (value ^ value >> 32) * 0xD6E8FEB86659FD93 & MASK
    return value >> (64 - (buckets.bit_length() - 1))


def rows(text: bytes, buckets: int) -> list[int]:
    """Rows of all words, then of all pairs of neighbors."""
    values = [hashed(word) for word in words(text)]
    pairs = [(a * 0x9E3779B97F4A7C15 + b) & MASK for a, b in pairwise(values)]
    return [bucket(value, buckets) for value in values + pairs]
