"""rename-auto: names by a vocabulary, undone in one step; names of persons stay; own vocabularies; old workspaces."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core.corpus import Columns
from gem_core.errors import InputError
from gem_core.pipeline import Rename, Source, build, edit, propose_names, rename_automatically
from gem_core.workspace import Settings, Workspace
from tests.helpers.cli_process import facts, refusal, run

OWN = "name\tparent\tgloss\nHomes\t\tflats and houses to let or for sale\nKitchen work\t\tcooking meals\nSky\t\tstars\n"


@pytest.fixture
def keyword_names(tmp_path: Path) -> Workspace:
    """Two clusters with vectors of an unknown encoder: named by their keywords."""
    bread = "Bake the bread in the oven, recipe"
    return two_clusters(tmp_path, bread, "The telescope shows stars and galaxies of the night sky")


def two_clusters(tmp_path: Path, first: str, second: str) -> Workspace:
    texts = [f"{text} {i}" for text in (first, second) for i in range(8)]
    pd.DataFrame({"text": texts}).to_csv(tmp_path / "pool.csv", index=False)
    vectors = np.repeat(np.eye(2, 8), 8, axis=0) + 0.01 * np.random.default_rng(0).standard_normal((16, 8))
    np.save(tmp_path / "pool.npy", vectors.astype(np.float32))
    source = Source(tmp_path / "pool.csv", columns=Columns(text="text"), vectors=tmp_path / "pool.npy")
    build(source, tmp_path / "workspace", Settings(n_clusters=2))
    return Workspace(tmp_path / "workspace")


def test_a_fit_names_by_the_vocabulary_where_the_encoder_is_known(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    vocabulary_clusters = [c for c in taxonomy.clusters if c.label_source == "vocabulary"]
    assert len(vocabulary_clusters) == len(taxonomy.clusters)
    labels = [c.label for c in taxonomy.clusters]
    assert len({label.casefold() for label in labels}) == len(labels)
    assert max(len(label) for label in labels) <= 40
    assert sum(c.coverage >= 0.5 for c in vocabulary_clusters) >= 0.7 * len(vocabulary_clusters)
    k = len(taxonomy.clusters)
    assert np.sqrt(k) <= len(taxonomy.groups) <= 2 * np.sqrt(k)
    assert {g.label_source for g in taxonomy.groups} == {"vocabulary"}


def test_vectors_of_an_unknown_encoder_are_named_when_asked(keyword_names: Workspace) -> None:
    before = keyword_names.taxonomy()
    assert {c.label_source for c in before.clusters} == {"keywords"}
    proposed = propose_names(keyword_names)
    assert keyword_names.taxonomy().key == before.key  # Nothing is written by a proposal.
    names = rename_automatically(keyword_names)
    assert names == proposed
    after = keyword_names.taxonomy()
    assert {c.label_source for c in after.clusters} == {"vocabulary"}
    assert [c.label for c in after.clusters] == [name.label for _, _, name in names.clusters]
    assert keyword_names.undo()
    assert keyword_names.taxonomy().clusters == before.clusters


def test_a_german_cluster_is_named_by_its_keywords(tmp_path: Path) -> None:
    bread = "Das Brot wird mit der Hefe und dem Mehl in den Ofen geschoben"
    workspace = two_clusters(tmp_path, bread, "The telescope shows stars and galaxies of the night sky")
    names = [name for _, _, name in propose_names(workspace).clusters]
    (german,) = (name for name in names if name.source == "keywords")
    assert set(german.label.lower().replace(",", "").split()) <= set(bread.lower().split())
    assert german.coverage == 0


def test_the_name_of_a_person_stays(keyword_names: Workspace) -> None:
    edit(keyword_names, Rename("cluster", 0, "My own name"))
    names = rename_automatically(keyword_names)
    assert names.kept_names == ((0, "My own name"),)
    first = keyword_names.taxonomy().cluster(0)
    assert (first.label, first.label_source) == ("My own name", "person")


def test_renaming_twice_changes_nothing(keyword_names: Workspace) -> None:
    rename_automatically(keyword_names)
    steps = len(keyword_names.history().steps)
    assert rename_automatically(keyword_names).renames == 0
    assert len(keyword_names.history().steps) == steps


def test_an_own_vocabulary_names_and_stays(keyword_names: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "own.tsv"
    file.write_text(OWN, "utf-8")
    names = rename_automatically(keyword_names, file)
    assert sorted(name.label for _, _, name in names.clusters) == ["Kitchen work", "Sky"]
    assert names.vocabulary == "own.tsv"
    assert rename_automatically(keyword_names).renames == 0  # The workspace keeps its vocabulary.


def test_the_command(keyword_names: Workspace, tmp_path: Path) -> None:
    proposal = facts(run("rename-auto", str(keyword_names.root), "--dry-run", "--json"))
    assert keyword_names.taxonomy().clusters[0].label_source == "keywords"
    result = facts(run("rename-auto", str(keyword_names.root), "--json"))
    assert result["clusters"] == proposal["clusters"]
    assert (proposal["dry_run"], result["dry_run"]) == (True, False)
    assert "by the vocabulary" in run("rename-auto", str(keyword_names.root)).stdout
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    assert "vocabulary holds 2 to" in refusal(run("rename-auto", str(keyword_names.root), "--vocabulary", str(empty)))
    with pytest.raises(InputError, match="must be a text file"):
        propose_names(keyword_names, tmp_path / "none.tsv")
