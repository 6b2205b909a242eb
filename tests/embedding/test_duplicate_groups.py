"""Near-duplicates: the same groups as all pairs by brute force, whatever the sizes and however the blocks fall."""

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from gem_core.embedding import duplicate_groups as module
from gem_core.embedding.duplicate_groups import near_duplicates
from gem_core.errors import InputError


def brute(X: np.ndarray, threshold: float) -> set[frozenset[int]]:
    """Groups from the full matrix of cosines in float64."""
    unit = X.astype(np.float64) / np.linalg.norm(X.astype(np.float64), axis=1, keepdims=True)
    label = connected_components(unit @ unit.T >= threshold, directed=False)[1]
    groups = {frozenset(np.flatnonzero(label == k).tolist()) for k in range(label.max() + 1)}
    return {group for group in groups if len(group) > 1}


def groups_of(groups: module.Duplicates) -> set[frozenset[int]]:
    return {frozenset(groups.members(k)[0].tolist()) for k in range(len(groups.sizes))}


def planted(n: int, d: int, seed: int) -> np.ndarray:
    """Directions with neighbors at every distance: copies jittered by noise of many sizes, on a crowded corpus."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n // 3, d)) * np.linspace(2, 0.2, d) + 0.5
    copies = base[rng.integers(0, len(base), n - len(base))]
    noise = rng.normal(size=copies.shape) * rng.choice([0.0, 0.05, 0.2, 0.35, 0.6], size=(len(copies), 1))
    X = np.concatenate([base, copies + noise])
    return X[rng.permutation(n)].astype(np.float32)


@pytest.mark.parametrize(("n", "d"), [(300, 3), (700, 97), (700, 98), (900, 200)])
@pytest.mark.parametrize("threshold", [0.8, 0.95, 0.999])
def test_the_groups_are_those_of_all_pairs(n: int, d: int, threshold: float, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ROWS", 64), ("COLUMNS", 150), ("PAIRS", 37), ("FOLD", 90)):
        monkeypatch.setattr(module, name, value)
    X = planted(n, d, seed=d)
    expected = brute(X, threshold)
    duplicates = near_duplicates(X, threshold)
    assert groups_of(duplicates) == expected
    assert len(expected) > 5 or d == 3
    assert list(duplicates.sizes) == sorted(map(len, expected), reverse=True)


def test_the_bound_never_loses_a_pair() -> None:
    X = planted(400, 160, seed=5)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    short = module._short(unit)
    assert short.shape == (400, 97)
    assert np.all(short @ short.T >= unit @ unit.T - 1e-5)
    assert np.mean(short @ short.T - unit @ unit.T) < 0.2  # and it is a bound that tells something


def test_identical_rows_cost_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 128)).astype(np.float32)
    X = np.concatenate([X, np.repeat(X[:2], 2000, axis=0)])
    looked: list[int] = []
    true = module._components
    monkeypatch.setattr(module, "_components", lambda unit, *rest: looked.append(len(unit)) or true(unit, *rest))
    duplicates = near_duplicates(X)
    assert looked == [50]
    assert list(duplicates.sizes) == [2001, 2001]
    assert duplicates.extra == 4000
    assert duplicates.representatives.tolist() == [0, 1]


def test_the_representative_has_the_best_score_and_cosines_are_to_it() -> None:
    X = np.array([[1, 0, 0], [1, 0.02, 0], [0, 0, 1], [1, 0.04, 0], [0, 1, 0], [0, 1, 0.01]], dtype=float)
    duplicates = near_duplicates(X, 0.99, scores=[1, 5, 9, 2, 3, 3])
    assert duplicates.representatives.tolist() == [1, 4]  # of equals the first
    rows, cosine = duplicates.members(0)
    assert rows.tolist() == [1, 3, 0]
    # cos(row 1, row 3) = 1.0008/sqrt(1.0004 * 1.0016); cos(row 1, row 0) = 1/sqrt(1.0004)
    assert cosine == pytest.approx([1.0, 0.99980030, 0.99980006], abs=1e-7)
    assert duplicates.members(1)[0].tolist() == [4, 5]
    assert duplicates.extra == 3


def test_a_chain_is_one_group() -> None:
    angles = np.arange(6) * 0.1
    X = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    duplicates = near_duplicates(X, threshold=float(np.cos(0.11)))
    assert duplicates.rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert duplicates.cosine[-1] == pytest.approx(np.cos(0.5), abs=1e-6)  # below the threshold, and said


def test_nothing_alike_is_no_group() -> None:
    duplicates = near_duplicates(np.eye(5))
    assert (len(duplicates.rows), len(duplicates.sizes), duplicates.extra, len(duplicates.representatives)) == (
        0,
        0,
        0,
        0,
    )
    assert not duplicates.rows.flags.writeable


def test_progress_runs_from_nothing_to_all() -> None:
    heard: list[tuple[str, int, int]] = []
    X = np.random.default_rng(0).normal(size=(3000, 120))
    near_duplicates(X, progress=lambda *now: heard.append(now))
    assert heard == [("compare", 0, 3000), ("compare", 1024, 3000), ("compare", 2048, 3000), ("compare", 3000, 3000)]


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.01, float("nan")])
def test_a_threshold_is_a_cosine(threshold: float) -> None:
    with pytest.raises(InputError, match="threshold must be a cosine above 0, at most 1; got"):
        near_duplicates(np.eye(3), threshold)


def test_scores_fit_the_documents() -> None:
    with pytest.raises(InputError, match=r"one number per document \(3\); got shape \(2,\)"):
        near_duplicates(np.eye(3), scores=[1, 2])
