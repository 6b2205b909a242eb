"""Regressors from mixtures to losses, with out-of-fold rank correlation."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from gem_core._types import Float64, frozen
from gem_core.errors import InputError
from gem_core.mixing.boosted_trees import FOLDS, fit_trees
from gem_core.mixing.scaling_laws import fit_effective, fit_exponential

Name = Literal["lightgbm", "linear", "effective", "exponential", "ensemble"]
NAMES: tuple[Name, ...] = get_args(Name)
SINGLE = NAMES[:-1]
Predict = Callable[[Float64], Float64]


@dataclass(frozen=True)
class Regressor:
    """A fitted regressor: `predict` maps (n, K) mixtures to (n,) losses."""

    name: Name
    predict: Predict


def parameters(name: Name, n_domains: int) -> int:
    """Return how many runs a regressor needs: as many as it has parameters (10 for the trees, which have none)."""
    parameter_counts = {"lightgbm": 10, "linear": n_domains, "effective": n_domains + 4, "exponential": n_domains + 2}
    return parameter_counts[name] if name in parameter_counts else min(parameter_counts.values())


def check_run_count(name: Name | Literal["auto"], runs: int, n_domains: int) -> None:
    """Refuse too few runs for any regressor, or for this one; call it before training them.

    Raises
    ------
    InputError
        If the regressor is unknown, or the runs of the smallest fold's fit are fewer than its parameters.
    """
    if name not in NAMES and name != "auto":
        raise InputError(f"regressor must be auto, {', '.join(NAMES)}", f"{name!r}", "Choose one of them")
    need = min(parameters(single, n_domains) for single in SINGLE) if name == "auto" else parameters(name, n_domains)
    fewest = next(count for count in itertools.count(FOLDS) if _fitted_runs(count) >= need)
    if runs < fewest:
        raise InputError(
            f"A regressor for {n_domains} clusters needs at least {fewest} runs"
            if name == "auto"
            else f"The {name} regressor needs at least {fewest} runs for {n_domains} clusters",
            f"{runs}",
            f"Ask for {fewest} proxies or more",
        )


def _fitted_runs(runs: int) -> int:
    """Return the runs of the smallest fit when each fold is left out in turn."""
    return runs - -(-runs // FOLDS)


def fit_regressor(name: Name, mixtures: Float64, losses: Float64, *, seed: int = 0) -> Regressor:
    """Fit one regressor to proxy runs.

    Parameters
    ----------
    name : "lightgbm", "linear", "effective", "exponential" or "ensemble"
        Gradient-boosted trees with RegMix's settings; least squares; the two mixing laws
        (`gem_core.mixing.scaling_laws`); the mean prediction of those of the four that have enough runs.
    mixtures : (n, K) float
        Rows that sum to 1, or nearly where weights were rounded: all but the trees scale them.
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
        raise InputError(
            f"The {name} regressor needs at least {need} runs for {mixtures.shape[1]} domains",
            f"{len(mixtures)}",
            "Train more proxies, or choose a regressor with fewer parameters",
        )
    if name == "ensemble":
        models = [
            fit_regressor(member, mixtures, losses, seed=seed) for member in _members(len(losses), mixtures.shape[1])
        ]
        return Regressor(name, lambda rows: np.mean([model.predict(rows) for model in models], axis=0))
    if name == "lightgbm":
        return Regressor(name, fit_trees(mixtures, losses, seed))
    law = _law(name, _normalize_rows(mixtures), losses, seed)
    return Regressor(name, lambda rows: law(_normalize_rows(rows)))


def _law(name: Name, mixtures: Float64, losses: Float64, seed: int) -> Predict:
    if name == "effective":
        return fit_effective(mixtures, losses, seed).predict
    if name == "exponential":
        return fit_exponential(mixtures, losses, seed).predict
    slopes = np.linalg.lstsq(mixtures, losses, rcond=None)[0]  # weights sum to 1: no intercept
    return lambda rows: np.asarray(rows @ slopes)


def _normalize_rows(rows: Float64) -> Float64:
    array = np.asarray(rows, dtype=np.float64)
    return np.asarray(array / array.sum(axis=1, keepdims=True))


def _members(runs: int, n_domains: int) -> list[Name]:
    return [name for name in SINGLE if runs >= parameters(name, n_domains)]


def spearman(a: Float64, b: Float64) -> float:
    """Rank correlation; 0 where one of the two does not vary."""
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def out_of_fold(name: Name, mixtures: Float64, losses: Float64, *, seed: int = 0, folds: int = FOLDS) -> Float64:
    """Predict each run by a regressor that was fitted without it, (n,); folds are drawn by `seed`.

    Raises
    ------
    InputError
        If the runs left for fitting are fewer than the regressor has parameters.
    """
    n = len(losses)
    order = np.random.default_rng(seed).permutation(n)
    out = np.empty(n)
    for fold in range(folds):
        held_out = np.zeros(n, dtype=bool)
        held_out[order[fold::folds]] = True
        out[held_out] = fit_regressor(name, mixtures[~held_out], losses[~held_out], seed=seed).predict(
            mixtures[held_out]
        )
    return frozen(out)


@dataclass(frozen=True)
class RegressorChoice:
    """The regressor with the best out-of-fold rank correlation, and the scores of all that could be fitted."""

    name: Name
    scores: dict[str, float]


def choose(mixtures: Float64, losses: Float64, *, seed: int = 0) -> RegressorChoice:
    """Choose a regressor by its out-of-fold rank correlation; no test set is looked at.

    Raises
    ------
    InputError
        If there are too few runs for any.
    """
    fitted_runs = _fitted_runs(len(losses))
    predicted = {
        name: out_of_fold(name, mixtures, losses, seed=seed) for name in _members(fitted_runs, mixtures.shape[1])
    }
    if not predicted:
        raise InputError(
            "A regressor needs more runs than it has parameters",
            f"{len(losses)} runs for {mixtures.shape[1]} domains",
            "Train more proxies",
        )
    if len(predicted) > 1:
        predicted["ensemble"] = np.mean(list(predicted.values()), axis=0)
    scores: dict[str, float] = {name: spearman(values, losses) for name, values in predicted.items()}
    return RegressorChoice(max(predicted, key=lambda name: scores[name]), scores)
