"""Weights: closed forms, a projection that equals a general solver's, limits kept to the last bit, refusals."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from gem_core.errors import InputError
from gem_core.mixing.constraints import epoch_caps, project
from gem_core.mixing.weights import Limits, temperature, weigh

TOKENS = [1000, 10, 20, 500]
NUMBERS = [0, 3, 5, 9]


def bounds(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Weights, floors and caps that leave room, with zeros, infinite caps and fixed weights among them."""
    K = int(rng.integers(1, 30))
    p = rng.dirichlet(np.full(K, 0.3)) * (rng.random(K) < 0.8)
    p[0] += 0.01
    high = rng.random(K) * rng.choice([0.1, 0.5, 2.0, 5.0])
    low = np.minimum(rng.random(K) / K * rng.choice([0, 0.2, 0.9]), high)
    low = np.where((rng.random(K) < 0.2) & (high < 1 / K), high, low)
    high = np.where((rng.random(K) < 0.3) & (low < high), np.inf, high)
    return (p, low, high) if low.sum() < 0.999 and high.sum() > 1.001 else None


def test_the_projection_is_the_bisection_and_keeps_every_bound_exactly() -> None:
    rng = np.random.default_rng(0)
    tried = [limits for _ in range(1500) if (limits := bounds(rng)) is not None]
    assert len(tried) > 500
    for p, low, high in tried:
        w = project(p, high, low)
        assert (w >= low).all()
        assert (w <= high).all()
        assert abs(math.fsum(w) - 1) <= 5e-16
        q = np.where(p > 0, p, 1e-250)  # nothing, as the smallest share there is
        left, right = -50.0, 640.0
        for _ in range(120):
            middle = (left + right) / 2
            left, right = (middle, right) if np.clip(np.exp(middle) * q, low, high).sum() < 1 else (left, middle)
        np.testing.assert_allclose(w, np.clip(np.exp(right) * q, low, high), atol=1e-12)


def test_the_projection_is_the_nearest_in_the_kullback_leibler_sense() -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        p = rng.dirichlet(np.ones(6))
        low, high = np.full(6, 0.05), np.full(6, 0.3)
        best = minimize(
            lambda w, p=p: float(np.sum(w * np.log(w / p))),
            np.full(6, 1 / 6),
            method="SLSQP",
            bounds=list(zip(low, high, strict=True)),
            options={"ftol": 1e-14, "maxiter": 500},
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        ).x
        np.testing.assert_allclose(project(p, high, 0.05), best, atol=2e-6)


def test_what_holds_nothing_takes_equal_parts_only_when_all_others_are_full() -> None:
    assert project([0.5, 0.5, 0, 0], caps=[0.3, 0.3, 1, 1]).tolist() == pytest.approx([0.3, 0.3, 0.2, 0.2])
    assert project([0.5, 0.5, 0, 0], caps=[0.3, 0.3, 0.15, 1]).tolist() == pytest.approx([0.3, 0.3, 0.15, 0.25])
    assert project([0.5, 0.5, 0], caps=[0.4, 0.6, 1]).tolist() == pytest.approx([0.4, 0.6, 0])
    assert project([0.5, 0.5, 0], floor=0.1).tolist() == pytest.approx([0.45, 0.45, 0.1])
    assert project([1e-310, 1.0], caps=[1, 0.5]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ([0.5, 0.5], [0.3, 0.2]),
            "Caps must leave room for weights that sum to 1; got caps that sum to 0.5 (0.5 too little). Raise them.",
        ),
        (
            ([0.5, 0.5], None, 0.6),
            "Floors must leave room for weights that sum to 1; got floors that sum to 1.2 (0.2 too much). Lower them.",
        ),
        (
            ([0.5, 0.5], [0.1, 1.0], 0.2),
            "A weight must not be asked to exceed its cap; got at least 0.2 for domain 0, "
            "whose cap is 0.1 (0.1 too much). Lower that weight or the floor, or raise the "
            "cap.",
        ),
        (
            ([0.5, np.nan],),
            "Weights must be finite, not negative and not all zero; got [0.5, nan]. Pass one number per domain.",
        ),
        (
            ([0.0, 0.0],),
            "Weights must be finite, not negative and not all zero; got [0.0, 0.0]. Pass one number per domain.",
        ),
        (([0.5, 0.5], [np.nan, 1.0]), "Floors and caps must be numbers from 0; got 0 and nan at least. Correct them."),
    ],
)
def test_impossible_bounds_say_by_how_much(arguments: tuple, message: str) -> None:
    with pytest.raises(InputError) as refused:
        project(*arguments)
    assert str(refused.value) == message


def test_the_simple_strategies_are_their_formulas() -> None:
    p = np.array(TOKENS) / 1530
    np.testing.assert_allclose(weigh("natural", NUMBERS, TOKENS).weights, p, rtol=1e-14)
    np.testing.assert_allclose(weigh("uniform", NUMBERS, TOKENS, tau=0).weights, 0.25, rtol=1e-14)
    np.testing.assert_allclose(
        weigh("temperature", NUMBERS, TOKENS, tau=0.5).weights, np.sqrt(p) / np.sqrt(p).sum(), rtol=1e-14
    )
    np.testing.assert_allclose(
        weigh("balanced", NUMBERS, TOKENS, start_weights=[0.1, 0.2, 0.3, 0.4]).weights, [0.1, 0.2, 0.3, 0.4], rtol=1e-14
    )
    np.testing.assert_allclose(temperature([0.2, 0.8], -1), [0.8, 0.2])
    np.testing.assert_allclose(temperature([1e-300, 1.0], 300), [0, 1])


def test_fixed_weights_hold_and_the_others_keep_their_proportions() -> None:
    weighting = weigh("custom", NUMBERS, TOKENS, fixed={3: 0.2, 9: 0.1})
    assert weighting.weights[1] == 0.2
    assert weighting.weights[3] == 0.1
    np.testing.assert_allclose(weighting.weights[[0, 2]], [0.7 * 1000 / 1020, 0.7 * 20 / 1020], rtol=1e-14)
    capped = weigh("custom", NUMBERS, TOKENS, fixed={9: 0.1}, limits=Limits(budget=1100, max_epochs=1))
    assert capped.weights[3] == 0.1  # what the caps take from one goes to the free ones, not to the fixed one
    assert weigh(
        "custom", NUMBERS, TOKENS, fixed=dict(zip(NUMBERS, [0.4, 0.3, 0.2, 0.1], strict=True))
    ).weights.tolist() == [0.4, 0.3, 0.2, 0.1]


def test_epochs_ratio_and_warnings() -> None:
    weighting = weigh("uniform", NUMBERS, TOKENS, tau=0, limits=Limits(budget=200))
    assert weighting.epochs.tolist() == pytest.approx([0.05, 5.0, 2.5, 0.1])
    assert weighting.ratio.tolist() == pytest.approx([0.25 * 1530 / t for t in TOKENS])
    assert weighting.warnings == ("", "repeated 5.0 epochs, more than 4", "", "")
    assert weighting.effective == pytest.approx(4)
    alone = weigh("custom", [1, 2], [100, 100], fixed={2: 0.95})
    assert alone.warnings == ("", "has 95.0% of the total weight")
    assert np.isnan(alone.epochs).all()
    exactly = weigh("uniform", NUMBERS, TOKENS, tau=0, limits=Limits(budget=3000, max_epochs=4))
    assert exactly.warnings == ("", "", "", "")
    assert exactly.weights.tolist() == pytest.approx([0.48, 4 * 10 / 3000, 4 * 20 / 3000, 0.48])
    assert (exactly.weights <= epoch_caps(TOKENS, 3000, 4)).all()


def test_the_rest_is_one_domain_and_natural_inside() -> None:
    weighting = weigh("uniform", NUMBERS, TOKENS, tau=0, limits=Limits(fold=0.05))
    assert weighting.folded.tolist() == [False, True, True, False]
    np.testing.assert_allclose(weighting.weights, [1 / 3, 1 / 9, 2 / 9, 1 / 3], rtol=1e-14)
    summed = weigh("balanced", NUMBERS, TOKENS, start_weights=[0.1, 0.5, 0.2, 0.2], limits=Limits(fold=0.05))
    np.testing.assert_allclose(summed.weights, [0.1, 0.7 / 3, 1.4 / 3, 0.2], rtol=1e-14)
    capped = weigh("uniform", NUMBERS, TOKENS, tau=0, limits=Limits(budget=2000, max_epochs=2, floor=0.01, fold=0.05))
    np.testing.assert_allclose(capped.epochs, [1.97 / 2, 2, 2, 2 * 1.97 * 0.5], atol=0.05)
    assert abs(math.fsum(capped.weights) - 1) < 1e-15
    folded_result = weigh("custom", NUMBERS, TOKENS, fixed={3: 0.2}, limits=Limits(fold=0.05))
    assert folded_result.folded.tolist() == [False, False, True, False]
    assert folded_result.weights[1] == 0.2


def test_a_domain_without_tokens_gets_nothing() -> None:
    weighting = weigh("uniform", [1, 2, 3], [10, 0, 30], tau=0, limits=Limits(floor=0.1, budget=40, max_epochs=9))
    assert weighting.weights.tolist() == [0.5, 0.0, 0.5]
    assert np.isnan(weighting.ratio[1])
    assert weighting.warnings == ("", "", "")
    assert weigh("balanced", [1, 2, 3], [10, 0, 30], start_weights=[0.2, 0.6, 0.2]).weights.tolist() == [0.5, 0.0, 0.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"limits": Limits(budget=8000, max_epochs=4)},
            "1,530 tokens at no more than 4 epochs allow a budget of 6,120; got 8,000 (1,880 too many). "
            "Lower the budget, or allow 5.23 epochs.",
        ),
        (
            {"limits": Limits(max_epochs=4)},
            "A largest number of epochs needs a token budget; got no budget. Give one: --budget TOKENS.",
        ),
        ({"limits": Limits(budget=0)}, "The token budget must be above 0; got 0. Give a number of tokens."),
        (
            {"limits": Limits(floor=-0.1)},
            "The floor must be a fraction from 0 to 1; got -0.1. Use 0.01 for one percent.",
        ),
        (
            {"limits": Limits(floor=0.3)},
            "Floors must leave room for weights that sum to 1; got floors that sum to 1.2 (0.2 too much). Lower them.",
        ),
        (
            {"fixed": {3: 0.3}, "limits": Limits(budget=1000, max_epochs=4)},
            "A weight must not be asked to exceed its cap; got at least 0.3 for cluster 3, whose cap is 0.04 "
            "(0.26 too much). Lower that weight or the floor, or raise the cap.",
        ),
        (
            {"fixed": {4: 0.3}},
            "A fixed weight must be for a cluster of this taxonomy; got cluster 4. Choose among 0, 3, 5, 9.",
        ),
        (
            {"fixed": {3: 1.2}},
            "A weight must be a fraction from 0 to 1; got 1.2 for cluster 3. Use 0.2 for twenty percent.",
        ),
        ({"fixed": {3: 0.5, 5: 0.7}}, "Fixed weights must sum to 1 at most; got 1.2 (0.2 too much). Lower them."),
        (
            {"fixed": dict.fromkeys(NUMBERS, 0.2)},
            "Weights that fix every domain must sum to 1; got 0.8 (0.2 too little). Raise them, "
            "or leave one domain free.",
        ),
        ({"tau": math.nan}, "The temperature's exponent must be a finite number; got nan. Use 0.5, for example."),
    ],
)
def test_what_cannot_be_is_refused_in_words(options: dict, message: str) -> None:
    with pytest.raises(InputError) as refused:
        weigh("any", NUMBERS, TOKENS, **options)
    assert str(refused.value) == message
