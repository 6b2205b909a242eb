"""Whole fits: the objective never falls, invariances, planted clusters, edges of the input, assignment."""

import dataclasses
import warnings

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from gem_core.clustering import MixtureConfig, assign, em_loop, fit_mixture, responsibilities
from gem_core.clustering.threads import torch_threads
from gem_core.errors import Cancelled, GemError, InputError, NotConvergedWarning
from tests.helpers import reference

INF = float("inf")


def rises(trace: np.ndarray, rounding: float) -> bool:
    return bool(np.all(np.diff(trace) >= -rounding * np.maximum(1.0, np.abs(trace[1:]))))


@pytest.mark.parametrize("concentration", ["per_cluster", "shared", 40.0])
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_objective_never_falls_dual(planted, concentration, precision) -> None:
    x, _ = planted((90, 40, 20, 10, 5), 12, 30.0)
    w = np.random.default_rng(0).random(len(x)) + 0.1
    # Rounding of float32 logits near 40 nats, 2e-6 each, averaged over 165 documents; float64 sums add nothing.
    rounding, tol = (2e-6, 1e-6) if precision == np.float32 else (1e-12, 1e-9)
    for seed in range(20):
        for strength in (0.0, 1.0, INF):
            config = MixtureConfig(
                n_clusters=4, strength=strength, concentration=concentration, seed=seed, start="plain", tol=tol
            )
            fit = fit_mixture(x.astype(precision), config, weights=w)
            assert rises(fit.trace, rounding), (seed, strength)
            assert fit.trace[-1] == fit.objective


@pytest.mark.parametrize("concentration", ["per_cluster", "shared", 40.0])
def test_objective_never_falls_mm(planted, concentration) -> None:
    x, _ = planted((90, 40, 20, 10, 5), 12, 30.0)
    for seed in range(20):
        config = MixtureConfig(
            n_clusters=4, strength=1.0, concentration=concentration, seed=seed, solver="mm", start="plain", max_iter=60
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConvergedWarning)
            fit = fit_mixture(x, config)
        assert rises(fit.trace, 1e-12), seed
        assert fit.n_iter > 5


def test_solvers_reach_the_same_fit_and_dual_needs_far_fewer_passes(planted) -> None:
    x, _ = planted((150, 60, 30), 8, 20.0)
    dual, mm = (
        fit_mixture(x, MixtureConfig(n_clusters=3, strength=1.0, solver=s, start="plain", tol=1e-10, max_iter=20000))
        for s in ("dual", "mm")
    )
    assert mm.objective == pytest.approx(dual.objective, rel=1e-7)
    np.testing.assert_allclose(mm.masses, dual.masses, atol=1e-4)
    assert mm.passes > 4 * dual.passes


def test_objective_is_the_slow_references(planted) -> None:
    x, _ = planted((40, 20), 5, 15.0)
    fit = fit_mixture(x, MixtureConfig(n_clusters=2, strength=1.0))
    w = np.full(len(x), 1 / len(x))
    logits = reference.log_densities(x, fit.centers, fit.concentrations)
    gamma = reference.softmax(logits + fit.bias)
    assert fit.objective == pytest.approx(reference.objective(gamma, logits, w, fit.penalty, fit.target), rel=1e-9)
    np.testing.assert_allclose(fit.masses, w @ gamma, atol=1e-9)
    np.testing.assert_allclose(fit.resultants, (w[:, None] * gamma).T @ x, atol=1e-9)
    np.testing.assert_allclose(responsibilities(x, fit), gamma, atol=1e-9)


@pytest.mark.parametrize("d", [3, 16, 128])
def test_planted_mixture_is_recovered(planted, d) -> None:
    concentration = max(200.0, 8.0 * d)
    x, truth = planted((400, 200, 100, 100), d, concentration)
    fit = fit_mixture(x, MixtureConfig(n_clusters=4, strength=0.0))
    assert adjusted_rand_score(truth, assign(x, fit).labels) > 0.99
    np.testing.assert_allclose(np.sort(fit.masses), [0.125, 0.125, 0.25, 0.5], atol=0.01)
    np.testing.assert_allclose(fit.concentrations, concentration, rtol=0.2)


def test_strength_balances_and_infinity_is_exact(planted) -> None:
    x, _ = planted((300, 100, 50, 30), 16, 25.0)
    largest = [fit_mixture(x, MixtureConfig(n_clusters=4, strength=s)).masses.max() for s in (0.0, 0.3, 3.0, INF)]
    assert largest[0] > largest[1] > largest[2] > largest[3]
    assert largest[3] == pytest.approx(0.25, abs=1e-6)


def test_a_fit_does_not_end_with_an_unsolved_e_step(planted, monkeypatch: pytest.MonkeyPatch) -> None:
    x, _ = planted((300, 100, 50, 30), 16, 25.0)
    config = MixtureConfig(n_clusters=4, strength=INF, start="plain")
    exact = fit_mixture(x, config)
    monkeypatch.setattr(em_loop, "_newton_steps", lambda *_: 3)
    fit = fit_mixture(x, config)
    assert fit.converged
    np.testing.assert_allclose(fit.masses, 0.25, atol=1e-5)
    assert rises(fit.trace, 1e-9)
    assert fit.objective == pytest.approx(exact.objective, abs=1e-3)
    monkeypatch.setattr(em_loop, "_newton_steps", lambda *_: 1)
    with pytest.warns(NotConvergedWarning, match="masses miss the target by up to"):
        assert not fit_mixture(x, dataclasses.replace(config, max_iter=1)).converged


@pytest.mark.parametrize("strength", [0.0, 1.0, INF])
def test_rotation_changes_nothing_but_the_centers(planted, strength) -> None:
    x, _ = planted((80, 40, 20), 9, 20.0)
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(9, 9)))[0]
    config = MixtureConfig(n_clusters=3, strength=strength)
    fit, turned = fit_mixture(x, config), fit_mixture(x @ turn, config)
    np.testing.assert_allclose(turned.masses, fit.masses, atol=1e-8)
    np.testing.assert_allclose(turned.centers, fit.centers @ turn, atol=1e-7)
    np.testing.assert_allclose(turned.concentrations, fit.concentrations, rtol=1e-7)
    assert turned.objective == pytest.approx(fit.objective, rel=1e-10)


def test_order_of_documents_and_split_weights_change_nothing(planted) -> None:
    x, _ = planted((80, 40, 20), 9, 20.0)
    w = np.random.default_rng(1).random(len(x)) + 0.5
    config = MixtureConfig(n_clusters=3, strength=1.0)
    begin = fit_mixture(x, config)
    fit = fit_mixture(x, config, weights=w, start=begin)
    order = np.random.default_rng(2).permutation(len(x))
    shuffled = fit_mixture(x[order], config, weights=w[order], start=begin)
    doubled = fit_mixture(np.vstack([x, x]), config, weights=np.concatenate([0.3 * w, 0.7 * w]), start=begin)
    for other in (shuffled, doubled):
        np.testing.assert_allclose(other.masses, fit.masses, atol=1e-10)
        np.testing.assert_allclose(other.centers, fit.centers, atol=1e-9)
    np.testing.assert_array_equal(assign(x[order], shuffled).labels, assign(x, fit).labels[order])


@pytest.mark.parametrize("start", ["search", "relax", "plain"])
def test_same_seed_same_result(planted, start) -> None:
    x, _ = planted((80, 40, 20), 9, 10.0)
    config = MixtureConfig(n_clusters=5, seed=3, start=start)
    first, two = fit_mixture(x, config), fit_mixture(x, config)
    np.testing.assert_array_equal(first.centers, two.centers)
    np.testing.assert_array_equal(first.trace, two.trace)


@pytest.mark.parametrize("precision", [np.float16, np.float32, np.float64])
def test_precisions_agree(planted, precision) -> None:
    x, _ = planted((80, 40, 20), 9, 20.0)
    exact = fit_mixture(x, MixtureConfig(n_clusters=3))
    fit = fit_mixture(x.astype(precision), MixtureConfig(n_clusters=3))
    np.testing.assert_allclose(fit.masses, exact.masses, atol={2: 1e-3, 4: 1e-5, 8: 0}[np.dtype(precision).itemsize])
    assert fit.centers.dtype == np.float64


@pytest.mark.parametrize(("n", "d", "k"), [(50, 2, 3), (60, 4096, 5), (12, 6, 12), (30, 6, 1), (2, 2, 2)])
@pytest.mark.parametrize("strength", [0.0, 1.0, INF])
def test_edges_are_finite(n, d, k, strength) -> None:
    x = np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)
    fit = fit_mixture(x, MixtureConfig(n_clusters=k, strength=strength))
    for field in dataclasses.fields(fit):
        value = getattr(fit, field.name)
        if isinstance(value, np.ndarray):
            assert np.all(np.isfinite(value)), field.name
            assert not value.flags.writeable
    assert fit.masses.sum() == pytest.approx(1.0, abs=1e-6)
    a = assign(x, fit)
    assert a.labels.min() >= 0
    assert a.labels.max() < k
    if k == n:
        assert np.unique(a.labels).size == n
    assert np.all(np.isfinite(a.log_density))
    assert np.all(a.margin >= 0)


@pytest.mark.parametrize("strength", [0.0, 1.0, INF])
def test_duplicates_and_more_clusters_than_directions(strength) -> None:
    x = np.repeat(np.eye(3), [40, 8, 2], axis=0)
    fit = fit_mixture(x, MixtureConfig(n_clusters=5, strength=strength))
    assert np.all(np.isfinite(fit.centers))
    assert fit.masses.sum() == pytest.approx(1.0)
    assert np.all(fit.concentrations <= 10 * fit.reference_concentration * (1 + 1e-12))
    labels = assign(x, fit).labels
    for rows in (slice(0, 40), slice(40, 48), slice(48, 50)):
        assert np.unique(labels[rows]).size == 1


def test_targets(planted) -> None:
    x, _ = planted((300, 100, 50), 16, 25.0)
    targets = (0.2, 0.7, 0.1)
    fit = fit_mixture(x, MixtureConfig(n_clusters=3, strength=INF, target=targets))
    np.testing.assert_allclose(fit.masses, targets, atol=1e-6)
    natural = fit_mixture(x, MixtureConfig(n_clusters=3, strength=INF, target="natural"))
    plain = fit_mixture(x, MixtureConfig(n_clusters=3, strength=0.0))
    np.testing.assert_allclose(np.sort(natural.target), np.sort(plain.masses), atol=1e-4)
    np.testing.assert_allclose(natural.masses, natural.target, atol=1e-6)


def test_weights_whose_sum_overflows_count_alike(planted) -> None:
    x, _ = planted((300, 100), 16, 25.0)
    huge, even = (fit_mixture(x, MixtureConfig(n_clusters=2), weights=w) for w in (np.full(400, 1e306), None))
    np.testing.assert_allclose(huge.masses, even.masses, atol=1e-9)


def test_literal_scale_divides_by_the_documents(planted) -> None:
    x, _ = planted((300, 100, 50), 16, 25.0)
    mean, literal = (fit_mixture(x, MixtureConfig(n_clusters=3, lambda_scale=s)) for s in ("mean", "sum"))
    assert literal.penalty * len(x) == pytest.approx(mean.penalty)


def test_warm_start_keeps_reference_and_finishes_at_once(planted) -> None:
    x, _ = planted((300, 100, 50), 16, 25.0)
    config = MixtureConfig(n_clusters=3)
    fit = fit_mixture(x, config)
    again = fit_mixture(x, config, start=fit)
    assert again.reference_concentration == fit.reference_concentration
    assert again.n_iter <= 3
    assert again.objective >= fit.objective - 1e-9 * abs(fit.objective)
    shared = fit_mixture(x, dataclasses.replace(config, concentration="shared"), start=fit)
    assert np.ptp(shared.concentrations) == 0
    assert rises(shared.trace, 1e-12)


def test_assignment_is_the_slow_references(planted) -> None:
    x, _ = planted((40, 20, 10), 5, 15.0)
    fit = fit_mixture(x, MixtureConfig(n_clusters=3))
    logits = reference.log_densities(x, fit.centers, fit.concentrations)
    gamma, ordered = reference.softmax(logits + fit.bias), np.sort(logits + fit.bias, axis=1)
    a, each = assign(x, fit), np.arange(len(x))
    np.testing.assert_array_equal(a.labels, gamma.argmax(axis=1))
    np.testing.assert_array_equal(a.second, np.argsort(gamma, axis=1)[:, 1])
    np.testing.assert_allclose(a.margin, ordered[:, -1] - ordered[:, -2], atol=1e-4)
    np.testing.assert_allclose(a.log_responsibility, np.log(gamma.max(axis=1)), atol=1e-5)
    np.testing.assert_allclose(a.log_density, logits[each, a.labels] + np.log(3), atol=1e-4)
    np.testing.assert_allclose(a.cosine, np.sum(x * fit.centers[a.labels], axis=1), atol=1e-6)


def test_float32_logits_keep_their_digits() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 1024))
    config = MixtureConfig(n_clusters=4, start="plain", max_iter=3, tol=0.0, concentration=5000.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        exact, fit = fit_mixture(x, config), fit_mixture(x.astype(np.float32), config)
    assert fit.objective == pytest.approx(exact.objective, rel=1e-7)
    np.testing.assert_allclose(fit.masses, exact.masses, atol=1e-4)


def test_permuted_fit_assigns_the_new_names(planted) -> None:
    x, _ = planted((80, 40, 20), 9, 20.0)
    fit = fit_mixture(x, MixtureConfig(n_clusters=3, target=(0.5, 0.3, 0.2)))
    order = np.array([2, 0, 1])
    new = fit.permute(order)
    np.testing.assert_array_equal(assign(x, new).labels, order[assign(x, fit).labels])
    assert new.config.target == (0.3, 0.2, 0.5)
    with pytest.raises(InputError, match="permutation of 0 to 2"):
        fit.permute([0, 0, 1])


@pytest.mark.parametrize(
    ("x", "k", "message"),
    [
        (
            np.eye(3),
            4,
            "n_clusters must not exceed the number of documents (n_samples = 3); got 4. Ask for at most 3 "
            "clusters or add documents.",
        ),
        (
            np.ones((9, 4)),
            2,
            "X must hold at least two different directions to form clusters; got 9 vectors that are all "
            "the same. Check the embedding, or ask for one cluster.",
        ),
        (
            np.ones((9, 1)),
            1,
            "X must have at least two dimensions (a sphere needs them); got n_features = 1. Pass "
            "embeddings with two columns or more.",
        ),
        (
            np.array([[1.0, np.nan], [0.0, 1.0]]),
            1,
            "X must hold finite numbers; got NaN or infinity in 1 such row, the "
            "first at row 0. Embed those documents again or drop them.",
        ),
        (
            np.array([[1.0, 1.0], [0.0, 0.0]]),
            1,
            "X must hold vectors with a direction; got all-zero vectors in 1 such row, "
            "the first at row 1. Embed those documents again or drop them.",
        ),
    ],
)
def test_bad_documents_are_refused(x, k, message) -> None:
    with pytest.raises(InputError) as caught:
        fit_mixture(x, MixtureConfig(n_clusters=k))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": 0}, "n_clusters must be a whole number of at least 1; got 0. Ask for one cluster or more."),
        (
            {"strength": -1.0},
            "strength must be a number from 0 to infinity; got -1.0. Use 0 for no balance, 1 for matched, "
            "inf for exact balance.",
        ),
        (
            {"strength": float("nan")},
            "strength must be a number from 0 to infinity; got nan. Use 0 for no balance, 1 for "
            "matched, inf for exact balance.",
        ),
        ({"solver": "em"}, "solver must be one of dual, mm; got 'em'. Use \"dual\"."),
        (
            {"target": (0.5, 0.4), "n_clusters": 2},
            "target must be shares that are not negative and sum to 1; got sum 0.9. Divide the numbers by their sum.",
        ),
        (
            {"concentration": 0.0},
            'concentration must be "per_cluster", "shared" or a positive number; got 0.0. Use "per_cluster".',
        ),
    ],
)
def test_bad_options_are_refused(options, message) -> None:
    with pytest.raises(InputError) as caught:
        MixtureConfig(**options)
    assert str(caught.value) == message


def test_bad_warm_start_is_refused(planted) -> None:
    x, _ = planted((30, 20), 4, 20.0)
    fit = fit_mixture(x, MixtureConfig(n_clusters=2))
    with pytest.raises(InputError, match="start must have 3 clusters in 4 dimensions; got 2 clusters in 4"):
        fit_mixture(x, MixtureConfig(n_clusters=3), start=fit)
    with pytest.raises(InputError, match="the 4 columns of the vectors that were fitted; got 3 columns"):
        assign(x[:, :3], fit)


def test_an_unfinished_fit_warns_and_says_so(planted) -> None:
    x, _ = planted((30, 20, 10), 4, 5.0)
    with pytest.warns(NotConvergedWarning, match="did not reach tol=0 in 2 iterations"):
        fit = fit_mixture(x, MixtureConfig(n_clusters=3, max_iter=2, tol=0.0))
    assert not fit.converged
    assert fit.n_iter == 2


def test_progress_is_reported_and_can_stop_the_work(planted) -> None:
    x, _ = planted((30, 20, 10), 4, 5.0)
    steps: list[tuple[str, int, int]] = []
    fit_mixture(x, MixtureConfig(n_clusters=3), progress=lambda *call: steps.append(call))
    assert {step for step, _, _ in steps} == {"seed", "fit"}
    assert all(0 <= completed <= total for _, completed, total in steps)

    def stop(step: str, completed: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(GemError):
        fit_mixture(x, MixtureConfig(n_clusters=3), progress=stop)


def test_fits_side_by_side_end_where_those_in_turn_do(planted) -> None:
    import torch

    x, _ = planted((200, 120, 60, 30, 20), 16, 20.0)
    usual, fits = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            with torch_threads(1) as free:
                assert free == count  # so many fits of the search run at a time
            fits.append(fit_mixture(x, MixtureConfig(n_clusters=5, seed=3)))
            assert torch.get_num_threads() == count  # what was set is set again
    finally:
        torch.set_num_threads(usual)
    np.testing.assert_allclose(fits[1].trace[-1], fits[0].trace[-1], rtol=1e-9)
    np.testing.assert_allclose(fits[1].centers, fits[0].centers, atol=1e-6)
