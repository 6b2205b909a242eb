"""Read the bytes of a corpus file: detect and unpack compression in bounded pieces, cut the result into rows.

The unpacking is our own because of what was measured of pyarrow's CompressedInputStream: on a truncated file it loses
the last unpacked block, and it reads neither zstd windows above 128 MiB, gzip files padded with zeros, nor xz.
"""

import bz2
import codecs
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import zstandard

from gem_core.errors import CorpusError

BLOCK, PACKED = 1 << 20, 1 << 16  # bytes that are read, and unpacked, at a time
# Zstandard writes up to 128 KiB for four packed bytes, so that 1 KiB may unpack to 32 MiB.
ZSTD_PIECE = 1 << 10
LONGEST_ROW = 256 << 20  # bytes of a row, by default
MAGIC = ((b"\x1f\x8b", ".gz"), (b"\x28\xb5\x2f\xfd", ".zst"), (b"BZh", ".bz2"), (b"\xfd7zXZ\x00", ".xz"))
UNPACK_ERRORS = (zlib.error, zstandard.ZstdError, lzma.LZMAError, EOFError)
_STRING_END = re.compile(rb'(?:[^"\\]|\\.)*+"', re.DOTALL)
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},]|"', re.DOTALL)


class TruncatedFile(CorpusError):
    """A file is damaged or ends too early."""


@dataclass(frozen=True)
class OversizedRow:
    """A row with more bytes than `--longest-row` allows; it is passed over without being kept in memory."""

    limit: int


def truncated_error(name: str, kind: str, why: str) -> TruncatedFile:
    """Word the refusal of a file that is damaged or cut short; `kind` is its format and compression."""
    return TruncatedFile(
        f"{name} must be a whole {kind} file",
        f"one that is damaged or cut short ({why})",
        "Copy or download it again",
    )


def compression_of(head: bytes) -> str:
    r"""Return the compression that the first bytes of a file show: ".gz", ".zst", ".bz2", ".xz" or "".

    Examples
    --------
    >>> compression_of(b"\x1f\x8b\x08"), compression_of(b"text")
    ('.gz', '')
    """
    return next((compression for magic, compression in MAGIC if head.startswith(magic)), "")


def unpack(file: BinaryIO, compression: str) -> Iterator[bytes]:
    """Yield the unpacked blocks of an open file; memory holds a bounded piece, whatever the ratio.

    Raises
    ------
    EOFError, zlib.error, zstandard.ZstdError, lzma.LZMAError, OSError
        After all that could be unpacked, where the file is damaged or ends too early.
    """
    return {"": _plain, ".gz": _gunzip, ".zst": _unzstd, ".bz2": _unbz2, ".xz": _unxz}[compression](file)


def _plain(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def _gunzip(file: BinaryIO) -> Iterator[bytes]:
    # gzip.GzipFile loses what it has unpacked before a break in the file.
    member = None
    while packed := file.read(PACKED):
        while packed:
            member = member or zlib.decompressobj(wbits=31)
            if block := member.decompress(packed, BLOCK):
                yield block
            packed = member.unconsumed_tail
            if member.eof:
                packed, member = member.unused_data.lstrip(b"\0"), None  # Zeros may pad the end of a file.
    if member is not None:
        raise EOFError("the last gzip member does not end")


def _unzstd(file: BinaryIO) -> Iterator[bytes]:
    # The library's stream reader ends without an error on a truncated file, so frames are opened one by one.
    opener = zstandard.ZstdDecompressor(max_window_size=2**31)
    frame = None
    while packed := file.read(ZSTD_PIECE):
        while packed:
            frame = frame or opener.decompressobj()
            if block := frame.decompress(packed):
                yield block
            packed = b""
            if frame.eof:
                packed, frame = frame.unused_data, None
    if frame is not None:
        raise EOFError("the last zstd frame does not end")


def _unbz2(file: BinaryIO) -> Iterator[bytes]:
    return _standard(file, bz2.BZ2Decompressor, "bzip2 stream")


def _unxz(file: BinaryIO) -> Iterator[bytes]:
    return _standard(file, lzma.LZMADecompressor, "xz stream")


def _standard(
    file: BinaryIO, make: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], what: str
) -> Iterator[bytes]:
    stream = None
    while packed := file.read(PACKED):
        while packed or (stream is not None and not stream.needs_input):
            stream = stream or make()
            if block := stream.decompress(packed, BLOCK):
                yield block
            packed = b""
            if stream.eof:
                packed, stream = stream.unused_data.lstrip(b"\0"), None
    if stream is not None:
        raise EOFError(f"the last {what} does not end")


def to_utf8(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Change the encoding of text to UTF-8; bytes that the encoding does not have become bytes that are not UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="surrogateescape")
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "surrogateescape")
    yield decoder.decode(b"", True).encode("utf-8", "surrogateescape")


def byte_lines(blocks: Iterable[bytes], longest: int = LONGEST_ROW) -> Iterator[bytes | OversizedRow]:
    """Split blocks into lines, each with its end, at line feeds only: other line separators are part of the text."""
    rest: list[bytes] = []
    size = 0
    for block in blocks:
        head, newline, tail = block.partition(b"\n")
        size += len(head)
        if size <= longest:
            rest.append(head)
        else:
            rest.clear()
        if not newline:
            continue
        yield b"".join(rest) + b"\n" if size <= longest else OversizedRow(longest)
        *whole, last = tail.split(b"\n")
        for line in whole:
            yield line + b"\n" if len(line) <= longest else OversizedRow(longest)
        rest, size = [last], len(last)
    if size > longest:
        yield OversizedRow(longest)
    elif any(rest):
        yield b"".join(rest)


def array_elements(blocks: Iterable[bytes], longest: int = LONGEST_ROW) -> Iterator[bytes | OversizedRow]:
    """Cut a JSON array into the bytes of its elements; memory holds one element and one block.

    Raises
    ------
    EOFError
        After the whole elements, where the array does not end.

    Examples
    --------
    >>> list(array_elements([b'[{"a": "]"}, {"b"', b': 2}, 3]']))
    [b'{"a": "]"}', b'{"b": 2}', b'3']
    """
    buffer, position, begin, depth = b"", 0, 0, 0
    in_string = oversized = False
    for block in blocks:
        if oversized or (depth > 0 and len(buffer) - begin > longest):
            oversized, begin = True, position  # The element is dropped; its brackets go on being counted.
        buffer, position, begin = buffer[begin:] + block, position - begin, 0
        while True:
            if in_string:
                end = _STRING_END.match(buffer, position)
                if end is None:
                    position = len(buffer) - _open_escape(buffer, position)
                    break
                in_string, position = False, end.end()
            match = _STRUCTURE.search(buffer, position)
            if match is None:
                position = len(buffer)
                break
            token, position = match.group(), match.end()
            if token == b'"':  # A string that goes on in the next block.
                in_string = True
            elif token in (b"[", b"{"):
                depth += 1
                begin = position if depth == 1 else begin
            elif depth == 1 and token in (b",", b"]", b"}"):
                element = buffer[begin : match.start()].strip()
                if oversized or len(element) > longest:
                    yield OversizedRow(longest)
                elif element:
                    yield element
                begin, oversized = position, False
                if token != b",":
                    return
            elif token in (b"]", b"}"):
                depth -= 1
    raise EOFError("the list does not end")


def _open_escape(buffer: bytes, position: int) -> int:
    """Return 1 where a string that is cut off ends with half an escape, else 0."""
    text = buffer[position:]
    return (len(text) - len(text.rstrip(b"\\"))) % 2
