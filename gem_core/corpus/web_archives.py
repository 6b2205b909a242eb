"""Read web archives: the texts of WET files, and the text responses of WARC files."""

import io
from collections.abc import Iterator
from typing import Any

from gem_core.corpus.files import SourceFile
from gem_core.corpus.unpack import OversizedRow, truncated_error

COLUMNS = ("id", "url", "date", "language", "text")
TEXT_TYPES = ("text/", "application/xhtml")


class _BlockStream(io.RawIOBase):
    """Blocks of bytes as a file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def archive_rows(source: SourceFile, blocks: Iterator[bytes]) -> Iterator[dict[str, object] | OversizedRow]:
    """Yield a row for each text of a web archive: the conversions of WET, the text responses of WARC, markup included.

    Other records (requests, metadata, images, answers that are no success) are no documents.

    Raises
    ------
    TruncatedFile
        After the whole records, where the file is damaged or ends too early.
    """
    from warcio.archiveiterator import ArchiveIterator  # type: ignore[import-untyped]
    from warcio.exceptions import ArchiveLoadFailed  # type: ignore[import-untyped]

    longest = source.options.longest_row
    try:
        for record in ArchiveIterator(io.BufferedReader(_BlockStream(blocks), 1 << 16)):
            if not _is_text(record):
                continue
            data = record.content_stream().read(longest + 1)
            if len(data) > longest:
                yield OversizedRow(longest)
                continue
            headers = record.rec_headers
            yield {
                "id": str(headers.get_header("WARC-Record-ID") or "").strip("<>"),
                "url": headers.get_header("WARC-Target-URI"),
                "date": headers.get_header("WARC-Date"),
                "language": headers.get_header("WARC-Identified-Content-Language"),
                "text": _decode(record, data),
            }
    except (ArchiveLoadFailed, EOFError) as error:
        raise truncated_error(source.name, source.kind, str(error)) from error


def _is_text(record: Any) -> bool:
    if record.rec_type != "response":
        return bool(record.rec_type == "conversion")
    if record.http_headers is None or not str(record.http_headers.get_statuscode()).startswith("2"):
        return False
    return str(record.http_headers.get_header("Content-Type") or "").lower().startswith(TEXT_TYPES)


def _decode(record: Any, data: bytes) -> str:
    """Return the text of a record; bytes that are not of its encoding arrive as lone surrogates, as in other files."""
    content_type = "" if record.http_headers is None else str(record.http_headers.get_header("Content-Type") or "")
    encoding = content_type.lower().partition("charset=")[2].partition(";")[0].strip(" \"'") or "utf-8"
    try:
        return data.decode(encoding, "surrogateescape")
    except LookupError:  # The page names an encoding that does not exist.
        return data.decode("utf-8", "surrogateescape")
