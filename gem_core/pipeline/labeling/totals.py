"""Count documents and tokens per cluster in a folder of labeled shards: the sum of the shards' markers."""

import json
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gem_core._checkpoints import read_whole_record
from gem_core._storage import remove_file, replace_text, storage_path, writes_are_commits
from gem_core._types import Float64
from gem_core.errors import InputError
from gem_core.pipeline.labeling.completion_markers import Tally, bookkeeping
from gem_core.workspace.atomic_files import write_json

if TYPE_CHECKING:
    from gem_core.student import Student

TOTALS, INTERIM_TOTALS = "totals.json", "totals-so-far.json"


@dataclass(frozen=True)
class Totals:
    """What a folder of labeled shards holds.

    Attributes
    ----------
    complete : bool
        Whether every shard is labeled.
    numbers : tuple of K int
    labels : tuple of K str
    documents, tokens : (K,) int64
        Tokens as the student estimates them.
    rows : int
        Rows read: documents and refused ones.
    refused : dict
        Reason to number of rows.
    shards, labeled : int
        Shards of the input, and those that are labeled.
    failed : dict
        Shard to the reason why it could not be read.
    student_hash, taxonomy_hash : str
    receipt : dict
        Version, and the command that makes the same again.
    notes : tuple of str
        Empty files of the input, and files that were skipped.
    """

    complete: bool
    numbers: tuple[int, ...]
    labels: tuple[str, ...]
    documents: NDArray[np.int64]
    tokens: NDArray[np.int64]
    rows: int
    refused: dict[str, int]
    shards: int
    labeled: int
    failed: dict[str, str]
    student_hash: str
    taxonomy_hash: str
    receipt: dict[str, str]
    notes: tuple[str, ...] = ()

    @property
    def share_documents(self) -> Float64:
        """Share of each cluster in the documents, fractions."""
        return np.asarray(self.documents / max(1, self.documents.sum()))

    @property
    def share_tokens(self) -> Float64:
        """Share of each cluster in the tokens, fractions: the natural share."""
        return np.asarray(self.tokens / max(1, self.tokens.sum()))

    def to_json(self) -> dict[str, Any]:
        """Return as JSON values."""
        columns = zip(
            self.numbers,
            self.labels,
            self.documents.tolist(),
            self.tokens.tolist(),
            self.share_documents.tolist(),
            self.share_tokens.tolist(),
            strict=True,
        )
        names = ("cluster_id", "label", "documents", "tokens", "share_documents", "share_tokens")
        return {
            "complete": self.complete,
            "documents": int(self.documents.sum()),
            "tokens": int(self.tokens.sum()),
            "tokens_from": "the student's estimate from words and bytes",
            "rows": self.rows,
            "refused": dict(sorted(self.refused.items())),
            "shards": self.shards,
            "shards_labelled": self.labeled,
            "failed": dict(sorted(self.failed.items())),
            "clusters": [dict(zip(names, column, strict=True)) for column in columns],
            "student_hash": self.student_hash,
            "taxonomy_hash": self.taxonomy_hash,
            "receipt": self.receipt,
            "notes": list(self.notes),
        }


def make_totals(
    student: "Student",
    tally: Tally,
    shards: int,
    labeled: int,
    failed: Mapping[str, str],
    options: Sequence[str],
    notes: tuple[str, ...] = (),
) -> Totals:
    """Put sums under the names of the student's clusters; `options` are those of the command."""
    from gem_core.workspace.manifest import versions

    command = ["gem-explorer", "label", "STUDENT", "IN_FOLDER", "OUT_FOLDER", *options]
    return Totals(
        labeled == shards,
        student.numbers,
        student.labels,
        tally.documents,
        tally.tokens,
        tally.rows,
        dict(tally.refused),
        shards,
        labeled,
        dict(failed),
        student.hash,
        student.taxonomy_hash,
        {"version": versions()["gem-explorer"], "command": shlex.join(command)},
        notes,
    )


def save_totals(totals: Totals, folder: Path) -> None:
    """Write the totals of a run that has come to its end."""
    write_json(bookkeeping(folder) / TOTALS, totals.to_json())
    remove_file(bookkeeping(folder) / INTERIM_TOTALS)


def write_interim_totals(totals: Totals, folder: Path) -> None:
    """Write the totals so far for readers; errors such as a full disk are ignored, and no commit is made."""
    if writes_are_commits(folder):
        return
    with suppress(OSError, InputError):
        replace_text(bookkeeping(folder) / INTERIM_TOTALS, json.dumps(totals.to_json(), ensure_ascii=False))


def read_totals(folder: Path) -> dict[str, Any]:
    """Read the totals of a folder of labeled shards, or the totals so far while the folder is incomplete.

    Returns
    -------
    dict
        `Totals.to_json`; "complete" is false until every shard is labeled.

    Raises
    ------
    InputError
        If there are none.
    """
    folder = storage_path(folder)
    own = bookkeeping(folder)
    for path in (own / INTERIM_TOTALS, own / TOTALS, folder / TOTALS):  # The last: where version 0.2 wrote them.
        totals = read_whole_record(path, dict, hint="Run gem-explorer label again with --resume")
        if totals is not None:
            return totals
    raise InputError(
        "The folder must hold labeled shards",
        f"{folder} without {TOTALS}",
        "Make them with: gem-explorer label STUDENT IN_FOLDER OUT_FOLDER",
    )
