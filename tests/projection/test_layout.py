"""The layout on the sphere: what it keeps, what it covers, and that odd corpora work."""

import numpy as np
import pytest

from gem_core.errors import Cancelled, InputError
from gem_core.geometry import normalize, sample_vmf
from gem_core.projection import Layout, equal_earth, layout, spherical, trustworthiness
from gem_core.projection.neighbors import affinities, neighbor_graph, principal_directions
from gem_core.projection.spherical import EPOCHS

N, TOPICS, D = 600, 12, 32


def topics(n: int = N, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Documents of twelve topics of unequal size, and the topic of each."""
    rng = np.random.default_rng(seed)
    labels = np.sort(rng.choice(TOPICS, n, p=np.arange(1, TOPICS + 1) / (TOPICS * (TOPICS + 1) / 2)))
    centers = normalize(rng.standard_normal((TOPICS, D)))
    return np.concatenate([sample_vmf(centers[k], 60.0, int(np.sum(labels == k)), rng) for k in range(TOPICS)]), labels


@pytest.fixture(scope="module")
def corpus() -> tuple[np.ndarray, np.ndarray]:
    return topics()


@pytest.fixture(scope="module")
def result(corpus: tuple[np.ndarray, np.ndarray]) -> Layout:
    return layout(corpus[0])


def largest_gap(sphere: np.ndarray) -> float:
    """Radius in degrees of the largest empty cap, over 4,000 directions."""
    directions = normalize(np.random.default_rng(1).standard_normal((4000, 3)))
    return float(np.degrees(np.arccos((directions @ sphere.T).max(axis=1).min())))


def test_shapes_units_and_read_only(result: Layout) -> None:
    assert (result.sphere.shape, result.flat.shape) == ((N, 3), (N, 2))
    assert result.sphere.dtype == result.flat.dtype == np.float32
    assert np.allclose(np.linalg.norm(result.sphere, axis=1), 1.0, atol=1e-6)
    assert not result.sphere.flags.writeable
    assert not result.flat.flags.writeable
    assert np.array_equal(result.flat, equal_earth(result.sphere))


def test_neighbors_share_their_topic(corpus: tuple[np.ndarray, np.ndarray], result: Layout) -> None:
    _, labels = corpus
    for positions in (result.sphere, result.flat):
        squares = np.sum((positions[:, None, :] - positions[None, :, :]) ** 2, axis=2)
        np.fill_diagonal(squares, np.inf)
        assert np.mean(labels[np.argmin(squares, axis=1)] == labels) > 0.97


def test_trustworthy_beyond_principal_components(corpus: tuple[np.ndarray, np.ndarray], result: Layout) -> None:
    X, _ = corpus
    start = principal_directions(X, np.random.default_rng(0))
    on_sphere, on_map = trustworthiness(X, result.sphere), trustworthiness(X, result.flat)
    assert on_sphere > trustworthiness(X, start) + 0.05
    assert on_sphere > 0.96
    assert on_map > on_sphere - 0.02


def divergence(sphere: np.ndarray, P: np.ndarray, radius: float) -> float:
    """KL(P || Q) in the slow, obvious way."""
    points = radius * sphere.astype(np.float64)
    q = 1 / (1 + np.sum((points[:, None] - points[None]) ** 2, axis=2))
    np.fill_diagonal(q, 0)
    q /= q.sum()
    positive = P > 0
    return float(np.sum(P[positive] * np.log(P[positive] / q[positive])))


def test_descent_lowers_the_divergence(corpus: tuple[np.ndarray, np.ndarray], result: Layout) -> None:
    X = normalize(corpus[0])
    P = affinities(*neighbor_graph(X, 45, lambda *_: None), 15.0).toarray()
    radius = 1.35 * N**0.25
    random = normalize(np.random.default_rng(0).standard_normal((N, 3)))
    start = principal_directions(X, np.random.default_rng(0))
    assert divergence(result.sphere, P, radius) < divergence(start, P, radius) - 0.5
    assert divergence(start, P, radius) < divergence(random, P, radius)


def test_landmarks_stand_for_all_documents(
    corpus: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of landmarks changes the noise of the repulsion, not its strength."""
    X = normalize(corpus[0])
    P = affinities(*neighbor_graph(X, 45, lambda *_: None), 15.0).toarray()
    reached = []
    for landmarks in (N, 100):
        monkeypatch.setattr(spherical, "LANDMARKS", landmarks)
        reached.append(divergence(layout(X).sphere, P, 1.35 * N**0.25))
    assert reached[1] == pytest.approx(reached[0], rel=0.05)


@pytest.mark.parametrize("n", [50, 480])
def test_the_whole_sphere_is_used(n: int) -> None:
    sphere = layout(topics(n, seed=3)[0]).sphere
    directions = normalize(np.random.default_rng(2).standard_normal((500, 3)))
    emptiest = np.mean(directions @ sphere.T > 0, axis=1).min()
    assert emptiest > 0.15, "a hemisphere is nearly empty"
    assert largest_gap(sphere) < 60


def test_same_seed_same_layout(corpus: tuple[np.ndarray, np.ndarray], result: Layout) -> None:
    X, _ = corpus
    again, other = layout(X), layout(X, seed=1)
    assert np.array_equal(again.sphere, result.sphere)
    assert np.array_equal(again.flat, result.flat)
    assert not np.allclose(other.sphere, result.sphere, atol=0.1)
    assert (result.seed, other.seed) == (0, 1)


def test_only_directions_count(corpus: tuple[np.ndarray, np.ndarray], result: Layout) -> None:
    X, _ = corpus
    scaled = X * 2.0 ** np.random.default_rng(0).integers(-3, 4, (N, 1))  # powers of two: no rounding
    assert np.array_equal(layout(scaled).sphere, result.sphere)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 14, 16])
def test_few_documents(n: int) -> None:
    sphere = layout(np.random.default_rng(n).standard_normal((n, 6))).sphere
    assert np.allclose(np.linalg.norm(sphere, axis=1), 1.0, atol=1e-6)
    assert len(np.unique(sphere.round(3), axis=0)) == n


@pytest.mark.parametrize(
    ("X", "places"),
    [
        (np.ones((40, 5)), 40),  # all identical: spread evenly
        (np.ones((30, 1)), 30),  # one dimension
        (np.repeat(np.eye(4), 30, axis=0), 4),  # copies only
        (np.concatenate([np.eye(60), np.ones((100, 60))]), 61),  # more copies than neighbors
        (np.array([[1.0, 0.0], [-1.0, 0.0]] * 10), 2),  # opposite copies
    ],
    ids=["identical", "one dimension", "four texts", "boilerplate", "opposite"],
)
def test_copies(X: np.ndarray, places: int) -> None:
    result = layout(X)
    assert np.all(np.isfinite(result.flat))
    assert np.allclose(np.linalg.norm(result.sphere, axis=1), 1.0, atol=1e-6)
    # Different texts lie apart; copies may share a place.
    assert len(np.unique(result.sphere.round(3), axis=0)) >= places


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_number_types(corpus: tuple[np.ndarray, np.ndarray], kind: type) -> None:
    X = corpus[0][:200].astype(kind)
    assert trustworthiness(X, layout(X).sphere) > 0.85


def test_progress_counts_documents_and_epochs(corpus: tuple[np.ndarray, np.ndarray]) -> None:
    steps: list[tuple[str, int, int]] = []
    layout(corpus[0][:100], progress=lambda *report: steps.append(report))
    assert [r for r in steps if r[0] == "layout"] == [("layout", e, EPOCHS) for e in range(EPOCHS + 1)]
    assert [step for step, completed, total in steps if completed == total] == ["neighbors", "layout", "flat map"]


def test_progress_may_cancel(corpus: tuple[np.ndarray, np.ndarray]) -> None:
    def stop(step: str, completed: int, total: int) -> None:
        if (step, completed) == ("layout", 7):
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        layout(corpus[0][:100], progress=stop)


def test_refusals() -> None:
    with pytest.raises(InputError, match="X must be a table of vectors"):
        layout(np.empty((0, 4)))
    with pytest.raises(InputError, match="NaN or infinity in 1 such row, the first at row 1"):
        layout([[1.0, 0.0], [np.nan, 1.0]])
    with pytest.raises(InputError, match="all-zero vectors in 1 such row, the first at row 0"):
        layout([[0.0, 0.0], [0.0, 1.0]])


def test_a_large_corpus_is_laid_out_by_a_sample_and_the_rest_beside_it(corpus: tuple[np.ndarray, np.ndarray]) -> None:
    X, labels = corpus
    result = layout(X, sample_size=200)
    assert result.sampled_documents == 200
    assert layout(X).sampled_documents == 0
    assert np.allclose(np.linalg.norm(result.sphere, axis=1), 1.0, atol=1e-6)
    assert trustworthiness(X, result.sphere) > 0.9
    squares = np.sum((result.sphere[:, None, :] - result.sphere[None, :, :]) ** 2, axis=2)
    np.fill_diagonal(squares, np.inf)
    assert np.mean(labels[np.argmin(squares, axis=1)] == labels) > 0.95
