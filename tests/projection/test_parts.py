"""The parts of the layout against slow references: neighbors, affinities, forces, map, trustworthiness."""

import numpy as np
import pytest
from scipy.optimize import brentq
from sklearn.manifold import trustworthiness as reference_trustworthiness

from gem_core.errors import InputError
from gem_core.geometry import normalize
from gem_core.projection import equal_earth, neighbors, trustworthiness
from gem_core.projection.flat import rotate_for_map
from gem_core.projection.forces import gather, move


def quiet(step: str, completed: int, total: int) -> None:
    """Report nothing."""


def rows(n: int, d: int, seed: int = 0) -> np.ndarray:
    return normalize(np.random.default_rng(seed).standard_normal((n, d)))


def test_neighbors_are_the_nearest_by_cosine() -> None:
    X = rows(300, 10)
    indices, distances = neighbors.neighbor_graph(X, 20, quiet)
    squares = 2 - 2 * X @ X.T
    np.fill_diagonal(squares, np.inf)
    order = np.argsort(squares, axis=1)[:, :20]
    assert np.array_equal(indices, order)
    assert np.allclose(distances, np.take_along_axis(squares, order, axis=1), atol=1e-6)


def test_a_copy_is_a_neighbor_but_never_oneself() -> None:
    X = np.repeat(rows(4, 6), 30, axis=0)
    indices, distances = neighbors.neighbor_graph(X, 10, quiet)
    assert not np.any(indices == np.arange(120)[:, None])
    assert np.allclose(distances, 0.0, atol=1e-6)


def test_inexact_search_finds_nearly_all(monkeypatch: pytest.MonkeyPatch) -> None:
    X = rows(4000, 8)
    exact, _ = neighbors.neighbor_graph(X, 15, quiet)
    monkeypatch.setattr(neighbors, "EXACT_LIMIT", 1000)
    neighbor_rows, distances = neighbors.neighbor_graph(X, 15, quiet)
    assert np.mean([len(np.intersect1d(a, b)) for a, b in zip(exact, neighbor_rows, strict=True)]) > 0.9 * 15
    assert neighbors.affinities(neighbor_rows, distances, 5.0).sum() == pytest.approx(1.0)
    # More neighbors than the searched lists hold: what is missing is infinitely far.
    _, distances = neighbors.neighbor_graph(X[:2000], 1500, quiet)
    assert np.any(np.isinf(distances))
    assert np.all(np.diff(distances[:, :10], axis=1) >= 0)


def test_above_sixty_thousand_documents_the_search_finds_98_of_100() -> None:
    """The real limit: 65,000 rows, and the true neighbors of 400 of them."""
    X = rows(65_000, 8).astype(np.float32)
    neighbor_rows, distances = neighbors.neighbor_graph(X, 15, quiet)
    some = np.random.default_rng(1).choice(len(X), 400, replace=False)
    squares = 2 - 2 * X[some] @ X.T
    squares[np.arange(400), some] = np.inf
    exact = np.argsort(squares, axis=1)[:, :15]
    recall = np.mean([len(np.intersect1d(a, b)) for a, b in zip(exact, neighbor_rows[some], strict=True)]) / 15
    assert 0.98 < recall < 1  # 1 would mean that the exact search ran
    assert not np.any(neighbor_rows[some] == some[:, None])
    assert np.allclose(distances[some], np.take_along_axis(squares, neighbor_rows[some], axis=1), atol=1e-5)


def test_neighbors_that_were_not_found_weigh_nothing() -> None:
    indices = np.array([[1, 2, 0], [0, 2, 3], [0, 1, 3], [1, 2, 0]])
    distances = np.array([[0.1, 0.2, np.inf], [0.1, 0.2, 0.3], [0.2, 0.2, 0.4], [0.3, 0.4, 0.5]])
    P = neighbors.affinities(indices, distances, 2.0).toarray()
    assert np.all(np.isfinite(P))
    assert P[0, 0] == 0


def test_affinities_have_the_asked_perplexity() -> None:
    X = rows(200, 5)
    indices, distances = neighbors.neighbor_graph(X, 199, quiet)
    P = neighbors.affinities(indices, distances, 12.0).toarray()
    assert P.sum() == pytest.approx(1.0)
    assert np.array_equal(P, P.T)
    conditional = np.zeros((200, 200))
    for i in range(200):
        conditional[i, indices[i]] = slow_shares(distances[i], 12.0)
    assert np.allclose(P, (conditional + conditional.T) / 400, rtol=1e-6, atol=1e-15)


def slow_shares(squares: np.ndarray, perplexity: float) -> np.ndarray:
    """One document's shares exp(-beta d^2) / sum with exp(entropy) = perplexity; beta by scipy's root finder."""

    def shares(log_beta: float) -> np.ndarray:
        share = np.exp(-np.exp(log_beta) * (squares - squares.min()))
        return share / share.sum()

    def excess(log_beta: float) -> float:
        share = shares(log_beta)
        positive = share[share > 0]
        return float(-np.sum(positive * np.log(positive)) - np.log(perplexity))

    return shares(brentq(excess, -10, 10, xtol=1e-13))


def test_forces_agree_with_the_slow_sum() -> None:
    points = (3.0 * rows(40, 3)).astype(np.float32)
    landmarks = points[[3, 17, 17, 30]]
    P = neighbors.affinities(*neighbors.neighbor_graph(rows(40, 6), 8, quiet), 3.0)
    attraction, repulsion, kernel_sum = np.zeros_like(points), np.zeros_like(points), np.zeros(40, dtype=np.float32)
    gather(
        points,
        np.ascontiguousarray(landmarks.T),
        P.indptr.astype(np.int64),
        P.indices.astype(np.int64),
        P.data.astype(np.float32),
        attraction,
        repulsion,
        kernel_sum,
    )
    for i in range(40):
        to_mark = points[i] - landmarks
        q = 1 / (1 + np.sum(to_mark**2, axis=1))
        assert kernel_sum[i] == pytest.approx(q.sum(), rel=1e-5)
        assert np.allclose(repulsion[i], (q[:, None] ** 2 * to_mark).sum(axis=0), rtol=1e-4, atol=1e-6)
        to_all = points[i] - points
        pull = P[i].toarray().ravel() / (1 + np.sum(to_all**2, axis=1))
        assert np.allclose(attraction[i], (pull[:, None] * to_all).sum(axis=0), rtol=1e-4, atol=1e-7)


def test_a_step_follows_the_tangent_and_stays_on_the_sphere() -> None:
    unit = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]], dtype=np.float32)
    velocity, zero = np.zeros_like(unit), np.zeros_like(unit)
    force = np.array([[0.1, 0.0, 5.0], [40.0, 0.0, 0.0]], dtype=np.float32)  # 5 points outwards; 40 is cut to 0.3
    move(unit, velocity, zero, force, np.float32(1), np.float32(1), np.float32(0.8))
    assert np.allclose(unit[0], np.array([0.1, 0.0, 1.0]) / np.hypot(0.1, 1.0), atol=1e-6)
    assert np.allclose(unit[1], np.array([0.3, 0.0, 1.0]) / np.hypot(0.3, 1.0), atol=1e-6)
    assert np.allclose(np.sum(unit * velocity, axis=1), 0.0, atol=1e-6)


def test_equal_earth_keeps_areas_and_has_known_edges() -> None:
    """The Jacobian against the area element of the sphere is 1 everywhere; edges from the paper's formula."""
    longitude, latitude = np.meshgrid(np.linspace(-3, 3, 25), np.linspace(-1.5, 1.5, 25))

    def at(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        points = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
        return equal_earth(points.reshape(-1, 3)).astype(np.float64).reshape(*lon.shape, 2)

    h = 0.01
    by_longitude = (at(longitude + h, latitude) - at(longitude - h, latitude)) / (2 * h)
    by_latitude = (at(longitude, latitude + h) - at(longitude, latitude - h)) / (2 * h)
    area = by_longitude[..., 0] * by_latitude[..., 1] - by_longitude[..., 1] * by_latitude[..., 0]
    assert np.allclose(area, np.cos(latitude), atol=2e-3)
    assert at(np.array([np.pi]), np.array([0.0]))[0, 0] == pytest.approx(2.7066, abs=1e-3)
    assert at(np.array([0.0]), np.array([np.pi / 2]))[0, 1] == pytest.approx(1.3173, abs=1e-3)


def test_the_cut_runs_where_few_documents_are() -> None:
    """A globe with one bare strip: the map's cut and poles must find it, and distances must not change."""
    rng = np.random.default_rng(0)
    points = rows(3000, 3).astype(np.float32)
    bare = (np.abs(points[:, 2]) < 0.25) & (points[:, 0] > -0.2)
    points = points[~bare]
    turned = rotate_for_map(points, rng)
    assert np.allclose(turned[:50] @ turned[:50].T, points[:50] @ points[:50].T, atol=1e-5)
    at_cut = (turned[:, 0] < 0) & (np.abs(turned[:, 1]) < 0.1)
    assert np.mean(at_cut) < 0.01  # 3% if turned at random


@pytest.mark.parametrize("columns", [2, 3])
def test_trustworthiness_is_scikit_learns(columns: int) -> None:
    X = rows(150, 12).astype(np.float64)
    Y = X[:, :columns] + 0.1
    assert trustworthiness(X, Y, neighbors=7) == pytest.approx(reference_trustworthiness(X, Y, n_neighbors=7))


def test_trustworthiness_of_a_sample_estimates_the_whole() -> None:
    X = rows(1500, 6)
    Y = X[:, :2]
    whole, sampled = trustworthiness(X, Y), trustworthiness(X, Y, sample=400)
    assert sampled == pytest.approx(whole, abs=0.01)
    assert sampled == trustworthiness(X, Y, sample=400)
    assert trustworthiness(X, np.random.default_rng(0).random((1500, 2))) == pytest.approx(0.5, abs=0.03)


def test_trustworthiness_refuses() -> None:
    with pytest.raises(InputError) as caught:
        trustworthiness(rows(20, 4), np.zeros((19, 2)))
    assert str(caught.value) == (
        "Y must hold one position a document (20); got shape (19, 2). Pass the layout of the same documents."
    )
    with pytest.raises(InputError) as caught:
        trustworthiness(rows(20, 4), np.zeros((20, 2)), neighbors=10)
    assert str(caught.value) == (
        "neighbors must be at least 1 and below half the documents; got 10 with 20 documents. Ask for fewer neighbors."
    )
