"""Targets and the suggested strength on the command line, through real processes."""

from dataclasses import replace
from pathlib import Path

import pytest

from gem_core.pipeline import fit_taxonomy
from gem_core.workspace import Workspace
from tests.helpers.cli_process import facts, refusal, run


def test_a_floor_and_the_suggested_strength(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    fitted = facts(
        run(
            "fit",
            path,
            "--workspace",
            tmp_path / "w",
            "--embeddings",
            vectors,
            "--clusters",
            3,
            "--strength",
            "inf",
            "--target",
            "floor:.300",
            "--json",
        )
    )
    assert fitted["taxonomy"]["settings"]["target"] == "floor:0.3"
    masses = [c["mass"] for c in fitted["taxonomy"]["clusters"]]  # four equal subjects in three clusters: 1/2, 1/4, 1/4
    assert masses == pytest.approx([0.4, 0.3, 0.3], abs=1e-2)
    assert min(masses) == pytest.approx(0.3, abs=1e-6)
    suggestion = facts(run("path", tmp_path / "w", "--suggest", "--json"))
    assert {"strength", "reason", "brought", "price", "whole_price", "furthest", "sentence"} <= set(suggestion)
    text = run("path", tmp_path / "w", "--suggest")
    assert text.stdout.splitlines()[0] == suggestion["sentence"]
    assert len(text.stdout.splitlines()) == 1 + len(suggestion["splits"])
    whole = run("path", tmp_path / "w")
    assert whole.stdout.splitlines()[-1] == suggestion["sentence"]
    assert len(whole.stdout.splitlines()) == 1 + 16 + 1
    rows = facts(run("path", tmp_path / "w", "--json"))
    assert [rows[0]["strength"], rows[-1]["strength"], len(rows)] == [0.0, "inf", 16], "the list stays a list"


def test_impossible_targets_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    missing = tmp_path / "nothing.csv"

    def message(*words: object) -> str:
        return refusal(run("fit", missing, "--workspace", tmp_path / "w", "--clusters", 4, *words))

    assert message("--target", "floor:0.3") == (
        "Error: A floor must leave room for 4 clusters: at most 0.25; got 0.3. Use a lower floor, or fewer clusters."
    )
    assert message("--target", "half") == (
        "Error: A target must be uniform, natural, floor:x or shares separated by "
        "commas; got half. Use uniform, floor:0.02 or 0.5,0.3,0.2."
    )
    assert "one share a cluster (4); got shape (2,)" in message("--target", "0.5,0.5")
    assert "--concentration must be a known word or a number; got tight" in message("--concentration", "tight")
    assert not (tmp_path / "w").exists()


def test_own_vectors_are_named_by_exemplars_at_fit(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    completed = run("fit", path, "--workspace", tmp_path / "w", "--embeddings", vectors, "--clusters", 3)
    assert completed.returncode == 0
    assert "embedded with the packaged encoder" in completed.stdout.splitlines()[-1]
    workspace = Workspace(tmp_path / "w")
    assert (workspace.root / "exemplar_vectors.npz").is_file()
    # A refit names by the vectors that are there, without embedding any.
    refit = fit_taxonomy(workspace, replace(workspace.taxonomy().settings, strength=0.5))
    assert {c.label_source for c in refit.clusters} == {c.label_source for c in workspace.taxonomy().clusters}
    plain = run("fit", path, "--workspace", tmp_path / "k", "--embeddings", vectors, "--clusters", 3, "--keyword-names")
    assert plain.returncode == 0
    assert {c.label_source for c in Workspace(tmp_path / "k").taxonomy().clusters} == {"keywords"}


def test_penalty_and_strength_are_refused_together(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    message = refusal(run("fit", corpus[0], "--workspace", tmp_path / "w", "--penalty", 5000, "--strength", 0.5))
    assert "Either strength or penalty can be set, not both" in message
