"""Label one shard: read it in batches, score them, write the same rows with four columns more."""

import errno
import gzip
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gem_core.errors import CorpusError, InputError, WorkspaceError
from gem_core.pipeline.labeling.completion_markers import (
    REFUSED,
    Marker,
    Tally,
    remove_shard_progress,
    write_shard_progress,
)
from gem_core.pipeline.labeling.shard_files import InputShard
from gem_core.pipeline.labeling.shard_rows import REASONS, RefusedRow, ShardRows, open_parquet, read_shard_rows
from gem_core.workspace.atomic_files import write_whole

if TYPE_CHECKING:
    from gem_core.student import Scores, Student

COLUMNS = ("gem_cluster", "gem_label", "gem_margin", "gem_tokens")
GROUP_ROWS, GROUP_BYTES = 8192, 64 << 20  # of a row group that is written, at most and about
LIVE_SECONDS = 1.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class LabelingJob:
    """How shards are labelled.

    Attributes
    ----------
    out : Path
        Folder of the labelled shards.
    text : str
        Column of the text.
    strict : bool
        Whether a row that cannot be labelled ends the work.
    """

    out: Path
    text: str = "text"
    strict: bool = False


@dataclass
class _Work:
    """A shard at work; private and mutable."""

    student: "Student"
    shard: InputShard
    order: LabelingJob
    tally: Tally
    alive: Callable[[], None]
    refused: IO[bytes]
    told: float = field(default_factory=time.monotonic)

    def scored(self) -> Iterator[tuple[ShardRows, "Scores"]]:
        """Batches with their scores, counted on the way."""
        for rows in read_shard_rows(self.shard, self.order.text, COLUMNS):
            self.set_aside(rows.refused)
            scores = self.student.score(rows.texts)
            k, cluster = len(self.student.numbers), scores.cluster
            self.tally.documents += np.bincount(cluster, minlength=k)
            np.add.at(self.tally.tokens, cluster, scores.tokens)
            self.tally.rows += len(rows.numbers)
            yield rows, scores
            self.alive()
            if time.monotonic() - self.told > LIVE_SECONDS:
                write_shard_progress(self.order.out, self.shard.name, rows.read, self.tally)
                self.told = time.monotonic()

    def set_aside(self, refused: Iterable[RefusedRow]) -> None:
        """Count rows that cannot be labelled and keep their places and reasons."""
        for row in refused:
            if self.order.strict:
                raise InputError(
                    "With --strict every row must be one that can be labelled",
                    f"row {row.row:,} of {self.shard.name}: {REASONS[row.reason]} ({row.detail})",
                    "Mend the row, or leave --strict out: such rows are counted and set aside",
                )
            self.tally.rows += 1
            self.tally.refused[row.reason] = self.tally.refused.get(row.reason, 0) + 1
            entry = json.dumps({"row": row.row, "reason": row.reason, "detail": row.detail})
            self.refused.write(entry.encode() + b"\n")


def label_shard(
    student: "Student", shard: InputShard, order: LabelingJob, alive: Callable[[], None] = lambda: None
) -> Marker:
    """Write a labelled copy of a shard, the rows that were set aside, and the marker that says both are whole.

    A pure function of student, shard and text column: the same bytes by whatever worker. Memory holds a batch (1,024
    rows or about 8 MiB) and, of parquet, the rows of the group that is being written (8,192 or about 64 MiB).

    Parameters
    ----------
    student : Student
    shard : Shard
    order : Order
    alive : callable
        Called after every batch; whatever it raises ends the work, and nothing of the shard is kept.

    Raises
    ------
    CorpusError
        If the shard cannot be read at all.
    InputError
        If a row cannot be labelled and the order is strict.
    WorkspaceError
        If the folder cannot be written.
    """
    path = order.out / shard.name
    set_aside = order.out / REFUSED / f"{shard.name}.jsonl"
    write = _write_parquet if shard.source.format == "parquet" else _write_jsonl
    with _room(order.out), tempfile.SpooledTemporaryFile(1 << 20) as refused:
        work = _Work(student, shard, order, Tally.empty(len(student.numbers)), alive, refused)
        try:
            write_whole(path, lambda temporary: write(work, temporary))
            set_aside.unlink(missing_ok=True)
            if work.tally.refused:
                refused.seek(0)
                write_whole(set_aside, lambda temporary: _copy(refused, temporary))
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            marker = Marker(shard.name, shard.source.size, path.stat().st_size, digest, student.hash, work.tally)
            marker.save(order.out)
        finally:
            remove_shard_progress(order.out, shard.name)
    return marker


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    """Say of a folder that cannot be written how to go on."""
    try:
        yield
    except (OSError, WorkspaceError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        if cause.errno in _FULL:
            raise WorkspaceError(
                "The disk must have room for the labelled shards",
                f"no space left at {folder}",
                "Free some space and go on with the same command and --resume",
            ) from error
        raise WorkspaceError(
            "The folder of the labelled shards must be writable",
            f"{folder}: {cause.strerror or cause}",
            "Choose another folder",
        ) from error


def _copy(source: IO[bytes], target: Path) -> None:
    with target.open("wb") as file:
        while block := source.read(1 << 20):
            file.write(block)


# ---- parquet --------------------------------------------------------------------------------------------------------


def _write_parquet(work: _Work, path: Path) -> None:
    try:
        _write_groups(work, path)
    except pa.ArrowException as error:  # of the reader they are refusals already
        raise CorpusError(
            f"{work.shard.name} must hold columns that can be written again",
            f"{str(error).splitlines()[0][:120]}",
            "Drop or convert that column",
        ) from error


def _write_groups(work: _Work, path: Path) -> None:
    with open_parquet(work.shard) as source:
        schema, codec = source.schema_arrow, _codec(source.metadata, work.order.text)
    labels, of = _labels(work.student)
    for name, kind in zip(
        COLUMNS, (pa.int32(), pa.dictionary(pa.int32(), pa.string()), pa.float32(), pa.int64()), strict=True
    ):
        schema = schema.append(pa.field(name, kind))
    numbers = np.array(work.student.numbers, dtype=np.int32)
    held: list[pa.Table] = []
    with pq.ParquetWriter(path, schema, compression=codec) as writer:
        for rows, scores in work.scored():
            assert rows.table is not None
            added = (
                pa.array(numbers[scores.cluster]),
                pa.DictionaryArray.from_arrays(pa.array(of[scores.cluster]), labels),
                pa.array(scores.margin),
                pa.array(scores.tokens),
            )
            columns = [*rows.table.columns, *(pa.chunked_array([column]) for column in added)]
            held.append(pa.Table.from_arrays(columns, schema=schema))
            if sum(map(len, held)) >= GROUP_ROWS or sum(table.nbytes for table in held) >= GROUP_BYTES:
                _write_group(writer, held)
        _write_group(writer, held)


def _write_group(writer: pq.ParquetWriter, held: list[pa.Table]) -> None:
    table = pa.concat_tables(held) if held else None
    if table is not None and len(table):
        writer.write_table(table, row_group_size=len(table))
    held.clear()


def _codec(metadata: pq.FileMetaData, text: str) -> str:
    """Return the compression of the text in the first row group."""
    found = "ZSTD"
    if metadata.num_row_groups:
        group = metadata.row_group(0)
        columns = [group.column(i) for i in range(group.num_columns)]
        found = next((str(c.compression) for c in columns if c.path_in_schema == text), found)
    known = {"UNCOMPRESSED": "NONE", "SNAPPY": "SNAPPY", "GZIP": "GZIP", "BROTLI": "BROTLI"}
    return known.get(found, "ZSTD")


def _labels(student: "Student") -> tuple[pa.Array, "np.ndarray[Any, np.dtype[np.int32]]"]:
    """Different labels, and which of them each cluster has: two clusters may share one."""
    different = {label: place for place, label in enumerate(dict.fromkeys(student.labels))}
    return pa.array(list(different), pa.string()), np.array([different[label] for label in student.labels], np.int32)


# ---- JSON Lines -----------------------------------------------------------------------------------------------------


def _write_jsonl(work: _Work, path: Path) -> None:
    student = work.student
    heads = [
        f', "gem_cluster": {number}, "gem_label": {json.dumps(label, ensure_ascii=False)}, "gem_margin": '.encode()
        for number, label in zip(student.numbers, student.labels, strict=True)
    ]
    with path.open("wb") as raw, _packed(raw, work.shard.source.compression) as file:
        for rows, scores in work.scored():
            margins = [str(m).encode() if np.isfinite(m) else b"null" for m in scores.margin]
            parts: list[bytes] = []
            for line, cluster, margin, tokens in zip(
                rows.lines, scores.cluster.tolist(), margins, scores.tokens.tolist(), strict=True
            ):
                brace = line.rindex(b"}")  # the last of an object is its own
                parts += (line[:brace], heads[cluster], margin, b', "gem_tokens": %d' % tokens, line[brace:])
            file.write(b"".join(parts))


@contextmanager
def _packed(raw: IO[bytes], compression: str) -> Iterator[Any]:
    """Return a file that packs as the input was packed, without names or times."""
    import zstandard

    if compression == ".gz":
        with gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            yield file
    elif compression == ".zst":
        with zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False) as file:
            yield file
    else:
        yield raw
