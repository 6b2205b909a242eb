"""A workspace: one corpus on disk with its vectors, layout, terms, taxonomies and edits."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa

from gem_core._shared_files import file_lock
from gem_core._storage import local_path
from gem_core._types import Float32, Progress, silent
from gem_core.clustering.mixture import MixtureFit
from gem_core.errors import WorkspaceError
from gem_core.taxonomy import Terms
from gem_core.taxonomy.word_splitter import query_words, space_letters
from gem_core.workspace.addition import FOLDER as ADDITION
from gem_core.workspace.addition import finish_addition
from gem_core.workspace.atomic_files import (
    LEFT,
    clear_leftovers,
    remove_folder,
    unwritable,
    write_array,
    write_folder,
    write_parquet,
)
from gem_core.workspace.database import Database
from gem_core.workspace.excerpts import openings, read_openings, write_openings
from gem_core.workspace.history import Edit, History, write_journal
from gem_core.workspace.integrity import damaged, reading_part
from gem_core.workspace.manifest import Manifest, read_manifest
from gem_core.workspace.taxonomy import Taxonomy, read_taxonomy, write_taxonomy

READ_ONLY = "GEM_EXPLORER_READ_ONLY"  # environment variable: nothing is written to a workspace


def is_read_only() -> bool:
    """Whether this server shows workspaces without changing them (`gem-explorer app --read-only`)."""
    return bool(os.environ.get(READ_ONLY))


class Workspace:
    """A folder that holds one corpus and everything made from it.

    ``manifest.json``, ``documents.parquet``, ``refused.parquet``, ``embeddings.npy``, ``sphere.npy``, ``flat.npy``,
    ``openings.arrow``, ``terms/``, ``gem.sqlite`` and ``fits/<key>/``. A part that exists is whole, so a build that was
    stopped resumes. Readers need no lock; writers take one (`writing`).

    Parameters
    ----------
    root : path
        An existing workspace folder.

    Raises
    ------
    WorkspaceError
        If there is none, or one of a newer format.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = local_path(os.fspath(root) if isinstance(root, os.PathLike) else root).resolve()
        if (self.root / ADDITION).is_dir():  # A killed process had committed it.
            with writing(self.root):
                finish_addition(self.root)
        self.manifest = read_manifest(self.root)
        self.database = Database(self.root)

    @classmethod
    def create(cls, root: Path, manifest: Manifest, documents: pd.DataFrame, refused: pd.DataFrame) -> Self:
        """Write a new corpus into `root`; what was made from another corpus there is removed by the caller."""
        write_parquet(root / "documents.parquet", documents)
        write_parquet(root / "refused.parquet", refused)
        manifest.save(root)
        return cls(root)

    # -- the corpus ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.manifest.documents

    @cached_property
    def columns(self) -> list[str]:
        """Names of the columns of the corpus."""
        import pyarrow.parquet as pq

        with self._reading("documents.parquet"):
            return list(pq.read_schema(self.root / "documents.parquet").names)

    @cached_property
    def documents(self) -> pd.DataFrame:
        """All columns except the text, one row per document."""
        names = [c for c in self.columns if c != "text"]
        with self._reading("documents.parquet"):
            table = pd.read_parquet(self.root / "documents.parquet", columns=names)
            if len(table) != len(self):
                raise ValueError(f"{len(table):,} documents, while the manifest says {len(self):,}")
        return table

    def texts(self, rows: Sequence[int]) -> list[str]:
        """Texts of some rows, read from disk: only the row groups that hold them."""
        import pyarrow.parquet as pq

        size = self.group_rows
        with self._reading("documents.parquet"):
            file = pq.ParquetFile(self.root / "documents.parquet")
            groups = {
                group: file.read_row_group(group, columns=["text"]).column(0)
                for group in sorted({row // size for row in rows})
            }
            return [groups[row // size][row % size].as_py() for row in rows]

    @cached_property
    def group_rows(self) -> int:
        """Documents in a row group on disk; the last one may hold fewer."""
        import pyarrow.parquet as pq

        with self._reading("documents.parquet"):
            return int(pq.read_metadata(self.root / "documents.parquet").row_group(0).num_rows)

    def openings(self, rows: Sequence[int]) -> list[str]:
        """First characters of some documents, each on one line, wherever in the corpus they lie."""
        return [self._openings[row].as_py() for row in rows]

    @cached_property
    def _openings(self) -> pa.ChunkedArray:
        path = self.root / "openings.arrow"
        if path.exists():
            with self._reading("openings.arrow"):
                return read_openings(path).column(0)
        table = openings(self.all_texts())  # a workspace older than this file
        with suppress(WorkspaceError):  # which may not be ours to write to
            write_openings(path, table)
        return table.column(0)

    def all_texts(self) -> Iterator[str]:
        """All texts in order, one row group in memory at a time."""
        import pyarrow.parquet as pq

        with self._reading("documents.parquet"):
            batches = pq.ParquetFile(self.root / "documents.parquet").iter_batches(columns=["text"])
        while True:
            with self._reading("documents.parquet"):
                batch = next(batches, None)
            if batch is None:
                return
            yield from batch.column(0).to_pylist()

    def weights(self, weighting: str) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
        """Document weights for a fit: None for documents, token counts for tokens."""
        return None if weighting == "documents" else self.documents["tokens"].to_numpy(np.float64)

    # -- what is made from it -----------------------------------------------------------------------------------

    def has(self, part: str) -> bool:
        """Whether a part (a file or folder name) is there, and then it is whole."""
        return (self.root / part).exists()

    @cached_property
    def embeddings(self) -> Float32:
        """Unit vectors (n, d) float32, memory-mapped and read-only."""
        return self._mapped("embeddings.npy")

    @cached_property
    def sphere(self) -> Float32:
        """Positions (n, 3) on the unit sphere."""
        return self._mapped("sphere.npy")

    @cached_property
    def flat(self) -> Float32:
        """Positions (n, 2) on the flat map of the same layout."""
        return self._mapped("flat.npy")

    def _mapped(self, part: str) -> Float32:
        with self._reading(part):
            array: Float32 = np.load(self.root / part, mmap_mode="r", allow_pickle=False)
            if len(array) != len(self):
                raise ValueError(f"{len(array):,} rows, while the workspace holds {len(self):,} documents")
        return array

    def _reading(self, part: str) -> AbstractContextManager[None]:
        return reading_part(self.root, part)

    def save_layout(self, sphere: Float32, flat: Float32) -> None:
        """Write both views of the layout."""
        write_array(self.root / "flat.npy", flat)
        write_array(self.root / "sphere.npy", sphere)
        self._forget_hashes("flat.npy", "sphere.npy")

    def _forget_hashes(self, *parts: str) -> None:
        """Let the next `manifest.save` record the hashes of parts that were written again."""
        self.manifest = self.manifest.without_hashes(*parts)

    @cached_property
    def terms(self) -> Terms:
        """Candidate phrases and their counts in each document."""
        with self._reading("terms"):
            try:
                return Terms.load(self.root / "terms")
            except WorkspaceError as error:
                raise damaged(self.root, "terms", error.got) from error

    def save_terms(self, terms: Terms) -> None:
        """Write the phrase counts."""
        write_folder(self.root / "terms", terms.save)
        self._forget_hashes("terms/terms.json", "terms/terms.npz")

    def search(self, query: str, limit: int = 200) -> list[int]:
        """Rows whose text holds all words of the query, best first; words are found inside runs without blanks too."""
        words = query_words(query)
        inner = [word for word in words if space_letters(word) != word]
        if not inner or self.database.indexes_letters():
            return self.database.search(words, limit)
        texts = list(self.all_texts())
        others = [word for word in words if word not in inner]
        rows = self.database.search(others, len(texts)) if others else range(len(texts))
        matches = [row for row in rows if all(word in texts[row] for word in inner)]
        return sorted(matches, key=lambda row: -sum(texts[row].count(word) for word in inner))[:limit]

    def index(self, progress: Progress = silent) -> None:
        """Build the text index, and what lists of documents show."""
        write_openings(self.root / "openings.arrow", openings(self.all_texts()))
        self._forget_hashes("openings.arrow")
        self.database.index(self.all_texts(), len(self), progress)

    # -- taxonomies ---------------------------------------------------------------------------------------------

    def taxonomy(self, key: str | None = None) -> Taxonomy:
        """Return the present taxonomy, or that of another step.

        Raises
        ------
        WorkspaceError
            If nothing has been fitted yet, or `key` is unknown.
        """
        if key is not None:
            return read_taxonomy(self.root / "fits" / Path(key).name)
        key = self.database.stamp()[0]
        if not key:
            raise WorkspaceError(
                "The workspace must hold a fit",
                f"none in {self.root}",
                "Fit one: gem-explorer fit CORPUS --workspace DIR",
            )
        try:
            return read_taxonomy(self.root / "fits" / key)
        except WorkspaceError:
            if self.database.stamp()[0] == key:
                raise
            return self.taxonomy()  # another process undid that step and went another way meanwhile

    def fitted(self) -> bool:
        """Whether there is a present taxonomy."""
        return bool(self.database.stamp()[0])

    def save_taxonomy(self, taxonomy: Taxonomy, parts: tuple[MixtureFit, pd.DataFrame] | Path) -> None:
        """Write a taxonomy (`write_taxonomy`); it becomes the present one by `push`."""
        write_folder(taxonomy.folder, lambda folder: write_taxonomy(folder, taxonomy, parts))

    def push(self, key: str, edits: Sequence[Edit], sentence: str) -> None:
        """Make a saved taxonomy the present one, as a step of the history; undone steps are forgotten.

        Their folders stay for an hour: another process may be reading what was present a moment ago.
        """
        forgotten = self.database.push(key, edits, sentence)
        write_journal(self.root, self.database.history())
        for forgotten_key in forgotten:
            with suppress(OSError):
                os.utime(self.root / "fits" / forgotten_key)
        if _once_an_hour("forgotten steps", self.root):
            self._clear_forgotten()

    def _clear_forgotten(self) -> None:
        """Remove edited taxonomies that no step names: undone ones, and one whose process was killed."""
        used_keys = {step.key for step in self.history().steps}
        for folder in (self.root / "fits").glob("[!.]*"):
            if folder.name not in used_keys and time.time() - folder.stat().st_mtime > LEFT:
                with suppress(WorkspaceError):
                    if read_taxonomy(folder).edited:  # a fit stays: it is taken as it is when it is asked for again
                        remove_folder(folder)

    def history(self) -> History:
        """Return steps of the taxonomy, oldest first: fits and edits."""
        return self.database.history()

    def undo(self) -> bool:
        """Return to the taxonomy of the step before; False when there is none."""
        with self.writing():
            return self._step(-1)

    def redo(self) -> bool:
        """Redo an undone step; False when there is nothing to redo."""
        with self.writing():
            return self._step(1)

    def _step(self, by: int) -> bool:
        has_moved = self.database.step(by)
        if has_moved:
            write_journal(self.root, self.database.history())
        return has_moved

    def steps(self) -> tuple[bool, bool]:
        """Return whether undo and redo are possible."""
        history = self.history()
        return history.position > 0, history.position < len(history.steps) - 1

    @contextmanager
    def writing(self, wait: float = 10.0) -> Iterator[None]:
        """Hold the writers' lock of this workspace (`writing` of the module)."""
        with writing(self.root, wait):
            yield


_swept: dict[tuple[str, Path], float] = {}  # when this process looked for what, in which workspace


def _once_an_hour(what: str, root: Path) -> bool:
    """Whether to check again for unused folders; checking a long history takes long."""
    due = time.monotonic() - _swept.get((what, root), -LEFT) >= LEFT
    if due:
        _swept[what, root] = time.monotonic()
    return due


@contextmanager
def writing(root: Path, wait: float = 10.0) -> Iterator[None]:
    """Hold the writers' lock of a workspace folder; the system frees it when a process dies.

    The first to hold it also clears away what killed processes left half written more than an hour ago.

    Raises
    ------
    WorkspaceError
        If another process writes for longer than `wait` seconds, or the folder cannot be written.
    """
    from filelock import Timeout

    if is_read_only():
        raise WorkspaceError(
            "This server shows workspaces without changing them",
            f"a change of {root.name}",
            "Start gem-explorer app without --read-only to edit",
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = file_lock(root / ".lock")
        lock.acquire(timeout=wait)
    except Timeout:
        raise WorkspaceError(
            "One process at a time writes to a workspace",
            f"{root}, held by another process",
            "Wait for the other command to end, or use another --workspace",
        ) from None
    except OSError as error:
        raise unwritable(root, error) from error
    try:
        if _once_an_hour("leftovers", root):
            clear_leftovers(root)
        yield
    finally:
        lock.release()
