"""What a killed process leaves: nothing half written is read, and leftovers go."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gem_core.errors import WorkspaceError
from gem_core.pipeline import Rename, edit
from gem_core.workspace import Workspace, store
from gem_core.workspace.atomic_files import (
    TEMPORARY,
    check_folder,
    clear_leftovers,
    remove_folder,
    write_array,
    write_folder,
)

ROOT = Path(__file__).resolve().parents[2]
DYING = "os.kill(os.getpid(), signal.SIGKILL)"


def killed(code: str) -> None:
    """Run code in a process that ends with kill -9."""
    completed = subprocess.run(
        [sys.executable, "-c", f"import os, signal\n{code}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert completed.returncode == -signal.SIGKILL, completed.stderr


def test_a_reader_takes_back_what_a_killed_writer_left_half_done(sample: Workspace) -> None:
    """A transaction larger than SQLite's cache is partly in the file when its process dies."""
    before = sample.history(), sample.search("water")
    killed(f"""
import sqlite3
connection = sqlite3.connect({str(sample.database.path)!r})
connection.execute("BEGIN")
connection.execute("DELETE FROM history")
for i in range(20000):
    connection.execute("INSERT INTO history (position, key, edits, sentence) VALUES (?, 'x', '[]', ?)", (i, 'x' * 500))
{DYING}""")
    assert (sample.root / "gem.sqlite-journal").stat().st_size > 0
    assert (Workspace(sample.root).history(), sample.search("water")) == before
    assert len(sample.taxonomy().clusters) > 1


def test_a_file_that_is_no_database_is_refused(sample: Workspace) -> None:
    sample.database.path.write_bytes(b"not a database" * 100)
    with pytest.raises(WorkspaceError, match=r"gem\.sqlite: file is not a database\. Rebuild it: .* --mend"):
        sample.history()


def test_a_killed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "embeddings.npy"
    write_array(path, np.arange(3))
    killed(f"""
from pathlib import Path
from gem_core.workspace.atomic_files import check_folder, write_whole, write_folder
def half(path):
    path.write_bytes(b"half")
    {DYING}
write_whole(Path({str(path)!r}), half)""")
    assert np.load(path).tolist() == [0, 1, 2]
    left = [p.name for p in tmp_path.iterdir() if p != path]
    assert len(left) == 1
    assert TEMPORARY.match(left[0])


def test_a_folder_being_removed_is_never_taken_for_whole(tmp_path: Path) -> None:
    folder = tmp_path / "fits" / "abc"
    write_folder(folder, lambda path: [(path / name).touch() for name in "abcdef"])
    killed(f"""
import shutil
from pathlib import Path
from gem_core.workspace import atomic_files
def half(path, **_):
    (Path(path) / "d").unlink()
    {DYING}
atomic_files.shutil.rmtree = half
atomic_files.remove_folder(Path({str(folder)!r}))""")
    assert not folder.exists()
    (left,) = folder.parent.iterdir()
    assert TEMPORARY.match(left.name)
    remove_folder(folder)  # nothing there: nothing to do


def age(path: Path, hours: float) -> None:
    then = time.time() - hours * 3600
    for each in (*path.rglob("*"), path):
        os.utime(each, (then, then))


def test_old_leftovers_are_cleared_at_the_next_write(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    key = sample.taxonomy().key
    old, young, deep = (
        sample.root / name
        for name in (".embeddings.npy.a1b2c3d4", ".flat.npy.a1b2c3d5", f"fits/{key}/.path.npz.abcdefg_")
    )
    folder, busy = sample.root / "fits" / ".0123.zyxwvut1", sample.root / "fits" / ".0123.zyxwvut2"
    others = [sample.root / ".lock", sample.root / ".notes.txt", sample.root / "fits" / "x.abcdefgh"]
    for path in (old, young, deep, *others):
        path.write_text("half")
    for path in (folder, busy):
        path.mkdir()
        (path / "fit.npz").write_text("half")
    for path in (old, deep, folder, busy, *others):
        age(path, 2)
    (busy / "fit.npz").write_text("its process still writes")
    monkeypatch.setattr(store, "_swept", {})
    edit(sample, Rename("cluster", sample.taxonomy().clusters[0].number, "Swept"))
    assert [path.name for path in (old, deep, folder) if path.exists()] == []
    assert all(path.exists() for path in (young, busy, *others))
    age(young, 2)
    edit(sample, Rename("cluster", sample.taxonomy().clusters[0].number, "Not yet again"))
    assert young.exists()  # looked for once an hour
    assert clear_leftovers(sample.root) == [young]


def test_undone_steps_are_forgotten_after_an_hour(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fit, number = sample.taxonomy(), sample.taxonomy().clusters[0].number
    undone = edit(sample, Rename("cluster", number, "Undone"))
    sample.undo()
    age(undone.folder, 2)
    renamed = edit(sample, Rename("cluster", number, "Kept"))
    assert undone.documents.equals(renamed.documents)  # whoever looks at it still reads it to the end
    assert [step.key for step in sample.history().steps] == [fit.key, renamed.key]
    monkeypatch.setattr(store, "_swept", {})
    edit(sample, Rename("cluster", number, "Soon after"))
    assert undone.folder.exists()
    for folder in (undone.folder, renamed.folder, fit.folder):
        age(folder, 2)
    monkeypatch.setattr(store, "_swept", {})
    last = edit(sample, Rename("cluster", number, "Later"))
    assert not undone.folder.exists()
    assert all(sample.taxonomy(step.key).clusters for step in sample.history().steps)
    assert sample.taxonomy().key == last.key


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "workspace")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="must be writable"):
        check_folder(tmp_path / "file" / "workspace")
