"""Gradient-boosted trees with RegMix's settings, stopped early by cross-validation on the training runs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gem_core._types import Float64

TREES, RATE, PATIENCE = 1000, 0.01, 3  # RegMix's settings
FOLDS = 5
_OWN = {
    "objective": "regression",
    "metric": ["l1", "l2"],
    "learning_rate": RATE,
    "verbosity": -1,
    "num_threads": 1,  # hundreds of rows: more threads only wait for each other
    "deterministic": True,
    "force_row_wise": True,
}


def fit_trees(mixtures: Float64, losses: Float64, seed: int = 0) -> Callable[[Float64], Float64]:
    r"""Fit boosted trees to proxy runs; return what maps (m, K) mixtures to (m,) losses.

    The authors stop adding trees when the test runs have not improved for three rounds. Here each of five folds of the
    training runs is that judge once, and all runs are then fitted with the mean number of trees: what is reported on
    has no say.

    Parameters
    ----------
    mixtures : (n, K) float
        As they were written: a tree compares a weight with thresholds, and scaling rounded rows tears equal weights
        apart.
    losses : (n,) float
    seed : int
        Of the folds and the trees.

    Examples
    --------
    >>> w = np.random.default_rng(0).dirichlet(np.ones(3), 60)
    >>> predict = fit_trees(w, w @ [1.0, 2.0, 3.0])
    >>> bool(abs(predict(np.array([[0.3, 0.3, 0.4]]))[0] - 2.1) < 0.2)
    True
    """
    rounds = round(
        float(np.mean([_best_iteration(mixtures, losses, held_out, seed) for held_out in _folds(len(losses), seed)]))
    )
    model = _train(mixtures, losses, seed, rounds)
    return lambda rows: np.asarray(model.predict(rows), dtype=np.float64)


def _folds(n: int, seed: int) -> list[np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    order = np.random.default_rng(seed).permutation(n)
    return [np.isin(np.arange(n), order[fold::FOLDS]) for fold in range(FOLDS)]


def _best_iteration(
    mixtures: Float64, losses: Float64, held_out: np.ndarray[tuple[int], np.dtype[np.bool_]], seed: int
) -> int:
    """Trees after which the held-out fold no longer improves."""
    import lightgbm

    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    model = _train(mixtures[~held_out], losses[~held_out], seed, TREES, (mixtures[held_out], losses[held_out]), [stop])
    return model.best_iteration or TREES


def _train(
    mixtures: Float64,
    losses: Float64,
    seed: int,
    rounds: int,
    judge: tuple[Float64, Float64] | None = None,
    callbacks: list[Any] | None = None,
) -> Any:
    import lightgbm

    data = lightgbm.Dataset(mixtures, losses)
    valid = [lightgbm.Dataset(*judge, reference=data)] if judge else None
    return lightgbm.train({**_OWN, "seed": 42 + seed}, data, rounds, valid_sets=valid, callbacks=callbacks)
