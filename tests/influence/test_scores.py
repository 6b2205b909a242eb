"""GIS and local density: by hand, against a slow version, invariants, degenerate clusters."""

from types import SimpleNamespace

import numpy as np
import pytest

from gem_core.clustering import MixtureConfig, assign, fit_mixture
from gem_core.errors import Cancelled, InputError
from gem_core.influence import DENSITY_FLOOR, influence_scores, local_density


def documents(n: int = 150, d: int = 6, k: int = 4, seed: int = 0) -> tuple[np.ndarray, SimpleNamespace]:
    """Random directions with random labels and logarithms."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) + 0.5
    labels = rng.integers(0, k, n).astype(np.int32)
    return X / np.linalg.norm(X, axis=1, keepdims=True), SimpleNamespace(
        labels=labels, log_responsibility=-rng.exponential(0.3, n), log_density=50 * rng.standard_normal(n)
    )


def slow_density(X: np.ndarray, labels: np.ndarray, neighbors: int) -> np.ndarray:
    """One document at a time."""
    rho = np.ones(len(X))
    for i in range(len(X)):
        others = [j for j in range(len(X)) if j != i and labels[j] == labels[i]]
        if others:
            cosines = sorted(
                (float(X[i] @ X[j] / np.linalg.norm(X[i]) / np.linalg.norm(X[j])) for j in others), reverse=True
            )
            rho[i] = min(max(np.mean(cosines[:neighbors]), DENSITY_FLOOR), 1.0)
    return rho


@pytest.mark.parametrize("neighbors", [1, 3, 8, 1000])
def test_density_equals_a_slow_count(neighbors: int) -> None:
    X, assignment = documents()
    expected = slow_density(X, assignment.labels, neighbors)
    np.testing.assert_allclose(local_density(X, assignment.labels, neighbors=neighbors), expected, atol=2e-7)
    np.testing.assert_allclose(local_density(5 * X, assignment.labels, neighbors=neighbors), expected, atol=2e-7)


def test_density_by_hand() -> None:
    # Angles 0, 60, 90 degrees: cosines .5, 0, sqrt(3)/2.
    X = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)], [0.0, 1.0]])
    half = np.sqrt(0.75)
    np.testing.assert_allclose(local_density(X, [0, 0, 0], neighbors=1), [0.5, half, half], atol=1e-7)
    np.testing.assert_allclose(local_density(X, [0, 0, 0], neighbors=2), [0.25, (0.5 + half) / 2, half / 2], atol=1e-7)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    X, assignment = documents()
    whole = local_density(X, assignment.labels)
    monkeypatch.setattr("gem_core.influence.scores._QUERIES", 7)
    np.testing.assert_allclose(local_density(X, assignment.labels), whole, atol=1e-7)


def test_density_of_small_and_odd_clusters() -> None:
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    rho = local_density(X, [0, 0, 1, 1, 2], neighbors=8)
    # Opposite documents: the floor; the same document twice: 1; alone: 1.
    np.testing.assert_allclose(rho, [DENSITY_FLOOR, DENSITY_FLOOR, 1.0, 1.0, 1.0])


def test_score_is_the_sum_of_its_parts() -> None:
    X, assignment = documents()
    raw = influence_scores(X, assignment, n_clusters=4, beta=0.7, neighbors=3, standardize=False)
    np.testing.assert_allclose(raw.confidence, assignment.log_responsibility, rtol=1e-6)
    np.testing.assert_allclose(raw.centrality, assignment.log_density, rtol=1e-6)
    np.testing.assert_allclose(raw.density, np.log(slow_density(X, assignment.labels, 3)), atol=1e-6)
    np.testing.assert_allclose(
        raw.gis, assignment.log_responsibility + assignment.log_density + 0.7 * raw.density.astype(float), rtol=1e-5
    )
    assert (raw.beta, raw.neighbors, raw.standardized) == (0.7, 3, False)
    assert {part.dtype for part in (raw.gis, raw.confidence, raw.centrality, raw.density)} == {np.dtype("float32")}
    with pytest.raises(ValueError, match="read-only"):
        raw.gis[0] = 1


def test_standardized_score_is_the_sum_of_z_scores() -> None:
    X, assignment = documents()
    got = influence_scores(X, assignment, n_clusters=4, beta=0.7, neighbors=3, standardize=True)
    for k in range(4):
        own = assignment.labels == k
        parts = (
            assignment.log_responsibility[own],
            assignment.log_density[own],
            np.log(slow_density(X, assignment.labels, 3))[own],
        )
        z = [(part - part.mean()) / part.std() for part in parts]
        np.testing.assert_allclose(got.gis[own], z[0] + z[1] + 0.7 * z[2], atol=1e-5)
    np.testing.assert_allclose(got.centrality, assignment.log_density, rtol=1e-6)  # the parts stay raw


def test_a_part_that_does_not_vary_counts_nothing() -> None:
    X, assignment = documents()
    assignment.log_responsibility[:] = -0.1
    got = influence_scores(X, assignment, n_clusters=4, beta=0.0)
    for k in range(4):
        own = assignment.labels == k
        part = assignment.log_density[own]
        np.testing.assert_allclose(got.gis[own], (part - part.mean()) / part.std(), atol=1e-5)


@pytest.mark.parametrize("standardize", [True, False])
def test_rotation_permutation_and_numbering(standardize: bool) -> None:
    X, assignment = documents(seed=3)
    first = influence_scores(X, assignment, n_clusters=4, standardize=standardize).gis
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    np.testing.assert_allclose(
        influence_scores(X @ rotation, assignment, n_clusters=4, standardize=standardize).gis, first, atol=1e-4
    )
    shuffle = np.random.default_rng(1).permutation(len(X))
    permuted = SimpleNamespace(
        labels=9 - assignment.labels[shuffle],  # other numbers, and empty clusters below them
        log_responsibility=assignment.log_responsibility[shuffle],
        log_density=assignment.log_density[shuffle],
    )
    np.testing.assert_allclose(
        influence_scores(X[shuffle], permuted, n_clusters=10, standardize=standardize).gis, first[shuffle], atol=1e-4
    )


def test_one_document_and_identical_documents() -> None:
    alone = SimpleNamespace(labels=np.zeros(1, int), log_responsibility=np.zeros(1), log_density=np.ones(1))
    assert influence_scores([[0.0, 2.0]], alone, n_clusters=3, standardize=False).gis.tolist() == [1.0]
    assert influence_scores([[0.0, 2.0]], alone, n_clusters=3, standardize=True).gis.tolist() == [0.0]
    same = SimpleNamespace(labels=np.zeros(20, int), log_responsibility=np.zeros(20), log_density=np.full(20, 3.3))
    got = influence_scores(np.tile([0.6, 0.8], (20, 1)), same, n_clusters=1)
    np.testing.assert_array_equal(got.gis, 0.0)
    np.testing.assert_allclose(got.density, 0.0, atol=1e-6)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_real_fit_ranks_its_center_first(kind: type) -> None:
    rng = np.random.default_rng(0)
    X = (
        np.repeat(np.eye(3, 16), 60, axis=0)
        + rng.standard_normal((180, 16)) * np.tile(np.linspace(0.02, 0.5, 60), 3)[:, None]
    )
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(kind)
    fit = fit_mixture(X, MixtureConfig(n_clusters=3))
    assignment = assign(X, fit)
    got = influence_scores(X, assignment, n_clusters=3)
    noise = np.tile(np.arange(60), 3)
    for k in range(3):
        own = assignment.labels == k
        order = np.argsort(-got.gis[own])
        assert noise[own][order[:10]].mean() < 15 < 45 < noise[own][order[-10:]].mean()


def test_progress_may_cancel() -> None:
    X, assignment = documents()
    steps: list[tuple[str, int, int]] = []
    influence_scores(X, assignment, n_clusters=4, progress=lambda *a: steps.append(a))
    assert steps[-1] == ("Measuring local density", 150, 150)

    def stop(step: str, completed: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        influence_scores(X, assignment, n_clusters=4, progress=stop)


@pytest.mark.parametrize(
    ("change", "options", "text"),
    [
        (
            {"labels": np.zeros(3, int)},
            {},
            "labels must hold one number per document (150); got shape (3,). Assign X again.",
        ),
        ({}, {"n_clusters": 2}, "labels must lie between 0 and 1; got 0 to 3. Pass the fit's number of clusters."),
        ({}, {"beta": -1.0}, "beta must be a number from 0 up; got -1.0. Pass 1 for the default."),
        ({}, {"neighbors": 0}, "neighbors must be at least 1; got 0. Pass 16 for the default."),
    ],
)
def test_bad_input_is_refused(change: dict[str, np.ndarray], options: dict[str, float], text: str) -> None:
    X, assignment = documents()
    assignment = SimpleNamespace(**{**vars(assignment), **change})
    with pytest.raises(InputError) as error:
        influence_scores(X, assignment, **{"n_clusters": 4, **options})  # type: ignore[arg-type]
    assert str(error.value) == text


def test_density_of_a_large_cluster_ranks_as_the_exact_one(monkeypatch: pytest.MonkeyPatch) -> None:
    X, _ = documents(n=800, d=8)
    labels = np.zeros(800, dtype=np.int32)
    exact = local_density(X, labels)
    monkeypatch.setattr("gem_core.influence.scores.EXACT", 400)
    monkeypatch.setattr("gem_core.influence.scores.POOL", 300)
    sampled = local_density(X, labels)
    assert np.all(sampled <= exact + 1e-7)
    assert np.corrcoef(sampled, exact)[0, 1] > 0.95
    np.testing.assert_array_equal(local_density(X, labels), sampled)
    # A document of the pool is no neighbor of its own: its density is no higher than that of the others.
    pool = np.random.default_rng(0).choice(800, 300, replace=False)
    assert abs(sampled[pool].mean() - np.delete(sampled, pool).mean()) < 0.01
