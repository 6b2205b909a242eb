"""Overlap tables and means over pairs: by hand, against scikit-learn, and against the truth by simulation."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from gem_core.clustering.overlap import jaccard, matched_order, matched_pairs, overlap_table, table_agreement
from gem_core.clustering.pair_means import pair_mean
from gem_core.errors import InputError

A = np.array([0, 0, 0, 1, 1, 1])
B = np.array([0, 0, 1, 1, 2, 2])


def test_table_by_hand() -> None:
    assert overlap_table(A, B, 2, 3).tolist() == [[2, 1, 0], [0, 1, 2]]
    assert overlap_table(A, B, 3, 4).shape == (3, 4)  # groups that hold nothing keep their place


def test_ari_and_nmi_by_hand() -> None:
    agreement = table_agreement([[2, 1, 0], [0, 1, 2]])
    # Pairs together in both 2, in A 6, in B 3, of 15: (2 - 1.2) / (4.5 - 1.2).
    assert agreement.ari == pytest.approx(0.8 / 3.3)
    # H_A = log 2, H_B = log 3, joint entropy of 1/3, 1/6, 1/6, 1/3.
    joint = -(2 / 3 * np.log(1 / 3) + 1 / 3 * np.log(1 / 6))
    assert agreement.nmi == pytest.approx(2 * (np.log(2) + np.log(3) - joint) / (np.log(2) + np.log(3)))


@pytest.mark.parametrize(
    ("table", "ari", "nmi"),
    [
        ([[4]], 1.0, 1.0),
        ([[2, 2], [2, 2]], -1 / 6, 0.0),
        ([[1, 1, 1]], 0.0, 0.0),
        ([[0, 3], [2, 0]], 1.0, 1.0),
        ([[1]], 1.0, 1.0),
    ],
)
def test_agreement_at_the_edges(table: list[list[int]], ari: float, nmi: float) -> None:
    agreement = table_agreement(table)
    assert (agreement.ari, agreement.nmi) == (pytest.approx(ari), pytest.approx(nmi, abs=1e-12))


@pytest.mark.parametrize("seed", range(5))
def test_agreement_is_scikit_learns_and_forgets_the_numbering(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 7, 400), rng.integers(0, 4, 400)
    b[:200] = a[:200] % 4
    agreement = table_agreement(overlap_table(a, b, 7, 4))
    assert agreement.ari == pytest.approx(adjusted_rand_score(a, b), abs=1e-12)
    assert agreement.nmi == pytest.approx(normalized_mutual_info_score(a, b), abs=1e-12)
    renamed = table_agreement(overlap_table(b, rng.permutation(7)[a], 4, 7))
    assert (renamed.ari, renamed.nmi) == (pytest.approx(agreement.ari), pytest.approx(agreement.nmi))


def test_jaccard_by_hand() -> None:
    assert jaccard([[2, 1, 0], [0, 1, 0]]) == pytest.approx(np.array([[2 / 3, 1 / 4, 0.0], [0.0, 1 / 2, 0.0]]))


def test_partners_hold_the_most_documents_together() -> None:
    # Greedy would take 5 and leave 1: 6 together. The best is 4 + 4.
    assert matched_pairs([[5, 4], [4, 1]]).tolist() == [1, 0]
    assert matched_pairs([[3, 0], [2, 0]]).tolist() == [0, -1]  # nothing in common is no partner


def test_columns_follow_their_partners() -> None:
    table = np.array([[9, 0, 0, 3], [0, 0, 8, 0], [0, 7, 0, 0]])
    assert matched_order(table, [2, 0, 1]).tolist() == [1, 0, 3, 2]
    rng = np.random.default_rng(0)
    for _ in range(20):
        order = matched_order(rng.integers(0, 5, (4, 6)) + 1, rng.permutation(4))
        assert sorted(order) == list(range(6))


def test_pair_mean_by_hand() -> None:
    two = pair_mean([[1.0, 0.4], [0.4, 1.0]])
    assert (two.mean, two.items) == (0.4, 2)
    assert np.isnan([two.low, two.high, two.spread]).all()
    same = pair_mean(np.where(np.eye(5), 1.0, 0.7))  # the ones on the diagonal must not raise the interval
    assert (same.mean, same.low, same.high, same.spread) == pytest.approx((0.7, 0.7, 0.7, 0.0))
    three = pair_mean([[1.0, 0.1, 0.2], [0.1, 1.0, 0.6], [0.2, 0.6, 1.0]])
    assert three.mean == pytest.approx(0.3)
    assert three.spread == pytest.approx(np.std([0.15, 0.35, 0.4], ddof=1))
    assert (three.low, three.high) == (pytest.approx(0.1), pytest.approx(0.6))  # draws that hold two items only


def test_interval_knows_that_pairs_share_their_items() -> None:
    """Fits that are each good or bad make pairs that rise and fall together: drawing pairs would be far too sure."""
    rng = np.random.default_rng(1)
    ours = pairs_drawn = 0
    off = np.triu_indices(8, 1)
    for _ in range(300):
        fits = rng.normal(0.0, 0.1, 8)
        table = 0.6 + fits[:, None] + fits[None, :]
        interval = pair_mean(table, draws=400)
        ours += interval.low <= 0.6 <= interval.high
        means = rng.choice(table[off], (400, off[0].size)).mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        pairs_drawn += low <= 0.6 <= high
    assert 0.9 < ours / 300 < 0.99
    assert pairs_drawn / 300 < 0.7


def test_refusals() -> None:
    with pytest.raises(InputError, match=r"table must hold the documents in common .* got shape \(0,\)"):
        table_agreement([])
    with pytest.raises(InputError, match=r"symmetric table over two items or more; got shape \(1, 1\)"):
        pair_mean([[1.0]])
    with pytest.raises(InputError, match="labels must lie between 0 and n_clusters - 1; got 0 to 2"):
        overlap_table(A, B, 2, 2)
