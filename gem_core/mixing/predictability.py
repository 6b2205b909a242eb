r"""Predictability: rank correlation of predicted and measured losses over random splits of the runs."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Float64, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.mixing.regressors import NAMES, Name, choose, fit_regressor, spearman

SPLITS = 10
HELD = 0.25  # of the runs, in every split
STRONG, WEAK = 0.8, 0.5  # median rank correlation of the verdicts


@dataclass(frozen=True)
class Predictability:
    """Rank correlation of predicted and true loss on runs that had no part in fit or choice.

    Attributes
    ----------
    scores : (S,) float64
        Spearman of each split, in [-1, 1].
    regressors : tuple of S str
        What was fitted in each split.
    held_out : int
        Runs held out in a split.
    runs : int
    """

    scores: Float64
    regressors: tuple[Name, ...]
    held_out: int
    runs: int

    @property
    def median(self) -> float:
        """Median over the splits."""
        return float(np.median(self.scores))

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third quartile over the splits: their difference is the IQR."""
        low, high = np.quantile(self.scores, (0.25, 0.75))
        return float(low), float(high)

    @property
    def chance(self) -> float:
        """Rank correlation that a random guess exceeds in 5% of cases: 1.645 / sqrt(held - 1)."""
        return float(1.645 / np.sqrt(self.held_out - 1))

    @property
    def verdict(self) -> str:
        """Return the result as a sentence, also when nothing can be predicted."""
        low, high = self.quartiles
        facts = (
            f"median rank correlation {self.median:.2f} ({low:.2f} to {high:.2f}) "
            f"on {self.held_out} of {self.runs} runs"
        )
        if self.median < WEAK or low < self.chance:
            return f"Not predictable with these runs: {facts}"
        word = "Predictable" if self.median >= STRONG else "Partly predictable"
        return f"{word}: {facts}"


def predictability(
    mixtures: ArrayLike,
    losses: ArrayLike,
    *,
    regressor: Name | Literal["auto"] = "auto",
    splits: int = SPLITS,
    held_out: float = HELD,
    seed: int = 0,
    progress: Progress = silent,
) -> Predictability:
    """Fit a regressor to a part of the runs and rank the rest by it, over random splits (GEM, arXiv 2605.26121).

    Parameters
    ----------
    mixtures : (n, K) float
        Rows sum to 1.
    losses : (n,) float
        Nats per token.
    regressor : str
        "auto" chooses in each split by out-of-fold score inside its fitted part.
    splits : int
    held_out : float
        Fraction of the runs that is held out, in (0, 1).
    seed : int
        Of the splits.
    progress : Progress
        Called as progress("split runs", done, splits).

    Returns
    -------
    Predictability

    Raises
    ------
    InputError
        If numbers are not finite, fewer than 5 runs would be held out, or too few are left for the regressor.

    Examples
    --------
    >>> w = np.random.default_rng(0).dirichlet(np.ones(3), 40)
    >>> predictability(w, w @ [1.0, 2.0, 4.0], regressor="linear").verdict
    'Predictable: median rank correlation 1.00 (1.00 to 1.00) on 10 of 40 runs'
    """
    W, L = np.asarray(mixtures, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if W.ndim != 2 or L.shape != (len(W),) or not (np.isfinite(W).all() and np.isfinite(L).all()):
        raise InputError(
            "Runs are one finite loss for each mixture",
            f"shapes {W.shape} and {L.shape}",
            "Leave out runs that did not end",
        )
    out = round(held_out * len(L))
    if not 0 < held_out < 1 or out < 5 or splits < 1:
        raise InputError(
            "At least 5 runs must be held out in each split",
            f"{out} of {len(L)} in {splits} splits",
            "Train more proxies, or hold out a larger part",
        )
    if regressor != "auto" and regressor not in NAMES:
        raise InputError(f"regressor must be auto, {', '.join(NAMES)}", f"{regressor!r}", "Choose one of them")
    rng = np.random.default_rng(seed)
    scores, names = np.empty(splits), []
    for i in range(splits):
        progress("split runs", i, splits)
        order = rng.permutation(len(L))
        fitted_runs, held_out_runs = order[out:], order[:out]
        name = choose(W[fitted_runs], L[fitted_runs], seed=seed).name if regressor == "auto" else regressor
        scores[i] = spearman(
            fit_regressor(name, W[fitted_runs], L[fitted_runs], seed=seed).predict(W[held_out_runs]), L[held_out_runs]
        )
        names.append(name)
    progress("split runs", splits, splits)
    return Predictability(frozen(scores), tuple(names), out, len(L))
