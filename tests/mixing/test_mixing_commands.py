"""mix proxies, mix doremi, mix import as commands: evidence, files that can be read back, a kill, refusals."""

import csv
import signal
from pathlib import Path

import numpy as np
import pytest
from cli_process import end, facts, progress, refusal, run, start, wait_for

from gem_core.mixing import read_runs
from gem_core.pipeline.domains import domains_of
from gem_core.pipeline.doremi_study import doremi_curve
from gem_core.pipeline.proxy_runs import column_names
from gem_core.workspace import Workspace
from gem_core.workspace.mixes import Mixes

TINY = ("--steps", 12, "--width", 8, "--held-tokens", 300, "--json")


def outside(sample: Workspace, folder: Path, columns: list[str]) -> tuple[Path, Path]:
    """Runs of a proxy that likes the first cluster best, under other names for the columns."""
    w = np.random.default_rng(0).dirichlet(np.ones(len(columns)), 80)
    loss = 3 - 2 * w[:, 0] + w[:, 1]
    files = folder / "m.csv", folder / "l.csv"
    for path, names, table in ((files[0], columns, w), (files[1], ["web"], loss[:, None])):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([["index", *names], *([i, *row] for i, row in enumerate(table.tolist()))])
    return files


def test_proxies_end_as_evidence_and_as_files_that_regmix_reads(sample: Workspace) -> None:
    root, domains = sample.root, domains_of(sample, sample.taxonomy())
    said = facts(run("mix", "proxies", root, "--count", 20, "--regressor", "linear", *TINY))
    assert [one["cluster_id"] for one in said["clusters"]] == list(domains.numbers)
    assert sum(one["weight"] for one in said["clusters"]) == pytest.approx(1)
    mixes = Mixes(root, domains.taxonomy_hash)
    evidence = mixes.read_evidence("regmix")
    assert evidence is not None
    assert evidence["weights"] == {str(one["cluster_id"]): one["weight"] for one in said["clusters"]}
    runs = read_runs(mixes.folder / "mixtures.csv", mixes.folder / "losses.csv")
    assert runs.domains == column_names(domains)
    assert runs.mixtures == pytest.approx(np.array(evidence["mixtures"]), abs=1e-12)
    kept = mixes.read_evidence("proxies") or {}
    assert runs.losses[:, 1:].tolist() == kept["losses"]
    assert runs.loss("all") == pytest.approx(np.array(kept["losses"]) @ domains.natural)
    assert not list(mixes.folder.glob("proxies-*/")), "checkpoints go when the run ends"

    again = facts(run("mix", "regmix", "--mixtures", mixes.folder / "mixtures.csv", "--losses",
                      mixes.folder / "losses.csv", "--target", "all", "--regressor", "linear", "--json"))
    assert again["out_of_fold_spearman"] == pytest.approx(said["out_of_fold_spearman"])
    other = run("mix", "proxies", root, "--count", 20, "--regressor", "linear", "--target", domains.numbers[2], *TINY)
    assert "train proxies" not in other.stderr, "trained proxies are read"
    assert facts(other)["target"] == column_names(domains)[2]
    weights = facts(run("mix", "weights", root, "--strategy", "regmix", "--json"))
    assert [one["weight"] for one in weights["clusters"]] == pytest.approx(
        [one["weight"] for one in facts(other)["clusters"]])


def test_runs_from_outside_are_taken_in_any_order(sample: Workspace, tmp_path: Path) -> None:
    domains = domains_of(sample, sample.taxonomy())
    mixed = [*domains.names[5:], *column_names(domains)[:5]]  # by label, and by number and label
    m, l = outside(sample, tmp_path, mixed)  # noqa: E741
    said = facts(run("mix", "import", sample.root, "--mixtures", m, "--losses", l, "--json"))
    assert said["target"] == "web"
    assert max(said["clusters"], key=lambda one: one["weight"])["cluster_id"] == domains.numbers[5]
    assert said["out_of_fold_spearman"] > 0.99


def test_runs_of_another_taxonomy_are_refused(sample: Workspace, tmp_path: Path) -> None:
    names = list(domains_of(sample, sample.taxonomy()).names)
    m, l = outside(sample, tmp_path, ["Other, things", *names[1:-1], "More, things"])  # noqa: E741
    said = refusal(run("mix", "import", sample.root, "--mixtures", m, "--losses", l))
    assert "must have the 12 clusters of this taxonomy as their domains; got 'Other, things', which is none of them, " \
           "and 1 more" in said
    m, l = outside(sample, tmp_path, names[:-1])  # noqa: E741
    assert f"got 0 columns for '11 {names[-1]}'" in refusal(run("mix", "import", sample.root, "--mixtures", m,
                                                                "--losses", l))
    assert Mixes(sample.root, sample.taxonomy().taxonomy_hash).read_evidence("regmix") is None


def test_doremi_is_killed_goes_on_and_ends_the_same(sample: Workspace, tmp_path: Path) -> None:
    words = ("--steps", 130, "--width", 8, "--held-tokens", 300, "--json")
    file = tmp_path / "progress.json"
    killed = start("mix", "doremi", sample.root, *words, "--progress-file", file)
    wait_for(lambda: progress(file).get("step") == "train the proxy" and progress(file)["done"] >= 105)
    status, _, _ = end(killed, signal.SIGKILL)
    assert status == -signal.SIGKILL
    taxonomy = sample.taxonomy()
    mixes = Mixes(sample.root, taxonomy.taxonomy_hash)
    assert mixes.read_evidence("doremi") is None
    live = doremi_curve(sample, taxonomy)
    assert live is not None
    assert 105 <= len(live["curve"]) < 130

    done = run("mix", "doremi", sample.root, *words)
    said = facts(done)
    assert done.stderr.startswith("train the reference: 130 of 130"), "the reference is not trained again"
    assert len(said["curve"]) == 130
    assert said["curve"][:len(live["curve"])] == live["curve"], "the way that the killed run went"
    ended = doremi_curve(sample, taxonomy)
    assert ended is not None
    assert ended["curve"] == said["curve"]
    assert not list(mixes.folder.glob("doremi-*/"))
    assert sum(said["weights"].values()) == pytest.approx(1)
    weights = facts(run("mix", "weights", sample.root, "--strategy", "doremi", "--json"))
    assert {str(one["cluster_id"]): one["weight"] for one in weights["clusters"]} == pytest.approx(said["weights"])


@pytest.mark.parametrize(("words", "said"), [
    (("mix", "doremi", "--normaliser", "batch"), "--normaliser must be one of token, domain; got batch"),
    (("mix", "doremi", "--held-tokens", "20000"), "Each domain needs about 40,000 tokens, for training and for a "
                                                  "held-out set; got "),
    (("mix", "proxies", "--target", "99"), "The target must be the number of a cluster that is not excluded; got 99"),
    (("mix", "proxies", "--width", "10"), "--width must be a multiple of 4, the heads of attention; got 10. Use 12."),
])
def test_bad_options_are_refused(sample: Workspace, words: tuple[str, ...], said: str) -> None:
    assert said in refusal(run(*words[:2], sample.root, *words[2:]))
