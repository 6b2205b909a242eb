"""The part of a workspace that people change: history of applied fits, labels, and the text index (SQLite, FTS5)."""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from gem_core._types import Progress, silent
from gem_core.errors import WorkspaceError

FILE = "gem.sqlite"
Kind = Literal["cluster", "parent"]
MAX_LABEL = 120

SCHEMA = """
CREATE TABLE IF NOT EXISTS history (position INTEGER PRIMARY KEY, fit TEXT NOT NULL, at TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS labels (edit INTEGER PRIMARY KEY, fit TEXT NOT NULL, kind TEXT NOT NULL,
  number INTEGER NOT NULL, label TEXT NOT NULL, at TEXT DEFAULT CURRENT_TIMESTAMP);
"""
SEARCH = ("CREATE VIRTUAL TABLE IF NOT EXISTS search"
          " USING fts5(text, content='', tokenize='unicode61 remove_diacritics 2')")


class Database:
    """One SQLite file; each call opens it, works in one transaction and closes it, so processes see each other."""

    def __init__(self, root: Path) -> None:
        self.path = root / FILE

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        mode = "rwc" if write else "ro"
        try:
            connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, timeout=10)
            try:
                if write:
                    connection.executescript(f"{SCHEMA}{SEARCH};")
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise WorkspaceError("gem.sqlite must be readable" + (" and writable" if write else ""),
                                 f"{self.path}: {error}",
                                 "Check the permissions and the free space of the workspace, then try again") from error

    def history(self) -> tuple[list[str], int]:
        """Return the applied fits, oldest first, and the index of the present one (-1 when there is none)."""
        if not self.path.exists():
            return [], -1
        with self._open() as connection:
            fits = [row[0] for row in connection.execute("SELECT fit FROM history ORDER BY position")]
            row = connection.execute("SELECT position FROM cursor").fetchone()
        return fits, row[0] if row else -1

    def stamp(self) -> tuple[str, int]:
        """Return what changes with every apply, undo or rename: the present fit and the number of label edits."""
        fits, position = self.history()
        if position < 0:
            return "", 0
        with self._open() as connection:
            edits = connection.execute("SELECT coalesce(max(edit), 0) FROM labels").fetchone()[0]
        return fits[position], edits

    def push(self, fit: str) -> None:
        """Make `fit` the present one; fits that had been undone are forgotten, as in any editor."""
        with self._open(write=True) as connection:
            row = connection.execute("SELECT position FROM cursor").fetchone()
            position = row[0] + 1 if row else 0
            connection.execute("DELETE FROM history WHERE position >= ?", (position,))
            connection.execute("INSERT INTO history (position, fit) VALUES (?, ?)", (position, fit))
            connection.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?)", (position,))

    def step(self, by: int) -> bool:
        """Move the present fit back (-1) or forward (+1); return whether there was one to move to."""
        with self._open(write=True) as connection:
            row = connection.execute("SELECT position FROM cursor").fetchone()
            size = connection.execute("SELECT count(*) FROM history").fetchone()[0]
            if row is None or not 0 <= row[0] + by < size:
                return False
            connection.execute("UPDATE cursor SET position = ?", (row[0] + by,))
        return True

    def rename(self, fit: str, kind: Kind, number: int, label: str) -> None:
        """Add a person's label to the log; the newest one of a cluster counts."""
        with self._open(write=True) as connection:
            connection.execute("INSERT INTO labels (fit, kind, number, label) VALUES (?, ?, ?, ?)",
                               (fit, kind, number, label))

    def labels(self, fit: str, kind: Kind) -> dict[int, str]:
        """Labels that a person gave in `fit`, by cluster or parent number."""
        if not self.path.exists():
            return {}
        with self._open() as connection:
            rows = connection.execute("SELECT number, label FROM labels WHERE fit = ? AND kind = ? ORDER BY edit",
                                      (fit, kind))
            return dict(rows.fetchall())

    def index(self, texts: Iterable[str], total: int, progress: Progress = silent) -> None:
        """Build the text index in one transaction; document i is row i."""
        with self._open(write=True) as connection:
            connection.execute("BEGIN")
            connection.execute("DROP TABLE search")
            connection.execute(SEARCH)
            for row, text in enumerate(texts):
                connection.execute("INSERT INTO search (rowid, text) VALUES (?, ?)", (row, text.replace("\0", " ")))
                if row % 500 == 0:
                    progress("index text", row, total)
        progress("index text", total, total)

    def indexed(self) -> bool:
        """Whether the text index is there; it is built in one transaction, so then it is whole."""
        if not self.path.exists():
            return False
        with self._open() as connection:
            names = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'search'").fetchone()[0]
            return bool(names) and connection.execute("SELECT rowid FROM search LIMIT 1").fetchone() is not None

    def search(self, query: str, limit: int = 200) -> list[int]:
        """Rows whose text holds every word of the query (the last as a prefix), best match first.

        Words are quoted, so no character of the query is read as search syntax.
        """
        words = re.findall(r"\w+", query, flags=re.UNICODE)
        if not words:
            return []
        quoted = " ".join(f'"{word}"' for word in words) + "*"
        with self._open() as connection:
            rows = connection.execute("SELECT rowid FROM search WHERE search MATCH ? ORDER BY rank LIMIT ?",
                                      (quoted, limit))
            return [row[0] for row in rows]
