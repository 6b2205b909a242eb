"""A preview is what an apply makes: after any history of edits, undo, redo and refits."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.recovery.edit_histories import check_apply_equals_preview, random_history
from gem_core.corpus import Columns
from gem_core.pipeline import Pin, Source, build, edit, preview
from gem_core.workspace import Settings, Workspace
from tests.helpers.corpora import small_corpus


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("preview")
    path, vectors = small_corpus(folder / "source", n=120)
    columns = Columns(text="text", id="id", label="subject", tokens=None, weight=None)
    build(Source(path, columns=columns, vectors=vectors), folder / "workspace", Settings(n_clusters=6))
    return Workspace(folder / "workspace")


@pytest.mark.parametrize("seed", range(4))
def test_apply_equals_preview_after_random_histories(built: Workspace, tmp_path: Path, seed: int) -> None:
    shutil.copytree(built.root, tmp_path / "workspace")
    workspace = Workspace(tmp_path / "workspace")
    random_history(workspace, seed)
    taxonomy = workspace.taxonomy()
    check_apply_equals_preview(workspace, replace(taxonomy.settings, strength=2.0, target="uniform"))


def test_a_cluster_that_pins_emptied_is_not_previewed(built: Workspace, tmp_path: Path) -> None:
    shutil.copytree(built.root, tmp_path / "workspace")
    workspace = Workspace(tmp_path / "workspace")
    for cluster in workspace.taxonomy().clusters:
        edit(workspace, Pin(cluster.number))
    taxonomy = workspace.taxonomy()
    result = preview(workspace, taxonomy, replace(taxonomy.settings, n_clusters=9))
    assert (result.shares > 0).all()
    assert result.numbers.tolist() == [cluster.number for cluster in taxonomy.clusters]
