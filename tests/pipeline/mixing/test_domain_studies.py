"""PerfRe, GRIP and predictability on the sample: kept, resumed, read again, and refused in words."""

import json

import numpy as np
import pytest

from gem_core.errors import Cancelled, InputError
from gem_core.mixing.grip import neyman
from gem_core.mixing.perfre import perfre
from gem_core.mixing.proxies import ProxyConfig
from gem_core.pipeline import Exclude, edit
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.perfre_grip import grip_study, perfre_study
from gem_core.pipeline.mixing.predictability_study import REST, domain_grouping, study_predictability
from gem_core.pipeline.mixing.proxy_data import SplitSettings
from gem_core.pipeline.mixing.regmix_study import proxy_study
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.workspace import Workspace

TINY = ProxyConfig(layers=1, width=16, heads=2, context=16, batch=4, steps=6, judged=256)
SMALL = SplitSettings(vocabulary=400, least=400)


class Steps(list[tuple[str, int]]):
    """Progress that remembers, and stops the work at the n-th call of a step."""

    def __init__(self, stop: str = "", after: int = 0) -> None:
        super().__init__()
        self.stop, self.after = stop, after

    def __call__(self, step: str, completed: int, total: int) -> None:
        self.append((step, completed))
        if step == self.stop and completed >= self.after:
            raise Cancelled


def test_perfre_is_kept_and_read_again(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    domains = domains_of(sample, taxonomy)
    study = perfre_study(sample, taxonomy, TINY, SMALL)
    losses = np.array(study.evidence["losses"])
    assert losses.shape == (len(domains.numbers) + 1, len(domains.numbers))
    assert study.weights == pytest.approx(
        perfre(losses, domains.natural, noise=study.evidence["noise"]).weights, rel=1e-12
    )
    assert weights_by(sample, taxonomy, "perfre").weights == pytest.approx(study.weights)
    steps = Steps()
    aimed = perfre_study(sample, taxonomy, TINY, SMALL, target=domains.numbers[2], progress=steps)
    assert steps == [], "another target asks no proxy anew"
    assert aimed.values == pytest.approx(losses[0, 2] - losses[1:, 2])
    assert weights_by(sample, taxonomy, "perfre").weights == pytest.approx(aimed.weights)
    with pytest.raises(InputError, match="number of a cluster that is not excluded; got 999"):
        perfre_study(sample, taxonomy, TINY, SMALL, target=999)


def test_a_stopped_perfre_goes_on(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    with pytest.raises(Cancelled):
        perfre_study(sample, taxonomy, TINY, SMALL, progress=Steps("train proxies", 40))
    folder = next((sample.root / "mixing" / taxonomy.taxonomy_hash).glob("perfre-*"))
    assert folder.is_dir()
    steps = Steps()
    study = perfre_study(sample, taxonomy, TINY, SMALL, progress=steps)
    assert not any(step == "train proxies" and 0 < completed < 24 and completed % 12 for step, completed in steps), (
        "groups that were done are not trained again"
    )
    assert not folder.exists()
    again = perfre_study(sample, taxonomy, ProxyConfig(**{**vars(TINY), "seed": 1}), SMALL)
    assert not np.array_equal(again.weights, study.weights)


def test_excluded_clusters_take_no_part(sample: Workspace) -> None:
    out = sample.taxonomy().clusters[3].number
    edit(sample, Exclude((out,)))
    study = grip_study(sample, sample.taxonomy(), TINY, SMALL, probes=2)
    assert out not in study.numbers
    assert len(study.numbers) == 11
    assert str(out) not in study.evidence["weights"]


def test_grip_gives_more_probes_to_spread_clusters_and_goes_on(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    with pytest.raises(Cancelled):
        grip_study(sample, taxonomy, TINY, SMALL, probes=4, progress=Steps("probe domains", 16))
    steps = Steps()
    study = grip_study(sample, taxonomy, TINY, SMALL, probes=4, progress=steps)
    assert not any(step == "train proxies" for step, _ in steps), "the body is kept"
    probes = np.array([study.evidence["probes"][str(n)] for n in study.numbers])
    spread = np.array([study.evidence["dispersion"][str(n)] for n in study.numbers])
    domains = domains_of(sample, taxonomy)
    for k in range(12):  # against all pairs
        x = np.asarray(sample.embeddings[domains.positions == k], dtype=np.float64)
        assert spread[k] == pytest.approx(np.mean(1 - x @ x.T), abs=1e-5)
    assert probes.tolist() == (2 + neyman(domains.documents, spread, 24)).tolist()
    assert (study.errors > 0).all()
    assert weights_by(sample, taxonomy, "grip").weights == pytest.approx(study.weights)
    steps = Steps()
    flat = grip_study(sample, taxonomy, TINY, SMALL, probes=4, alpha=0, progress=steps)
    assert steps == []
    roots = np.sqrt(domains.tokens)
    assert flat.weights == pytest.approx(roots / roots.sum())


@pytest.mark.parametrize("spec", ["gem", "kmeans", "column:subject", "random"])
def test_predictability_of_any_grouping(sample: Workspace, spec: str) -> None:
    taxonomy = sample.taxonomy()
    study = study_predictability(sample, taxonomy, spec, TINY, SMALL, runs=24, regressor="linear", splits=3)
    assert study.losses.shape == study.mixtures.shape == (24, len(study.groups.names))
    assert study.target == pytest.approx(study.losses @ study.groups.natural)
    path = next((sample.root / "mixing" / taxonomy.taxonomy_hash).glob(f"predict-{spec.partition(':')[0]}-*.json"))
    report = json.loads(path.read_text())
    assert report["settings"]["partition"] == spec
    assert report["verdict"] == study.predictability.verdict
    steps = Steps()
    again = study_predictability(
        sample, taxonomy, spec, TINY, SMALL, runs=24, regressor="linear", splits=5, progress=steps
    )
    assert "train proxies" not in {step for step, _ in steps}
    assert np.array_equal(again.losses, study.losses)
    assert len(again.predictability.scores) == 5


def test_predictability_reads_the_runs_of_regmix(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    runs = proxy_study(sample, taxonomy, TINY, SMALL, count=20, regressor="linear").runs
    steps = Steps()
    study = study_predictability(sample, taxonomy, "gem", TINY, SMALL, runs=20, regressor="linear", progress=steps)
    assert "train proxies" not in {step for step, _ in steps}
    assert np.array_equal(study.mixtures, runs.mixtures)
    assert study.target == pytest.approx(runs.loss("all"))


def test_groupings_as_domains(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    tokens = sample.documents["tokens"].to_numpy()
    control = domain_grouping(sample, taxonomy, "random", least=400, seed=3)
    assert len(control.names) == 12
    assert np.array_equal(control.positions, domain_grouping(sample, taxonomy, "random", least=400, seed=3).positions)
    assert not np.array_equal(control.positions, domain_grouping(sample, taxonomy, "random", least=400).positions)
    table = np.zeros((12, 12))
    np.add.at(table, (control.positions, taxonomy.positions), 1)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    assert ((table - expected) ** 2 / expected).sum() < 180, "121 on average when a grouping says nothing"
    gem = domain_grouping(sample, taxonomy, "gem", least=400)
    assert gem.natural == pytest.approx(domains_of(sample, taxonomy).natural)
    few = domain_grouping(sample, taxonomy, "gem", least=2000)  # 6,000 tokens each
    small = sum(c.tokens < 6000 for c in taxonomy.clusters)
    assert 2 <= small <= 8
    assert few.names[-1] == REST
    assert (few.folded, few.left_out, len(few.names)) == (small, 0, 12 - small + 1)
    assert few.natural.sum() == pytest.approx(1)
    assert few.natural[-1] == pytest.approx(tokens[few.positions == 12 - small].sum() / tokens.sum())
    alone = domain_grouping(sample, taxonomy, "gem", least=2700)  # 8,100: a rest large enough, and a few clusters
    assert len(alone.names) == sum(c.tokens >= 8100 for c in taxonomy.clusters) + 1
    with pytest.raises(InputError, match=r"two domains of 60,000 tokens or more; got 1\. Use"):
        domain_grouping(sample, taxonomy, "gem", least=20_000)
    edit(sample, Exclude((taxonomy.clusters[0].number,)))  # in no domain, not in the rest
    without = domain_grouping(sample, sample.taxonomy(), "gem", least=2000)
    assert without.left_out == (without.positions == -1).sum() == (taxonomy.positions == 0).sum()
    for wrong in ("ward", "column:", "kmeans:7"):
        with pytest.raises(InputError, match="gem, kmeans, spherical, random or column:NAME"):
            domain_grouping(sample, taxonomy, wrong, least=400)
    with pytest.raises(InputError, match="20 runs or more"):
        study_predictability(sample, taxonomy, "gem", TINY, SMALL, runs=19)


def test_a_cluster_with_too_little_is_named(sample: Workspace) -> None:
    for study in (perfre_study, grip_study):
        with pytest.raises(InputError, match=r"Each domain needs about 20,000 tokens.*Merge it with another cluster"):
            study(sample, sample.taxonomy(), TINY, SplitSettings(vocabulary=400, least=10_000))
