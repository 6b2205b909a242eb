"""Exemplars, borderline and least typical documents."""

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.influence import borderline, exemplars, least_typical


def lists(rows: tuple[np.ndarray, ...]) -> list[list[int]]:
    return [r.tolist() for r in rows]


def slow_exemplars(X: np.ndarray, labels: np.ndarray, gis: np.ndarray, count: int, limit: float) -> list[list[int]]:
    """Every pair anew."""
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    rankings = []
    for k in range(labels.max() + 1):
        chosen_rows: list[int] = []
        for i in sorted(np.flatnonzero(labels == k), key=lambda i: (-gis[i], i)):
            if len(chosen_rows) < count and all(unit[i] @ unit[j] <= limit for j in chosen_rows):
                chosen_rows.append(int(i))
        rankings.append(chosen_rows)
    return rankings


@pytest.mark.parametrize("limit", [0.3, 0.8, 0.95])
def test_exemplars_equal_a_slow_search(limit: float) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3))
    labels, gis = rng.integers(0, 5, 200), rng.integers(0, 30, 200).astype(float)  # with ties
    assert lists(exemplars(X, labels, gis, near_duplicate=limit)) == slow_exemplars(X, labels, gis, 10, limit)


def test_near_duplicates_are_passed_over() -> None:
    X = np.array([[1.0, 0.0], [1.0, 0.1], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    gis = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    assert lists(exemplars(X, np.zeros(5, int), gis)) == [[0, 2, 4]]
    assert lists(exemplars(X, np.zeros(5, int), gis, near_duplicate=1.0)) == [[0, 1, 2, 3, 4]]
    rng = np.random.default_rng(0)
    for vector in rng.standard_normal((50, 30)):  # the cosine of a vector to itself may round above 1
        assert lists(exemplars([vector, vector], [0, 0], [2.0, 1.0], near_duplicate=1.0)) == [[0, 1]]
    assert lists(exemplars(np.ones((40, 3)), np.zeros(40, int), np.arange(40.0))) == [[39]]


def test_empty_clusters_and_counts() -> None:
    X, labels = np.eye(4), np.array([0, 0, 2, 2])
    assert lists(exemplars(X, labels, np.arange(4.0), n_clusters=4)) == [[1, 0], [], [3, 2], []]
    assert lists(exemplars(X, labels, np.arange(4.0), count=1)) == [[1], [], [3]]
    assert lists(exemplars(X, labels, np.arange(4.0), count=0)) == [[], [], []]
    assert lists(borderline([], [], n_clusters=2)) == [[], []]
    assert borderline([], []) == ()


def test_borderline_and_least_typical_by_hand() -> None:
    labels = np.array([0, 1, 0, 0, 1])
    assert lists(borderline(labels, [3.0, 0.2, 1.0, 2.0, 0.1], count=2)) == [[2, 3], [4, 1]]
    assert lists(least_typical(labels, [3.0, 0.2, 1.0, -2.0, 0.1], count=2)) == [[3, 2], [4, 1]]
    assert lists(borderline([0, 0, 0], [1.0, 1.0, 1.0])) == [[0, 1, 2]]  # ties in row order


def test_permutation_permutes_the_rows() -> None:
    rng = np.random.default_rng(2)
    X, labels, gis = rng.standard_normal((90, 4)), rng.integers(0, 3, 90), rng.standard_normal(90)
    shuffle = rng.permutation(90)
    for first, two in zip(exemplars(X, labels, gis), exemplars(X[shuffle], labels[shuffle], gis[shuffle]), strict=True):
        assert first.tolist() == shuffle[two].tolist()


def test_results_are_read_only_rows() -> None:
    rows = exemplars(np.eye(3), [0, 0, 0], [1.0, 2.0, 3.0])[0]
    assert rows.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        rows[0] = 1


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match=r"the score must hold one number per document \(3\); got shape \(2,\)"):
        borderline([0, 0, 0], [1.0, 2.0])
    with pytest.raises(InputError, match=r"labels must hold one number per document \(2\); got shape \(3,\)"):
        exemplars(np.eye(2), [0, 0, 0], [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="count must not be negative; got -1"):
        least_typical([0], [1.0], count=-1)
    with pytest.raises(InputError, match="labels must lie between 0 and 0; got 0 to 1"):
        borderline([0, 1], [1.0, 2.0], n_clusters=1)
