"""Transfer of weights and proxy runs to another taxonomy by shared tokens."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Bool, Float64, frozen
from gem_core.errors import InputError

ALIKE = 0.95  # correlation of two columns of weights above which runs cannot tell the two domains apart


@dataclass(frozen=True)
class CarriedWeights:
    """Weights in another taxonomy.

    Attributes
    ----------
    weights : (..., K_new) float64
        Sum to 1 along the last axis.
    supported : (K_new,) bool
        False for a domain none of whose tokens was in a domain before: its weight is 0 because nothing is known.
    dropped_weight : (...) float64
        Weight of domains none of whose tokens is in a domain now, a fraction; the others were scaled up for it.
    """

    weights: Float64
    supported: Bool
    dropped_weight: Float64


def token_overlap(old: ArrayLike, new: ArrayLike, tokens: ArrayLike, n_old: int, n_new: int) -> NDArray[np.int64]:
    """Tokens that each pair of domains has in common, (n_old, n_new).

    Parameters
    ----------
    old, new : (n,) int
        Domain of each document, from 0; -1 for a document in none.
    tokens : (n,) int
        Of each document.
    n_old, n_new : int
        Numbers of domains.

    Examples
    --------
    >>> token_overlap([0, 0, 1, -1], [0, 1, 1, 0], [5, 7, 2, 9], 2, 2).tolist()
    [[5, 7], [0, 2]]
    """
    rows, columns = np.asarray(old), np.asarray(new)
    both = (rows >= 0) & (columns >= 0)
    table = np.zeros((n_old, n_new), dtype=np.int64)
    np.add.at(table, (rows[both], columns[both]), np.asarray(tokens, dtype=np.int64)[both])
    return table


def carry(weights: ArrayLike, overlap: ArrayLike) -> CarriedWeights:
    r"""Move weights over the overlap of two taxonomies: w'_j = sum_i w_i T_ij / sum_j T_ij.

    Each domain gives its weight to those that hold its tokens now, in proportion to the tokens. A merged domain has the
    sum; the parts of a split one share by their tokens.

    Parameters
    ----------
    weights : (K_old,) or (n, K_old) float
        Weights, or the mixtures of runs; sum to 1 along the last axis.
    overlap : (K_old, K_new) int
        T, tokens in common (`token_overlap`).

    Returns
    -------
    CarriedWeights

    Raises
    ------
    InputError
        If nothing of some weights arrives.

    Examples
    --------
    >>> carry([0.5, 0.5], [[30, 10, 0], [0, 20, 0]]).weights.tolist()
    [0.375, 0.625, 0.0]
    """
    table = np.asarray(overlap, dtype=np.float64)
    sums = table.sum(axis=1, keepdims=True)
    carried = np.asarray(weights, dtype=np.float64) @ (table / np.where(sums > 0, sums, 1.0))
    arrived = carried.sum(axis=-1, keepdims=True)
    if not (arrived > 0).all():
        raise InputError(
            "Weights can be carried over only to domains that hold some of their tokens",
            "none in common",
            "Compute weights for this taxonomy",
        )
    return CarriedWeights(
        frozen(carried / arrived), frozen(table.sum(axis=0) > 0), frozen(np.clip(1.0 - arrived[..., 0], 0.0, 1.0))
    )


def collinear(mixtures: ArrayLike, above: float = ALIKE) -> tuple[tuple[int, int, float], ...]:
    """Pairs of domains whose weights go together in the runs, so that the runs cannot say which of the two counts.

    Parameters
    ----------
    mixtures : (n, K) float
        Weights of the runs.
    above : float
        Correlation from which a pair is named.

    Returns
    -------
    tuple of (i, j, correlation)
        Places of the domains, i < j; the strongest first. Domains whose weight never changes are left out.

    Examples
    --------
    >>> [(i, j, round(r, 3)) for i, j, r in collinear([[0.1, 0.2, 0.7], [0.2, 0.4, 0.4], [0.05, 0.1, 0.85]])]
    [(0, 1, 1.0)]
    """
    table = np.asarray(mixtures, dtype=np.float64)
    centered = table - table.mean(axis=0)
    lengths = np.linalg.norm(centered, axis=0)
    moving = lengths > 1e-12 * np.linalg.norm(table, axis=0)  # above what rounding leaves of a constant
    unit = centered / np.where(moving, lengths, 1.0)
    correlation = np.where(np.outer(moving, moving), unit.T @ unit, 0.0)
    pairs = np.argwhere(np.triu(correlation > above, 1))
    collinear_pairs = [(int(i), int(j), float(min(1.0, correlation[i, j]))) for i, j in pairs]
    return tuple(sorted(collinear_pairs, key=lambda pair: -pair[2]))
