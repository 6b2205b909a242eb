"""A workspace on disk: whole or absent, one writer, edits that last."""

import errno
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core import _checkpoints
from gem_core.errors import InputError, WorkspaceError
from gem_core.pipeline import Rename, edit
from gem_core.workspace import Manifest, Workspace, database, writing
from gem_core.workspace.atomic_files import write_folder, write_json, write_whole
from gem_core.workspace.excerpts import openings, read_openings, write_openings


def test_no_workspace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as caught:
        Workspace(tmp_path)
    assert str(caught.value) == (
        f"A workspace is a folder with a manifest.json; got {tmp_path}, which has none. "
        "Make one with: gem-explorer fit CORPUS --workspace DIR."
    )


def test_a_newer_format_is_refused_and_left_alone(sample: Workspace) -> None:
    path = sample.root / "manifest.json"
    value = json.loads(path.read_text())
    value["format"] = 4
    path.write_text(json.dumps(value))
    before = path.read_bytes()
    with pytest.raises(WorkspaceError, match=r"reads workspaces of format 2 or 3; got format 4, .*newer gem-explorer"):
        Workspace(sample.root)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": "x"}'])
def test_a_damaged_manifest_is_refused(sample: Workspace, damage: str) -> None:
    (sample.root / "manifest.json").write_text(damage)
    with pytest.raises(WorkspaceError, match=r"manifest\.json: .*gem-explorer check .* --mend"):
        Workspace(sample.root)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    write_json(path, {"a": 1})

    def fails(temporary: Path) -> None:
        temporary.write_text("half")
        raise KeyError("power cut")

    with pytest.raises(KeyError):
        write_whole(path, fails)
    assert json.loads(path.read_text()) == {"a": 1}
    with pytest.raises(KeyError):
        write_folder(tmp_path / "folder", lambda folder: fails(folder / "part"))
    assert [p.name for p in tmp_path.iterdir()] == ["value.json"]


def test_openings_are_how_the_texts_begin(sample: Workspace) -> None:
    texts = list(sample.all_texts())
    rows = [479, 3, 200, 3]
    expected = [" ".join(texts[row].split())[:160] for row in rows]
    assert sample.openings(rows) == expected
    assert len(set(map(len, expected))) == 1  # cut, all of them
    file = sample.root / "openings.arrow"
    content = file.read_bytes()
    file.unlink()  # a workspace from before there was one
    assert Workspace(sample.root).openings(rows) == expected
    assert file.read_bytes() == content


def test_openings_of_a_workspace_that_cannot_be_written(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    (sample.root / "openings.arrow").unlink()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_checkpoints, "temporary_file", full)
    assert sample.openings([0]) == [" ".join(next(sample.all_texts()).split())[:160]]
    assert not (sample.root / "openings.arrow").exists()


def test_openings_of_many_batches_and_odd_texts(tmp_path: Path) -> None:
    odd = ["", "a\u2028b\n\tc", "\u00e9" * 400, " " * 600 + "late", "\U0001f600 x\x00y"]
    texts = odd * 5000
    write_openings(tmp_path / "o.arrow", openings(iter(texts)))
    excerpts = read_openings(tmp_path / "o.arrow").column(0).to_pylist()
    assert excerpts == ["", "a b c", "\u00e9" * 160, "", "\U0001f600 x\x00y"] * 5000


def test_texts_come_in_the_order_asked(sample: Workspace) -> None:
    everything = list(sample.all_texts())
    rows = [len(sample) - 1, 0, 7, 7]
    assert sample.texts(rows) == [everything[row] for row in rows]


def test_search_finds_all_words_and_reads_no_syntax(sample: Workspace) -> None:
    rows = sample.search("bread")
    assert rows
    assert all("bread" in text.lower() for text in sample.texts(rows))
    for query in ('"', "*", "a OR", "NEAR(", "text:bread", "--", "'; DROP TABLE search", "", "\0", "^bread"):
        assert isinstance(sample.search(query), list), query
    assert sample.search("text:bread") == sample.search("text bread")


FOREIGN = [
    "蜜蜂在花园里跳舞",
    "使用AI模型翻译花园的书",
    "ผึ้งเต้นรำในสวนดอกไม้",
    "मधुमक्खियाँ बगीचे में नाचती हैं",
    "ディープラーニング",
]
FINDS = {
    "花园": {0, 1},
    "花园 AI": {1},
    "AI": {1},
    "园花": set(),
    "สวน": {2},
    "ดอกไม้": {2},
    "ม้า": set(),
    "बगीचे": {3},
    "ラーニ": {4},
    "蜜蜂": {0},
}


@pytest.mark.parametrize("version", ["present", "0.2"])
def test_search_finds_words_inside_runs_without_blanks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """An index that version 0.2 wrote holds whole runs; only a Latin word inside one is not found there."""
    documents = pd.DataFrame({"id": list("abcde"), "text": FOREIGN, "tokens": [9] * 5})
    manifest = Manifest("w", "w.csv", "0" * 64, 5, 45, "words", {"text": "text"}, {})
    workspace = Workspace.create(tmp_path / "w", manifest, documents, pd.DataFrame())
    if version == "0.2":
        old = "CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5(text, content='', tokenize='unicode61')"
        monkeypatch.setattr(database, "SEARCH", old)
        monkeypatch.setattr(database, "space_letters", lambda text: text)
    workspace.index()
    for query, rows in FINDS.items():
        if not (version == "0.2" and query == "AI"):
            assert set(workspace.search(query)) == (rows if version != "0.2" or "AI" not in query else set()), query


def test_rename_lasts_and_is_unique(sample: Workspace) -> None:
    edit(sample, Rename("cluster", 0, "  <b>Mine</b>\n=cmd "))
    cluster = Workspace(sample.root).taxonomy().clusters[0]
    assert (cluster.label, cluster.label_source) == ("<b>Mine</b> =cmd", "person")
    with pytest.raises(InputError, match="Labels are unique; got '<B>mine</b> =cmd', which cluster 0 has already"):
        edit(sample, Rename("cluster", 1, "<B>mine</b> =cmd"))
    for label in ("", " \n", "x" * 121):
        with pytest.raises(InputError, match="A label holds 1 to 120 characters"):
            edit(sample, Rename("cluster", 1, label))
    with pytest.raises(InputError, match="An edit must name clusters that are there; got cluster 999"):
        edit(sample, Rename("cluster", 999, "x"))


def test_arrays_cannot_be_changed(sample: Workspace) -> None:
    for array in (sample.embeddings, sample.sphere, sample.taxonomy().fit.centers):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert np.allclose(np.linalg.norm(sample.sphere, axis=1), 1, atol=1e-5)


HOLD = """
import sys, time
from pathlib import Path
from gem_core.workspace import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_writer_at_a_time_and_a_killed_one_frees_the_lock(sample: Workspace) -> None:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(sample.root)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    with pytest.raises(WorkspaceError, match="One process at a time writes to a workspace"), writing(sample.root, 0.2):
        pytest.fail("two writers")
    assert Workspace(sample.root).taxonomy().clusters  # readers go on
    child.kill()
    child.wait()
    with writing(sample.root, 5):
        pass


READ_ONLY = """
import sys
from gem_core.errors import WorkspaceError
from gem_core.pipeline import Rename, edit
from gem_core.workspace import Workspace
opened = Workspace(sys.argv[1])
print(len(opened.taxonomy().clusters), len(opened.search("bread")) > 0)
try:
    edit(opened, Rename("cluster", 0, "new"))
except WorkspaceError as error:
    print(error)
"""


def test_a_read_only_workspace_opens_and_refuses_edits(sample: Workspace, bound_by_permissions: list[str]) -> None:
    places = [sample.root, *sample.root.rglob("*")]
    for path in places:
        path.chmod(0o555 if path.is_dir() else 0o444)
    command = [*bound_by_permissions, sys.executable, "-c", READ_ONLY, str(sample.root)]
    completed = subprocess.run(command, capture_output=True, text=True)
    for path in places:
        path.chmod(0o755)
    assert completed.returncode == 0, completed.stderr
    first, _, second = completed.stdout.partition("\n")
    assert first == f"{len(sample.taxonomy().clusters)} True"
    assert second.startswith("The workspace must be writable; got "), completed.stdout


def keys(workspace: Workspace) -> tuple[list[str], int]:
    history = workspace.history()
    return [step.key for step in history.steps], history.position


def test_undo_and_redo_walk_the_history(sample: Workspace) -> None:
    first = sample.taxonomy().key
    sample.database.push("second", [], "two")
    sample.database.push("third", [], "three")
    assert keys(sample) == ([first, "second", "third"], 2)
    assert sample.undo()
    assert sample.undo()
    assert not sample.undo()
    assert sample.taxonomy().key == first
    assert sample.steps() == (False, True)
    assert sample.redo()
    assert sample.history().position == 1
    assert sample.database.push("fourth", [], "four") == ["third"], "what was undone is forgotten"
    assert keys(sample) == ([first, "second", "fourth"], 2)


def test_a_reader_sees_one_moment(sample: Workspace) -> None:
    with sample.database.open() as reader:
        steps = reader.execute("SELECT count(*) FROM history").fetchone()[0]
        writer = threading.Thread(target=sample.database.push, args=("second", [], "two"))
        writer.start()
        writer.join(0.5)  # it may have to wait for this reader; it must not be seen by it
        assert reader.execute("SELECT position FROM cursor").fetchone()[0] == steps - 1
    writer.join()
    assert keys(sample)[1] == steps


def test_a_stopped_index_is_no_index(sample: Workspace) -> None:
    def texts() -> object:
        yield "one"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample.database.index(texts(), 2)  # type: ignore[arg-type]
    assert sample.search("bread"), "the old index is still there"
