"""Saved selections: sets of documents with a name. They are rows of the corpus, so no refit touches them."""

import sqlite3
import zlib
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Int32, frozen
from gem_core.errors import WorkspaceError
from gem_core.workspace.database import Database
from gem_core.workspace.store import Workspace

LONGEST = 80
TABLE = (
    "CREATE TABLE IF NOT EXISTS selections (name TEXT PRIMARY KEY, made TEXT NOT NULL, at TEXT NOT NULL,"
    " documents INTEGER NOT NULL, rows BLOB NOT NULL)"
)


@dataclass(frozen=True)
class SavedSelection:
    """One saved selection.

    Attributes
    ----------
    name : str
    rows : (m,) int32
        Documents, rising.
    origin : str
        Its origin, in words.
    at : str
        When it was saved, ISO 8601 in UTC.
    """

    name: str
    rows: Int32
    origin: str
    at: str


@dataclass(frozen=True)
class SelectionLine:
    """A saved selection without its documents, for a list."""

    name: str
    documents: int
    origin: str
    at: str


class Selections:
    """The saved selections of a workspace.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._database = workspace, workspace.database

    def list_all(self) -> tuple[SelectionLine, ...]:
        """Return all of them, the newest first."""
        if not self._there():
            return ()
        with self._database.open() as connection:
            rows = connection.execute("SELECT name, documents, made, at FROM selections ORDER BY at DESC, rowid DESC")
            return tuple(SelectionLine(*row) for row in rows)

    def get(self, name: str) -> SavedSelection:
        """Return one of them.

        Raises
        ------
        WorkspaceError
            If there is none of this name.
        """
        row = None
        if self._there():
            with self._database.open() as connection:
                row = connection.execute(
                    "SELECT name, rows, made, at FROM selections WHERE name = ?", (_tidy(name),)
                ).fetchone()
        if row is None:
            raise self._unknown(name)
        return SavedSelection(row[0], _unpacked(row[1]), row[2], row[3])

    def save(self, name: str, rows: ArrayLike, origin: str) -> SavedSelection:
        """Save documents under a new name.

        Parameters
        ----------
        name : str
            1 to 80 characters; blanks at its ends and line ends are taken off.
        rows : (m,) int array
            Documents, in any order.
        origin : str
            How they were found, in words.

        Raises
        ------
        WorkspaceError
            If the name is empty, too long or taken, no document is given, or one is not in the corpus.
        """
        name, unique_rows = _checked(name), np.unique(np.asarray(rows, dtype=np.int64))
        if not len(unique_rows):
            raise WorkspaceError("A selection must hold a document", "none", "Select some first")
        if unique_rows[0] < 0 or unique_rows[-1] >= len(self._workspace):
            raise WorkspaceError(
                f"A document is a row from 0 to {len(self._workspace) - 1:,}",
                f"{int(unique_rows[0] if unique_rows[0] < 0 else unique_rows[-1]):,}",
                "Select documents of this corpus",
            )
        packed = zlib.compress(np.diff(unique_rows, prepend=0).astype("<i4").tobytes(), 1)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._workspace.writing(), self._database.open(write=True) as connection:
            connection.execute(TABLE)
            try:
                connection.execute(
                    "INSERT INTO selections (name, made, at, documents, rows) VALUES (?, ?, ?, ?, ?)",
                    (name, origin, at, len(unique_rows), packed),
                )
            except sqlite3.IntegrityError:
                raise _name_in_use(name) from None
        return SavedSelection(name, frozen(unique_rows.astype(np.int32)), origin, at)

    def rename(self, name: str, new: str) -> None:
        """Rename a selection.

        Raises
        ------
        WorkspaceError
            If it is unknown, or the new name is empty, too long or taken.
        """
        name, new = _tidy(name), _checked(new)
        if not self._there():
            raise self._unknown(name)
        with self._workspace.writing(), self._database.open(write=True) as connection:
            try:
                changed = connection.execute("UPDATE selections SET name = ? WHERE name = ?", (new, name)).rowcount
            except sqlite3.IntegrityError:
                raise _name_in_use(new) from None
        if not changed:
            raise self._unknown(name)

    def delete(self, name: str) -> None:
        """Delete a selection; its documents stay in the corpus.

        Raises
        ------
        WorkspaceError
            If it is unknown.
        """
        if not self._there():
            raise self._unknown(name)
        with self._workspace.writing(), self._database.open(write=True) as connection:
            changed = connection.execute("DELETE FROM selections WHERE name = ?", (_tidy(name),)).rowcount
        if not changed:
            raise self._unknown(name)

    def _there(self) -> bool:
        """Whether anything was ever saved: a workspace on a read-only disk has no table and needs none."""
        if not self._database.path.exists():
            return False
        with self._database.open() as connection, closing(connection.cursor()) as cursor:
            count_query = cursor.execute("SELECT count(*) FROM sqlite_master WHERE name = 'selections'")
            return bool(count_query.fetchone()[0])

    def _unknown(self, name: str) -> WorkspaceError:
        names = [line.name for line in self.list_all()]
        do = f"Choose one of {', '.join(names[:10])}" if names else "Save one first; the workspace has none"
        return WorkspaceError("A saved selection must be one of this workspace", repr(name), do)


def _unpacked(packed: bytes) -> Int32:
    steps = np.frombuffer(zlib.decompress(packed), dtype="<i4")
    return frozen(np.cumsum(steps).astype(np.int32))


def _tidy(name: str) -> str:
    return " ".join(name.split())


def _checked(name: str) -> str:
    tidy = "".join(c if c.isprintable() else " " for c in _tidy(name)).strip()
    if not 0 < len(tidy) <= LONGEST:
        raise WorkspaceError(
            f"A selection's name holds 1 to {LONGEST} characters", f"{len(tidy)}", "Choose another name"
        )
    return tidy


def _name_in_use(name: str) -> WorkspaceError:
    return WorkspaceError("Every selection has a name of its own", f"{name!r}, which is taken", "Choose another name")


def copy_selections(old: Path, database: Database) -> int:
    """Copy the saved selections of a damaged gem.sqlite as far as they can be read; return how many."""
    rows: list[tuple[object, ...]] = []
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{old.absolute().as_uri()}?mode=ro", uri=True)) as damaged:
        for row in damaged.execute("SELECT name, made, at, documents, rows FROM selections"):
            rows.append(row)
    if rows:
        with database.open(write=True) as connection:
            connection.execute(TABLE)
            connection.executemany("INSERT OR IGNORE INTO selections VALUES (?, ?, ?, ?, ?)", rows)
    return len(rows)
