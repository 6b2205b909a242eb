"""Saved selections: kept, named anew, forgotten; they outlive refits and processes."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from gem_core.errors import WorkspaceError
from gem_core.pipeline import fit_taxonomy
from gem_core.workspace import Workspace
from gem_core.workspace.selections import Selections


def test_nothing_saved_is_an_empty_list_and_touches_nothing(sample: Workspace) -> None:
    before = sample.database.path.stat().st_mtime_ns
    assert Selections(sample).list_all() == ()
    with pytest.raises(WorkspaceError, match="Save one first; the workspace has none"):
        Selections(sample).get("a")
    assert sample.database.path.stat().st_mtime_ns == before


def test_saved_is_found_again_as_it_was(sample: Workspace) -> None:
    selections = Selections(sample)
    selections.save("  rivers and\nbanks ", [9, 3, 3, 501], 'holds "water"')
    selections.save("all", np.arange(len(sample)), "all documents")
    selection = Selections(Workspace(sample.root)).get("rivers and banks")
    assert selection.rows.tolist() == [3, 9, 501]
    assert selection.rows.dtype == np.int32
    assert selection.origin == 'holds "water"'
    assert Selections(sample).get("all").rows.tolist() == list(range(len(sample)))
    assert [(line.name, line.documents) for line in selections.list_all()] == [
        ("all", len(sample)),
        ("rivers and banks", 3),
    ]


def test_renamed_and_deleted(sample: Workspace) -> None:
    selections = Selections(sample)
    selections.save("a", [1], "one")
    selections.save("b", [2], "two")
    selections.rename("a", "c")
    assert selections.get("c").rows.tolist() == [1]
    with pytest.raises(WorkspaceError, match="'b', which is taken"):
        selections.rename("c", "b")
    with pytest.raises(WorkspaceError, match="'b', which is taken"):
        selections.save("b", [5], "again")
    assert selections.get("b").rows.tolist() == [2]
    selections.delete("b")
    for action in (lambda: selections.get("b"), lambda: selections.delete("b"), lambda: selections.rename("b", "d")):
        with pytest.raises(WorkspaceError, match=r"one of this workspace; got 'b'\. Choose one of c"):
            action()


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("  ", [1], "1 to 80 characters; got 0"),
        ("x" * 81, [1], "1 to 80 characters; got 81"),
        ("a", [], "must hold a document; got none"),
        ("a", [0, -1], "got -1"),
        ("a", [10**6], "got 1,000,000"),
    ],
)
def test_refused(sample: Workspace, name: str, rows: list[int], message: str) -> None:
    with pytest.raises(WorkspaceError, match=message):
        Selections(sample).save(name, rows, "by hand")


def test_a_hostile_name_is_only_a_name(sample: Workspace) -> None:
    selections = Selections(sample)
    selections.save("'); DROP TABLE selections; --\x1b[2J", [1], "x")
    assert selections.list_all()[0].name == "'); DROP TABLE selections; -- [2J"
    assert selections.get(selections.list_all()[0].name).rows.tolist() == [1]


def test_a_refit_and_a_new_process_leave_it_as_it_is(sample: Workspace) -> None:
    rows = [2, 40, 77]
    Selections(sample).save("mine", rows, "by hand")
    settings = replace(sample.taxonomy().settings, n_clusters=5, strength=0.0)
    fit_taxonomy(sample, settings)
    code = (
        "import sys; from gem_core.workspace import Workspace\n"
        "from gem_core.workspace.selections import Selections\n"
        "print(Selections(Workspace(sys.argv[1])).get('mine').rows.tolist())"
    )
    out = subprocess.run([sys.executable, "-c", code, str(sample.root)], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == str(rows)
    assert len(Workspace(sample.root).taxonomy().clusters) == 5
