"""Five ways to damage a file."""

from collections.abc import Callable
from pathlib import Path


def delete(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garble(path: Path) -> None:
    path.write_bytes(b"\x93garbage\x00" * 64)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for index in range(len(data) // 3, len(data), max(len(data) // 40, 1)):
        data[index] ^= 0x5A
    path.write_bytes(bytes(data))


DAMAGES: tuple[Callable[[Path], None], ...] = (delete, empty, halve, garble, flip)
