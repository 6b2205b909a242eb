"""Edit history, saved selections and text index of a workspace (SQLite, FTS5)."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from gem_core._types import Progress, silent
from gem_core.errors import WorkspaceError
from gem_core.taxonomy.word_splitter import space_letters
from gem_core.workspace.history import JOURNAL, Edit, History, Step
from gem_core.workspace.integrity import damaged

FILE = "gem.sqlite"
DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT", "SQLITE_IOERR_SHORT_READ")

SCHEMA = """
CREATE TABLE IF NOT EXISTS history (position INTEGER PRIMARY KEY, key TEXT NOT NULL, edits TEXT NOT NULL,
  sentence TEXT NOT NULL, at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')));
CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL);
"""
# A mark (a vowel sign) is part of a word; a letter of a script without blanks is a word of its own.
SEARCH = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5(text, content='', "
    "tokenize=\"unicode61 remove_diacritics 2 categories 'L* N* Co M*'\")"
)


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is damaged, rather than locked, unreadable or on a full disk."""
    name = getattr(error, "sqlite_errorname", "") or ""
    return name.startswith(DAMAGE) or "no such table" in str(error) or "malformed" in str(error)


class Database:
    """One SQLite file; each call opens it, works in one transaction and closes it, so processes see each other."""

    def __init__(self, root: Path) -> None:
        self.path = root / FILE

    @contextmanager
    def open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction; all that is read in it is of one moment."""
        try:
            connection = self._connect("rwc") if write else self._readable()
            try:
                if write:
                    connection.executescript(f"{SCHEMA}{SEARCH};")
                connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            if isinstance(error, sqlite3.DatabaseError) and _is_damage(error):
                raise damaged(self.path.parent, FILE, error) from error
            raise WorkspaceError(
                "gem.sqlite must be readable" + (" and writable" if write else ""),
                f"{self.path}: {error}",
                "Check the permissions and the free space of the workspace, then try again",
            ) from error

    def _connect(self, mode: str) -> sqlite3.Connection:
        if mode == "rwc":  # SQLite would let only its owner write, whatever the umask says.
            self.path.touch()
        return sqlite3.connect(f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, timeout=10)

    def _readable(self) -> sqlite3.Connection:
        """Open to read. An unfinished transaction of a killed writer is rolled back first, which needs write access."""
        connection = self._connect("ro")
        try:
            connection.execute("PRAGMA schema_version")
        except sqlite3.OperationalError as error:
            connection.close()
            if not error.sqlite_errorname.startswith("SQLITE_READONLY"):
                raise
            with closing(self._connect("rw")) as writer:
                writer.execute("PRAGMA schema_version")
            connection = self._connect("ro")
        return connection

    def history(self) -> History:
        """Return the steps of the taxonomy, oldest first, and which one is present."""
        if not self._has_history():
            return History((), -1)
        with self.open() as connection:
            rows = connection.execute("SELECT key, edits, sentence, at FROM history ORDER BY position").fetchall()
            row = connection.execute("SELECT position FROM cursor").fetchone()
        steps = tuple(Step(key, tuple(json.loads(edits)), sentence, at) for key, edits, sentence, at in rows)
        return History(steps, row[0] if row else -1)

    def stamp(self) -> tuple[str, int]:
        """Return what changes with every fit, edit, undo and redo: the present key and its place in the history."""
        if not self._has_history():
            return "", -1
        with self.open() as connection:
            row = connection.execute("SELECT key, position FROM history JOIN cursor USING (position)").fetchone()
        if not row and (self.path.parent / JOURNAL).is_file():
            raise damaged(self.path.parent, FILE, f"no history in it, while {JOURNAL} has one")
        return (row[0], row[1]) if row else ("", -1)

    def _has_history(self) -> bool:
        """Whether the file is there; one that was lost is refused, not taken for a workspace without a fit."""
        if self.path.exists():
            return True
        if (self.path.parent / JOURNAL).is_file():
            raise damaged(self.path.parent, FILE, "missing")
        return False

    def verify(self) -> None:
        """Read the whole file and compare its pages and its text index.

        Raises
        ------
        WorkspaceError
            If a part of it is damaged.
        """
        self.stamp()
        with self.open() as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise damaged(self.path.parent, FILE, verdict)
        if not self.indexed():
            raise damaged(self.path.parent, FILE, "no text index in it")
        try:
            # FTS5 checks its index by a command that changes nothing and still needs the right to write.
            with closing(self._connect("rw")) as connection:
                connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")
                connection.rollback()
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_BUSY")):
                raise damaged(self.path.parent, FILE, error) from error
        except sqlite3.DatabaseError as error:
            raise damaged(self.path.parent, FILE, f"text index: {error}") from error

    def restore(self, history: History) -> None:
        """Write the steps of a history into an empty file."""
        with self.open(write=True) as connection:
            connection.executemany(
                "INSERT INTO history (position, key, edits, sentence, at) VALUES (?, ?, ?, ?, ?)",
                [
                    (position, step.key, json.dumps(list(step.edits), ensure_ascii=False), step.sentence, step.at)
                    for position, step in enumerate(history.steps)
                ],
            )
            connection.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?)", (history.position,))

    def push(self, key: str, edits: Sequence[Edit], sentence: str) -> list[str]:
        """Make the taxonomy `key` the present one; undone steps are dropped.

        Returns the keys that no step names any more.
        """
        with self.open(write=True) as connection:
            row = connection.execute("SELECT position FROM cursor").fetchone()
            position = row[0] + 1 if row else 0
            undone_keys = {
                old for (old,) in connection.execute("SELECT key FROM history WHERE position >= ?", (position,))
            }
            connection.execute("DELETE FROM history WHERE position >= ?", (position,))
            connection.execute(
                "INSERT INTO history (position, key, edits, sentence) VALUES (?, ?, ?, ?)",
                (position, key, json.dumps(list(edits), ensure_ascii=False), sentence),
            )
            connection.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?)", (position,))
            remaining_keys = {old for (old,) in connection.execute("SELECT key FROM history")}
        return sorted(undone_keys - remaining_keys)

    def step(self, by: int) -> bool:
        """Move the present step back (-1) or forward (+1); return whether there was one to move to."""
        with self.open(write=True) as connection:
            row = connection.execute("SELECT position FROM cursor").fetchone()
            size = connection.execute("SELECT count(*) FROM history").fetchone()[0]
            if row is None or not 0 <= row[0] + by < size:
                return False
            connection.execute("UPDATE cursor SET position = ?", (row[0] + by,))
        return True

    def index(self, texts: Iterable[str], total: int, progress: Progress = silent) -> None:
        """Build the text index in one transaction; document i is row i."""
        with self.open(write=True) as connection:
            connection.execute("DROP TABLE search")
            connection.execute(SEARCH)
            for row, text in enumerate(texts):
                words = space_letters(text.replace("\0", " "))
                connection.execute("INSERT INTO search (rowid, text) VALUES (?, ?)", (row, words))
                if row % 500 == 0:
                    progress("index text", row, total)
        progress("index text", total, total)

    def add_to_index(self, texts: Iterable[str], first: int) -> None:
        """Index further documents from row `first` on, in one transaction; repeating it changes nothing."""
        with self.open(write=True) as connection:
            if connection.execute("SELECT rowid FROM search WHERE rowid = ?", (first,)).fetchone() is None:
                connection.executemany(
                    "INSERT INTO search (rowid, text) VALUES (?, ?)",
                    ((first + row, space_letters(text.replace("\0", " "))) for row, text in enumerate(texts)),
                )

    def indexed(self) -> bool:
        """Whether the text index is there; it is built in one transaction, so then it is whole."""
        if not self.path.exists():
            return False
        with self.open() as connection:
            names = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'search'").fetchone()[0]
            return bool(names) and connection.execute("SELECT rowid FROM search LIMIT 1").fetchone() is not None

    def indexes_letters(self) -> bool:
        """Whether the text index finds words inside a run without blanks; those of version 0.2 do not."""
        with self.open() as connection:
            (schema,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'search'").fetchone()
        return "categories" in schema

    def search(self, words: Sequence[str], limit: int = 200) -> list[int]:
        """Rows whose text holds every word (the last as a prefix), best match first.

        Words are quoted, so no character of them is read as search syntax.
        """
        if not words:
            return []
        quoted = " ".join(f'"{space_letters(word)}"' for word in words) + "*"
        with self.open() as connection:
            rows = connection.execute(
                "SELECT rowid FROM search WHERE search MATCH ? ORDER BY rank LIMIT ?", (quoted, limit)
            )
            return [row[0] for row in rows]
