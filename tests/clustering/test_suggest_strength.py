"""The suggested strength, and targets in words."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gem_core.clustering import BalancePath, MixtureConfig, balance_path, fit_mixture, suggest_strength
from gem_core.clustering.target import parse_floor, read_target, validate_target
from gem_core.errors import InputError
from gem_core.geometry import apply_floor, concentration_from_resultant, log_normalizer, sample_vmf

INF = float("inf")


def cloud(sizes: tuple[int, ...], kappa: float = 30.0) -> np.ndarray:
    rng = np.random.default_rng(2)
    centers = np.eye(8)[: len(sizes)]
    return np.vstack([sample_vmf(c, kappa, n, rng) for c, n in zip(centers, sizes, strict=True)])


@pytest.fixture(scope="module")
def uneven() -> BalancePath:
    return balance_path(cloud((300, 120, 60, 20), 12.0), MixtureConfig(n_clusters=4))


def with_trade(path: BalancePath, imbalance: list[float], loss: list[float]) -> BalancePath:
    """The same path with masses and objectives that say so: two clusters off by `imbalance`, a fidelity of -loss."""
    at = np.array(imbalance)
    masses = np.stack([0.25 + at, 0.25 - at, 0 * at + 0.25, 0 * at + 0.25], axis=1)
    penalty = [0.0 if not np.isfinite(fit.penalty) else fit.penalty for fit in path.fits]
    objective = -np.array(loss) - 0.5 * np.array(penalty) * 2 * at**2
    return replace(path, masses=masses, objective=objective, largest=masses.max(1), smallest=masses.min(1))


def five(path: BalancePath) -> BalancePath:
    """Five strengths of a path: 0, three between, infinity."""
    places = [0, 4, 8, 12, 15]
    fields = {name: getattr(path, name) for name in path.__dataclass_fields__}
    arrays = {name: value[places] for name, value in fields.items() if isinstance(value, np.ndarray)}
    return BalancePath(fits=tuple(path.fits[i] for i in places), **arrays)


def test_the_knee_is_where_a_step_brings_less_than_it_costs(uneven: BalancePath) -> None:
    """Worked by hand: gone 0, .3, .6, .75, 1; price 0, .05, .15, .55, 1; difference 0, .25, .45, .2, 0."""
    path = with_trade(five(uneven), [0.2, 0.14, 0.08, 0.05, 0.0], [0.0, 0.1, 0.3, 1.1, 2.0])
    suggestion = suggest_strength(path)
    assert suggestion.strength == path.strengths[2]
    assert suggestion.reason == "knee"
    assert suggestion.brought == pytest.approx(0.6)
    assert suggestion.price / suggestion.whole_price == pytest.approx(0.15)
    assert (suggestion.largest_before, suggestion.largest) == (pytest.approx(0.45), pytest.approx(0.33))
    assert (suggestion.smallest_before, suggestion.smallest) == (pytest.approx(0.05), pytest.approx(0.17))
    length = float(np.linalg.norm(path.fits[0].resultants.sum(axis=0)))
    kappa = float(concentration_from_resultant(8, length))
    explained = 0.0 - (float(log_normalizer(8, kappa)) + kappa * length)
    assert suggestion.whole_price == pytest.approx(2.0 / explained)


def test_of_equally_good_strengths_the_weakest_is_taken(uneven: BalancePath) -> None:
    path = with_trade(five(uneven), [0.2, 0.14, 0.08, 0.05, 0.0], [0.0, 0.1, 0.9, 1.1, 2.0])
    # gone less price: 0, .25, .15, .2, 0
    assert suggest_strength(path).strength == path.strengths[1]
    path = with_trade(five(uneven), [0.2, 0.14, 0.1385, 0.05, 0.0], [0.0, 0.1, 0.1, 1.1, 2.0])
    assert suggest_strength(path).strength == path.strengths[1]


def test_a_trapped_plain_mixture_does_not_make_balance_look_dear(uneven: BalancePath) -> None:
    """The plain start describes the documents worst: it is no gain in fidelity to return to it."""
    path = with_trade(five(uneven), [0.2, 0.14, 0.08, 0.05, 0.0], [5.0, 0.0, 0.3, 1.1, 2.0])
    suggestion = suggest_strength(path)
    assert suggestion.strength == path.strengths[2]
    assert suggestion.price / suggestion.whole_price == pytest.approx(0.15)


def test_free_balance_is_taken_whole(uneven: BalancePath) -> None:
    path = with_trade(five(uneven), [0.2, 0.14, 0.08, 0.05, 0.0], [0.4, 0.3, 0.2, 0.1, 0.0])
    suggestion = suggest_strength(path)
    assert suggestion.strength == INF
    assert suggestion.sentence == "Exact balance costs only less than 0.1% of the fit: all the way is worth it."
    assert suggestion.to_json()["strength"] == "inf"
    json.dumps(suggestion.to_json(), allow_nan=False)


def test_where_all_shares_are_near_their_targets_nothing_is_suggested() -> None:
    suggestion = suggest_strength(balance_path(cloud((100, 96, 104, 100)), MixtureConfig(n_clusters=4)))
    assert (suggestion.strength, suggestion.reason, suggestion.brought) == (None, "flat", 0.0)
    assert suggestion.furthest < 0.05
    assert suggestion.sentence == (
        "Strength hardly matters here: at every one, all clusters are within "
        f"{100 * suggestion.furthest:.0f}% of their targets."
    )
    natural = balance_path(cloud((300, 120, 60, 20), 12.0), MixtureConfig(n_clusters=4, target="natural"))
    assert suggest_strength(natural).strength is None


def test_a_real_path_gets_a_strength_between_its_ends(uneven: BalancePath) -> None:
    suggestion = suggest_strength(uneven)
    assert 0 < suggestion.strength < INF  # type: ignore[operator]
    assert suggestion.strength in uneven.strengths
    assert 0 < suggestion.price < suggestion.whole_price < 1
    assert suggestion.sentence.startswith(
        f"Strength {suggestion.strength:.2g}: {100 * suggestion.brought:.0f}% of the imbalance gone"
    )
    own = (0.7, 0.2, 0.1, 0.0)
    own_path = balance_path(cloud((300, 120, 60, 20), 12.0), MixtureConfig(n_clusters=4, target=own))
    assert np.isfinite(suggest_strength(own_path).furthest)


def test_a_path_of_one_strength_is_refused() -> None:
    path = balance_path(cloud((50, 20)), MixtureConfig(n_clusters=2), strengths=[1.0])
    with pytest.raises(InputError) as caught:
        suggest_strength(path)
    assert str(caught.value) == (
        "A suggestion needs a path of two strengths or more; got 1. "
        "Compute the whole path with balance_path(X, config)."
    )


def test_a_floor_is_kept_exactly_at_infinite_strength() -> None:
    X = cloud((300, 120, 60, 20), 12.0)
    natural = fit_mixture(X, MixtureConfig(n_clusters=4, target="natural"))
    fit = fit_mixture(X, MixtureConfig(n_clusters=4, target="floor:0.15", strength=INF))
    assert fit.target == pytest.approx(apply_floor(natural.target, 0.15))
    assert fit.masses == pytest.approx(fit.target, abs=1e-8)
    assert fit.masses.min() == pytest.approx(0.15, abs=1e-8)
    assert fit.config.target == "floor:0.15"


def test_a_warm_start_and_a_path_keep_the_floor() -> None:
    X = cloud((300, 120, 60, 20), 12.0)
    config = MixtureConfig(n_clusters=4, target="floor:0.15")
    fit = fit_mixture(X, config)
    again = fit_mixture(X, replace(config, strength=8.0), start=fit)
    assert np.array_equal(again.target, fit.target)
    path = balance_path(X, config, start=fit, strengths=[0.0, 1.0, INF])
    assert all(np.array_equal(path_fit.target, fit.target) for path_fit in path.fits)
    other = fit_mixture(X, replace(config, target="floor:0.2"), start=fit)
    assert other.target.min() == pytest.approx(0.2)


def test_targets_have_one_spelling() -> None:
    assert validate_target("floor:0.0500", 8) == "floor:0.05" == MixtureConfig(8, target="floor:5e-2").target
    assert validate_target("natural", 8) == "natural"
    assert validate_target([0.5, 0.5], 2) == (0.5, 0.5)
    assert read_target("floor:.05") == "floor:0.05"
    assert read_target("0.25,0.75") == (0.25, 0.75)
    assert [parse_floor(t) for t in ("floor:0.1", "floor:x", "uniform", (0.5, 0.5))] == [0.1, None, None, None]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "floor:0.3",
            "A floor must leave room for 4 clusters: at most 0.25; got 0.3. Use a lower floor, or fewer clusters.",
        ),
        (
            "even",
            "target must be uniform, natural, floor:x with x from 0 to 1/K, or K shares; got 'even'. "
            'Use "uniform", or "floor:0.02" for at least 2% each.',
        ),
        (
            "floor:nan",
            "target must be uniform, natural, floor:x with x from 0 to 1/K, or K shares; got 'floor:nan'. "
            'Use "uniform", or "floor:0.02" for at least 2% each.',
        ),
        (
            "floor:-1",
            "target must be uniform, natural, floor:x with x from 0 to 1/K, or K shares; got 'floor:-1'. "
            'Use "uniform", or "floor:0.02" for at least 2% each.',
        ),
    ],
)
def test_impossible_targets_are_refused(target: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        MixtureConfig(n_clusters=4, target=target)
    assert str(caught.value) == message


def test_unreadable_targets_are_refused() -> None:
    for text in ("floor:", "half", "0.5;0.5", "floor:2%"):
        with pytest.raises(InputError, match="A target must be uniform, natural, floor:x or shares"):
            read_target(text)
