"""Goals, the exact minimum within caps, and the search that is checked by training: against known optima."""

import numpy as np
import pytest

from benchmarks.quality.mixing_goals import make_goals, make_truth, study
from gem_core.errors import InputError
from gem_core.mixing.goal_search import fit_stream_laws, interpolate, tilted_mixtures, verify
from gem_core.mixing.goals import Goal, corpus_goal
from gem_core.mixing.ngram import ngram_optimum
from gem_core.mixing.scaling_laws import EffectiveLaw, fit_effective
from gem_core.mixing.simplex_minimum import minimize_on_simplex


def test_goal_shares_by_hand() -> None:
    natural = [0.5, 0.3, 0.2]
    assert corpus_goal().shares([4, 7, 9], natural) == pytest.approx(natural)
    goal = Goal("mixed", {7: 1, 9: 3}, natural=0.5, files={"val.jsonl": 4})
    assert goal.shares([4, 7, 9], natural) == pytest.approx([0.25, 0.15 + 0.0625, 0.1 + 0.1875, 0.25])
    with pytest.raises(InputError, match=r"cluster 8.*Choose among 4, 7, 9"):
        Goal("x", {8: 1}).shares([4, 7, 9], natural)
    for wrong in ({"clusters": {1: -1.0}}, {}, {"clusters": {1: 1.0}, "natural": 1.0}, {"natural": 0.5}):
        with pytest.raises(InputError):
            Goal("x", **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="name of a goal"):
        Goal("../x", {1: 1.0})


def test_minimum_with_pull_and_caps_is_that_of_em_and_of_a_grid() -> None:
    truth, natural = make_truth(5, 0, words=60, tokens=200)
    goal = make_goals(natural, 0)["one cluster"]

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        rows = np.repeat(goal / np.diff(truth.bounds), np.diff(truth.bounds))
        mixed = truth.probabilities @ w
        return float(-rows @ np.log(mixed)), -(rows / mixed) @ truth.probabilities

    plain = minimize_on_simplex(loss, natural, tolerance=1e-6)
    assert plain.gap <= 1e-6
    assert plain.loss == pytest.approx(ngram_optimum(truth, goal).loss, abs=2e-6)
    caps = np.full(5, 0.4)
    capped = minimize_on_simplex(loss, natural, caps, tolerance=1e-6)
    assert (capped.weights <= caps + 1e-12).all()
    assert capped.loss == pytest.approx(ngram_optimum(truth, goal, caps).loss, abs=2e-6)
    pulled = minimize_on_simplex(loss, natural, caps, pull=0.05, tolerance=1e-7)
    objective = lambda w: loss(w)[0] + 0.05 * float(w @ np.log(w / natural))  # noqa: E731
    rng = np.random.default_rng(0)
    others = rng.dirichlet(50 * pulled.weights + 0.1, 4000)
    others = others[(others <= caps).all(axis=1) & (others > 0).all(axis=1)]
    assert len(others) > 100
    assert objective(pulled.weights) <= min(objective(w) for w in others) + 1e-6


def test_the_way_to_a_proposal() -> None:
    natural, proposal = np.array([0.5, 0.3, 0.2]), np.array([0.9, 0.1, 0.0])
    assert interpolate(natural, proposal, 1.0) == pytest.approx(proposal)
    assert interpolate(natural, proposal, 0.0) == pytest.approx(natural)
    quarter = interpolate(natural, proposal, 0.25, caps=[0.55, 1, 1])
    assert quarter[0] == pytest.approx(0.55)
    assert 0.02 < quarter[2] < 0.2  # a cluster that is left out fades
    rows = tilted_mixtures(natural, 300, seed=1, caps=[0.6, 0.6, 0.6])
    assert rows.sum(axis=1) == pytest.approx(np.ones(300))
    assert rows.max() <= 0.6 + 1e-12
    assert np.exp(np.log(rows).mean(axis=0)) == pytest.approx(natural, rel=0.25)


def test_the_law_is_fitted_by_its_exact_jacobian() -> None:
    rng = np.random.default_rng(0)
    law = EffectiveLaw(5.0, 0.4, 0.1, 0.6, np.array([1.0, 0.2, 0.05, 0.6]))
    w = rng.dirichlet(np.ones(4), 60)
    fitted = fit_effective(w[:40], law.predict(w[:40]))
    assert fitted.predict(w[40:]) == pytest.approx(law.predict(w[40:]), abs=0.01)


def test_search_reaches_known_optima_and_keeps_natural_shares_where_nothing_is_to_win() -> None:
    for name, (possible, reached, accepted) in study(8, 3).items():
        if name.startswith("null"):
            assert not accepted
            assert reached == 0
        else:
            assert reached >= 0.8 * possible, name


def test_a_proposal_without_gain_is_not_accepted() -> None:
    natural, goal = np.full(4, 0.25), np.array([1.0, 0, 0, 0])

    def train(mixtures: np.ndarray, seed: int) -> np.ndarray:
        return 4 + 0.01 * np.random.default_rng(seed).standard_normal((len(mixtures), 4))

    checked = [verify(train, natural, [0.7, 0.1, 0.1, 0.1], goal, first_seed=100 * i) for i in range(20)]
    assert sum(c.accepted for c in checked) <= 1
    rejected = next(c for c in checked if not c.accepted)
    assert rejected.weights == pytest.approx(natural)
    assert rejected.verdict.startswith("Natural shares are kept")
    better = verify(
        lambda w, seed: 5 - w + 0.001 * np.random.default_rng(seed).standard_normal(w.shape),
        natural,
        [0.7, 0.1, 0.1, 0.1],
        goal,
    )
    assert better.accepted
    assert better.gain == pytest.approx(0.45, abs=0.01)
    assert better.verdict.startswith("Better than natural by 0.45")
    with pytest.raises(InputError, match="10 runs or more"):
        fit_stream_laws(np.full((5, 2), 0.5), np.ones((5, 2)))
