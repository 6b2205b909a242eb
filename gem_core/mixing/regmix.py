"""RegMix: regress the loss of small proxies on their mixtures, and search for the mixture of least predicted loss."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Float64, frozen
from gem_core.errors import InputError
from gem_core.mixing.mixture_sampling import search
from gem_core.mixing.proxy_runs import Runs, target_weights
from gem_core.mixing.regressors import NAMES, Name, Regressor, choose, fit_regressor, out_of_fold, spearman


@dataclass(frozen=True)
class RegMix:
    """A mixture found by regression, and how far the regression can be trusted.

    Attributes
    ----------
    target : str
    regressor : str
    n_runs : int
    out_of_fold_spearman : float
        Rank correlation of predicted and true loss on runs left out of the fit, in [-1, 1].
    scores : dict
        The same of every regressor that was tried.
    test_spearman : float or None
        On runs that had no part in fit or choice.
    domains : tuple of K str
    best_mixture : (K,) float64
        Sums to 1.
    low, high : (K,) float64
        Interval of each weight over refits on runs drawn with replacement; NaN without refits.
    predicted_loss : float
        Of the best mixture, nats per token.
    """

    target: str
    regressor: Name
    n_runs: int
    out_of_fold_spearman: float
    scores: dict[str, float]
    test_spearman: float | None
    domains: tuple[str, ...]
    best_mixture: Float64
    low: Float64
    high: Float64
    predicted_loss: float


def regmix(
    runs: Runs,
    target: str,
    *,
    regressor: Name | Literal["auto"] = "auto",
    test: Runs | None = None,
    prior: ArrayLike | None = None,
    caps: ArrayLike | None = None,
    resamples: int = 0,
    level: float = 0.9,
    seed: int = 0,
) -> RegMix:
    """Find a mixture from proxy runs (RegMix, arXiv 2407.01492).

    Parameters
    ----------
    runs : Runs
        The fit, the choice of regressor and the search see these alone.
    target : str
        Loss to lower; or several with weights, such as mmlu_*=2,arc=1: each has a fit of its own.
    regressor : str
        "auto" takes the one with the best out-of-fold rank correlation.
    test : Runs, optional
        Runs to report the rank correlation on.
    prior : (K,) float, optional
        Parameters of the search's Dirichlet, such as natural shares; the mean mixture of the runs when left out.
    caps : (K,) float, optional
        Largest weight of each domain.
    resamples : int
        Refits for the intervals.
    level : float
        Of the intervals.
    seed : int

    Returns
    -------
    RegMix

    Raises
    ------
    InputError
        If the target is unknown, a loss is no number, runs are too few, test runs have other domains, or caps leave no
        room.

    Examples
    --------
    >>> from pathlib import Path
    >>> rng = np.random.default_rng(0)
    >>> w = rng.dirichlet(np.ones(3), 60)
    >>> runs = Runs(("a", "b", "c"), ("loss",), w, (w @ [[3.0], [2.0], [1.0]]), tuple(map(str, range(60))))
    >>> found = regmix(runs, "loss", regressor="linear")
    >>> bool(found.best_mixture[2] > 0.9), round(found.out_of_fold_spearman, 3)
    (True, 1.0)
    """
    shares = target_weights(target, runs)
    columns = np.column_stack([runs.loss(name) for name in shares])
    if not np.isfinite(columns).all():
        row, column = np.argwhere(~np.isfinite(columns))[0]
        rows = int((~np.isfinite(columns)).any(axis=1).sum())
        raise InputError(
            "Every run must have a loss that is a number",
            f"{columns[row, column]} for {list(shares)[column]} in run {runs.index[row]!r}, and {rows - 1} more",
            "Train those proxies again, or leave them out",
        )
    v = np.array(list(shares.values())) / sum(shares.values())
    if test is not None and test.domains != runs.domains:
        odd = next(
            (name for name in (*test.domains, *runs.domains) if (name in test.domains) != (name in runs.domains)),
            test.domains[0],
        )
        raise InputError(
            "Test runs must have the domains of the other runs, in their order",
            f"{odd!r}, which differs",
            "Give runs of the same domains",
        )
    if regressor not in ("auto", *NAMES):
        raise InputError(f"regressor must be auto, {', '.join(NAMES)}", f"{regressor!r}", "Choose one of them")
    fits = [_fit_target(runs.rows, column, regressor, seed) for column in columns.T]
    name, scores = fits[0].name, fits[0].scores
    if len(fits) > 1:
        out = np.mean([v[t] * len(v) * fit.predicted for t, fit in enumerate(fits)], axis=0)
        scores = {"mean of targets": spearman(out, columns @ v)}

    def predict(rows: Float64) -> Float64:
        return np.asarray(sum(share * fit.model.predict(rows) for share, fit in zip(v, fits, strict=True)))

    base = runs.mixtures.mean(axis=0) if prior is None else np.asarray(prior, dtype=np.float64)
    best = search(predict, base, seed=seed, caps=caps)
    names = [fit.name for fit in fits]
    low, high = _interval(runs, columns, v, names, base, caps, resamples, level, seed)
    return RegMix(
        target=target,
        regressor=name,
        n_runs=len(runs),
        out_of_fold_spearman=next(iter(scores.values())) if len(fits) > 1 else scores[name],
        scores=scores,
        test_spearman=None if test is None else _score(predict, test, shares),
        domains=runs.domains,
        best_mixture=best,
        low=low,
        high=high,
        predicted_loss=float(predict(best[None])[0]),
    )


@dataclass(frozen=True)
class _TargetFit:
    """Regressor of one target: its name, out-of-fold scores and predictions, and the fitted model."""

    name: Name
    scores: dict[str, float]
    predicted: Float64
    model: Regressor


def _fit_target(rows: Float64, losses: Float64, regressor: Name | Literal["auto"], seed: int) -> _TargetFit:
    if regressor == "auto":
        choice = choose(rows, losses, seed=seed)
        name, scores = choice.name, choice.scores
    else:
        name, scores = regressor, {}
    predicted = out_of_fold(name, rows, losses, seed=seed)
    if not scores:
        scores = {name: spearman(predicted, losses)}
    return _TargetFit(name, scores, predicted, fit_regressor(name, rows, losses, seed=seed))


def _score(predict: Callable[[Float64], Float64], test: Runs, shares: dict[str, float]) -> float:
    v = np.array(list(shares.values())) / sum(shares.values())
    return spearman(predict(test.rows), np.column_stack([test.loss(name) for name in shares]) @ v)


def _interval(
    runs: Runs,
    columns: Float64,
    v: Float64,
    names: list[Name],
    prior: Float64,
    caps: ArrayLike | None,
    resamples: int,
    level: float,
    seed: int,
) -> tuple[Float64, Float64]:
    K = len(runs.domains)
    if not resamples:
        return frozen(np.full(K, np.nan)), frozen(np.full(K, np.nan))
    rng = np.random.default_rng(seed)
    mixtures = np.empty((resamples, K))
    for i in range(resamples):
        rows = rng.integers(len(runs), size=len(runs))
        models = [
            fit_regressor(name, runs.rows[rows], column[rows], seed=seed)
            for name, column in zip(names, columns.T, strict=True)
        ]

        def predict(points: Float64, models: list[Regressor] = models) -> Float64:
            return np.asarray(sum(share * model.predict(points) for share, model in zip(v, models, strict=True)))

        mixtures[i] = search(predict, prior, seed=seed + i, caps=caps)
    low, high = np.quantile(mixtures, ((1 - level) / 2, (1 + level) / 2), axis=0)
    return frozen(low), frozen(high)
