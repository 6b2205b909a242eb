"""Sampling of documents of a domain to a token budget: whole epochs, then known inclusion probabilities."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Float64, frozen
from gem_core.errors import InputError

_CLASSES = 8  # length classes in a doubling: documents of one class differ by 9% at most
Chances = Callable[[int], Float64]


@dataclass(frozen=True)
class Draw:
    """Copies of the documents of one domain.

    Attributes
    ----------
    copies : (m,) int32
        How often each document is read.
    expected : (m,) float64
        What that is on average over seeds: whole epochs plus the chance of one more. Divide by it to estimate sums
        over the domain (Horvitz and Thompson, 1952).
    """

    copies: NDArray[np.int32]
    expected: Float64


def draw_tokens(
    tokens: ArrayLike,
    target: float,
    seed: int | np.random.Generator,
    *,
    chances: Chances | None = None,
) -> Draw:
    r"""Draw documents so that their tokens come to a target, on average exactly.

    With E = target / sum of tokens: every document floor(E) times, and once more with chance pi_i, where
    sum_i pi_i tokens_i is what is missing. Without `chances`, all pi_i are equal. The draw is systematic in an order of
    length classes, random inside a class, so chances are exact and a draw misses the target by little more than one
    long document.

    Parameters
    ----------
    tokens : (m,) int
        Tokens of each document.
    target : float
        Tokens wanted, from 0.
    seed : int or Generator
    chances : callable, optional
        count -> (m,) chances in [0, 1] that sum to count and rise with it, such as GRIP's `inclusion`. Between two
        counts the chances are interpolated.

    Returns
    -------
    Draw

    Raises
    ------
    InputError
        If tokens are wanted from documents that hold none.

    Examples
    --------
    >>> found = draw_tokens([10, 10, 10, 10], 60, seed=0)
    >>> int(found.copies.sum()), found.expected.tolist()
    (6, [1.5, 1.5, 1.5, 1.5])
    """
    sizes, rng = np.asarray(tokens, dtype=np.int64), np.random.default_rng(seed)
    total = int(sizes.sum())
    if target > 0 and not total:
        raise InputError(
            "Tokens can be drawn only from documents that hold some",
            f"{target:,.0f} from none",
            "Give the domain no weight",
        )
    epochs = target / total if total else 0.0
    whole = int(epochs)
    missing = max(target - whole * total, 0.0)
    pi = (
        np.full(sizes.shape, missing / total if total else 0.0)
        if chances is None
        else _chances(sizes, missing, chances)
    )
    copies = np.full(sizes.shape, whole, dtype=np.int32)
    copies[_systematic(sizes, pi, rng)] += 1
    return Draw(frozen(copies), frozen(whole + pi))


def draw_long_first(
    tokens: ArrayLike, target: float, seed: int | np.random.Generator, *, longest: float, chances: Chances | None = None
) -> Draw:
    """Draw documents longer than `longest` tokens as a stratum of their own, then the others for what is left.

    Each document has on average the copies that it has in `draw_tokens` without chances; but where a few documents hold
    much of a domain, the tokens of one draw come nearer to the target.

    Parameters
    ----------
    tokens, target, seed, chances
        As in `draw_tokens`; `chances` are those of the shorter documents.
    longest : float
        Tokens of a document from which it is a long one.

    Examples
    --------
    >>> draw = draw_long_first([900, *[10] * 90], 450, seed=0, longest=100)
    >>> int(draw.copies @ np.array([900, *[10] * 90]))
    450
    """
    sizes, rng = np.asarray(tokens, dtype=np.int64), np.random.default_rng(seed)
    is_long = sizes > longest
    total = int(sizes.sum())
    if not is_long.any() or is_long.all() or not total:
        return draw_tokens(sizes, target, rng, chances=chances)
    copies, expected = np.zeros(sizes.shape, dtype=np.int32), np.full(sizes.shape, target / total)
    first = draw_tokens(sizes[is_long], target * float(sizes[is_long].sum()) / total, rng)
    copies[is_long] = first.copies
    missing = max(target - float(first.copies @ sizes[is_long]), 0.0)
    copies[~is_long] = draw_tokens(sizes[~is_long], missing, rng, chances=chances).copies
    return Draw(frozen(copies), frozen(expected))


def _chances(sizes: NDArray[np.int64], missing: float, chances: Chances) -> Float64:
    """Chances whose expected tokens are `missing`: between those of two neighboring counts."""
    low, high = 0, len(sizes)
    below, above = np.zeros(len(sizes)), np.ones(len(sizes))
    while high - low > 1:
        middle = (low + high) // 2
        candidate_chances = np.asarray(chances(middle), dtype=np.float64)
        if float(candidate_chances @ sizes) <= missing:
            low, below = middle, candidate_chances
        else:
            high, above = middle, candidate_chances
    gap = float((above - below) @ sizes)
    part = (missing - float(below @ sizes)) / gap if gap > 0 else 0.0
    return np.asarray(np.clip(below + part * (above - below), 0.0, 1.0))


def _systematic(sizes: NDArray[np.int64], pi: Float64, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows drawn with chances pi: a comb of distance 1 with a random start, laid over the chances end to end."""
    sure = np.flatnonzero(pi >= 1)
    rows = np.flatnonzero((pi > 0) & (pi < 1))
    classes = np.floor(_CLASSES * np.log2(1.0 + sizes[rows]))
    rows = rows[np.lexsort((rng.random(rows.size), classes))]
    teeth = np.floor(np.cumsum(pi[rows]) + rng.random())
    return np.concatenate([sure, rows[np.diff(teeth, prepend=0.0) > 0]])
