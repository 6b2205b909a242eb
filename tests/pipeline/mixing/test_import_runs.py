"""Imported proxy runs: several weighted targets have a fit each, and the evidence holds their weighted mean."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.regmix_study import import_runs
from gem_core.workspace import Workspace


def test_several_weighted_targets_are_imported(sample: Workspace, tmp_path: Path) -> None:
    domains = domains_of(sample, sample.taxonomy())
    rng = np.random.default_rng(0)
    mixtures = rng.dirichlet(np.full(len(domains.numbers), 2.0), 60)
    losses = mixtures @ rng.uniform(2, 4, (len(domains.numbers), 3))
    index = pd.Index([f"run-{i}" for i in range(60)], name="run")
    pd.DataFrame(mixtures, index, domains.names).to_csv(tmp_path / "mixtures.csv")
    pd.DataFrame(losses, index, ["arc", "mmlu_x", "mmlu_y"]).to_csv(tmp_path / "losses.csv")
    proposal = import_runs(
        sample,
        sample.taxonomy(),
        tmp_path / "mixtures.csv",
        tmp_path / "losses.csv",
        target="mmlu_*=2,arc=1",
        regressor="linear",
    )
    assert proposal.evidence["losses"] == pytest.approx(losses @ [0.2, 0.4, 0.4])
    assert proposal.evidence["out_of_fold_spearman"] > 0.95
