"""Shares that are set one by one, and shares above a floor."""

import numpy as np
import pytest
from scipy.optimize import minimize

from gem_core.errors import InputError
from gem_core.geometry import apply_floor, rebalance


def some_shares(rng: np.random.Generator, k: int) -> np.ndarray:
    shares = rng.dirichlet(np.full(k, 0.4))
    shares[rng.random(k) < 0.2] = 0.0
    return shares / shares.sum() if shares.sum() > 0 else np.full(k, 1 / k)


def test_a_share_is_set_and_the_others_make_room() -> None:
    assert rebalance([0.5, 0.3, 0.2], 0, 0.2).tolist() == pytest.approx([0.2, 0.48, 0.32])
    assert rebalance([0.4, 0.3, 0.2, 0.1], 3, 0.3, [True, False, False, False]).tolist() == pytest.approx(
        [0.4, 0.18, 0.12, 0.3]
    )
    assert rebalance([1.0, 0.0, 0.0], 0, 0.4).tolist() == pytest.approx([0.4, 0.3, 0.3])


def test_rebalanced_shares_stay_shares() -> None:
    """Sum 1, nothing negative, as asked, locked ones untouched, proportions kept, twice the same as once."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        k = int(rng.integers(2, 30))
        shares, locked = some_shares(rng, k), rng.random(k) < 0.4
        index = int(rng.integers(k))
        locked[index] = False
        if locked.sum() == k - 1:
            locked[(index + 1) % k] = False
        value = float(rng.random() * max(0.0, 1 - shares[locked].sum()))
        new = rebalance(shares, index, value, locked)
        assert new.sum() == pytest.approx(1, abs=1e-12)
        assert new.min() >= 0
        assert new[index] == pytest.approx(value, abs=1e-12)
        assert np.array_equal(new[locked], shares[locked])
        free = ~locked
        free[index] = False
        if shares[free].sum() > 1e-9:
            assert new[free] * shares[free].sum() == pytest.approx(shares[free] * new[free].sum(), abs=1e-12)
        again = rebalance(new, index, value, locked)
        assert again == pytest.approx(new, abs=1e-12)


def test_the_last_unlocked_share_can_only_be_the_rest() -> None:
    shares, locked = [0.5, 0.3, 0.2], [False, True, True]
    assert rebalance(shares, 0, 0.5, locked).tolist() == pytest.approx(shares)
    with pytest.raises(InputError) as caught:
        rebalance(shares, 0, 0.4, locked)
    assert str(caught.value) == (
        "The share must be 0.5, which the locked ones leave; got 0.4. Unlock another share, or choose a possible one."
    )


def test_impossible_shares_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        rebalance([0.5, 0.3, 0.2], 1, 0.6, [True, False, False])
    assert str(caught.value) == (
        "The share must lie between 0 and 0.5, which the locked ones leave; got 0.6. "
        "Unlock another share, or choose a possible one."
    )
    with pytest.raises(InputError, match=r"must not be locked; got share 0, which is locked. Unlock it first\."):
        rebalance([0.5, 0.3, 0.2], 0, 0.6, [True, False, False])
    for value in (-0.1, 1.2, float("nan")):
        with pytest.raises(InputError, match="The share must lie between 0 and 1"):
            rebalance([0.5, 0.5, 0.0], 0, value)
    with pytest.raises(InputError, match=r"sum to 1; got sum 1\.3"):
        rebalance([0.5, 0.8], 0, 0.2)
    with pytest.raises(InputError, match="between 0 and 2; got 3"):
        rebalance([0.5, 0.3, 0.2], 3, 0.2)
    with pytest.raises(InputError, match=r"one answer a share \(3\); got shape \(2,\)"):
        rebalance([0.5, 0.3, 0.2], 0, 0.2, [False, True])


def test_a_floor_lifts_the_small_and_shrinks_the_rest_in_proportion() -> None:
    assert apply_floor([0.6, 0.3, 0.1, 0.0], 0.1).tolist() == pytest.approx([8 / 15, 4 / 15, 0.1, 0.1])
    assert apply_floor([0.2, 0.3, 0.5], 0.0).tolist() == pytest.approx([0.2, 0.3, 0.5])
    assert apply_floor([0.9, 0.1, 0.0], 1 / 3).tolist() == pytest.approx([1 / 3] * 3)
    # 0.21 is above the floor of 0.2 and falls below it once the others have been lifted
    assert apply_floor([0.79, 0.21, 0.0], 0.2).tolist() == pytest.approx([0.6, 0.2, 0.2])
    with pytest.raises(InputError) as caught:
        apply_floor([0.5, 0.5], 0.6)
    assert str(caught.value) == (
        "The floor must lie between 0 and one part in 2 (0.5), one for each cluster; got 0.6. "
        "Use a lower floor, or fewer clusters."
    )


def test_a_floor_leaves_shares_with_kept_proportions() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        k = int(rng.integers(1, 40))
        shares = some_shares(rng, k)
        floor = float(rng.random() / k)
        new = apply_floor(shares, floor)
        assert new.sum() == pytest.approx(1, abs=1e-12)
        assert new.min() >= floor - 1e-15
        above = new > floor * (1 + 1e-12)
        if above.any():
            ratio = new[above] / shares[above]
            assert ratio == pytest.approx(np.full(ratio.size, ratio[0]))
            assert (shares[~above] * ratio[0] <= floor * (1 + 1e-9)).all()
        assert apply_floor(new, floor) == pytest.approx(new, abs=1e-12)


def test_a_floor_is_the_nearest_point_in_relative_entropy() -> None:
    """Against a general optimizer."""
    p = np.array([0.55, 0.24, 0.12, 0.06, 0.03])
    solution = minimize(
        lambda u: float(np.sum(u * np.log(u / p))),
        np.full(5, 0.2),
        bounds=[(0.1, 1)] * 5,
        constraints={"type": "eq", "fun": lambda u: u.sum() - 1},
        options={"ftol": 1e-14},
    )
    assert apply_floor(p, 0.1) == pytest.approx(solution.x, abs=1e-5)
