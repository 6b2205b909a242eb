"""From a file to a taxonomy: steps are done once, bad input is refused and loses nothing, a killed run goes on."""

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core.clustering import MixtureConfig, assign, fit_mixture
from gem_core.errors import Cancelled, InputError, WorkspaceError
from gem_core.pipeline import Rename, Source, build, edit, ensure_path, fit_taxonomy, preview
from gem_core.pipeline.building.fit import order_by_mass
from gem_core.pipeline.building.ingest import prepare
from gem_core.workspace import Settings, Workspace
from gem_core.workspace.costs import CostBook
from tests.helpers.cli_process import end, run, start, wait_for
from tests.helpers.corpora import small_corpus

FOUR = Settings(n_clusters=4)


def test_subjects_are_found_and_named(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    taxonomy = build(Source(path, vectors=vectors), tmp_path / "w", FOUR)
    workspace = Workspace(tmp_path / "w")
    subjects = workspace.documents["subject"].to_numpy()
    labels = taxonomy.documents["cluster_id"].to_numpy()
    assert pd.crosstab(subjects, labels).to_numpy().max(axis=1).sum() == len(subjects)
    assert len({c.label for c in taxonomy.clusters}) == 4
    assert sum(c.documents for c in taxonomy.clusters) == len(workspace)
    assert sum(c.share_tokens for c in taxonomy.clusters) == pytest.approx(1)
    assert taxonomy.path.strengths.size == 16


def test_a_penalty_is_lambda_itself(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    taxonomy = build(Source(path, vectors=vectors), tmp_path / "w", FOUR, penalty=5000.0)
    assert taxonomy.fit.penalty == pytest.approx(5000.0)
    assert taxonomy.settings.strength == pytest.approx(5000.0 / taxonomy.fit.reference_concentration)


def test_a_second_build_does_nothing_again(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    source = Source(path, vectors=vectors)
    build(source, tmp_path / "w", FOUR)
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "w").rglob("*") if p.is_file() and p.name != ".lock"}
    again = build(source, tmp_path / "w", FOUR)
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps
    assert [step.key for step in Workspace(tmp_path / "w").history().steps] == [again.key]


def test_another_corpus_or_encoder_is_refused(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    first = build(Source(path, vectors=vectors), tmp_path / "w", FOUR)
    other, other_vectors = small_corpus(tmp_path / "other", n=24, seed=1)
    with pytest.raises(WorkspaceError, match="A workspace keeps one corpus"):
        build(Source(other, vectors=other_vectors), tmp_path / "w", FOUR)
    with pytest.raises(WorkspaceError, match="A workspace keeps the vectors of one encoder"):
        build(Source(path), tmp_path / "w", FOUR)
    assert Workspace(tmp_path / "w").taxonomy().taxonomy_hash == first.taxonomy_hash


def test_vectors_of_refused_rows_are_left_out(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    table = pd.read_csv(path)
    table.loc[5, "text"] = ""
    table.to_csv(path, index=False)
    build(Source(path, vectors=vectors), tmp_path / "w", FOUR)
    workspace = Workspace(tmp_path / "w")
    assert workspace.manifest.refused == {"empty_text": 1}
    assert np.allclose(workspace.embeddings[5], np.load(vectors)[6], atol=1e-6)


def test_more_clusters_than_documents(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    with pytest.raises(InputError) as caught:
        build(Source(path, vectors=vectors), tmp_path / "w", Settings(n_clusters=61))
    assert str(caught.value) == (
        "The number of clusters lies between 1 and the number of documents (60); got 61. "
        "Ask for fewer clusters or add documents."
    )
    assert build(Source(path, vectors=vectors), tmp_path / "w", FOUR).clusters


def test_identical_documents(tmp_path: Path) -> None:
    path = tmp_path / "same.csv"
    pd.DataFrame({"text": ["the very same words again"] * 30}).to_csv(path, index=False)
    np.save(tmp_path / "v.npy", np.ones((30, 8), dtype=np.float32))
    source = Source(path, vectors=tmp_path / "v.npy")
    with pytest.raises(InputError, match=r"at least 2 documents with different vectors; got 30 documents with 1\."):
        build(source, tmp_path / "w", Settings(n_clusters=2))
    assert len(build(source, tmp_path / "w", Settings(n_clusters=1)).clusters) == 1


def test_one_document(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    pd.DataFrame({"text": ["a single lonely document"]}).to_csv(path, index=False)
    np.save(tmp_path / "v.npy", np.ones((1, 8), dtype=np.float32))
    source = Source(path, vectors=tmp_path / "v.npy")
    with pytest.raises(InputError, match=r"between 1 and the number of documents \(1\); got 24"):
        build(source, tmp_path / "w")
    taxonomy = build(source, tmp_path / "w", Settings(n_clusters=1))
    assert taxonomy.clusters[0].exemplars == (0,)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda v: v[:-1], "one vector"),
        (lambda v: np.where(np.arange(60)[:, None] == 7, np.nan, v), "row 7"),
        (lambda v: v * (np.arange(60)[:, None] != 9), "row 9"),
    ],
)
def test_bad_vectors(corpus: tuple[Path, Path], tmp_path: Path, damage: object, words: str) -> None:
    path, vectors = corpus
    np.save(vectors, damage(np.load(vectors)))  # type: ignore[operator]
    with pytest.raises(InputError) as caught:
        build(Source(path, vectors=vectors), tmp_path / "w", FOUR)
    assert "; got " in str(caught.value)
    assert words in str(caught.value)


def test_cancel_keeps_finished_steps(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus

    def stop(step: str, completed: int, total: int) -> None:
        if step == "name clusters":
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        build(Source(path, vectors=vectors), tmp_path / "w", FOUR, progress=stop)
    workspace = Workspace(tmp_path / "w")
    assert workspace.has("sphere.npy")
    assert workspace.history().steps == ()
    assert build(Source(path, vectors=vectors), tmp_path / "w", FOUR).clusters


def test_a_killed_build_goes_on(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    # Names by keywords as in the fresh build: names by the vocabulary are a step after it.
    words = ("--embeddings", vectors, "--workspace", tmp_path / "w", "--clusters", 4, "--keyword-names")
    for file in ("embeddings.npy", "flat.npy"):  # killed after the vectors, and during the fit
        child = start("fit", path, *words)
        wait_for(lambda file=file: (tmp_path / "w" / file).exists())
        end(child, signal.SIGKILL)
    completed = run("fit", path, *words)
    assert completed.returncode == 0, completed.stderr
    taxonomy = Workspace(tmp_path / "w").taxonomy()
    fresh = build(Source(path, vectors=vectors), tmp_path / "fresh", FOUR)
    assert taxonomy.taxonomy_hash == fresh.taxonomy_hash


def test_the_present_settings_move_nothing(sample: Workspace) -> None:
    taxonomy = ensure_path(sample)
    draft_preview = preview(sample, taxonomy, taxonomy.settings)
    assert draft_preview.moved_rows.size == 0
    assert draft_preview.ari == 1.0
    for strength in (0.999, 1.001):
        nudged = preview(sample, taxonomy, replace(taxonomy.settings, strength=strength))
        assert nudged.moved_rows.size <= 2


def test_preview_says_what_apply_does(sample: Workspace) -> None:
    before = ensure_path(sample)
    settings = replace(before.settings, strength=float("inf"))
    draft_preview = preview(sample, before, settings)
    assert draft_preview.after.largest <= draft_preview.before.largest
    assert np.allclose(draft_preview.fit.masses, 1 / len(before.clusters), atol=1e-6)
    assert sample.taxonomy().key == before.key, "a preview writes nothing"
    applied = fit_taxonomy(sample, settings)
    got = np.array([c.share_documents for c in applied.clusters])
    assert np.abs(got - draft_preview.shares).max() < 0.02
    assert sample.undo()
    assert sample.taxonomy().taxonomy_hash == before.taxonomy_hash


@pytest.mark.parametrize("changes", [{"n_clusters": 13}, {"target": "natural", "weighting": "tokens", "seed": 1}])
def test_preview_of_another_start_is_the_fit_of_apply(sample: Workspace, changes: dict[str, object]) -> None:
    settings = replace(sample.taxonomy().settings, **changes)
    draft_preview = preview(sample, sample.taxonomy(), settings)
    assert draft_preview.moved_rows.size > 0
    applied = fit_taxonomy(sample, settings)
    assert np.array_equal(draft_preview.labels, applied.documents["cluster_id"])


def test_colours_numbers_and_labels_follow_a_refit(sample: Workspace) -> None:
    before = sample.taxonomy()
    edit(sample, Rename("cluster", 0, "Mine"))
    after = fit_taxonomy(sample, replace(before.settings, strength=before.settings.strength * 1.05))
    same = (after.documents["cluster_id"].to_numpy() == before.documents["cluster_id"].to_numpy()).mean()
    assert same > 0.9
    assert after.clusters[0].label == "Mine"
    assert after.clusters[0].label_source == "person"
    assert sum(a.color == b.color for a, b in zip(after.clusters, before.clusters, strict=True)) >= 10


def test_balance_evens_the_shares_of_the_sample(sample: Workspace) -> None:
    taxonomy = ensure_path(sample)
    plain = preview(sample, taxonomy, replace(taxonomy.settings, strength=0.0))
    matched = preview(sample, taxonomy, replace(taxonomy.settings, strength=1.0))
    exact = preview(sample, taxonomy, replace(taxonomy.settings, strength=float("inf")))
    assert plain.after.largest > 1.2 * matched.after.largest
    assert plain.after.smallest < matched.after.smallest
    assert plain.after.effective_clusters < matched.after.effective_clusters < exact.after.effective_clusters
    assert matched.after.normalized_entropy > 0.99


@pytest.mark.parametrize("rounding", [[0, 0, 0, 0], [3, -2, 1, 0], [-1, 0, 2, 3]])
def test_rounding_never_decides_the_number_of_a_cluster(rounding: list[int]) -> None:
    X = np.repeat(np.eye(4, 8), 15, axis=0)
    fit = fit_mixture(X, MixtureConfig(n_clusters=4, concentration=50.0))
    nudged = replace(fit, masses=fit.masses + np.array(rounding) * 1e-16)
    ordered, _ = order_by_mass(nudged, assign(X, nudged))
    reference, _ = order_by_mass(fit, assign(X, fit))
    assert np.array_equal(ordered.centers, reference.centers)


def test_costs_list_the_path_and_the_memory_of_each_step(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    build(Source(path, vectors=vectors), tmp_path / "w", FOUR)
    costs = {cost.step: cost for cost in Workspace(tmp_path / "w").manifest.costs}
    assert costs["balance path"].seconds > 0
    book = CostBook()
    with book.step("large"):
        block = np.ones(40_000_000)  # 305 MiB
        block[::512] = 2.0
    del block
    with book.step("small"):
        pass
    assert book.costs[1].peak_memory_mib < book.costs[0].peak_memory_mib - 200


def test_vectors_written_just_before_a_kill_are_those_of_the_file(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    source = Source(path, vectors=vectors)
    workspace = prepare(source, tmp_path / "w")
    # What a kill leaves between embeddings.npy and the manifest that says whose vectors these are.
    replace(workspace.manifest, encoder="", dimension=0).save(tmp_path / "w")
    resumed = prepare(source, tmp_path / "w")
    assert resumed.manifest.dimension == np.load(vectors).shape[1]
    np.testing.assert_allclose(resumed.embeddings, workspace.embeddings)


def test_more_clusters_than_documents_are_refused_before_any_is_embedded(
    corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    steps: list[str] = []
    with pytest.raises(InputError, match="number of clusters lies between 1 and the number of documents"):
        build(Source(corpus[0]), tmp_path / "w", Settings(n_clusters=61), progress=lambda step, *_: steps.append(step))
    assert "embed" not in " ".join(steps)
    assert not (tmp_path / "w" / "manifest.json").exists()
