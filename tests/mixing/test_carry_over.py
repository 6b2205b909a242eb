"""Carry-over: splits, merges and lost domains by hand; the overlap counted one document at a time."""

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.mixing.carry_over import carry, collinear, token_overlap


def test_the_overlap_counts_tokens_of_documents_in_both() -> None:
    rng = np.random.default_rng(0)
    old, new, tokens = rng.integers(-1, 4, 500), rng.integers(-1, 3, 500), rng.integers(0, 1 << 40, 500)
    expected = np.zeros((4, 3), dtype=object)
    for i, j, t in zip(old, new, tokens, strict=True):
        if i >= 0 and j >= 0:
            expected[i, j] += int(t)
    assert token_overlap(old, new, tokens, 4, 3).tolist() == expected.tolist()


def test_a_split_shares_by_tokens_and_a_merge_sums() -> None:
    table = np.array([[30, 10, 0, 0], [0, 0, 5, 0], [0, 0, 15, 0]])
    carried = carry([0.4, 0.1, 0.5], table)
    np.testing.assert_allclose(carried.weights, [0.3, 0.1, 0.6, 0.0], rtol=1e-15)
    assert carried.supported.tolist() == [True, True, True, False]
    assert carried.dropped_weight == 0


def test_the_same_taxonomy_changes_nothing_and_natural_shares_stay_natural() -> None:
    w = np.random.default_rng(1).dirichlet(np.ones(5))
    np.testing.assert_allclose(carry(w, np.diag([3, 1, 4, 1, 5])).weights, w, rtol=1e-14)
    table = np.random.default_rng(2).integers(0, 100, (5, 7))
    shares = table.sum(axis=1) / table.sum()
    np.testing.assert_allclose(carry(shares, table).weights, table.sum(axis=0) / table.sum(), rtol=1e-13)


def test_the_weight_of_what_is_gone_is_told() -> None:
    carried = carry([[0.25, 0.75], [0.5, 0.5]], [[4, 4], [0, 0]])
    assert carried.weights.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert carried.dropped_weight.tolist() == [0.75, 0.5]
    with pytest.raises(InputError) as refused:
        carry([0.0, 1.0], [[4, 4], [0, 0]])
    assert str(refused.value) == (
        "Weights can be carried over only to domains that hold some of their tokens; "
        "got none in common. Compute weights for this taxonomy."
    )


def test_parts_of_a_split_are_named_as_not_told_apart() -> None:
    runs = np.random.default_rng(3).dirichlet(np.ones(4), 64)
    assert collinear(runs) == ()
    carried = carry(runs, [[2, 1, 0, 0, 0], [0, 0, 7, 0, 0], [0, 0, 0, 3, 0], [0, 0, 0, 0, 1]]).weights
    assert [(i, j) for i, j, _ in collinear(carried)] == [(0, 1)]
    assert collinear(carried)[0][2] == pytest.approx(1)
    constant = np.column_stack([np.full(8, 0.1), np.full(8, 0.2), np.linspace(0.1, 0.3, 8), np.linspace(0.6, 0.4, 8)])
    assert collinear(constant) == ()  # what never changes, and what goes against each other
