"""Tree: Ward's rule on the sphere against a slow version, cut, order and names."""

from itertools import combinations

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.taxonomy import build_tree


def names(k: int) -> list[str]:
    return [f"Word{i}, other{i}" for i in range(k)]


def resultants(k: int, d: int = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((k, d)) + 0.7) * rng.uniform(0.01, 0.2, (k, 1))


def slow_merges(S: np.ndarray) -> list[tuple[frozenset[int], float]]:
    """Merge the pair that loses least length, trying all pairs each time."""
    groups = {frozenset([k]): S[k] for k in range(len(S))}
    merged = []
    while len(groups) > 1:

        def loss(pair: tuple[frozenset[int], frozenset[int]]) -> float:
            a, b = groups[pair[0]], groups[pair[1]]
            return float(np.linalg.norm(a) + np.linalg.norm(b) - np.linalg.norm(a + b))

        a, b = min(combinations(groups, 2), key=loss)
        merged.append((a | b, loss((a, b))))
        groups[a | b] = groups.pop(a) + groups.pop(b)
    return merged


def nodes(merges: np.ndarray) -> list[frozenset[int]]:
    k = len(merges) + 1
    clusters = [frozenset([i]) for i in range(k)]
    for a, b in merges[:, :2].astype(int):
        clusters.append(clusters[a] | clusters[b])
    return clusters[k:]


@pytest.mark.parametrize("seed", range(5))
def test_merges_equal_a_slow_search(seed: int) -> None:
    S = resultants(14, seed=seed)
    tree = build_tree(S, names(14))
    slow = slow_merges(S)
    assert nodes(tree.merges) == [group for group, _ in slow]
    np.testing.assert_allclose(tree.merges[:, 2], [loss for _, loss in slow], atol=1e-12)
    assert tree.merges[:, 3].tolist() == [len(group) for group, _ in slow]
    # The losses add up to what one direction for all costs.
    total = np.linalg.norm(S, axis=1).sum() - np.linalg.norm(S.sum(axis=0))
    assert tree.merges[:, 2].sum() == pytest.approx(total)


def test_two_clusters_by_hand() -> None:
    tree = build_tree([[0.3, 0.0], [0.0, 0.4]], ["A", "B"])
    np.testing.assert_allclose(tree.merges, [[0, 1, 0.3 + 0.4 - 0.5, 2]])


@pytest.mark.parametrize("k", [1, 2, 3, 4, 7, 24, 60, 200])
def test_every_cluster_has_one_parent_and_a_place(k: int) -> None:
    tree = build_tree(resultants(k), names(k))
    assert sorted(tree.order.tolist()) == list(range(k))
    in_order = [c for group in tree.groups for c in group.children]
    assert in_order == tree.order.tolist()
    for index, group in enumerate(tree.groups):
        assert all(tree.group_of[c] == index for c in group.children)
    titles = [group.name.casefold() for group in tree.groups]
    assert len(set(titles)) == len(titles)
    low, high = (k, k) if k <= 3 else (max(2, round(0.8 * k**0.5)), min(k - 1, round(2 * k**0.5)))
    assert low <= len(tree.groups) <= high
    assert tree.merges.shape == (k - 1, 4)
    with pytest.raises(ValueError, match="read-only"):
        tree.order[0] = 1


def test_planted_families_are_found() -> None:
    rng = np.random.default_rng(4)
    family = np.repeat(np.arange(4), [5, 3, 6, 2])
    S = 0.05 * (np.eye(4, 10)[family] + 0.08 * rng.standard_normal((16, 10)))
    shuffle = rng.permutation(16)
    tree = build_tree(S[shuffle], names(16))
    families = {frozenset(family[shuffle][list(group.children)].tolist()) for group in tree.groups}
    assert families == {frozenset([0]), frozenset([1]), frozenset([2]), frozenset([3])}


def test_rotation_and_scale_change_nothing() -> None:
    S = resultants(20, d=8)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((8, 8)))[0]
    original, two = build_tree(S, names(20)), build_tree(7 * S @ rotation, names(20))
    assert nodes(original.merges) == nodes(two.merges)
    assert original.groups == two.groups


def test_permutation_permutes_the_groups() -> None:
    S = resultants(20, d=8, seed=2)
    shuffle = np.random.default_rng(5).permutation(20)
    original = build_tree(S, names(20))
    two = build_tree(S[shuffle], [names(20)[i] for i in shuffle])
    assert {frozenset(p.children) for p in original.groups} == {
        frozenset(int(shuffle[c]) for c in p.children) for p in two.groups
    }
    assert {p.name for p in original.groups} == {p.name for p in two.groups}


def test_parents_are_named_from_their_children() -> None:
    S = np.array([[1.0, 0.0], [0.5, 0.01], [0.2, 0.0], [0.0, 1.0], [0.0, 0.9]])
    tree = build_tree(S, ["Bread, oven", "Cakes, sugar", "Cake, oven", "Court, judge", "Law"])
    # Shared phrases first (cake, in two spellings; oven), then the first phrase of each child, the largest first.
    assert sorted(p.name for p in tree.groups) == ["Cakes / Oven / Bread", "Court / Law"]


def test_names_stay_unique_when_children_are_called_alike() -> None:
    S = np.repeat(np.eye(5, 5), 4, axis=0) + 1e-3
    tree = build_tree(S, ["Bread"] * 20)
    titles = [p.name for p in tree.groups]
    assert len(set(titles)) == len(titles)
    assert all(title.startswith("Bread") for title in titles)


def test_empty_clusters_and_duplicates_have_a_tree() -> None:
    for S in (np.zeros((6, 3)), np.ones((6, 3)), np.vstack((np.eye(3), np.zeros((3, 3))))):
        tree = build_tree(S, names(6))
        assert sorted(tree.order.tolist()) == list(range(6))
        assert np.all(np.isfinite(tree.merges))
        assert np.all(tree.merges[:, 2] >= 0)


def test_bad_input_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"names must hold one label a cluster \(2\); got 1. Pass one label a cluster."
    ):
        build_tree(np.eye(2), ["A"])
    with pytest.raises(InputError, match="resultants must be a table of finite numbers"):
        build_tree([[np.nan, 0.0]], ["A"])
    with pytest.raises(InputError, match="resultants must be a table of finite numbers"):
        build_tree(np.zeros((0, 3)), [])
