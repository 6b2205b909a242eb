"""mix proxies, mix doremi, mix import as commands: evidence, files that can be read back, a kill, refusals."""

import csv
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.mixing import read_runs
from gem_core.mixing.proxies import ProxyConfig
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.doremi_study import doremi_curve, doremi_study
from gem_core.pipeline.mixing.proxy_data import SplitSettings
from gem_core.pipeline.mixing.regmix_study import Proposal, column_names, import_runs, proxy_study
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.workspace import Workspace
from gem_core.workspace.mixing_runs import Mixes
from tests.helpers.cli_process import facts, refusal, run, start_code, wait_for

TINY = ("--steps", 12, "--width", 8, "--held-tokens", 300, "--json")
SPLIT = SplitSettings(vocabulary=400, least=300)


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
    result = facts(run("mix", "proxies", root, "--count", 20, "--regressor", "linear", *TINY))
    assert [cluster["cluster_id"] for cluster in result["clusters"]] == list(domains.numbers)
    assert sum(cluster["weight"] for cluster in result["clusters"]) == pytest.approx(1)
    mixes = Mixes(root, domains.taxonomy_hash)
    evidence = mixes.read_evidence("regmix")
    assert evidence is not None
    assert evidence["weights"] == {str(cluster["cluster_id"]): cluster["weight"] for cluster in result["clusters"]}
    runs = read_runs(mixes.folder / "mixtures.csv", mixes.folder / "losses.csv")
    assert runs.domains == column_names(domains)
    assert runs.mixtures == pytest.approx(np.array(evidence["mixtures"]), abs=1e-12)
    proxy_evidence = mixes.read_evidence("proxies") or {}
    assert runs.losses[:, 1:].tolist() == proxy_evidence["losses"]
    assert runs.loss("all") == pytest.approx(np.array(proxy_evidence["losses"]) @ domains.natural)
    assert not list(mixes.folder.glob("proxies-*/")), "checkpoints go when the run ends"

    weights = weights_by(sample, sample.taxonomy(), "regmix").weights
    assert weights == pytest.approx(np.array([cluster["weight"] for cluster in result["clusters"]]))


def test_another_target_costs_no_training(sample: Workspace) -> None:
    taxonomy, steps = sample.taxonomy(), list[str]()
    config = ProxyConfig(width=8, steps=2, batch=2, judged=64)

    def study(target: int | None) -> Proposal:
        return proxy_study(
            sample,
            taxonomy,
            config,
            SPLIT,
            count=20,
            target=target,
            regressor="linear",
            resamples=2,
            progress=lambda step, completed, total: steps.append(step),
        )

    first = study(None)
    assert "train proxies" in steps
    steps.clear()
    other = study(first.domains.numbers[2])
    assert steps == []
    assert other.evidence["target"] == column_names(first.domains)[2]
    assert np.array_equal(other.runs.losses, first.runs.losses)
    assert all(low <= high for low, high in first.evidence["interval"].values())
    evidence = Mixes(sample.root, taxonomy.taxonomy_hash).read_evidence("regmix")
    assert evidence is not None
    trained: list[int] = []
    larger = proxy_study(
        sample,
        taxonomy,
        config,
        SPLIT,
        count=22,
        regressor="linear",
        progress=lambda step, completed, total: trained.append(total) if step == "train proxies" else None,
    )
    assert set(trained) == {2 * config.steps}, "a larger count trains the new proxies alone"
    assert np.array_equal(larger.runs.losses[:20], first.runs.losses)
    assert evidence["weights"] == other.evidence["weights"]


def test_runs_from_outside_are_taken_in_any_order(sample: Workspace, tmp_path: Path) -> None:
    domains = domains_of(sample, sample.taxonomy())
    mixed = [*domains.names[5:], *column_names(domains)[:5]]  # by label, and by number and label
    m, l = outside(sample, tmp_path, mixed)  # noqa: E741
    result = facts(run("mix", "import", sample.root, "--mixtures", m, "--losses", l, "--regressor", "linear", "--json"))
    assert result["target"] == "web"
    assert max(result["clusters"], key=lambda line: line["weight"])["cluster_id"] == domains.numbers[5]
    assert result["out_of_fold_spearman"] > 0.99
    evidence = Mixes(sample.root, domains.taxonomy_hash).read_evidence("regmix") or {}
    assert np.array(evidence["mixtures"])[:, 5].tolist() == pytest.approx(read_runs(m, l).mixtures[:, 0].tolist())


def test_runs_of_another_taxonomy_are_refused(sample: Workspace, tmp_path: Path) -> None:
    taxonomy = sample.taxonomy()
    names = list(domains_of(sample, taxonomy).names)
    files = outside(sample, tmp_path, ["Other, things", *names[1:-1], "More, things"])
    with pytest.raises(
        InputError,
        match=r"the 12 clusters of this taxonomy as their domains; got 'Other, things', "
        r"which is none of them, and 1 more",
    ):
        import_runs(sample, taxonomy, *files)
    files = outside(sample, tmp_path, names[:-1])
    with pytest.raises(InputError, match=f"got 0 columns for '11 {names[-1]}'"):
        import_runs(sample, taxonomy, *files)
    files = outside(sample, tmp_path, [*names, column_names(domains_of(sample, taxonomy))[0]])
    with pytest.raises(InputError, match=f"got 2 columns for '0 {names[0]}'"):
        import_runs(sample, taxonomy, *files)
    assert Mixes(sample.root, taxonomy.taxonomy_hash).read_evidence("regmix") is None


SMALL = ProxyConfig(layers=1, width=16, heads=1, context=8, batch=4, steps=700)
CHILD = """
import sys
from tests.commands.test_mix_proxies import SMALL, SPLIT, Workspace, doremi_study
workspace = Workspace(sys.argv[1])
doremi_study(workspace, workspace.taxonomy(), SMALL, SPLIT)
"""


def test_doremi_is_killed_goes_on_and_ends_the_same(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    mixes = Mixes(sample.root, taxonomy.taxonomy_hash)
    killed = start_code(CHILD, sample.root)
    wait_for(lambda: list(mixes.folder.glob("doremi-*/proxy.pt")) or killed.poll() is not None)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL, "it was still training"
    assert mixes.read_evidence("doremi") is None
    live = doremi_curve(sample, taxonomy)
    assert live is not None
    assert 33 <= len(live["curve"]) < 200

    steps: list[tuple[str, int]] = []
    study = doremi_study(
        sample, taxonomy, SMALL, SPLIT, progress=lambda step, completed, total: steps.append((step, completed))
    )
    assert steps[0] == ("train the reference", 700), "the reference is not trained again"
    assert steps[1][0] == "train the proxy"
    assert steps[1][1] >= 100
    assert np.array(study["curve"][: len(live["curve"])]) == pytest.approx(np.array(live["curve"]), abs=1e-6)
    ended = doremi_curve(sample, taxonomy)
    assert ended is not None
    assert ended["curve"] == study["curve"]
    assert not list(mixes.folder.glob("doremi-*/"))


def test_doremi_ends_as_weights(sample: Workspace) -> None:
    result = facts(run("mix", "doremi", sample.root, "--normaliser", "domain", *TINY))
    assert sum(result["weights"].values()) == pytest.approx(1)
    assert not result["collapsed"]
    assert result == facts(run("mix", "doremi", sample.root, "--normaliser", "domain", *TINY)), "it is read"
    taxonomy = sample.taxonomy()
    weights = weights_by(sample, taxonomy, "doremi")
    assert dict(zip(map(str, weights.numbers), weights.weights.tolist(), strict=True)) == pytest.approx(
        result["weights"]
    )


def never(step: str, completed: int, total: int) -> None:
    pytest.fail(f"{step} begins before the refusal")


def test_bad_options_are_refused(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    with pytest.raises(InputError, match=r"number of a cluster that is not excluded; got 99"):
        proxy_study(sample, taxonomy, ProxyConfig(), target=99)
    for regressor, count in (("auto", 12), ("linear", 14), ("effective", 19)):
        with pytest.raises(InputError, match=rf"at least {count + 1} runs.*; got {count}\. "):
            proxy_study(sample, taxonomy, ProxyConfig(), count=count, regressor=regressor, progress=never)
    with pytest.raises(InputError, match="regressor must be auto, "):
        proxy_study(sample, taxonomy, ProxyConfig(), regressor="best", progress=never)
    with pytest.raises(InputError, match=r"Each domain needs about 40,000 tokens, for training and for a held-out set"):
        doremi_study(sample, taxonomy, split=replace(SPLIT, least=20_000))
    assert "--width must be a multiple of 4, the heads of attention; got 10. Use 12." in refusal(
        run("mix", "proxies", sample.root, "--width", 10)
    )
