"""Configuration of a GEM mixture fit, validated on construction."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gem_core.clustering.target import validate_target
from gem_core.errors import InputError

# kappa may grow to this multiple of the pooled concentration of the start. Clusters of near-duplicates run away
# otherwise (1800 beside 100 was seen) and then hold their mass against any balance.
CAP_RATIO = 10.0


@dataclass(frozen=True)
class MixtureConfig:
    r"""Settings of a mixture fit: everything it depends on besides the documents and their weights.

    Attributes
    ----------
    n_clusters : int
        K >= 1.
    strength : float
        Balance strength lambda / kappa, in [0, inf]: 0 is a plain von Mises-Fisher mixture, about 1 matches the
        scale of the logits, infinity holds the masses exactly at the target.
    target : "uniform", "natural", "floor:x" or tuple of K floats
        u: equal shares; the masses of the strength-0 fit; these masses lifted to at least x, the larger ones shrunk
        in proportion ("floor:0.02" is 2%, x at most 1/K); or given shares (sum 1). A cold start matches given shares
        to clusters so that F is highest; cluster k of the fit has share k.
    concentration : "per_cluster", "shared" or float
        How kappa is chosen; a number fixes it.
    solver : "dual" or "mm"
        Exact dual E-step, or the paper's minorize-maximize (some fifty times as many passes).
    max_iter : int
        Largest number of iterations on all documents.
    tol : float
        Stop when the objective gains at most this many nats per document in each of two iterations.
    seed : int
        Seed of every random choice.
    start : "search", "relax" or "plain"
        "search": start from the best of some sixty fits of the asked problem to a sample (`seed_mixture`). "relax":
        start from one exactly balanced fit. "plain": from k-means++ alone.
    lambda_scale : "mean" or "sum"
        "mean": lambda acts on the mean over documents. "sum" is the paper's formula taken literally: lambda / n.
    penalty : float, optional
        lambda itself instead of strength x kappa_0, in [0, inf); the paper uses 5000. `strength` must then be left at
        its default; the fit tells which strength the penalty meant.

    Raises
    ------
    InputError
        A value is outside its range.

    Examples
    --------
    >>> MixtureConfig(n_clusters=8, strength=float("inf")).target
    'uniform'
    """

    n_clusters: int = 24
    strength: float = 1.0
    target: str | tuple[float, ...] = "uniform"
    concentration: Literal["per_cluster", "shared"] | float = "per_cluster"
    solver: Literal["dual", "mm"] = "dual"
    max_iter: int = 200
    tol: float = 1e-6
    seed: int = 0
    start: Literal["search", "relax", "plain"] = "search"
    lambda_scale: Literal["mean", "sum"] = "mean"
    penalty: float | None = None

    def __post_init__(self) -> None:
        _check_integer(self.n_clusters, "n_clusters", 1, "Ask for one cluster or more")
        _check_integer(self.max_iter, "max_iter", 1, "Allow one iteration or more")
        _check_integer(self.seed, "seed", 0, "Use a whole number that is not negative")
        if not _is_number(self.strength) or math.isnan(self.strength) or self.strength < 0:
            raise InputError(
                "strength must be a number from 0 to infinity",
                f"{self.strength!r}",
                "Use 0 for no balance, 1 for matched, inf for exact balance",
            )
        self._check_penalty()
        if not _is_number(self.tol) or not 0 <= self.tol < 1:
            raise InputError("tol must be a number from 0 to below 1", f"{self.tol!r}", "Use the default, 1e-6")
        _check_choice(self.solver, "solver", ("dual", "mm"))
        _check_choice(self.start, "start", ("search", "relax", "plain"))
        _check_choice(self.lambda_scale, "lambda_scale", ("mean", "sum"))
        if isinstance(self.concentration, str):
            _check_choice(self.concentration, "concentration", ("per_cluster", "shared"))
        elif not _is_number(self.concentration) or not 0 < self.concentration < math.inf:
            raise InputError(
                'concentration must be "per_cluster", "shared" or a positive number',
                f"{self.concentration!r}",
                'Use "per_cluster"',
            )
        object.__setattr__(self, "target", validate_target(self.target, self.n_clusters))
        if self.solver == "mm" and math.isinf(self.strength):
            raise InputError(
                'solver "mm" needs a finite strength (its step has size 0 at infinity)',
                "inf",
                'Use solver="dual", or a large finite strength',
            )

    def _check_penalty(self) -> None:
        if self.penalty is None:
            return
        if not _is_number(self.penalty) or not 0 <= self.penalty < math.inf:
            raise InputError(
                "penalty must be a number from 0 up", f"{self.penalty!r}", "Use 5000 as in the paper, or strength=inf"
            )
        if self.strength != 1.0:
            raise InputError(
                "Either strength or penalty can be set, not both",
                f"strength={self.strength!r} and penalty={self.penalty!r}",
                "Leave one of them out",
            )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _check_integer(value: object, name: str, least: int, hint: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}", f"{value!r}", hint)


def _check_choice(value: object, name: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} must be one of {', '.join(allowed)}", f"{value!r}", f'Use "{allowed[0]}"')
