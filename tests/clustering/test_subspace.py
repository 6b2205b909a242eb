"""The search binds centers to a subspace: the same objective there, and nothing that matters lies outside."""

import numpy as np
import pytest

from gem_core._types import Float64
from gem_core.clustering import MixtureConfig, agreement, assign, fit_mixture
from gem_core.clustering.e_step import dual_step
from gem_core.clustering.m_step import Parameters, maximize
from gem_core.clustering.search_sample import SearchSample, draw_sample, make_sample
from gem_core.geometry import concentration_from_resultant, normalize, sample_vmf


def planted(shares: list[float], n: int, d: int, concentration: float) -> tuple[Float64, Float64]:
    """Documents of clusters with random centers, and the cluster of each."""
    rng = np.random.default_rng(0)
    counts = np.maximum(1, np.round(n * np.array(shares) / sum(shares))).astype(int)
    centers = normalize(rng.standard_normal((len(counts), d)))
    x = np.vstack([sample_vmf(c, concentration, int(m), rng) for c, m in zip(centers, counts, strict=True)])
    return x, np.repeat(np.arange(len(counts)), counts)


def whole(x: Float64, weights: Float64 | None = None) -> SearchSample:
    share = np.full(len(x), 1.0 / len(x)) if weights is None else weights
    return make_sample(x, share, "cpu")


def test_a_center_of_the_subspace_has_the_same_objective_and_m_step() -> None:
    x, _ = planted([3, 2, 1], 300, 40, 60.0)
    full = whole(x)
    inside = full.project(8)
    assert inside.x.shape == (300, 8)
    assert inside.dimension == 40
    centers = normalize(np.random.default_rng(2).standard_normal((3, 8)))
    p = Parameters(centers, np.array([20.0, 40.0, 80.0]), np.zeros(3, dtype=bool), 40)
    q = inside.lift(p)
    target = np.full(3, 1 / 3)
    a = dual_step(inside.documents, p.model(), 30.0, target)
    b = dual_step(full.documents, q.model(), 30.0, target)
    assert a.objective == pytest.approx(b.objective, abs=1e-9)
    assert np.allclose(a.mass, b.mass, atol=1e-10)
    # The M-step of the bound problem: the resultants' part in the subspace, kappa by the dimension of the sphere.
    part = b.resultants @ inside.basis
    rbar = np.linalg.norm(part, axis=1) / b.mass
    step = maximize(a.mass, a.resultants, p, "per_cluster", 1000.0)
    slopes = np.linalg.norm(step.model().slopes, axis=1)
    assert np.allclose(slopes, concentration_from_resultant(40, rbar), rtol=1e-7)
    assert np.allclose(inside.lift(step).centers, normalize(part @ inside.basis.T), atol=1e-9)


def test_the_subspace_is_that_of_the_leading_directions_by_weight() -> None:
    rng = np.random.default_rng(3)
    heavy, light = np.eye(30)[:4], np.eye(30)[4:8]
    rows = np.vstack([heavy[rng.integers(4, size=200)], light[rng.integers(4, size=200)]])
    x = normalize(rows + 0.02 * rng.standard_normal(rows.shape))
    weights = np.repeat([1.0, 1e-6], 200)
    basis = whole(x, weights / weights.sum()).project(4).basis
    assert np.allclose(basis.T @ basis, np.eye(4), atol=1e-12)
    assert np.linalg.norm(heavy @ basis, axis=1).min() > 0.99
    assert np.linalg.norm(light @ basis, axis=1).max() < 0.1


def test_few_dimensions_are_left_as_they_are() -> None:
    x, _ = planted([1, 1], 50, 6, 20.0)
    full = whole(x)
    assert full.project(6) is full


def test_a_rare_cluster_is_found_through_the_subspace() -> None:
    """Twelve clusters in 256 dimensions, one of them with 1% of the documents; centers nearly at right angles."""
    x, truth = planted([1.0] * 11 + [0.1], 1500, 256, 200.0)
    fit = fit_mixture(x.astype(np.float32), MixtureConfig(n_clusters=12, strength=0.0))
    assert agreement(truth, assign(x, fit).labels).ari > 0.99


def test_a_heavy_document_keeps_its_weight_in_the_sample() -> None:
    weights = np.concatenate([[0.2, 0.1], np.full(7000, 0.6 / 7000), np.full(1000, 0.1 / 1000), np.zeros(10)])
    rows, inclusions = draw_sample(weights, 500, np.random.default_rng(0).random(len(weights)))
    assert rows[:2].tolist() == [0, 1]
    assert inclusions[:2].tolist() == [0.2, 0.1]
    assert np.unique(rows).size == rows.size == 500
    assert inclusions.sum() == pytest.approx(1.0)
    assert rows.max() < 8002
    every, own = draw_sample(np.array([0.5, 0.0, 0.5]), 2, np.random.default_rng(0).random(3))
    assert (every.tolist(), own.tolist()) == ([0, 2], [0.5, 0.5])
