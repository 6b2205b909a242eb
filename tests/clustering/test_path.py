"""Balance path, matching, measures, baselines."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_samples, silhouette_score

from gem_core.clustering import (
    STRENGTHS,
    MixtureConfig,
    agreement,
    assign,
    balance_measures,
    balance_path,
    fit_mixture,
    kmeans,
    match_clusters,
    responsibilities,
    silhouette,
    spherical_kmeans,
    stability,
    vmf_mixture,
    within_cosine,
)
from gem_core.errors import InputError


def test_path_runs_from_natural_to_exact_balance(planted) -> None:
    x, _ = planted((300, 100, 50, 30), 16, 25.0)
    path = balance_path(x, MixtureConfig(n_clusters=4))
    assert len(STRENGTHS) == 16 == len(path.fits)
    np.testing.assert_array_equal(path.strengths, STRENGTHS)
    np.testing.assert_allclose(path.masses[-1], 0.25, atol=1e-6)
    assert np.all(np.diff(path.normalized_entropy) >= -1e-3)
    assert path.normalized_entropy[-1] == pytest.approx(1.0)
    assert len({fit.reference_concentration for fit in path.fits}) == 1
    np.testing.assert_allclose(path.masses.sum(axis=1), 1.0)
    at_one = int(np.argmin(np.abs(path.strengths - 1.0)))
    assert path.moved_share[at_one] == 0
    assert path.ari[at_one] == 1.0
    assert path.nearest(float("inf")) is path.fits[-1]
    assert path.nearest(0.0) is path.fits[0]
    assert not path.masses.flags.writeable


def test_path_takes_the_names_of_the_reference(planted) -> None:
    x, _ = planted((300, 100, 50), 16, 25.0)
    config = MixtureConfig(n_clusters=3)
    fit = fit_mixture(x, config)
    reference = np.array([2, 0, 1])[assign(x, fit).labels]
    path = balance_path(x, config, strengths=[0.5, 1.0], reference=reference)
    np.testing.assert_array_equal(assign(x, path.nearest(1.0)).labels, reference)
    assert path.moved_share[1] == 0


def test_path_through_a_fit_stays_with_it(planted) -> None:
    x, _ = planted((300, 100, 50), 16, 25.0)
    fit = fit_mixture(x, MixtureConfig(n_clusters=3, strength=0.25))
    path = balance_path(x, fit.config, strengths=[0.0, 0.25, 1.0], start=fit)
    np.testing.assert_allclose(path.fits[1].masses, fit.masses, atol=1e-3)
    assert path.fits[0].reference_concentration == fit.reference_concentration


def test_path_refuses_a_negative_strength(planted) -> None:
    x, _ = planted((30, 10), 4, 25.0)
    with pytest.raises(InputError, match="each from 0 to infinity"):
        balance_path(x, MixtureConfig(n_clusters=2), strengths=[-1.0, 1.0])


def test_matching_keeps_names_across_different_numbers_of_clusters() -> None:
    old = np.array([0, 0, 0, 1, 1, 2, 2, 3])
    assert match_clusters(old, np.array([3, 3, 3, 2, 2, 1, 1, 0]), 4).tolist() == [3, 2, 1, 0]
    # More clusters than before: the new one takes the free id.
    assert match_clusters([0, 0, 0, 1, 1], [2, 2, 1, 0, 0], 3).tolist() == [1, 2, 0]
    # Fewer clusters: still a permutation.
    assert sorted(match_clusters(old, np.array([0, 0, 0, 1, 1, 1, 1, 1]), 2).tolist()) == [0, 1]
    with pytest.raises(InputError, match="must describe the same documents; got 2 and 1 labels"):
        match_clusters([0, 1], [0], 1)


def test_measures_by_hand() -> None:
    m = balance_measures([0.5, 0.25, 0.25, 0.0])
    assert m.effective_clusters == pytest.approx(2**1.5)
    assert m.normalized_entropy == pytest.approx(0.75)
    assert (m.largest, m.smallest, m.empty) == (0.5, 0.0, 1)
    assert agreement([0, 0, 1, 1], ["b", "b", "a", "a"]).ari == 1.0
    assert stability([[0, 0, 1, 1], [0, 1, 0, 1]]) == pytest.approx(-0.5)
    x = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 1.0]])
    np.testing.assert_allclose(within_cosine(x, [0, 0, 1], 3), [np.sqrt(0.5), 1.0, np.nan])
    assert np.isnan(silhouette(x, [0, 0, 0]))


def test_silhouette_is_that_of_scikit_learn_and_samples_queries_only(planted) -> None:
    x, truth = planted((60, 30, 1), 8, 10.0)
    assert silhouette(x, truth) == pytest.approx(silhouette_score(x, truth, metric="cosine"), abs=1e-9)
    rows = np.random.default_rng(5).choice(91, 20, replace=False)
    every = silhouette_samples(x, truth, metric="cosine")
    assert silhouette(x, truth, sample=20, seed=5) == pytest.approx(every[rows].mean(), abs=1e-9)


def test_kmeans_baseline_assigns_as_scikit_learn(planted) -> None:
    x, _ = planted((300, 100, 50), 16, 10.0)
    w = np.random.default_rng(0).random(len(x))
    peer = KMeans(4, n_init=1, random_state=3).fit(x, sample_weight=w / w.mean())
    fit = kmeans(x, 4, 3, w)
    np.testing.assert_array_equal(assign(x, fit).labels, peer.labels_)
    assert fit.objective == pytest.approx(-peer.inertia_ / len(x))


def test_baselines_recover_separate_clusters(planted) -> None:
    x, truth = planted((300, 100, 50), 16, 100.0)
    for fit in (vmf_mixture(x, 3), spherical_kmeans(x, 3)):
        labels = assign(x, fit).labels
        assert agreement(truth, labels).ari > 0.99
        np.testing.assert_allclose(np.sort(fit.masses), np.sort(np.bincount(labels) / len(x)), atol=1e-3)


def test_vmf_baseline_is_monotone_and_learns_its_prior(planted) -> None:
    x, _ = planted((300, 100, 50), 16, 8.0)
    fit = vmf_mixture(x, 3, tol=1e-9)
    assert np.diff(fit.trace).min() >= -1e-12
    np.testing.assert_allclose(np.exp(fit.bias) / 3, fit.masses, atol=1e-3)


def test_path_of_a_sample_has_the_masses_of_all_documents(planted) -> None:
    x, labels = planted((600, 200, 100), 16, 25.0)
    config, strengths = MixtureConfig(n_clusters=3), [0.0, 1.0, float("inf")]
    path = balance_path(x, config, strengths=strengths, sample_size=300)
    assert path.sampled_documents == 300
    whole = balance_path(x, config, strengths=strengths)
    assert whole.sampled_documents == 0
    np.testing.assert_allclose(path.masses[-1], 1 / 3, atol=1e-6)
    np.testing.assert_allclose(np.sort(path.masses, axis=1), np.sort(whole.masses, axis=1), atol=0.02)
    for fit, masses in zip(path.fits, path.masses, strict=True):
        np.testing.assert_allclose(responsibilities(x, fit).mean(axis=0), masses, atol=1e-6)
    assert agreement(assign(x, path.fits[0]).labels, labels).ari > 0.95
