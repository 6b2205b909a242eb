"""Sub-topics: a planted division is found and named, and where there is none nothing is said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core.corpus import Columns
from gem_core.errors import WorkspaceError
from gem_core.pipeline import Source, build, edit, propose_split, subtopics
from gem_core.workspace import Settings, Workspace

WORDS = ("oven dough flour", "river flood delta", "comet orbit planet")


def planted(folder: Path, sizes: tuple[int, ...], spread: float = 0.1) -> Workspace:
    """One cluster whose documents are of as many kinds as there are sizes, mixed through each other."""
    rng = np.random.default_rng(7)
    kinds = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    texts = [" ".join(rng.permutation(WORDS[kind].split())) + f" {i}" for i, kind in enumerate(kinds)]
    X = np.eye(8)[kinds] + 2 * np.eye(8)[7] + spread * rng.normal(size=(len(kinds), 8))
    folder.mkdir()
    pd.DataFrame({"text": texts, "kind": kinds}).to_csv(folder / "pool.csv", index=False)
    np.save(folder / "pool.npy", X.astype(np.float32))
    source = Source(folder / "pool.csv", columns=Columns(text="text", label="kind"), vectors=folder / "pool.npy")
    build(source, folder / "workspace", Settings(n_clusters=1))
    return Workspace(folder / "workspace")


def test_planted_parts_are_found_named_and_counted(tmp_path: Path) -> None:
    workspace = planted(tmp_path / "pool", (40, 30, 20))
    parts = subtopics(workspace, workspace.taxonomy(), 0)
    kinds = workspace.documents["kind"].to_numpy().astype(int)
    assert [set(kinds[list(part.rows)]) for part in parts] == [{0}, {1}, {2}]
    assert [part.documents for part in parts] == [40, 30, 20]
    assert [part.share for part in parts] == pytest.approx([40 / 90, 30 / 90, 20 / 90])
    for part, words in zip(parts, WORDS, strict=True):
        assert set(part.keywords[0].split()) <= set(words.split())
        assert part.label.lower().split(",")[0] == part.keywords[0]
        assert part.exemplar in part.rows
    assert parts == subtopics(workspace, workspace.taxonomy(), 0)


def test_every_document_is_in_one_part(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    for cluster in taxonomy.clusters[:4]:
        parts = subtopics(sample, taxonomy, cluster.number)
        assert 2 <= len(parts) <= 4
        rows = sorted(row for part in parts for row in part.rows)
        assert rows == np.flatnonzero(taxonomy.documents["cluster_id"] == cluster.number).tolist()
        assert min(part.documents for part in parts) >= 4
        assert [part.documents for part in parts] == sorted((p.documents for p in parts), reverse=True)
        assert len({part.label for part in parts}) == len(parts)


def test_a_split_makes_the_parts_that_were_shown(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    parts = subtopics(sample, taxonomy, 2)
    before = {c.number for c in taxonomy.clusters} - {2}
    after = edit(sample, propose_split(sample, taxonomy, 2, len(parts)))
    clusters = after.documents["cluster_id"].to_numpy()
    split_parts = [
        (c.label, tuple(term for term, _ in c.keywords[:6]), tuple(np.flatnonzero(clusters == c.number).tolist()))
        for c in after.clusters
        if c.number not in before
    ]
    assert sorted(split_parts) == sorted((part.label, part.keywords, part.rows) for part in parts)


@pytest.mark.parametrize(("sizes", "spread"), [((20,), 0.1), ((60,), 0.0), ((58, 2), 0.0)])
def test_what_does_not_fall_into_parts_has_none(tmp_path: Path, sizes: tuple[int, ...], spread: float) -> None:
    workspace = planted(tmp_path / "pool", sizes, spread)
    assert subtopics(workspace, workspace.taxonomy(), 0) == ()


def test_a_cluster_that_is_not_there(sample: Workspace) -> None:
    with pytest.raises(WorkspaceError, match="no cluster 99"):
        subtopics(sample, sample.taxonomy(), 99)
