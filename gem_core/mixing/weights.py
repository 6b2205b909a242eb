"""Weights of domains with natural share, ratio and epochs, within limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Bool, Float64, frozen
from gem_core.errors import InputError
from gem_core.geometry import effective_number
from gem_core.mixing.constraints import epoch_caps, project

MANY_EPOCHS = 4.0  # reading text more often than so is worth less and less (Muennighoff et al., arXiv 2305.16264)
MUCH_WEIGHT = 0.9  # a single domain above it: the strategy has collapsed


@dataclass(frozen=True)
class Limits:
    """Limits for weights: token budget, epochs, floor and folding.

    Attributes
    ----------
    budget : float or None
        Tokens to train on; without one there are no epochs.
    max_epochs : float or None
        How often a domain may be read; needs a budget. None for no cap.
    floor : float
        Smallest weight of a domain that has tokens, a fraction.
    fold : float
        Domains with a natural share below it count as one, "the rest", and keep their natural proportions inside.
    pool : tuple of K int or None
        Tokens of each domain in the pool that the corpus is a sample of; those of the corpus when None.
    """

    budget: float | None = None
    max_epochs: float | None = None
    floor: float = 0.0
    fold: float = 0.0
    pool: tuple[int, ...] | None = None

    def caps(self, tokens: ArrayLike) -> Float64 | None:
        """Return the largest weights by the epochs, (K,); None without a budget and a largest number of epochs.

        Raises
        ------
        InputError
            If the budget needs more tokens than there are; the message says how many.
        """
        if self.budget is None or self.max_epochs is None:
            return None
        return epoch_caps(tokens if self.pool is None else self.pool, self.budget, self.max_epochs)


@dataclass(frozen=True)
class Weights:
    """Weights of K domains.

    Attributes
    ----------
    strategy : str
    taxonomy_hash : str
        What the numbers belong to.
    numbers : tuple of K int
    tokens : (K,) int64
    weights : (K,) float64
        Sum to 1.
    folded : (K,) bool
        Domains of the rest.
    limits : Limits
    carried_from : str
        Hash of the taxonomy that they were found for, where that is another one.
    unsupported : (K,) bool
        Domains of which that taxonomy held nothing.
    """

    strategy: str
    taxonomy_hash: str
    numbers: tuple[int, ...]
    tokens: NDArray[np.int64]
    weights: Float64
    folded: Bool
    limits: Limits
    carried_from: str
    unsupported: Bool

    @property
    def natural(self) -> Float64:
        """Shares of the tokens, (K,), sum 1."""
        return np.asarray(self.tokens / self.tokens.sum())

    @property
    def ratio(self) -> Float64:
        """Weight over natural share, (K,); NaN for a domain without tokens."""
        return np.where(self.tokens > 0, self.weights / np.maximum(self.natural, 1e-300), np.nan)  # never 0 / 0

    @property
    def epochs(self) -> Float64:
        """How often each domain is read within the budget, B w_k / T_k, (K,); NaN without a budget or tokens."""
        budget = np.nan if self.limits.budget is None else self.limits.budget
        return np.where(self.tokens > 0, self.weights * budget / np.maximum(self.tokens, 1), np.nan)

    @property
    def effective(self) -> float:
        """Effective number of domains, exp(H), from 1 to K."""
        return effective_number(self.weights)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warning about each weight; empty if there is none."""
        return tuple(
            "; ".join(
                words
                for words, doubtful in (
                    (f"repeated {epochs:.1f} epochs, more than {MANY_EPOCHS:g}", epochs > MANY_EPOCHS * (1 + 1e-12)),
                    (f"has {weight:.1%} of the total weight", weight > MUCH_WEIGHT),
                    ("no evidence: none of its tokens were in the taxonomy of the runs", no_evidence),
                )
                if doubtful
            )
            for epochs, weight, no_evidence in zip(self.epochs, self.weights, self.unsupported, strict=True)
        )


def folder_names(numbers: Sequence[int]) -> dict[int, str]:
    """Return a name of each domain that is safe in file systems, YAML and JSON; all have the same length.

    Examples
    --------
    >>> folder_names([0, 12])
    {0: 'cluster_0000', 12: 'cluster_0012'}
    """
    width = max([4, *(len(str(number)) for number in numbers)])
    return {number: f"cluster_{number:0{width}}" for number in numbers}


def temperature(shares: ArrayLike, tau: float) -> Float64:
    r"""Return shares with their contrast changed, w_k ~ p_k^tau: 1 leaves them, 0 makes them equal.

    Parameters
    ----------
    shares : (K,) float
        p, not negative, not all zero. A domain without a share stays without.
    tau : float
        Any finite number.

    Returns
    -------
    (K,) float64
        Sums to 1.

    Raises
    ------
    InputError
        If tau is not finite.

    Examples
    --------
    >>> temperature([0.64, 0.36, 0.0], 0.5).round(4).tolist()
    [0.5714, 0.4286, 0.0]
    """
    if not np.isfinite(tau):
        raise InputError("The temperature's exponent must be a finite number", f"{tau}", "Use 0.5, for example")
    p = np.asarray(shares, dtype=np.float64)
    out = np.zeros_like(p)
    logs = tau * np.log(p[p > 0])
    out[p > 0] = np.exp(logs - logs.max())
    return np.asarray(out / out.sum())


def weigh(
    strategy: str,
    numbers: Sequence[int],
    tokens: ArrayLike,
    *,
    start_weights: ArrayLike | None = None,
    tau: float = 1.0,
    fixed: Mapping[int, float] | None = None,
    limits: Limits | None = None,
    taxonomy_hash: str = "",
    carried_from: str = "",
    unsupported: ArrayLike = False,
) -> Weights:
    r"""Return the weights of a strategy within limits (`project`).

    Without `start_weights`, w ~ p^tau of the natural shares p: tau = 1 is natural, tau = 0 uniform. Tail folding comes
    first: the rest is one domain for the strategy, the floor and the cap, and its weight is handed on in natural
    proportions.

    Parameters
    ----------
    strategy : str
        What the result is called.
    numbers : sequence of K int
        Of the domains.
    tokens : (K,) int
        Not all zero. A domain without tokens gets no weight.
    start_weights : (K,) float, optional
        Weights to start from; divided by their sum.
    tau : float
    fixed : {number: weight}, optional
        Weights that hold exactly; such a domain is not folded. The others keep their proportions in what is left.
    limits : Limits, optional
    taxonomy_hash, carried_from : str
    unsupported : (K,) bool
        As in `Weights`.

    Returns
    -------
    Weights

    Raises
    ------
    InputError
        If a fixed domain is unknown, or the limits leave no room; the message says by how much.

    Examples
    --------
    >>> weigh("natural", [0, 4], [300, 100], limits=Limits(budget=800)).epochs.round(9).tolist()
    [2.0, 2.0]
    >>> weigh("custom", [0, 4, 7], [200, 100, 100], fixed={4: 0.4}).weights.round(3).tolist()
    [0.4, 0.4, 0.2]
    """
    counts = np.asarray(tokens, dtype=np.int64)
    limits, fixed = limits or Limits(), dict(fixed or {})
    _check(limits, fixed, numbers)
    natural = counts / counts.sum()
    is_fixed = np.array([number in fixed for number in numbers])
    in_tail = (natural < limits.fold) & ~is_fixed
    group = np.where(in_tail, (~in_tail).sum(), np.cumsum(~in_tail) - 1)  # The folded rest is the last group.
    shares = np.bincount(group, natural)
    proposal = (
        temperature(shares, tau)
        if start_weights is None
        else np.bincount(group, np.asarray(start_weights, dtype=np.float64))
    )
    low, high = np.where(shares > 0, limits.floor, 0.0), np.where(shares > 0, np.inf, 0.0)
    if limits.budget is not None and limits.max_epochs is not None:
        high = epoch_caps(np.bincount(group, counts), limits.budget, limits.max_epochs)
    low[group[is_fixed]] = [fixed[number] for number in np.array(numbers)[is_fixed]]
    high = np.where(np.isin(np.arange(len(shares)), group[is_fixed]), np.minimum(low, high), high)
    names = [f"cluster {number}" for number, folded in zip(numbers, in_tail, strict=True) if not folded]
    projected = project(proposal, high, low, names=[*names, "the rest"])
    share_inside = np.divide(natural, shares[group], out=np.ones(len(counts)), where=in_tail & (natural > 0))
    no_evidence = np.array(np.broadcast_to(np.asarray(unsupported, dtype=bool), counts.shape))
    return Weights(
        strategy,
        taxonomy_hash,
        tuple(numbers),
        frozen(counts),
        frozen(projected[group] * share_inside),
        frozen(in_tail),
        limits,
        carried_from,
        frozen(no_evidence),
    )


def _check(limits: Limits, fixed: Mapping[int, float], numbers: Sequence[int]) -> None:
    if limits.max_epochs is not None and limits.budget is None:
        raise InputError("A largest number of epochs needs a token budget", "no budget", "Give one: --budget TOKENS")
    for name, value in (("floor", limits.floor), ("fold", limits.fold)):
        if not 0 <= value <= 1:
            raise InputError(f"The {name} must be a fraction from 0 to 1", f"{value:g}", "Use 0.01 for one percent")
    if limits.budget is not None and not 0 < limits.budget < np.inf:
        raise InputError("The token budget must be above 0", f"{limits.budget:g}", "Give a number of tokens")
    for number, weight in fixed.items():
        if number not in numbers:
            raise InputError(
                "A fixed weight must be for a cluster of this taxonomy",
                f"cluster {number}",
                f"Choose among {', '.join(map(str, numbers))}",
            )
        if not 0 <= weight <= 1:
            raise InputError(
                "A weight must be a fraction from 0 to 1",
                f"{weight:g} for cluster {number}",
                "Use 0.2 for twenty percent",
            )
    total = sum(fixed.values())
    if total > 1 + 1e-9:
        raise InputError("Fixed weights must sum to 1 at most", f"{total:.6g} ({total - 1:.6g} too much)", "Lower them")
    if len(fixed) == len(numbers) and total < 1 - 1e-9:
        raise InputError(
            "Weights that fix every domain must sum to 1",
            f"{total:.6g} ({1 - total:.6g} too little)",
            "Raise them, or leave one domain free",
        )
