"""E-steps: exact against a slow reference and against each other, duality, constraints, degenerate data."""

from dataclasses import replace

import numpy as np
import pytest

from gem_core.clustering.blocks import block_statistics
from gem_core.clustering.e_step import Affine, dual_step, minorize_step, objective_value
from gem_core.clustering.m_step import Parameters, maximize
from gem_core.clustering.statistics import Documents
from gem_core.errors import InputError
from tests.helpers import reference

PENALTIES = [0.0, 0.5, 20.0, 300.0, 5e4, np.inf]


def problem(n: int = 60, d: int = 6, k: int = 4, seed: int = 0, weighted: bool = False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    w = rng.random(n) + 0.1 if weighted else np.ones(n)
    centers = rng.normal(size=(k, d))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    parameters = Parameters(centers, rng.uniform(2.0, 30.0, k), np.zeros(k, dtype=bool))
    return x, w / w.sum(), parameters


def gamma_of(x: np.ndarray, state: Affine) -> np.ndarray:
    return reference.softmax(x @ state.slopes.T + state.offsets)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("weighted", [False, True])
def test_exact_step_is_the_slow_references(penalty: float, weighted: bool) -> None:
    x, w, p = problem(weighted=weighted)
    u = np.array([0.1, 0.2, 0.3, 0.4])
    logits = reference.log_densities(x, p.centers, p.concentrations)
    slow = reference.responsibilities(logits, w, penalty, u)
    step = dual_step(Documents(x, w), p.model(), penalty, u)
    np.testing.assert_allclose(gamma_of(x, step.state), slow, atol=2e-6)
    np.testing.assert_allclose(step.mass, w @ slow, atol=1e-6)
    assert step.objective == pytest.approx(reference.objective(slow, logits, w, penalty, u), rel=1e-9)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_dual_value_equals_primal(penalty: float, precision: type) -> None:
    x, w, p = problem(n=500, d=32, k=7, seed=1)
    u = np.full(7, 1 / 7)
    step = dual_step(Documents(x.astype(precision), w), p.model(), penalty, u)
    primal = objective_value(p.model(), step.mass, step.resultants, step.entropy, u, penalty)
    assert abs(step.gap) <= 1e-8 * abs(primal)
    # The objective is near 7 nats here; float32 logits of 30 nats leave 1e-7 of it.
    assert primal == pytest.approx(step.objective + step.gap, rel=1e-7 if precision == np.float32 else 1e-12)
    if 0 < penalty < np.inf:
        noise = 2e-7 if precision == np.float32 else 1e-12  # of a mass
        np.testing.assert_allclose(step.bias, -penalty * (step.mass - u), atol=noise * penalty)


@pytest.mark.parametrize("target", [np.full(4, 0.25), np.array([0.7, 0.1, 0.1, 0.1]), np.array([0.5, 0.5, 0.0, 0.0])])
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_infinite_strength_holds_the_target(target: np.ndarray, precision: type) -> None:
    x, w, p = problem(n=300, weighted=True)
    step = dual_step(Documents(x.astype(precision), w), p.model(), np.inf, target)
    np.testing.assert_allclose(step.mass, target, atol=1e-6)
    assert np.all(np.isneginf(step.bias) == (target == 0))


def test_finite_strength_with_a_zero_share_is_no_special_case() -> None:
    x, w, p = problem()
    u = np.array([0.5, 0.5, 0.0, 0.0])
    masses = [dual_step(Documents(x, w), p.model(), s, u).mass[2:].sum() for s in (1.0, 100.0, 1e5)]
    assert masses[0] > masses[1] > masses[2] > 0


@pytest.mark.parametrize("penalty", [0.0, 3.0, 40.0])
def test_both_solvers_reach_the_same_responsibilities(penalty: float) -> None:
    x, w, p = problem(seed=3, weighted=True)
    u = np.full(4, 0.25)
    documents = Documents(x, w)
    step = minorize_step(documents, p.model(), penalty, u)
    values = [step.objective]
    for _ in range(600):
        step = minorize_step(documents, p.model(), penalty, u, state=step)
        values.append(step.objective)
    exact = dual_step(documents, p.model(), penalty, u)
    assert np.diff(values).min() >= -1e-12
    np.testing.assert_allclose(gamma_of(x, step.state), gamma_of(x, exact.state), atol=1e-7)


def test_minorise_refuses_infinite_strength() -> None:
    x, w, p = problem()
    with pytest.raises(InputError) as caught:
        minorize_step(Documents(x, w), p.model(), np.inf, np.full(4, 0.25))
    assert str(caught.value) == (
        'solver "mm" needs a finite strength (its step has size 0 at infinity); got inf. '
        'Use solver="dual", or a large finite strength.'
    )


def test_warm_start_needs_fewer_passes() -> None:
    x, w, p = problem(n=2000, d=64, k=8, seed=2)
    documents, u = Documents(x, w), np.full(8, 1 / 8)
    cold = dual_step(documents, p.model(), 50.0, u)
    passes = documents.passes
    warm = dual_step(documents, p.model(), 50.0, u, bias=cold.bias)
    assert documents.passes - passes == 1 < passes
    np.testing.assert_allclose(warm.mass, cold.mass, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kappa", [3.0, 60.0])
def test_sparse_blocks_of_many_clusters_lose_nothing(weighted: bool, kappa: float) -> None:
    x, w, p = problem(n=700, d=12, k=300, weighted=weighted)  # kappa 3: most responsibilities count, blocks stay dense
    model = replace(p, concentrations=np.full(300, kappa)).model()
    documents = Documents(x, w)
    documents.evaluate(model.slopes, model.offsets)
    offsets = model.offsets + np.linspace(-2.0, 2.0, 300)
    moved_statistics, expected = documents.move(offsets), block_statistics(x, w, model.slopes, offsets)
    np.testing.assert_allclose(moved_statistics.mass, expected.moments.mass, atol=1e-15)
    np.testing.assert_allclose(moved_statistics.gram, expected.moments.gram, atol=1e-15)
    np.testing.assert_allclose(documents.resultants(), expected.resultants, atol=1e-15)
    assert moved_statistics.log_partition == pytest.approx(expected.moments.log_partition, rel=1e-13)


def test_masses_of_many_clusters_are_exact() -> None:
    x, w, p = problem(n=1500, d=16, k=300)
    model = replace(p, concentrations=np.full(300, 30.0)).model()
    step = dual_step(Documents(x.astype(np.float32), w), model, np.inf, np.full(300, 1 / 300))
    np.testing.assert_allclose(step.mass, 1 / 300, atol=1e-6)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_masses_are_exact_where_documents_are_few_and_certain(seed: int) -> None:
    """Five documents a cluster, logits of thousands of nats: masses are nearly a staircase in b."""
    k = 40
    x, w, p = problem(n=200, d=8, k=k, seed=seed)
    x[:, 0] += 0.5
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    model = replace(p, concentrations=np.geomspace(300.0, 3000.0, k)).model()
    step = dual_step(Documents(x.astype(np.float32), w), model, np.inf, np.full(k, 1 / k))
    np.testing.assert_allclose(step.mass, 1 / k, atol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_statistics_add_up_over_blocks_and_match_the_pass(weighted: bool) -> None:
    x, w, p = problem(n=101, weighted=weighted)
    model = p.model()
    whole = block_statistics(x, w, model.slopes, model.offsets)
    parts = [
        block_statistics(x[rows], w[rows], model.slopes, model.offsets)
        for rows in (slice(0, 30), slice(30, 64), slice(64, 101))
    ]
    added = parts[0] + parts[1] + parts[2]
    documents = Documents(x, w)
    moments = documents.evaluate(model.slopes, model.offsets)
    gamma = gamma_of(x, model)
    for moment in (whole.moments, added.moments, moments):
        np.testing.assert_allclose(moment.mass, w @ gamma, rtol=1e-12)
        np.testing.assert_allclose(moment.gram, gamma.T @ (w[:, None] * gamma), rtol=1e-11)
        assert moment.log_partition == pytest.approx(whole.moments.log_partition, rel=1e-13)
    for resultants in (whole.resultants, added.resultants, documents.resultants()):
        np.testing.assert_allclose(resultants, (w[:, None] * gamma).T @ x, rtol=1e-11)


def test_without_memory_for_responsibilities_the_result_is_the_same() -> None:
    x, w, p = problem(n=900, k=5)
    u = np.full(5, 0.2)
    statistics = dual_step(Documents(x, w), p.model(), 100.0, u)
    recomputed = dual_step(Documents(x, w, memory=0), p.model(), 100.0, u)
    np.testing.assert_allclose(recomputed.mass, statistics.mass, rtol=1e-12)
    np.testing.assert_allclose(recomputed.resultants, statistics.resultants, rtol=1e-10, atol=1e-14)


def test_m_step_is_the_slow_references() -> None:
    x, w, p = problem(n=50, weighted=True)
    gamma = gamma_of(x, p.model())
    new = maximize(w @ gamma, (w[:, None] * gamma).T @ x, p, "per_cluster", 1e5)
    centers, concentrations = reference.maximisation(x, gamma, w)
    np.testing.assert_allclose(new.centers, centers, rtol=1e-12)
    np.testing.assert_allclose(new.concentrations, concentrations, rtol=1e-9)


def test_m_step_keeps_an_empty_cluster_and_reports_the_cap() -> None:
    p = Parameters(np.eye(3), np.array([5.0, 6.0, 7.0]), np.zeros(3, dtype=bool))
    new = maximize(
        np.array([0.5, 0.5, 0.0]), np.array([[0.2, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0]]), p, "per_cluster", 90.0
    )
    assert new.capped.tolist() == [False, True, False]
    assert new.concentrations[1:].tolist() == [90.0, 7.0]
    np.testing.assert_array_equal(new.centers[2], [0.0, 0.0, 1.0])
