"""A damaged workspace: every part, damaged in every way, is named together with the way out, and is rebuilt."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gem_core.errors import DamageError, WorkspaceError
from gem_core.pipeline import Rename, edit, mend_workspace
from gem_core.workspace import Workspace
from gem_core.workspace.faults import find_faults
from gem_core.workspace.history import read_journal
from gem_core.workspace.selections import Selections
from tests.helpers.damages import DAMAGES, delete, empty, flip, garble, halve

PARTS = (
    "manifest.json",
    "documents.parquet",
    "refused.parquet",
    "embeddings.npy",
    "terms/terms.json",
    "terms/terms.npz",
    "openings.arrow",
    "sphere.npy",
    "flat.npy",
    "gem.sqlite",
    "edits.jsonl",
    "fits/KEY/taxonomy.json",
    "fits/KEY/mixture.npz",
    "fits/KEY/documents.parquet",
    "fits/BASE/path.npz",
)


#: A balance path that is not there is computed when it is asked for: no damage.
TABLE = [(part, how) for part in PARTS for how in DAMAGES if (part, how) != ("fits/BASE/path.npz", delete)]
READERS: dict[str, Callable[[Workspace], object]] = {
    "documents.parquet": lambda w: (w.documents, list(w.all_texts())),
    "embeddings.npy": lambda w: w.embeddings,
    "terms/terms.json": lambda w: w.terms,
    "terms/terms.npz": lambda w: w.terms,
    "openings.arrow": lambda w: w.openings([0]),
    "sphere.npy": lambda w: w.sphere,
    "flat.npy": lambda w: w.flat,
    "gem.sqlite": lambda w: (w.taxonomy(), w.history(), w.search("the")),
    "fits/KEY/taxonomy.json": lambda w: w.taxonomy(),
    "fits/KEY/mixture.npz": lambda w: w.taxonomy().fit,
    "fits/KEY/documents.parquet": lambda w: w.taxonomy().documents,
    "fits/BASE/path.npz": lambda w: w.taxonomy().path,
}


#: A missing openings.arrow is made again from the documents by whoever reads it.
READABLE = [
    (part, how)
    for part, how in TABLE
    if part in READERS and how is not flip and (part, how) != ("openings.arrow", delete)
]


def damage(workspace: Workspace, part: str, how: Callable[[Path], None]) -> str:
    taxonomy = workspace.taxonomy()
    name = part.replace("KEY", taxonomy.key).replace("BASE", taxonomy.base)
    path = workspace.root / name
    content = path.read_bytes()
    path.unlink()  # Files of taxonomies may be links to those of the step before.
    path.write_bytes(content)
    how(path)
    return name


@pytest.fixture
def edited(sample: Workspace) -> Workspace:
    """A workspace with an edit, a saved selection, and hashes of all its parts."""
    edit(sample, Rename("cluster", 0, "Nought"))
    Selections(sample).save("mine", [1, 2, 3], "by hand")
    with sample.writing():
        sample.manifest.save(sample.root)
    assert find_faults(sample.root) == ()
    return Workspace(sample.root)


@pytest.mark.parametrize(("part", "how"), TABLE)
def test_every_damage_is_named(edited: Workspace, part: str, how: Callable[[Path], None]) -> None:
    name = damage(edited, part, how)
    assert name in [fault.part for fault in find_faults(edited.root)]


@pytest.mark.parametrize(("part", "how"), READABLE)
def test_reading_a_damaged_part_names_it_and_the_way_out(
    edited: Workspace, part: str, how: Callable[[Path], None]
) -> None:
    name = damage(edited, part, how)
    with pytest.raises(WorkspaceError) as caught:
        READERS[part](Workspace(edited.root))
    assert name.split("/terms.")[0] in caught.value.got
    assert caught.value.hint == f"Rebuild it: gem-explorer check {edited.root} --mend"


@pytest.mark.parametrize("byte", [6, 8], ids=["version", "password"])
def test_flipped_bits_of_an_archive_are_a_damage(edited: Workspace, byte: int) -> None:
    """Zipfile answers a version that it does not know, or a password flag, with a RuntimeError."""

    def flip_entry(path: Path) -> None:
        data = bytearray(path.read_bytes())
        for entry in re.finditer(b"PK\x01\x02", bytes(data)):
            data[entry.start() + byte] = 119
        path.write_bytes(bytes(data))

    part = "fits/KEY/mixture.npz"
    name = damage(edited, part, flip_entry)
    assert name in [fault.part for fault in find_faults(edited.root)]
    with pytest.raises(WorkspaceError, match=r"check .* --mend"):
        READERS[part](Workspace(edited.root))


@pytest.mark.parametrize("how", [delete, empty, halve, garble])
def test_a_damaged_manifest_is_refused_and_restored(edited: Workspace, how: Callable[[Path], None]) -> None:
    before = (edited.root / "manifest.json").read_bytes()
    damage(edited, "manifest.json", how)
    with pytest.raises(DamageError, match=r"manifest\.json: .*check .* --mend"):
        Workspace(edited.root)
    assert [fault.part for fault in mend_workspace(edited.root)] == ["manifest.json"]
    assert (edited.root / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("part", "how"),
    [
        ("documents.parquet", halve),
        ("refused.parquet", flip),
        ("embeddings.npy", flip),
        ("terms/terms.npz", garble),
        ("openings.arrow", empty),
        ("sphere.npy", delete),
        ("gem.sqlite", delete),
        ("gem.sqlite", garble),
        ("gem.sqlite", halve),
        ("edits.jsonl", garble),
        ("fits/KEY/taxonomy.json", flip),
        ("fits/KEY/documents.parquet", delete),
        ("fits/BASE/path.npz", flip),
    ],
)
def test_every_part_is_rebuilt(edited: Workspace, part: str, how: Callable[[Path], None]) -> None:
    before, history = edited.taxonomy(), edited.history()
    damage(edited, part, how)
    mend_workspace(edited.root)
    assert find_faults(edited.root) == ()
    after = Workspace(edited.root)
    assert after.taxonomy().taxonomy_hash == before.taxonomy_hash
    assert [c.label for c in after.taxonomy().clusters] == [c.label for c in before.clusters]
    assert after.history() == history
    assert after.taxonomy().has_path
    assert after.search("the")


def test_a_lost_database_loses_no_edit_and_undo_still_works(edited: Workspace) -> None:
    edit(edited, Rename("cluster", 1, "One"))
    assert edited.undo()
    (edited.root / "gem.sqlite").unlink()
    mend_workspace(edited.root)
    again = Workspace(edited.root)
    assert again.taxonomy().cluster(0).label == "Nought"
    assert again.redo()
    assert again.taxonomy().cluster(1).label == "One"
    assert read_journal(again.root) == again.history()


def test_saved_selections_survive_a_damaged_text_index(edited: Workspace) -> None:
    with edited.database.open(write=True) as connection:
        connection.execute("DELETE FROM history")
    mend_workspace(edited.root)
    assert Selections(Workspace(edited.root)).get("mine").rows.tolist() == [1, 2, 3]


def test_documents_without_their_source_are_refused_with_what_is_needed(edited: Workspace) -> None:
    path = edited.root / "manifest.json"
    value = json.loads(path.read_text())
    value["source"] = "/nowhere/corpus.csv"
    path.write_text(json.dumps(value))
    damage(edited, "documents.parquet", empty)
    with pytest.raises(WorkspaceError, match=r"read again from the corpus file; got /nowhere/corpus.csv"):
        mend_workspace(edited.root)


def test_a_workspace_of_version_0_2_has_no_false_faults(tmp_path: Path, edited: Workspace) -> None:
    root = tmp_path / "old"
    shutil.copytree(edited.root, root)
    value = json.loads((root / "manifest.json").read_text())
    del value["hashes"]
    value["format"] = 2
    (root / "manifest.json").write_text(json.dumps(value))
    for path in (root / "manifest.backup.json", root / "edits.jsonl", *root.glob("fits/*/hashes.json")):
        path.unlink()
    assert find_faults(root) == ()
    (root / "embeddings.npy").write_bytes(b"")
    assert [fault.part for fault in find_faults(root)] == ["embeddings.npy"]
