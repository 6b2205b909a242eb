"""Stability and the number of clusters: what is compared, what is claimed, and what a kill leaves behind."""

import json
import shutil
import signal
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from gem_core.errors import InputError
from gem_core.pipeline import Source, build
from gem_core.pipeline.compare.cluster_counts import (
    MEASURES,
    CountStudy,
    count_grid,
    read_counts,
    reading,
    study_counts,
    summary,
)
from gem_core.pipeline.compare.refits import base_settings, drawn_counts, refit
from gem_core.pipeline.compare.stability import finding, pair_table, read_stability, returning, stability
from gem_core.workspace import Settings, Workspace
from tests.helpers import cli_process as cli

COUNTS = (8, 12, 18, 27, 40)


@pytest.fixture
def small(corpus: tuple[Path, Path], tmp_path: Path) -> Workspace:
    """Sixty documents of four planted subjects, fitted."""
    build(Source(corpus[0], vectors=corpus[1]), tmp_path / "small", Settings(n_clusters=4))
    return Workspace(tmp_path / "small")


def study(means: list[float], spread: float, seeds: int = 3, name: str = "silhouette", rng_seed: int = 0) -> CountStudy:
    """Curves around given means; the seeds differ by exactly `spread` (standard deviation)."""
    steps = np.linspace(-1, 1, seeds) if seeds > 1 else np.zeros(1)
    noise = spread * steps / max(float(steps.std(ddof=1)) if seeds > 1 else 1.0, 1e-12)
    table = np.array(means)[:, None] + noise
    values = {measure: table for measure in MEASURES if measure in (name, "largest")}
    return CountStudy(COUNTS[: len(means)], tuple(range(seeds)), values, "gem")


def test_a_clear_winner_is_named() -> None:
    verdict = reading(study([0.10, 0.12, 0.20, 0.13, 0.11], 0.01))
    assert (verdict.kind, verdict.counts) == ("peak", (18,))
    assert verdict.sentence == (
        "Silhouette peaks at 18 clusters: 0.200 against at most 0.130 elsewhere (spread between seeds 0.010)."
    )


def test_a_flat_curve_has_no_winner() -> None:
    verdict = reading(study([0.100, 0.101, 0.102, 0.101, 0.100], 0.01))
    assert (verdict.kind, verdict.counts) == ("flat", COUNTS)
    assert verdict.sentence == (
        "Silhouette is flat between 8 and 40 (spread between seeds 0.010). Choose by how fine you need it."
    )
    shoulder = reading(study([0.05, 0.098, 0.1, 0.097, 0.06], 0.01))
    assert shoulder.counts == (12, 18, 27)
    assert "flat between 12 and 27, lower elsewhere" in shoulder.sentence


def test_a_lead_within_the_spread_is_no_lead() -> None:
    curve = [0.10, 0.12, 0.20, 0.13, 0.11]
    assert reading(study(curve, 0.0699)).kind == "peak"
    assert reading(study(curve, 0.0701)).counts == (18, 27)


def test_two_separate_peaks_are_no_winner() -> None:
    verdict = reading(study([0.2, 0.1, 0.05, 0.1, 0.199], 0.01))
    assert (verdict.kind, verdict.counts) == ("flat", (8, 40))
    assert "as high at 8 as at 40" in verdict.sentence


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5], "still rises at the most clusters tried, 40"),
        ([0.5, 0.4, 0.3, 0.2, 0.1], "rises to the fewest clusters tried, 8"),
    ],
)
def test_the_end_of_the_grid_is_no_peak(curve: list[float], words: str) -> None:
    verdict = reading(study(curve, 0.01))
    assert verdict.kind == "edge"
    assert words in verdict.sentence


def test_without_a_spread_nothing_is_claimed() -> None:
    assert reading(study([0.1, 0.5, 0.1], 0.0, seeds=1)).kind == "unclear"
    assert reading(study([0.1, 0.5], 0.01)).kind == "unclear"
    assert reading(study([0.1, 0.5, 0.1], 0.01, name="within_cosine"), "within_cosine").sentence == (
        "Within cosine follows the number of clusters; it cannot choose one."
    )
    assert reading(study([0.1, 0.5, 0.1], 0.01), "nmi").kind == "unclear"  # never measured


def test_stability_needs_twice_the_lead() -> None:
    curve = [0.5, 0.6, 0.8, 0.6, 0.5]
    assert reading(study(curve, 0.09, name="stability"), "stability").kind == "peak"
    assert reading(study(curve, 0.11, name="stability"), "stability").kind == "flat"


def test_noise_alone_seldom_makes_a_winner() -> None:
    rng = np.random.default_rng(0)
    winners = 0
    for _ in range(500):
        table = 0.1 + 0.01 * rng.normal(size=(5, 3))
        winners += reading(CountStudy(COUNTS, (0, 1, 2), {"silhouette": table, "largest": table}, "gem")).kind == "peak"
    assert winners / 500 < 0.05


def test_measures_together() -> None:
    peak, flat, other = (
        study(curve, 0.01).values["silhouette"]
        for curve in ([0.1, 0.1, 0.3, 0.1, 0.1], [0.1] * 5, [0.1, 0.3, 0.1, 0.1, 0.1])
    )

    def read_curves(silhouette: np.ndarray, nmi: np.ndarray) -> str:
        return summary(CountStudy(COUNTS, (0, 1, 2), {"silhouette": silhouette, "nmi": nmi, "largest": nmi}, "gem"))

    assert read_curves(peak, peak) == "2 of the 2 measures that can tell peak at 18 clusters."
    assert (
        read_curves(peak, flat) == "1 of the 2 measures that can tell peaks at 18 clusters; the others name no number."
    )
    edge = study([0.1, 0.1, 0.1, 0.1, 0.3], 0.01).values["silhouette"]
    assert read_curves(peak, edge) == (
        "No number of clusters stands out: Silhouette peaks at 18, but NMI to the label column is highest at "
        f"{COUNTS[-1]}."
    )
    assert read_curves(flat, flat) == "No number of clusters stands out: choose by how fine you need it."
    assert read_curves(peak, other) == (
        "The measures peak at different numbers, so none stands out: Silhouette at 18; NMI to the label column at 12."
    )


def test_grid() -> None:
    assert count_grid(2, 3, 9) == (2, 3)
    with pytest.raises(InputError, match="got from 9 to 4 in 3"):
        count_grid(9, 4, 3)


def test_planted_subjects_are_found_in_number(small: Workspace) -> None:
    study = study_counts(small, (2, 3, 4, 6, 8), seeds=3, method="spherical")
    assert study.complete
    assert reading(study).counts == (4,)
    assert set(study.values) >= {"ari", "nmi", "silhouette", "stability"}  # it has a label column
    again = read_counts(small, "spherical")
    assert again is not None
    assert all(np.array_equal(again.values[name], table) for name, table in study.values.items())
    labels = [refit(small, base_settings(small.taxonomy().settings, 6, seed), "spherical").labels for seed in range(3)]
    agree = {frozenset(p): adjusted_rand_score(labels[p[0]], labels[p[1]]) for p in combinations(range(3), 2)}
    assert study.values["stability"][3] == pytest.approx(
        [np.mean([v for pair, v in agree.items() if seed in pair]) for seed in range(3)]
    )
    assert read_counts(small) is None  # another method, another study


def test_stability_compares_the_common_documents(small: Workspace) -> None:
    study = stability(small, "spherical", seeds=3, resamples=3)
    settings = small.taxonomy().settings
    labels = [refit(small, settings, "spherical", resample=draw).labels for draw in range(3)]
    for draw, run_labels in enumerate(labels):
        assert np.array_equal(run_labels >= 0, drawn_counts(60, draw) > 0)
        assert 0.45 < (run_labels >= 0).mean() < 0.8
    both = (labels[0] >= 0) & (labels[2] >= 0)
    assert study.resamples.pairs[0, 2] == pytest.approx(adjusted_rand_score(labels[0][both], labels[2][both]))
    whole = [refit(small, base_settings(settings, 4, seed), "spherical").labels for seed in range(3)]
    assert study.seeds.pairs[0, 1] == pytest.approx(adjusted_rand_score(whole[0], whole[1]))
    assert study.complete
    mean = study.seeds.summary()
    assert mean is not None
    assert mean.low <= mean.mean <= mean.high
    reread = read_stability(small, "spherical")
    assert reread is not None
    assert np.array_equal(reread.resamples.pairs, study.resamples.pairs)
    assert finding(reread).startswith("spherical k-means, 4 clusters, agreement with itself: other seeds ")
    assert read_stability(small) is None


def test_planted_clusters_return(small: Workspace) -> None:
    study = stability(small, seeds=2, resamples=2)
    assert study.seeds.pairs.min() > 0.9
    surely = returning(small, small.taxonomy(), study)
    assert surely.shape == (4,)
    assert surely.min() > 0.9


def test_pair_table_leaves_out_who_was_not_drawn() -> None:
    first, two = np.array([0, 0, 1, 1, -1], dtype=np.int32), np.array([1, 1, 0, -1, 0], dtype=np.int32)
    assert pair_table([first, two], 2).tolist() == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize(("seeds", "resamples"), [(1, 8), (8, 1), (0, 0), (-1, 3)])
def test_one_refit_is_no_study(small: Workspace, seeds: int, resamples: int) -> None:
    with pytest.raises(InputError, match=f"two refits or more; got {seeds} seeds, {resamples} resamples"):
        stability(small, seeds=seeds, resamples=resamples)


def kept_files(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (root / "studies" / "groupings").glob("*.npz")}


@pytest.mark.parametrize(
    "command",
    [
        ("clusters", "--from", "3", "--to", "9", "--points", "4", "--seeds", "2"),
        ("stability", "--seeds", "4", "--resamples", "3"),
    ],
)
def test_a_killed_study_keeps_what_was_finished(small: Workspace, tmp_path: Path, command: tuple[str, ...]) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(small.root, whole)
    name, *options = command
    file = tmp_path / "progress.json"
    child = cli.start(name, small.root, *options, "--json", "--progress-file", file)
    cli.wait_for(lambda: len(kept_files(small.root)) >= 3, 120)
    code, out, _ = cli.end(child, signal.SIGKILL)
    assert (code, out) == (-signal.SIGKILL, "")
    assert cli.progress(file)["total"] in (7, 8)
    finished = kept_files(small.root)
    assert 3 <= len(finished) < 8
    left = next((small.root / "studies").glob(f"{name}-*.json"))
    json.loads(left.read_text())  # whole, as far as it goes
    resumed = cli.facts(cli.run(name, small.root, *options, "--json"))
    assert {**kept_files(small.root), **finished} == kept_files(small.root)  # none of them was made again
    assert resumed == cli.facts(cli.run(name, whole, *options, "--json"))
    assert resumed["complete"]


def test_commands_say_what_they_found(sample: Workspace) -> None:
    result = cli.facts(cli.run("compare", sample.root, "--with", "column:subject", "--json"))
    assert result["moved"] == len(result["moved_ids"])
    assert sum(map(sum, result["overlap"])) == result["documents"] == len(sample)
    assert result["finding"] in cli.run("compare", sample.root, "--with", "column:subject").stdout
    assert "column:NAME; got 'best'" in cli.refusal(cli.run("compare", sample.root, "--with", "best"))
    assert "--method must be one of" in cli.refusal(cli.run("stability", sample.root, "--method", "none"))


def test_a_count_above_the_documents_is_refused_before_the_first_fit(small: Workspace) -> None:
    steps: list[str] = []
    with pytest.raises(InputError, match="number of clusters lies between 1 and the number of documents"):
        study_counts(small, (2, len(small) + 1), progress=lambda step, *_: steps.append(step))
    assert steps == []
