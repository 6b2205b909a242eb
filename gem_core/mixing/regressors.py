"""From mixtures to losses: regressors behind one face, and how far each can be trusted on runs it never saw."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from gem_core._types import Float64, frozen
from gem_core.errors import InputError
from gem_core.mixing.laws import fit_effective, fit_exponential

Name = Literal["lightgbm", "linear", "effective", "exponential"]
NAMES: tuple[Name, ...] = get_args(Name)
FOLDS = 5
TREES, RATE = 1000, 0.01  # RegMix's settings; no early stopping, which would need rows that are then not new
Predict = Callable[[Float64], Float64]


@dataclass(frozen=True)
class Regressor:
    """A fitted regressor: `predict` maps (n, K) mixtures to (n,) losses."""

    name: Name
    predict: Predict


def parameters(name: Name, n_domains: int) -> int:
    """Runs that a regressor needs at least: as many as it has parameters (10 for the trees, which have none)."""
    return {"lightgbm": 10, "linear": n_domains, "effective": n_domains + 4, "exponential": n_domains + 2}[name]


def fit_regressor(name: Name, mixtures: Float64, losses: Float64, *, seed: int = 0) -> Regressor:
    """Fit one regressor to proxy runs.

    Parameters
    ----------
    name : "lightgbm", "linear", "effective" or "exponential"
        Gradient-boosted trees with RegMix's settings; least squares; the two mixing laws (`gem_core.mixing.laws`).
    mixtures : (n, K) float
        Rows sum to 1.
    losses : (n,) float
    seed : int

    Returns
    -------
    Regressor

    Raises
    ------
    InputError
        If there are fewer runs than the regressor has parameters.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> w = rng.dirichlet(np.ones(3), 30)
    >>> model = fit_regressor("linear", w, w @ [1.0, 2.0, 3.0])
    >>> model.predict(np.array([[0.5, 0.5, 0.0]])).round(6).tolist()
    [1.5]
    """
    need = parameters(name, mixtures.shape[1])
    if len(mixtures) < need:
        raise InputError(f"The {name} regressor needs at least {need} runs for {mixtures.shape[1]} domains",
                         f"{len(mixtures)}", "Train more proxies, or choose a regressor with fewer parameters")
    if name == "lightgbm":
        return Regressor(name, _trees(mixtures, losses, seed))
    if name == "effective":
        return Regressor(name, fit_effective(mixtures, losses, seed).predict)
    if name == "exponential":
        return Regressor(name, fit_exponential(mixtures, losses, seed).predict)
    slopes = np.linalg.lstsq(mixtures, losses, rcond=None)[0]  # weights sum to 1: no intercept
    return Regressor(name, lambda rows: np.asarray(rows) @ slopes)


def _trees(mixtures: Float64, losses: Float64, seed: int) -> Predict:
    import lightgbm

    model = lightgbm.train({"objective": "regression", "learning_rate": RATE, "verbosity": -1, "seed": 42 + seed,
                            "num_threads": 1,  # hundreds of rows: more threads only wait for each other
                            "deterministic": True, "force_row_wise": True},
                           lightgbm.Dataset(mixtures, losses), num_boost_round=TREES)
    return lambda rows: np.asarray(model.predict(rows), dtype=np.float64)


def spearman(a: Float64, b: Float64) -> float:
    """Rank correlation; 0 where one of the two does not vary."""
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def out_of_fold(name: Name, mixtures: Float64, losses: Float64, *, seed: int = 0, folds: int = FOLDS) -> Float64:
    """Predict each run by a regressor that never saw it, (n,); folds are drawn by `seed`.

    Raises
    ------
    InputError
        If the runs left for fitting are fewer than the regressor has parameters.
    """
    n = len(losses)
    order = np.random.default_rng(seed).permutation(n)
    out = np.empty(n)
    for fold in range(folds):
        held = np.zeros(n, dtype=bool)
        held[order[fold::folds]] = True
        out[held] = fit_regressor(name, mixtures[~held], losses[~held], seed=seed).predict(mixtures[held])
    return frozen(out)


@dataclass(frozen=True)
class Choice:
    """The regressor with the best out-of-fold rank correlation, and the scores of all that could be fitted."""

    name: Name
    scores: dict[str, float]


def choose(mixtures: Float64, losses: Float64, *, seed: int = 0) -> Choice:
    """Choose a regressor by its out-of-fold rank correlation; no test set is looked at.

    Raises
    ------
    InputError
        If there are too few runs for any.
    """
    scores: dict[str, float] = {}
    for name in NAMES:
        if len(losses) - -(-len(losses) // FOLDS) >= parameters(name, mixtures.shape[1]):
            scores[name] = spearman(out_of_fold(name, mixtures, losses, seed=seed), losses)
    if not scores:
        raise InputError("A regressor needs more runs than it has parameters",
                         f"{len(losses)} runs for {mixtures.shape[1]} domains", "Train more proxies")
    best = max(scores, key=lambda name: scores[name])
    return Choice(next(name for name in NAMES if name == best), scores)
