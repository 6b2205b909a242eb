"""Stored results of studies: groupings of the documents, and tables."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gem_core._checkpoints import read_record
from gem_core._types import Float32, Int32, frozen
from gem_core.workspace.atomic_files import write_json, write_whole
from gem_core.workspace.integrity import DAMAGE

FOLDER = "studies"


@dataclass(frozen=True)
class Grouping:
    """One grouping of the documents that was computed for a study.

    Attributes
    ----------
    labels : (n,) int32
        Cluster of each document, 0 to K - 1; -1 where the document took no part.
    margin : (n,) float32
        Lead over the next cluster, nats; 0 where the document took no part.
    facts : dict
        Its origin, as JSON values.
    """

    labels: Int32
    margin: Float32
    facts: dict[str, Any]


class Studies:
    """The folder ``studies/`` of a workspace: every file complete or absent, so a stopped study resumes.

    Parameters
    ----------
    root : Path
        The workspace folder.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER

    def save_grouping(self, key: str, grouping: Grouping) -> None:
        """Store a grouping as .npz."""
        text = np.frombuffer(json.dumps(grouping.facts).encode(), dtype=np.uint8)

        def write(temporary: Path) -> None:
            with temporary.open("wb") as file:
                np.savez(file, labels=grouping.labels, margin=grouping.margin, __json__=text)

        write_whole(self.folder / "groupings" / f"{key}.npz", write)

    def has_grouping(self, key: str) -> bool:
        """Whether a grouping is stored."""
        return (self.folder / "groupings" / f"{key}.npz").exists()

    def grouping(self, key: str) -> Grouping | None:
        """Return a grouping, or None when it is not there or cannot be read: it can be computed again."""
        try:
            with np.load(self.folder / "groupings" / f"{key}.npz", allow_pickle=False) as file:
                return Grouping(frozen(file["labels"]), frozen(file["margin"]), json.loads(file["__json__"].tobytes()))
        except DAMAGE:
            return None

    def save(self, name: str, value: dict[str, Any]) -> None:
        """Store the results of a study as JSON."""
        write_json(self.folder / f"{name}.json", value)

    def load(self, name: str) -> dict[str, Any] | None:
        """Return the results of a study, or None when there are none that can be read."""
        return read_record(self.folder / f"{name}.json")
