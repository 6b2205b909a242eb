"""Check that every file of a workspace is whole, as a reader finds it after a kill."""

import json
import sqlite3
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import TEMPORARY


def check(root: Path) -> int:
    """Open a workspace, load all it holds, and return the number of temporary leftovers.

    Raises whatever a reader would stumble over. A folder without a manifest holds no workspace yet.
    """
    left = [path for path in root.rglob("*") if TEMPORARY.match(path.name)]
    for path in root.rglob("*"):
        if path.is_file() and not any(TEMPORARY.match(part) for part in path.relative_to(root).parts):
            _loads(path)
    if (root / "manifest.json").exists():
        _opens(root)
    return len(left)


def _loads(path: Path) -> None:
    """Read a file to its end by what its name says it is."""
    kind = path.suffix
    if kind == ".npy":
        np.load(path, allow_pickle=False)
    elif kind == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                arrays[name]
    elif kind == ".parquet":
        pq.read_table(path)
    elif kind == ".json":
        json.loads(path.read_text(encoding="utf-8"))
    elif kind == ".jsonl":
        for line in path.read_text(encoding="utf-8").splitlines():
            json.loads(line)
    elif kind == ".html":
        assert path.read_text(encoding="utf-8").rstrip().endswith("</html>"), f"{path} ends in the middle"


def _opens(root: Path) -> None:
    opened = Workspace(root)
    n = len(opened)
    assert len(opened.documents) == n
    assert len(opened.texts([0, n - 1])) == len({0, n - 1})
    for part, width in (("embeddings", opened.manifest.dimension), ("sphere", 3), ("flat", 2)):
        if opened.has(f"{part}.npy"):
            array = getattr(opened, part)
            assert array.shape == (n, width), f"{part} is {array.shape}"
            assert np.isfinite(array).all(), f"{part} is not finite"
    if opened.has("terms"):
        assert opened.terms is not None
    if opened.database.indexed():
        opened.search("water")
    history = opened.history()
    assert -1 <= history.position < len(history.steps)
    assert (history.position >= 0) == bool(history.steps)
    folders = [path.name for path in (root / "fits").glob("[!.]*")] if opened.has("fits") else []
    for key in {*folders, *(step.key for step in history.steps)}:
        taxonomy = opened.taxonomy(key)
        assert len(taxonomy.documents) == n
        assert taxonomy.fit.masses.size == len(taxonomy.clusters)
        if taxonomy.has_path:
            assert len(taxonomy.path.strengths) > 1
    if history.present is not None:
        assert opened.taxonomy().key == history.present.key
    if opened.database.path.exists():
        with sqlite3.connect(opened.database.path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
