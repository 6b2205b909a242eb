"""mix goal, mixmin, search and verify as processes, and budgets of a pool: what they print, save, and refuse."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core.errors import InputError
from gem_core.mixing import Limits, sample_mixtures
from gem_core.pipeline import Merge, edit
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.goal_store import goal_names, read_goal
from gem_core.pipeline.mixing.goal_study import design_mixtures
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.pipeline.mixing.token_pool import parse_tokens, pool_tokens
from gem_core.workspace import Workspace
from gem_core.workspace.mixing_runs import Mixes
from tests.helpers.cli_process import facts, refusal, run

SMALL = ("--steps", 12, "--width", 8, "--held-tokens", 400)


@pytest.fixture
def four_clusters(sample: Workspace) -> Workspace:
    """The sample with its clusters merged to four: fewer laws of loss to fit."""
    numbers = [cluster.number for cluster in sample.taxonomy().clusters]
    for first in range(0, len(numbers), 3):
        edit(sample, Merge(tuple(numbers[first : first + 3])))
    return sample


def test_a_goal_is_optimized_saved_and_used(sample: Workspace, tmp_path: Path) -> None:
    domains = domains_of(sample, sample.taxonomy())
    first, second = domains.numbers[0], domains.numbers[2]
    nothing = facts(run("mix", "goal", sample.root, "--json"))
    assert nothing["predicted"]["gain"] < 0.01
    assert nothing["predicted"]["gap"] <= 1e-5
    result = facts(
        run(
            "mix",
            "goal",
            sample.root,
            "--clusters",
            f"{first}=1,{second}=1",
            "--natural",
            0.5,
            "--name",
            "two",
            "--json",
        )
    )
    assert result["saved"]
    assert result["predicted"]["gain"] > nothing["predicted"]["gain"]
    assert result["predicted"]["loss"] == pytest.approx(
        result["predicted"]["natural_loss"] - result["predicted"]["gain"]
    )
    assert goal_names(sample, domains) == ("two",)
    shares = read_goal(sample, domains, "two").shares(domains.numbers, domains.natural)
    assert shares[[0, 2]] == pytest.approx(0.25 + 0.5 * domains.natural[[0, 2]])
    out = tmp_path / "weights.csv"
    command = ("mix", "weights", sample.root, "--strategy", "goal", "--goal", "two")
    assert run(*command, "--out", out).returncode == 0
    assert pd.read_csv(out)["weight"].to_numpy() == pytest.approx([c["weight"] for c in result["clusters"]])
    weights = weights_by(sample, sample.taxonomy(), "goal", goal="two", part=0.5)
    optimum = np.array([c["weight"] for c in result["clusters"]])
    assert np.abs(weights.weights - domains.natural).max() < np.abs(optimum - domains.natural).max()
    capped = weights_by(
        sample, sample.taxonomy(), "goal", goal="two", limits=Limits(float(domains.tokens.sum()), max_epochs=1.5)
    )
    assert (capped.epochs <= 1.5 + 1e-9).all()


def test_a_validation_file_is_a_stream_of_its_own(sample: Workspace, tmp_path: Path) -> None:
    domains = domains_of(sample, sample.taxonomy())
    rows = np.flatnonzero(domains.positions == 4)[:20]
    texts = sample.texts([int(row) for row in rows])
    path = tmp_path / "val.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    result = facts(run("mix", "goal", sample.root, "--file", f"{path}=1", "--name", "val", "--json"))
    assert max(result["clusters"], key=lambda c: c["weight"] / c["natural_share"])["cluster_id"] == domains.numbers[4]
    assert result["predicted"]["gain"] > 0.05
    assert "A validation file needs 65 tokens or more" in refusal(
        run("mix", "goal", sample.root, "--file", f"{_short(tmp_path)}=1", "--name", "short")
    )


def _short(folder: Path) -> Path:
    path = folder / "short.txt"
    path.write_text("Only a few words.")
    return path


def test_a_searched_mixture_is_reported_as_trained_and_natural_is_kept_unless_beaten(
    four_clusters: Workspace, tmp_path: Path
) -> None:
    sample = four_clusters
    number = domains_of(sample, sample.taxonomy()).numbers[1]
    assert run("mix", "goal", sample.root, "--clusters", f"{number}=1", "--name", "one").returncode == 0
    result = facts(run("mix", "search", sample.root, "--goal", "one", "--count", 12, "--seeds", 2, *SMALL, "--json"))
    assert {"gain", "error", "price", "natural_loss", "mixture_loss", "verdict", "noise"} <= set(result)
    assert "predicted_loss" not in result
    weights = {int(n): w for n, w in result["weights"].items()}
    domains = domains_of(sample, sample.taxonomy())
    if not result["accepted"]:
        assert [weights[n] for n in domains.numbers] == pytest.approx(domains.natural)
        assert result["verdict"].startswith("Natural shares are kept")
    evidence = Mixes(sample.root, domains.taxonomy_hash).read_evidence("regmix")
    assert evidence is not None
    assert evidence["weights"] == result["weights"]
    again = run("mix", "search", sample.root, "--goal", "one", "--count", 12, "--seeds", 2, *SMALL, "--json")
    assert facts(again) == result  # all runs are read
    file = tmp_path / "weights.csv"
    assert run("mix", "weights", sample.root, "--strategy", "uniform", "--out", file).returncode == 0
    checked = facts(
        run("mix", "verify", sample.root, "--weights", file, "--goal", "one", "--seeds", 2, *SMALL, "--json")
    )
    assert checked["target"] == "one"
    assert checked["parts"] == [0.25, 0.5, 0.75, 1.0]


def test_the_published_design_is_that_of_regmix(sample: Workspace) -> None:
    domains = domains_of(sample, sample.taxonomy())
    rows = design_mixtures("regmix", domains, 11, seed=0)
    assert rows == pytest.approx(sample_mixtures(domains.natural, 11, seed=0))
    caps = np.minimum(1.0, 2 * domains.natural)
    assert (design_mixtures("regmix", domains, 11, seed=0, caps=caps) <= caps + 1e-9).all()
    with pytest.raises(InputError, match="--design must be tilts or regmix"):
        design_mixtures("grid", domains, 11, seed=0)  # type: ignore[arg-type]


def test_mixmin_trains_a_proxy_per_cluster_and_serves_any_goal(sample: Workspace) -> None:
    domains = domains_of(sample, sample.taxonomy())
    # Proxies of twelve steps cannot tell two clusters on programming from the others.
    trained = ("--steps", 60, "--width", 16, "--held-tokens", 400)
    result = facts(run("mix", "mixmin", sample.root, *trained, "--json"))
    assert sum(c["weight"] for c in result["clusters"]) == pytest.approx(1)
    run("mix", "goal", sample.root, "--clusters", f"{domains.numbers[3]}=1", "--name", "three")
    weights = weights_by(sample, sample.taxonomy(), "mixmin", goal="three")
    assert weights.ratio.argmax() == 3
    assert list((sample.root / "mixing").glob("*/mixmin-*.npz"))


def test_budgets_and_pools(sample: Workspace, tmp_path: Path) -> None:
    assert (parse_tokens("10B"), parse_tokens("300M"), parse_tokens("5e12")) == (10e9, 300e6, 5e12)
    for wrong in ("", "-3", "0", "ten", "1e999", "nan"):
        with pytest.raises(InputError, match="number of tokens above 0"):
            parse_tokens(wrong)
    domains = domains_of(sample, sample.taxonomy())
    total = int(domains.tokens.sum())
    assert sum(pool_tokens(domains, "5e12")) == pytest.approx(5e12, rel=1e-9)
    assert pool_tokens(domains, "x1000")[0] == 1000 * int(domains.tokens[0])
    out = tmp_path / "weights.csv"
    limits = ("--budget", "10e9", "--max-epochs", "4")
    result = facts(run("mix", "weights", sample.root, *limits, "--pool", "5e12", "--out", out, "--json"))
    assert result["budget"] == 10e9
    table = pd.read_csv(out)
    assert table["tokens"].sum() == pytest.approx(5e12, rel=1e-9)
    assert table["epochs"].to_numpy() == pytest.approx(10e9 * table["weight"] / table["tokens"])
    refused = refusal(run("mix", "weights", sample.root, *limits))
    assert f"this sample has {total:,} tokens: give --pool" in refused
    rows = [{"cluster_id": n, "tokens": 10**9 * (i + 1)} for i, n in enumerate(domains.numbers)]
    totals = tmp_path / "totals.json"
    totals.write_text(json.dumps({"taxonomy_hash": domains.taxonomy_hash, "clusters": rows}))
    natural = facts(run("mix", "weights", sample.root, "--pool", totals, "--json"))
    expected = np.arange(1, len(rows) + 1) / np.arange(1, len(rows) + 1).sum()
    assert [c["weight"] for c in natural["clusters"]] == pytest.approx(expected)
    totals.write_text(json.dumps({"taxonomy_hash": "0" * 64, "clusters": rows}))
    assert "totals.json must belong to this taxonomy" in refusal(run("mix", "weights", sample.root, "--pool", totals))
