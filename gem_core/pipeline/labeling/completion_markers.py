"""Bookkeeping of a folder that is labeled: progress of each shard, and the marker that says a shard is complete."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._checkpoints import read_record, read_whole_record
from gem_core._storage import remove_file, replace_text, store_errors, writes_are_commits
from gem_core.errors import InputError
from gem_core.workspace.atomic_files import write_json

MARKERS, REFUSED, LIVE = "done", "refused", "at-work"


def bookkeeping(folder: Path) -> Path:
    """Return the bookkeeping folder of a labeled folder: hidden, beside it.

    Some programs read every file of a folder, hidden ones included, so the labeled folder holds the shards alone.

    Examples
    --------
    >>> bookkeeping(Path("data/pool")).as_posix()
    'data/.pool.gem-explorer'
    """
    return folder.with_name(f".{folder.name}.gem-explorer")


def earlier_version_error(folder: Path) -> InputError:
    """Word the refusal of a folder whose bookkeeping lies in it, as version 0.2 wrote it, not beside it."""
    return InputError(
        "A folder is resumed by the version that began it, or a later one of the same layout",
        f"{folder}, begun by version 0.2, which kept its bookkeeping in the folder",
        "Choose another output folder, or let version 0.2 end this one: pip install gem-explorer==0.2.0",
    )


@dataclass(eq=False)
class Tally:
    """Sums over rows of shards.

    Attributes
    ----------
    documents, tokens : (K,) int64
        Of each cluster, in the order of the student's numbers.
    rows : int
        Rows of the shards, refused ones included.
    refused : dict
        Reason to number of rows.
    """

    documents: NDArray[np.int64]
    tokens: NDArray[np.int64]
    rows: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @classmethod
    def empty(cls, n_clusters: int) -> "Tally":
        """Return a tally of no rows."""
        return cls(np.zeros(n_clusters, dtype=np.int64), np.zeros(n_clusters, dtype=np.int64))

    def add(self, other: "Tally") -> None:
        """Add another tally."""
        self.documents += other.documents
        self.tokens += other.tokens
        self.rows += other.rows
        for reason, count in other.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + count

    def to_json(self) -> dict[str, Any]:
        """Return as JSON values."""
        return {
            "rows": self.rows,
            "documents": self.documents.tolist(),
            "tokens": self.tokens.tolist(),
            "refused": dict(sorted(self.refused.items())),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Tally":
        """Create from the values of `to_json`."""
        return cls(
            np.array(facts["documents"], dtype=np.int64),
            np.array(facts["tokens"], dtype=np.int64),
            int(facts["rows"]),
            {str(reason): int(count) for reason, count in facts["refused"].items()},
        )


@dataclass(frozen=True, eq=False)
class Marker:
    """A shard that is labeled, whole on disk.

    Attributes
    ----------
    shard : str
    read : int
        Bytes of the input.
    size : int
        Bytes of the output.
    sha256 : str
        Of the output.
    student : str
        Hash of the student.
    tally : Tally
    """

    shard: str
    read: int
    size: int
    sha256: str
    student: str
    tally: Tally

    def to_json(self) -> dict[str, Any]:
        """Return as JSON values."""
        return {
            "shard": self.shard,
            "input_bytes": self.read,
            "bytes": self.size,
            "sha256": self.sha256,
            "student_hash": self.student,
            **self.tally.to_json(),
        }

    def save(self, folder: Path) -> None:
        """Write the marker: the shard counts as complete from now on."""
        write_json(marker_path(folder, self.shard), self.to_json())

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Marker":
        """Create from the values of `to_json`."""
        return cls(
            str(facts["shard"]),
            int(facts["input_bytes"]),
            int(facts["bytes"]),
            str(facts["sha256"]),
            str(facts["student_hash"]),
            Tally.from_json(facts),
        )


def marker_path(folder: Path, shard: str) -> Path:
    """Return where the marker of a shard is."""
    return bookkeeping(folder) / MARKERS / f"{shard}.json"


def read_marker(folder: Path, shard: str, labeled_name: str) -> Marker | None:
    """Return the marker of a shard that is done; None where there is none, or its output is not there whole."""
    path = marker_path(folder, shard)
    try:
        with store_errors(folder):
            if not path.exists() or not (folder / labeled_name).exists():
                return None
            size = (folder / labeled_name).stat().st_size
    except FileNotFoundError:
        return None
    marker = read_whole_record(path, Marker.from_json, hint="Delete it and run the same command again")
    return marker if marker is not None and marker.size == size else None


def write_shard_progress(folder: Path, shard: str, read: int, tally: Tally) -> None:
    """Write the progress of a shard for readers; errors such as a full disk are ignored, and no commit is made."""
    if writes_are_commits(folder):
        return
    path = bookkeeping(folder) / LIVE / f"{shard}.json"
    with suppress(OSError, InputError):
        replace_text(path, json.dumps({"read": read, **tally.to_json()}))


def read_shard_progress(folder: Path, shard: str) -> tuple[int, Tally] | None:
    """Return bytes read and sums of a shard in progress; None without a record."""
    facts = read_record(bookkeeping(folder) / LIVE / f"{shard}.json") or {}
    with suppress(ValueError, KeyError, TypeError):
        return int(facts["read"]), Tally.from_json(facts)
    return None


def remove_shard_progress(folder: Path, shard: str) -> None:
    """Mark a shard as no longer in work."""
    if writes_are_commits(folder):
        return
    with suppress(OSError):
        remove_file(bookkeeping(folder) / LIVE / f"{shard}.json")
