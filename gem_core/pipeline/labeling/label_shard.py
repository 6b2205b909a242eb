"""Label one shard: read it in batches, score them, write the same rows with four columns more."""

import errno
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from gem_core._storage import is_remote, remove_file, upload_together
from gem_core.errors import InputError, WorkspaceError
from gem_core.pipeline.labeling.completion_markers import (
    REFUSED,
    Marker,
    Tally,
    bookkeeping,
    marker_path,
    remove_shard_progress,
    write_shard_progress,
)
from gem_core.pipeline.labeling.labeled_files import write_lines, write_separated, write_table
from gem_core.pipeline.labeling.shard_files import TEXTS, InputShard
from gem_core.pipeline.labeling.shard_rows import REASONS, RefusedRow, ShardRows, read_shard_rows
from gem_core.workspace.atomic_files import write_whole
from gem_core.workspace.integrity import hash_file

if TYPE_CHECKING:
    from gem_core.student import Scores, Student

COLUMNS = ("cluster", "label", "margin", "tokens")  # after the prefix
PREFIX = "gem_"
LIVE_SECONDS, STORE_SECONDS = 1.0, 15.0  # between two notes of progress; a store asks money for each
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class LabelingJob:
    """How shards are labeled.

    Attributes
    ----------
    out : Path
        Folder of the labeled shards.
    text : str
        Column of the text.
    strict : bool
        Whether a row that cannot be labeled ends the work.
    prefix : str
        Begin of the names of the columns that are added.
    """

    out: Path
    text: str = "text"
    strict: bool = False
    prefix: str = PREFIX

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are added."""
        return tuple(self.prefix + name for name in COLUMNS)


@dataclass
class _Work:
    """A shard at work; private and mutable."""

    student: "Student"
    shard: InputShard
    job: LabelingJob
    tally: Tally
    alive: Callable[[], None]
    refused: IO[bytes]
    last_check: float = field(default_factory=time.monotonic)

    def scored(self) -> Iterator[tuple[ShardRows, "Scores"]]:
        """Batches with their scores, counted on the way."""
        for rows in read_shard_rows(self.shard, self.job.text, self.job.columns):
            self.set_aside(rows.refused)
            scores = self.student.score(rows.texts)
            k, cluster = len(self.student.numbers), scores.cluster
            self.tally.documents += np.bincount(cluster, minlength=k)
            np.add.at(self.tally.tokens, cluster, scores.tokens)
            self.tally.rows += len(rows.numbers)
            yield rows, scores
            self.alive()
            if time.monotonic() - self.last_check > (STORE_SECONDS if is_remote(self.job.out) else LIVE_SECONDS):
                write_shard_progress(self.job.out, self.shard.name, rows.read, self.tally)
                self.last_check = time.monotonic()

    def set_aside(self, refused: Iterable[RefusedRow]) -> None:
        """Count rows that cannot be labeled and keep their places and reasons."""
        for row in refused:
            if self.job.strict:
                raise InputError(
                    "With --strict every row must be one that can be labeled",
                    f"row {row.row:,} of {self.shard.name}: {REASONS[row.reason]} ({row.detail})",
                    "Mend the row, or leave --strict out: such rows are counted and set aside",
                )
            self.tally.rows += 1
            self.tally.refused[row.reason] = self.tally.refused.get(row.reason, 0) + 1
            entry = json.dumps({"row": row.row, "reason": row.reason, "detail": row.detail})
            self.refused.write(entry.encode() + b"\n")


def label_shard(
    student: "Student", shard: InputShard, job: LabelingJob, alive: Callable[[], None] = lambda: None
) -> Marker:
    """Write a labeled copy of a shard, the rows that were set aside, and the marker that says both are whole.

    A pure function of student, shard and text column: the same bytes by whatever worker. Memory holds a batch (1,024
    rows or about 8 MiB) and, of parquet, the rows of the group that is being written (8,192 or about 64 MiB).

    Parameters
    ----------
    student : Student
    shard : Shard
    job : Order
    alive : callable
        Called after every batch; whatever it raises ends the work, and nothing of the shard is kept.

    Raises
    ------
    CorpusError
        If the shard cannot be read at all.
    InputError
        If a row cannot be labeled and the job is strict.
    WorkspaceError
        If the folder cannot be written.
    """
    with _room(job.out), tempfile.SpooledTemporaryFile(1 << 20) as refused:
        work = _Work(student, shard, job, Tally.empty(len(student.numbers)), alive, refused)
        try:
            return _write_to_store(work) if is_remote(job.out) else _write_files(work, job.out)
        finally:
            remove_shard_progress(job.out, shard.name)


def _write_files(work: "_Work", out: Path) -> Marker:
    """Write the labeled shard, the rows that were set aside and the marker, in this order."""
    shard, refused = work.shard, work.refused
    size, digest = _write_shard(work, out / shard.labeled_name)
    set_aside = _set_aside_path(out, shard)
    remove_file(set_aside)
    if work.tally.refused:
        refused.seek(0)
        write_whole(set_aside, lambda temporary: _copy(refused, temporary))
    marker = Marker(shard.name, shard.source.size, size, digest, work.student.hash, work.tally)
    marker.save(out)
    return marker


def _write_to_store(work: "_Work") -> Marker:
    """Write the files on this machine first, so that they reach the store together: each write may be a commit."""
    out = work.job.out
    with tempfile.TemporaryDirectory(prefix="gem-explorer-") as folder:
        local = Path(folder) / out.name
        marker = _write_files(work, local)
        paths = (local / work.shard.labeled_name, _set_aside_path(local, work.shard), marker_path(local, marker.shard))
        names = [path.relative_to(folder).as_posix() for path in paths if path.exists()]
        upload_together(Path(folder), out.parent, names)
    return marker


def _set_aside_path(out: Path, shard: InputShard) -> Path:
    return bookkeeping(out) / REFUSED / f"{shard.name}.jsonl"


def _write_shard(work: "_Work", path: Path) -> tuple[int, str]:
    """Write the labeled shard, whole or not at all, and return its bytes and their sha256."""
    size, digest = 0, ""

    def write(temporary: Path) -> None:
        nonlocal size, digest
        _write(work, temporary)
        size, digest = temporary.stat().st_size, hash_file(temporary)

    write_whole(path, write)
    return size, digest


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
                "The disk must have room for the labeled shards",
                f"no space left at {folder}",
                "Free some space and go on with the same command and --resume",
            ) from error
        raise WorkspaceError(
            "The folder of the labeled shards must be writable",
            f"{folder}: {cause.strerror or cause}",
            "Choose another folder",
        ) from error


def _write(work: "_Work", path: Path) -> None:
    """Write the labeled rows in the format of the shard; an empty file stays one."""
    shard, names = work.shard, work.job.columns
    if shard.source.size == 0:
        return
    if shard.is_table:
        write_table(work.scored(), work.student, shard.source, names, work.job.text, path)
    elif shard.source.format in TEXTS:
        write_separated(work.scored(), work.student, shard.source, names, path)
    else:
        write_lines(work.scored(), work.student, shard.source, names, path)


def _copy(source: IO[bytes], target: Path) -> None:
    with target.open("wb") as file:
        while block := source.read(1 << 20):
            file.write(block)
