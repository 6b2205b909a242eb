"""How far a layout can be trusted."""

import numpy as np
from numpy.typing import ArrayLike

from gem_core.errors import InputError
from gem_core.geometry import normalise


def trustworthiness(
    X: ArrayLike, Y: ArrayLike, *, neighbours: int = 15, sample: int = 5000, seed: int = 0
) -> float:
    r"""Trustworthiness of a layout: are neighbours in the layout neighbours in the embedding space?

    T = 1 - 2 / (n m (2n - 3m - 1)) sum_i sum_{j in U_i} (r(i, j) - m)

    with U_i the m nearest of i in Y that are not among its m nearest in X, and r(i, j) the rank of j in X.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Embeddings; compared by cosine.
    Y : array_like, shape (n, 2) or (n, 3)
        Positions; on the sphere the chord ranks as the angle does.
    neighbours : int
        m, at least 1 and below n / 2.
    sample : int
        With more documents than this, a random sample of so many is measured (among themselves): n x n distances.
    seed : int
        Seed of the sample.

    Returns
    -------
    float
        Between 0 and 1; a random layout has about 0.5.

    Raises
    ------
    InputError
        X and Y differ in length, or `neighbours` does not fit n.

    Notes
    -----
    Venna & Kaski, ICANN 2001; scikit-learn's implementation.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((50, 3))
    >>> trustworthiness(X, normalise(X))
    1.0
    """
    from sklearn.manifold import trustworthiness as measure

    rows, positions = normalise(X), np.asarray(Y, dtype=np.float64)
    n = len(rows)
    if positions.ndim != 2 or len(positions) != n:
        raise InputError(f"Y must hold one position a document ({n:,})", f"shape {positions.shape}",
                         "Pass the layout of the same documents")
    if not 1 <= neighbours < min(n, sample) / 2:
        raise InputError("neighbours must be at least 1 and below half the documents",
                         f"{neighbours} with {min(n, sample):,} documents", "Ask for fewer neighbours")
    if n > sample:
        chosen = np.sort(np.random.default_rng(seed).choice(n, sample, replace=False))
        rows, positions = rows[chosen], positions[chosen]
    return float(measure(rows, positions, n_neighbors=neighbours))
