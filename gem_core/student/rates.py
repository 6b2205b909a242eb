"""How many tokens a text has, estimated from its words and bytes."""

import numpy as np
from numpy.typing import ArrayLike


def fit_token_rates(words: ArrayLike, size: ArrayLike, tokens: ArrayLike) -> tuple[float, float]:
    r"""Tokens per word and per byte by weighted least squares with neither below 0.

    Minimises sum_i (tokens_i - a words_i - b bytes_i)^2 / bytes_i: errors grow with the length, so that a few very long
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
