"""The boosted trees stop by folds of their own runs; the ensemble is the mean; what cannot be fitted is refused."""

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.mixing import Runs, choose, fit_regressor, out_of_fold, regmix, sample_mixtures, search, spearman
from gem_core.mixing.boosted_trees import FOLDS, TREES, _best_iteration, _folds, _train

SHARES = np.array([0.4, 0.3, 0.2, 0.1])


def make_runs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    w = sample_mixtures(SHARES, n, seed=seed)
    return w, 5 - 0.5 * np.log(0.05 + np.sqrt(w) @ [2.0, 0.5, 0.3, 1.0])


def test_the_number_of_trees_is_the_mean_over_folds_of_the_runs() -> None:
    w, losses = make_runs(120)
    folds = _folds(len(w), 0)
    assert np.sum(folds, axis=0).tolist() == [1] * len(w), "every run is held out once"
    stops = [_best_iteration(w, losses, validation, 0) for validation in folds]
    assert len(stops) == FOLDS
    assert all(1 < stop <= TREES for stop in stops)
    by_hand = _train(w, losses, 0, round(np.mean(stops)))
    assert np.array_equal(fit_regressor("lightgbm", w, losses).predict(w), by_hand.predict(w))


def test_trees_take_weights_as_written_and_laws_scale_them() -> None:
    w, losses = make_runs(60)
    rounded = np.round(w, 2)
    for name in ("linear", "effective", "exponential"):
        predictions, other = (fit_regressor(name, rows, losses).predict(w) for rows in (rounded, 3 * rounded))
        assert np.allclose(predictions, other, atol=1e-6), f"{name} does not mind the scale"
    assert not np.allclose(*(fit_regressor("lightgbm", rows, losses).predict(w) for rows in (rounded, 3 * rounded)))


def test_the_ensemble_is_the_mean_of_all_that_can_be_fitted() -> None:
    w, losses = make_runs(40)
    mean = np.mean(
        [fit_regressor(name, w, losses).predict(w) for name in ("lightgbm", "linear", "effective", "exponential")],
        axis=0,
    )
    assert np.allclose(fit_regressor("ensemble", w, losses).predict(w), mean)
    few = fit_regressor("ensemble", w[:7], losses[:7]).predict(w)  # 4 domains: 7 runs are too few for trees and one law
    assert np.allclose(
        few, np.mean([fit_regressor(name, w[:7], losses[:7]).predict(w) for name in ("linear", "exponential")], axis=0)
    )
    scores = choose(w, losses).scores
    assert scores["ensemble"] == pytest.approx(spearman(out_of_fold("ensemble", w, losses), losses))


def test_what_cannot_be_fitted_or_met_is_refused() -> None:
    w, losses = make_runs(30)
    broken = losses.copy()
    broken[[4, 9]] = np.nan, np.inf
    runs = Runs(tuple("abcd"), ("loss",), w, broken[:, None], tuple(map(str, range(30))))
    with pytest.raises(InputError, match="a loss that is a number; got nan for loss in run '4', and 1 more"):
        regmix(runs, "loss")
    with pytest.raises(InputError, match="needs at least 8 runs for 4 domains; got 7"):
        fit_regressor("effective", w[:7], losses[:7])
    with pytest.raises(InputError, match=r"Caps must leave room .* got caps that sum to 0.8 \(0.2 too little\)"):
        search(lambda rows: rows[:, 0], SHARES, caps=[0.2, 0.2, 0.2, 0.2])
