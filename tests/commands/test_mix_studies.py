"""mix perfre, mix probe and mix predict as processes: killed and resumed, JSON, words, refusals."""

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from gem_core.mixing.goals import Goal
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.goal_store import save_goal
from gem_core.workspace import Workspace
from gem_core.workspace.mixing_runs import Mixes
from tests.helpers.cli_process import end, facts, progress, refusal, run, start, wait_for

SMALL = ("--steps", 20, "--width", 8, "--held-tokens", 400)


def test_a_killed_study_ends_as_an_unbroken_one(sample: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(sample.root, other)
    unbroken = facts(run("mix", "perfre", other, *SMALL, "--json"))
    file = tmp_path / "progress.json"
    child = start("mix", "perfre", sample.root, *SMALL, "--progress-file", file)
    wait_for(lambda: progress(file).get("step") == "train proxies" and progress(file)["done"] > 80)
    assert end(child, signal.SIGKILL)[0] == -signal.SIGKILL
    checkpoints = list((sample.root / "mixing").glob("*/perfre-*/*"))
    assert checkpoints, "groups that were done"
    assert not list((sample.root / "mixing").glob("*/perfre-*.json"))
    again = start("mix", "perfre", sample.root, *SMALL, "--json", "--progress-file", file)
    first = wait_for(lambda: progress(file).get("step") == "train proxies" and progress(file)["done"])
    assert first >= 40, "it goes on where it stood"
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert json.loads(out) == unbroken
    assert len(unbroken["clusters"]) == 12
    assert abs(sum(cluster["weight"] for cluster in unbroken["clusters"]) - 1) < 1e-9
    workspace = Workspace(other)
    domains = domains_of(workspace, workspace.taxonomy())
    save_goal(workspace, domains, Goal("first", {domains.numbers[0]: 1.0}, natural=0.5))
    aimed = facts(run("mix", "perfre", other, *SMALL, "--goal", "first", "--json"))  # the trained losses are read
    kept_losses = Mixes(other, domains.taxonomy_hash).read_evidence("perfre")
    assert kept_losses is not None
    losses, shares = np.array(kept_losses["losses"]), 0.5 * domains.natural
    shares[0] += 0.5
    assert [cluster["benefit"] for cluster in aimed["clusters"]] == pytest.approx((losses[0] - losses[1:]) @ shares)
    assert kept_losses["goal"] == "first"
    weights = facts(run("mix", "weights", sample.root, "--strategy", "perfre", "--json"))
    assert {cluster["cluster_id"]: round(cluster["weight"], 9) for cluster in weights["clusters"]} == {
        cluster["cluster_id"]: round(cluster["weight"], 9) for cluster in unbroken["clusters"]
    }


def test_probe_and_predict_say_what_they_found(sample: Workspace) -> None:
    lines = run("mix", "probe", sample.root, *SMALL, "--probes", 2).stdout.splitlines()
    assert lines[0].split() == ["gain", "+-", "weight", "natural", "cluster"]
    gains = [float(line.split()[0]) for line in lines[1:13]]
    assert gains == sorted(gains, reverse=True)
    assert "--strategy grip" in lines[13]
    result = facts(
        run(
            "mix",
            "predict",
            sample.root,
            *SMALL[2:],
            "--steps",
            1,
            "--partition",
            "random",
            "--runs",
            20,
            "--regressor",
            "linear",
            "--json",
        )
    )
    assert len(result["domains"]) == 12
    assert len(result["scores"]) == 10
    assert result["verdict"].startswith(("Predictable", "Partly predictable", "Not predictable with these runs"))


def test_refusals(sample: Workspace) -> None:
    assert "got 'ward'" in refusal(run("mix", "predict", sample.root, "--partition", "ward"))
    refused = refusal(run("mix", "perfre", sample.root, "--width", 30))
    assert "a multiple of 4, the heads of attention; got 30. Use 32" in refused
