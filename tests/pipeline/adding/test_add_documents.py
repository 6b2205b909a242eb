"""Documents that come after the fit: assigned, added, and what a killed addition leaves."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core.errors import InputError, WorkspaceError
from gem_core.pipeline import (
    Merge,
    Pin,
    Rename,
    Source,
    add_documents,
    assign_documents,
    build,
    edit,
    mend_workspace,
    source_like,
)
from gem_core.workspace import Settings, Workspace
from gem_core.workspace.addition import FOLDER
from gem_core.workspace.faults import find_faults
from gem_core.workspace.integrity import hash_file
from tests.helpers.cli_process import facts, refusal, run
from tests.helpers.corpora import small_corpus

FIRST, ALL = 80, 120


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a fitted and edited workspace ws/ of the first documents, and more.csv, more.npy with the rest."""
    folder = tmp_path_factory.mktemp("planted")
    corpus, vectors = small_corpus(folder / "source", ALL)
    table, X = pd.read_csv(corpus), np.load(vectors)
    table[:FIRST].to_csv(folder / "first.csv", index=False)
    np.save(folder / "first.npy", X[:FIRST])
    table[FIRST - 20 :].to_csv(folder / "more.csv", index=False)
    np.save(folder / "more.npy", X[FIRST - 20 :])
    build(Source(folder / "first.csv", vectors=folder / "first.npy"), folder / "ws", Settings(n_clusters=4))
    workspace = Workspace(folder / "ws")
    edit(workspace, Rename("cluster", 1, "Mine"))
    edit(workspace, Pin(2, True))
    return folder


@pytest.fixture
def copied(planted: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    shutil.copytree(planted, tmp_path / "planted")
    return tmp_path / "planted"


def more(folder: Path) -> Source:
    return source_like(Workspace(folder / "ws"), folder / "more.csv", vectors=folder / "more.npy")


def by_subject(table: pd.DataFrame, subjects: pd.Series) -> bool:
    """Whether clusters and planted subjects are the same partition."""
    pairs = set(zip(table["cluster_id"], subjects, strict=True))
    return len(pairs) == subjects.nunique() == table["cluster_id"].nunique()


def test_documents_of_a_known_subject_are_assigned_to_its_cluster(planted: Path) -> None:
    workspace = Workspace(planted / "ws")
    before = hash_file(workspace.root / "manifest.json")
    table = assign_documents(workspace, more(planted))
    subjects = pd.read_csv(planted / "more.csv")["subject"]
    assert by_subject(table, subjects)
    assert set(table.loc[table["cluster_id"] == 1, "label"]) == {"Mine"}
    assert (table["margin"] > 0).all()
    assert table["posterior"].between(0.5, 1).all()
    fitted = workspace.taxonomy().documents.iloc[FIRST - 20 :]  # The first 20 are documents of the fit.
    np.testing.assert_allclose(table["margin"][:20], fitted["margin"], rtol=1e-5)
    assert hash_file(workspace.root / "manifest.json") == before


def test_assignment_follows_merges(copied: Path) -> None:
    workspace = Workspace(copied / "ws")
    merged = edit(workspace, Merge((0, 3)))
    vectors = assign_documents(workspace, vectors=copied / "more.npy")
    assert set(vectors["cluster_id"]) == {cluster.number for cluster in merged.clusters}
    assert vectors["id"].tolist()[:2] == ["row-0", "row-1"]


def test_a_far_document_fits_badly(planted: Path, tmp_path: Path) -> None:
    X = np.load(planted / "more.npy")
    away = X[0] - 2 * X.mean(axis=0)
    np.save(tmp_path / "away.npy", np.stack([away, X[1]]))
    table = assign_documents(Workspace(planted / "ws"), vectors=tmp_path / "away.npy")
    assert table["fits_badly"].tolist() == [True, False]


def test_added_documents_join_clusters_and_all_else_stays(copied: Path) -> None:
    before = Workspace(copied / "ws")
    old, history = before.taxonomy(), before.history()
    fitted = old.documents["cluster_id"].to_numpy()
    result = add_documents(before, more(copied))
    assert (len(result.table), result.skipped, result.refused) == (ALL - FIRST, 20, {})
    after = Workspace(copied / "ws")
    new = after.taxonomy()
    assert after.history() == history
    assert len(after) == len(new.documents) == len(after.sphere) == len(after.flat) == ALL
    assert by_subject(new.documents, after.documents["subject"])
    np.testing.assert_array_equal(new.documents["cluster_id"][:FIRST], fitted)
    np.testing.assert_array_equal(after.embeddings[:FIRST], before.embeddings)
    np.testing.assert_array_equal(after.sphere[:FIRST], before.sphere)
    for mine, theirs in zip(new.clusters, old.clusters, strict=True):
        assert (mine.label, mine.color, mine.pinned) == (theirs.label, theirs.color, theirs.pinned)
        assert mine.documents == int((new.documents["cluster_id"] == mine.number).sum()) > theirs.documents
    assert new.documents["gis"].notna().all()
    row = ALL - 1
    assert row in after.search(after.texts([row])[0], limit=ALL)
    assert find_faults(after.root) == ()


def test_undo_and_redo_work_across_an_addition(copied: Path) -> None:
    add_documents(Workspace(copied / "ws"), more(copied))
    workspace = Workspace(copied / "ws")
    while workspace.undo():
        assert len(workspace.taxonomy().documents) == ALL
    assert not any(cluster.label == "Mine" for cluster in workspace.taxonomy().clusters)
    while workspace.redo():
        pass
    assert workspace.taxonomy().cluster(1).label == "Mine"


def test_the_same_file_adds_nothing_twice(copied: Path) -> None:
    add_documents(Workspace(copied / "ws"), more(copied))
    manifest = (copied / "ws" / "manifest.json").read_bytes()
    again = add_documents(Workspace(copied / "ws"), more(copied))
    assert (len(again.table), again.skipped) == (0, ALL - FIRST + 20)
    assert (copied / "ws" / "manifest.json").read_bytes() == manifest


def test_a_known_id_with_another_text_is_refused(copied: Path) -> None:
    table = pd.read_csv(copied / "more.csv")
    table.loc[0, "text"] = "quite another text of several words"
    table.to_csv(copied / "more.csv", index=False)
    result = add_documents(Workspace(copied / "ws"), more(copied))
    assert (len(result.table), result.skipped, result.refused) == (ALL - FIRST, 19, {"duplicate_id": 1})


def test_the_first_corpus_fits_the_larger_one_again(copied: Path) -> None:
    add_documents(Workspace(copied / "ws"), more(copied))
    source = Source(copied / "first.csv", vectors=Path(Workspace(copied / "ws").manifest.encoder))
    refitted = build(source, copied / "ws", Settings(n_clusters=4))
    assert len(refitted.documents) == ALL
    assert "Mine" in {cluster.label for cluster in refitted.clusters}


class _KillError(BaseException):
    """The end of a process in a test of its own: nothing catches it."""


def test_a_stopped_addition_leaves_the_old_workspace_or_the_new_one(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before the parts are whole, while they are moved in, and before the manifest is."""
    shutil.copytree(copied, tmp_path / "whole")
    add_documents(Workspace(tmp_path / "whole" / "ws"), more(tmp_path / "whole"))
    whole = Workspace(tmp_path / "whole" / "ws")
    real = os.replace
    for name, committed in ((FOLDER, False), ("documents.parquet", True), ("manifest.json", True)):

        def replace(source: Path, target: Path, stop: str = name) -> None:
            moves_in = Path(source).parent.name == FOLDER or stop == FOLDER
            if Path(target).name == stop and moves_in:
                raise _KillError
            real(source, target)

        folder = tmp_path / f"stopped-{name}"
        shutil.copytree(copied, folder)
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace)
            with pytest.raises(_KillError):
                add_documents(Workspace(folder / "ws"), more(folder))
        assert (folder / "ws" / FOLDER).is_dir() == committed
        workspace = Workspace(folder / "ws")
        assert len(workspace) == (ALL if committed else FIRST)
        assert find_faults(workspace.root) == ()
        add_documents(workspace, more(folder))
        again = Workspace(folder / "ws")
        assert again.taxonomy().taxonomy_hash == whole.taxonomy().taxonomy_hash
        assert again.search("dough", ALL) == whole.search("dough", ALL)


def test_damaged_parts_are_mended_with_the_added_documents(copied: Path) -> None:
    add_documents(Workspace(copied / "ws"), more(copied))
    root = copied / "ws"
    hashes = Workspace(root).manifest.hashes
    for part in ("documents.parquet", "embeddings.npy", "flat.npy"):
        (root / part).write_bytes(b"damaged")
    mend_workspace(root)
    assert find_faults(root) == ()
    mended = Workspace(root)
    assert len(mended.flat) == ALL
    assert {part: mended.manifest.hashes[part] for part in ("embeddings.npy", "terms/terms.npz")} == {
        part: hashes[part] for part in ("embeddings.npy", "terms/terms.npz")
    }


def test_a_fit_from_before_an_addition_is_not_replaced_by_another(copied: Path) -> None:
    add_documents(Workspace(copied / "ws"), more(copied))
    workspace = Workspace(copied / "ws")
    mixture = workspace.taxonomy().folder.parent / workspace.history().steps[0].key / "mixture.npz"
    mixture.unlink()
    with pytest.raises(WorkspaceError, match="after which documents were added"):
        mend_workspace(workspace.root)
    assert mixture.parent.is_dir()


def test_vectors_of_another_dimension_are_refused_before_the_corpus_is_read(copied: Path) -> None:
    np.save(copied / "more.npy", np.ones((60, 5), dtype=np.float32))
    with pytest.raises(InputError, match="16 dimensions of the workspace; got 5"):
        add_documents(Workspace(copied / "ws"), more(copied))
    with pytest.raises(InputError, match="unknown encoder"):
        assign_documents(Workspace(copied / "ws"), source_like(Workspace(copied / "ws"), copied / "more.csv"))


def test_commands_assign_and_add(copied: Path) -> None:
    options = ("--embeddings", copied / "more.npy")
    refused = refusal(run("assign", copied / "ws", copied / "more.csv", *options, "--out", copied / "x.txt"))
    assert "--out must end in .parquet or .csv" in refused
    out = copied / "assigned.parquet"
    result = facts(run("assign", copied / "ws", copied / "more.csv", *options, "--out", out, "--json"))
    assert result["documents"] == len(pd.read_parquet(out)) == 60
    added = facts(run("add", copied / "ws", copied / "more.csv", *options, "--json"))
    assert added["documents"] == ALL
    assert added["added"]["documents"] == ALL - FIRST
    again = run("add", copied / "ws", copied / "more.csv", *options)
    assert again.stdout == f"0 documents added, 60 skipped as known; {ALL} in all.\n"
    assert json.loads((copied / "ws" / "manifest.json").read_text())["additions"][0]["documents"] == ALL - FIRST
    assert os.listdir(copied / "ws").count("cache") == 0
