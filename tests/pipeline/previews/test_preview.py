"""A preview is what an apply makes: after any history of edits, undo, redo and refits."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gem_core.corpus import Columns
from gem_core.errors import InputError
from gem_core.pipeline import (
    Exclude,
    Merge,
    Move,
    Pin,
    Rename,
    Source,
    Split,
    align_target_shares,
    build,
    edit,
    fit_taxonomy,
    preview,
)
from gem_core.pipeline.editing.operations import Op
from gem_core.workspace import Settings, Taxonomy, Workspace
from tests.helpers.corpora import small_corpus

STRENGTHS = (0.0, 0.3, 1.0, 3.0, float("inf"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("preview")
    path, vectors = small_corpus(folder / "source", n=120)
    columns = Columns(text="text", id="id", label="subject", tokens=None, weight=None)
    build(Source(path, columns=columns, vectors=vectors), folder / "workspace", Settings(n_clusters=6))
    return Workspace(folder / "workspace")


def random_edit(taxonomy: Taxonomy, rng: np.random.Generator) -> Op:
    """An edit that the taxonomy may refuse."""
    numbers = [cluster.number for cluster in taxonomy.clusters]
    chosen = int(rng.choice(numbers))
    rows = np.flatnonzero(taxonomy.documents["cluster_id"].to_numpy() == chosen)
    kind = rng.integers(6)
    if kind == 0:
        return Merge(tuple(int(n) for n in rng.choice(numbers, min(2, len(numbers)), replace=False)))
    if kind == 1:
        cut = len(rows) // 2
        return Split(chosen, (tuple(rows[:cut].tolist()), tuple(rows[cut:].tolist())))
    if kind == 2:
        return Move(tuple(rng.choice(120, 5, replace=False).tolist()), None if rng.random() < 0.3 else chosen)
    if kind == 3:
        return Pin(chosen, on=bool(rng.random() < 0.7))
    if kind == 4:
        return Exclude((chosen,), on=bool(rng.random() < 0.5))
    return Rename("cluster", chosen, f"Name {rng.integers(1000)}")


def random_settings(taxonomy: Taxonomy, rng: np.random.Generator) -> Settings:
    settings = replace(taxonomy.settings, strength=float(rng.choice(STRENGTHS)))
    if rng.random() < 0.4:
        settings = replace(settings, n_clusters=int(rng.integers(3, 9)), target="uniform")
    if rng.random() < 0.2:
        shares = rng.dirichlet(np.full(len(taxonomy.clusters), 5.0))
        settings = replace(settings, n_clusters=len(taxonomy.clusters), target=tuple(map(float, shares)))
    elif not isinstance(settings.target, str):
        settings = replace(settings, target="uniform")
    return settings


def check_apply_equals_preview(workspace: Workspace, settings: Settings) -> None:
    old = workspace.taxonomy()
    expected = preview(workspace, old, settings)
    got = fit_taxonomy(workspace, align_target_shares(workspace, old, settings))
    np.testing.assert_array_equal(got.documents["cluster_id"].to_numpy(), expected.labels)
    assert [cluster.number for cluster in got.clusters] == expected.numbers.tolist()
    tokens = settings.weighting == "tokens"
    shares = [cluster.share_tokens if tokens else cluster.share_documents for cluster in got.clusters]
    np.testing.assert_allclose(shares, expected.shares, atol=1e-9)
    assert sum(shares) == pytest.approx(1.0)
    names = [cluster.label.casefold() for cluster in got.clusters]
    assert len(set(names)) == len(names)


def random_history(workspace: Workspace, seed: int) -> int:
    """Edit, undo and refit at random; check each refit against its preview and return their number."""
    rng, refits = np.random.default_rng(seed), 0
    for _ in range(8):
        draw = rng.random()
        if draw < 0.6:
            try:
                edit(workspace, random_edit(workspace.taxonomy(), rng))
            except InputError:
                continue
        elif draw < 0.7:
            workspace.undo()
        elif draw < 0.75:
            workspace.redo()
        else:
            taxonomy = workspace.taxonomy()
            settings = random_settings(taxonomy, rng)
            if settings != taxonomy.settings:
                check_apply_equals_preview(workspace, settings)
                refits += 1
    return refits


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
