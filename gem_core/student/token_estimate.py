"""Estimate the number of tokens of a text from its words and bytes."""

import numpy as np
from numpy.typing import ArrayLike

PRIOR = 10  # documents of average length with a factor of 1 that every cluster is given


def fit_token_rates(words: ArrayLike, size: ArrayLike, tokens: ArrayLike) -> tuple[float, float]:
    r"""Tokens per word and per byte by weighted least squares with neither below 0.

    Minimizes sum_i (tokens_i - a words_i - b bytes_i)^2 / bytes_i: errors grow with the length, so that a few very long
    documents do not decide for all. Where both rates are above 0, the estimates add up to the tokens that were counted.

    Parameters
    ----------
    words, size, tokens : (n,) int
        Words, bytes and tokens of each document.

    Returns
    -------
    (float, float)
        a and b, at least 0.

    Examples
    --------
    >>> fit_token_rates([10, 20, 5], [50, 90, 40], [13, 26, 6.5])
    (1.3, 0.0)
    """
    from scipy.optimize import nnls

    table = np.stack((np.asarray(words, np.float64), np.asarray(size, np.float64)), axis=1)
    root = 1.0 / np.sqrt(np.maximum(table[:, 1], 1.0))
    rates, _ = nnls(table * root[:, None], np.asarray(tokens, np.float64) * root)
    return round(float(rates[0]), 9), round(float(rates[1]), 9)


def fit_token_factors(labels: ArrayLike, estimated: ArrayLike, tokens: ArrayLike, n_clusters: int) -> tuple[float, ...]:
    r"""Return what the estimate is to be multiplied by in each cluster: sum of the tokens over sum of the estimates.

    Both sums begin with the tokens of ten average documents, so that a small cluster stays near 1.

    Parameters
    ----------
    labels : (n,) int
        Cluster of each document, 0 to n_clusters - 1.
    estimated, tokens : (n,) float
        Tokens of each document as estimated by words and bytes, and as counted.
    n_clusters : int
        K.

    Returns
    -------
    tuple of K float

    Examples
    --------
    >>> [round(one, 2) for one in fit_token_factors([0] * 90 + [1] * 90, [10] * 180, [12] * 90 + [8] * 90, 3)]
    [1.18, 0.82, 1.0]
    """
    counted = np.asarray(tokens, np.float64)
    prior = PRIOR * max(float(counted.mean()), 1.0)
    own, guess = (
        np.bincount(np.asarray(labels), values, n_clusters) + prior
        for values in (counted, np.asarray(estimated, np.float64))
    )
    return tuple(round(float(factor), 9) for factor in own / guess)
