"""Targets and the suggested strength on the command line, through real processes."""

from pathlib import Path

import pytest

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
    told = facts(run("path", tmp_path / "w", "--suggest", "--json"))
    assert {"strength", "reason", "brought", "price", "whole_price", "furthest", "sentence"} <= set(told)
    shown = run("path", tmp_path / "w", "--suggest")
    assert shown.stdout == told["sentence"] + "\n"
    whole = run("path", tmp_path / "w")
    assert whole.stdout.splitlines()[-1] == told["sentence"]
    assert len(whole.stdout.splitlines()) == 1 + 16 + 1
    rows = facts(run("path", tmp_path / "w", "--json"))
    assert [rows[0]["strength"], rows[-1]["strength"], len(rows)] == [0.0, "inf", 16], "the list stays a list"


def test_impossible_targets_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    missing = tmp_path / "nothing.csv"

    def said(*words: object) -> str:
        return refusal(run("fit", missing, "--workspace", tmp_path / "w", "--clusters", 4, *words))

    assert said("--target", "floor:0.3") == (
        "Error: A floor must leave room for 4 clusters: at most 0.25; got 0.3. Use a lower floor, or fewer clusters."
    )
    assert said("--target", "half") == (
        "Error: A target must be uniform, natural, floor:x or shares separated by "
        "commas; got half. Use uniform, floor:0.02 or 0.5,0.3,0.2."
    )
    assert "one share a cluster (4); got shape (2,)" in said("--target", "0.5,0.5")
    assert "--concentration must be a known word or a number; got tight" in said("--concentration", "tight")
    assert not (tmp_path / "w").exists()


def test_keyword_names_of_own_vectors_say_how_to_get_better_ones(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    done = run("fit", path, "--workspace", tmp_path / "w", "--embeddings", vectors, "--clusters", 3)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].endswith(f"gem-explorer rename-auto {tmp_path / 'w'}")
