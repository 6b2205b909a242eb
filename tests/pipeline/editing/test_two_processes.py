"""Several processes edit one workspace at the same time: nothing is lost, nothing is ever half there."""

import subprocess
import time
from pathlib import Path

from benchmarks.recovery.check_whole import check
from gem_core.pipeline import Pin, edit
from gem_core.workspace import Workspace
from tests.helpers.cli_process import start_code, wait_for

TURNS = 12
EDITOR = """
import sys
import time
from pathlib import Path
from gem_core.errors import WorkspaceError
from gem_core.pipeline import Rename, edit, fit_taxonomy
from gem_core.pipeline import Pin, edit
from gem_core.workspace import Workspace
from dataclasses import replace
who, root, turns, how, go = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], Path(sys.argv[5])
workspace = Workspace(root)
print("ready", flush=True)
while not go.exists():
    time.sleep(0.005)

def act(turn):
    taxonomy = workspace.taxonomy()
    number = taxonomy.clusters[turn % len(taxonomy.clusters)].number
    if how == "wild" and turn % 3 == 1:
        workspace.undo()
    elif how == "wild" and turn % 5 == 3:
        workspace.redo()
    elif how == "wild" and turn % 7 == 5:
        fit_taxonomy(workspace, replace(taxonomy.settings, strength=turn / 7))
    else:
        edit(workspace, Rename("cluster", number, f"{who} {turn}"))
        print(f"{who} {turn}", flush=True)

for turn in range(turns):
    while True:
        try:
            act(turn)
            break
        except WorkspaceError as error:  # another fit held the lock for ten seconds: press again
            if "held by another process" not in str(error):
                raise
"""


def together(root: Path, names: str, how: str) -> list[list[str]]:
    """Run one editor a name at the same time, and read meanwhile; return what each was told is done."""
    go = root.parent / "go"
    editors = [start_code(EDITOR, name, root, TURNS, how, go) for name in names]
    for editor in editors:
        wait_for(lambda editor=editor: editor.output() == "ready\n" or editor.poll() is not None)
    go.touch()
    reads = 0
    until = time.monotonic() + 240
    while any(editor.poll() is None for editor in editors) and time.monotonic() < until:
        opened = Workspace(root)
        taxonomy = opened.taxonomy()
        assert len(taxonomy.documents) == len(opened)
        assert taxonomy.fit.masses.size == len(taxonomy.clusters)
        assert opened.history().present is not None
        reads += 1
        time.sleep(0.01)  # the editors have the processor
    outputs = [editor.communicate() for editor in editors]
    assert [editor.returncode for editor in editors] == [0] * len(editors), outputs
    assert reads > 3
    assert check(root) == 0
    return [out.splitlines()[1:] for out, _ in outputs]


def test_no_acknowledged_edit_is_lost(sample: Workspace) -> None:
    before = sample.history().steps
    acknowledged = together(sample.root, "AB", "renames")
    steps = sample.history().steps
    assert steps[: len(before)] == before
    labels = [step.edits[0]["label"] for step in steps[len(before) :]]
    assert sorted(labels) == sorted(f"{who} {turn}" for who in "AB" for turn in range(TURNS))
    for who, lines in zip("AB", acknowledged, strict=True):
        assert lines == [label for label in labels if label.startswith(who)]  # each in its own order
    expected = {cluster.number: cluster.label for cluster in sample.taxonomy(before[-1].key).clusters}
    expected |= {step.edits[0]["number"]: step.edits[0]["label"] for step in steps[len(before) :]}
    assert {cluster.number: cluster.label for cluster in sample.taxonomy().clusters} == expected


def test_undo_redo_and_fits_of_others_corrupt_nothing(sample: Workspace) -> None:
    together(sample.root, "ABC", "wild")
    history = sample.history()
    for step, previous in zip(history.steps[1:], history.steps, strict=False):
        if step.edits[0]["do"] == "rename":  # each step is the one before it with its own edit and no other
            old, new = ({c.number: c.label for c in sample.taxonomy(key).clusters} for key in (previous.key, step.key))
            assert new == old | {step.edits[0]["number"]: step.edits[0]["label"]}


def test_a_workspace_copied_while_in_use_opens(sample: Workspace, tmp_path: Path) -> None:
    editor = start_code(EDITOR, "a", sample.root, 10000, "tame", sample.root)
    try:
        for number in range(3):
            wait_for(lambda number=number: len(editor.output().splitlines()) > 1 + number)
            # The copy goes on past a temporary file that has been renamed meanwhile.
            subprocess.run(["cp", "-r", sample.root, tmp_path / f"{number}"], stderr=subprocess.DEVNULL)
    finally:
        editor.kill()
        editor.communicate()
    for number in range(3):
        check(tmp_path / f"{number}")
        copy = Workspace(tmp_path / f"{number}")
        edit(copy, Pin(copy.taxonomy().clusters[0].number))
        assert copy.taxonomy().clusters[0].pinned
