"""The search of the asked problem: target, strength, natural masses, order of the rows, penalty, acceleration."""

from dataclasses import replace

import numpy as np
import pytest

from gem_core.clustering import MixtureConfig, agreement, assign, fit_mixture
from gem_core.clustering.merge_split import halve_clusters
from gem_core.clustering.own_shares import fit_equal_shares, fit_own_shares
from gem_core.clustering.search_sample import make_sample
from gem_core.clustering.seeding import reference_concentration
from gem_core.errors import InputError
from gem_core.geometry import normalize, sample_vmf

INF = float("inf")


@pytest.fixture(scope="module")
def tailed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """2,000 documents of 10 clusters in 96 dimensions with shares ~ 1/rank^1.5; the cluster of each; the shares."""
    rng = np.random.default_rng(1)
    counts = np.round(2000 * np.arange(1, 11) ** -1.5 / np.sum(np.arange(1, 11) ** -1.5)).astype(int)
    centers = normalize(rng.standard_normal((10, 96)))
    x = np.vstack([sample_vmf(c, 90.0, int(m), rng) for c, m in zip(centers, counts, strict=True)])
    return x.astype(np.float32), np.repeat(np.arange(10), counts), counts / counts.sum()


@pytest.mark.parametrize("strength", [1.0, INF])
def test_given_shares_find_the_clusters_they_belong_to(tailed, strength) -> None:
    x, truth, shares = tailed
    fit = fit_mixture(x, MixtureConfig(n_clusters=10, strength=strength, target=tuple(shares)))
    assert agreement(truth, assign(x, fit).labels).ari > 0.95
    assert fit.target.tolist() == pytest.approx(shares.tolist())  # share k is for cluster k, as given


def test_natural_target_is_the_mass_of_the_plain_fit(tailed) -> None:
    x, _, _ = tailed
    plain = fit_mixture(x, MixtureConfig(n_clusters=10, strength=0.0))
    for strength in (0.25, INF):
        fit = fit_mixture(x, MixtureConfig(n_clusters=10, strength=strength, target="natural"))
        np.testing.assert_allclose(np.sort(fit.target), np.sort(plain.masses), atol=1e-3)


def test_row_order_and_rotation_do_not_matter(tailed) -> None:
    x, _, _ = tailed
    config = MixtureConfig(n_clusters=12, seed=3)
    labels = assign(x, fit_mixture(x, config)).labels
    order = np.random.default_rng(0).permutation(len(x))
    assert agreement(labels[order], assign(x[order], fit_mixture(x[order], config)).labels).ari == 1.0
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((96, 96)))[0]
    turned = (x @ turn).astype(np.float32)
    assert agreement(labels, assign(turned, fit_mixture(turned, config)).labels).ari >= 0.95


def test_reference_concentration_knows_no_seed(tailed) -> None:
    x, _, _ = tailed
    fits = [fit_mixture(x, MixtureConfig(n_clusters=5, seed=seed, start="plain")) for seed in (0, 7)]
    assert fits[0].reference_concentration == fits[1].reference_concentration
    share = np.full(len(x), 1.0 / len(x))
    by_rows = [
        reference_concentration(make_sample(np.ascontiguousarray(rows), share, "cpu"), 5, "per_cluster")
        for rows in (x, x)
    ]
    assert by_rows[0] == by_rows[1]


@pytest.mark.parametrize("case", range(12))
def test_objective_never_falls(case) -> None:
    """Small problems with heavy weights and copies, in every concentration mode and for every kind of target."""
    rng = np.random.default_rng(case)
    d, k, n = int(rng.integers(2, 33)), int(rng.integers(2, 7)), int(rng.integers(30, 150))
    x = np.vstack([sample_vmf(rng.standard_normal(d), kappa, n, rng) for kappa in (2.0, 200.0)])
    x = np.vstack([x, np.repeat(x[:1], 10, axis=0)])
    config = MixtureConfig(
        n_clusters=k,
        strength=[0.0, 0.25, 1.0, INF][case % 4],
        target=["uniform", "natural", "floor:0.05"][case % 3],
        concentration=["per_cluster", "shared", 20.0][case // 4],
        start="plain",
        max_iter=500,
    )
    fit = fit_mixture(x, config, weights=rng.pareto(1.0, len(x)) + 1e-3)
    assert np.all(np.diff(fit.trace) >= -1e-9 * abs(fit.objective))


def test_tolerance_does_not_depend_on_the_dimension(tailed) -> None:
    x, _, _ = tailed
    config = MixtureConfig(n_clusters=6, start="plain")
    wide = np.hstack([x, np.zeros((len(x), 96), dtype=np.float32)])
    few, many = (fit_mixture(rows, replace(config, concentration=40.0)).n_iter for rows in (x, wide))
    assert abs(few - many) <= 0.2 * few


def test_a_finer_tolerance_moves_few_documents(tailed) -> None:
    x, _, shares = tailed
    config = MixtureConfig(n_clusters=10, target=tuple(shares))
    fit = fit_mixture(x, config)
    finer = fit_mixture(x, replace(config, tol=config.tol / 1e4, max_iter=5000), start=fit)
    assert np.mean(assign(x, fit).labels != assign(x, finer).labels) < 0.01


def test_penalty_gives_lambda_itself(tailed) -> None:
    x, _, _ = tailed
    fit = fit_mixture(x, MixtureConfig(n_clusters=4, penalty=5000.0))
    assert fit.penalty == 5000.0
    assert fit.strength == pytest.approx(5000.0 / fit.reference_concentration)
    same = fit_mixture(x, MixtureConfig(n_clusters=4, strength=fit.strength))
    assert same.objective == pytest.approx(fit.objective, abs=1e-6)
    with pytest.raises(InputError, match="not both"):
        MixtureConfig(n_clusters=4, penalty=5000.0, strength=0.5)
    with pytest.raises(InputError, match="penalty must be"):
        MixtureConfig(n_clusters=4, penalty=-1.0)


def test_own_shares_stay_with_their_clusters(tailed) -> None:
    x, _, _ = tailed
    shares = (0.1, 0.2, 0.3, 0.4)
    config = MixtureConfig(n_clusters=4, strength=INF, target=shares)
    fit, equal = fit_own_shares(x, config), fit_equal_shares(x, config)
    np.testing.assert_allclose(fit.masses, shares, atol=1e-5)
    continued = fit_mixture(x, config, start=equal)
    assert fit.objective >= continued.objective - 1e-9


def test_merges_and_splits_made_at_once_share_no_cluster(planted) -> None:
    x, truth = planted((40,) * 24, 32, 80.0)
    # Clusters 0 to 11 hold two groups each, the other twelve labels cut six groups in two.
    labels = np.where(truth < 12, truth // 2, truth - 6)
    labels[truth >= 18] = 12 + 2 * (truth[truth >= 18] - 18) % 12 + np.arange((truth >= 18).sum()) % 2
    proposals = halve_clusters(x, np.full(len(x), 1 / len(x)), labels, 24).disjoint_proposals()
    clusters = [c for p in proposals for c in (p.divided, p.first, p.second)]
    assert len(clusters) == len(set(clusters)) >= 9
    assert all(p.gain > 0 and p.divided < 6 for p in proposals)
