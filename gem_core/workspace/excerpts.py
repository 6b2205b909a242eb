"""Excerpts: the beginning of every document in one file, for fast lists of documents."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa

from gem_core.workspace.atomic_files import write_whole

OPENING = 160  # characters, on one line
_SCHEMA = pa.schema([("opening", pa.string())])
_BATCH = 8192  # documents


def openings(texts: Iterable[str]) -> pa.Table:
    """Return the first characters of all texts, each on one line; one text in memory at a time."""

    def parts(remaining_texts: Iterator[str]) -> Iterator[pa.RecordBatch]:
        while some := [" ".join(text[: 3 * OPENING].split())[:OPENING] for text in islice(remaining_texts, _BATCH)]:
            yield pa.record_batch([some], schema=_SCHEMA)

    return pa.Table.from_batches(parts(iter(texts)), _SCHEMA)


def write_openings(path: Path, table: pa.Table) -> None:
    """Write them without compression, whole or not at all."""

    def write(temporary: Path) -> None:
        with pa.ipc.new_file(str(temporary), _SCHEMA) as file:
            file.write_table(table)

    write_whole(path, write)


def read_openings(path: Path) -> pa.Table:
    """Return the excerpts memory-mapped: read on access."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
