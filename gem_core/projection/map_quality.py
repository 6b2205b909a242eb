"""Trustworthiness: a measure of how far a layout can be trusted."""

import numpy as np
from numpy.typing import ArrayLike

from gem_core.errors import InputError
from gem_core.geometry import normalize

BATCH = 64


def trustworthiness(X: ArrayLike, Y: ArrayLike, *, neighbors: int = 15, sample: int = 2000, seed: int = 0) -> float:
    r"""Trustworthiness of a layout: whether neighbors in the layout are neighbors in the embedding space.

    T = 1 - 2 / (n m (2n - 3m - 1)) sum_i sum_{j in U_i} (r(i, j) - m)

    with U_i the m nearest of i in Y that are not among its m nearest in X, and r(i, j) the rank of j in X.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Embeddings; compared by cosine.
    Y : array_like, shape (n, 2) or (n, 3)
        Positions; on the sphere the chord ranks as the angle does.
    neighbors : int
        m, at least 1 and below n / 2.
    sample : int
        With more documents than this, the sum over i runs over a random sample of so many (an unbiased estimate);
        neighbors and ranks are always taken among all n. Memory: 64 rows of n distances at a time.
    seed : int
        Seed of the sample.

    Returns
    -------
    float
        Between 0 and 1; a random layout has about 0.5.

    Raises
    ------
    InputError
        X and Y differ in length, or `neighbors` does not fit n.

    Notes
    -----
    Venna & Kaski, ICANN 2001. Equal to `sklearn.manifold.trustworthiness`, which keeps n x n numbers (tested).

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((50, 3))
    >>> trustworthiness(X, normalize(X))
    1.0
    """
    rows, positions = normalize(X), np.asarray(Y, dtype=np.float64)
    n = len(rows)
    if positions.ndim != 2 or len(positions) != n:
        raise InputError(
            f"Y must hold one position a document ({n:,})",
            f"shape {positions.shape}",
            "Pass the layout of the same documents",
        )
    if not 1 <= neighbors < n / 2:
        raise InputError(
            "neighbors must be at least 1 and below half the documents",
            f"{neighbors} with {n:,} documents",
            "Ask for fewer neighbors",
        )
    sample_rows = np.arange(n) if n <= sample else np.random.default_rng(seed).choice(n, sample, replace=False)
    half_squares = 0.5 * np.einsum("ij,ij->i", positions, positions)
    excess = 0
    for first in range(0, len(sample_rows), BATCH):
        part = sample_rows[first : first + BATCH]
        part_index = np.arange(len(part))
        # Smaller is nearer; a document is not its own neighbor.
        far, near = -(rows[part] @ rows.T), half_squares - positions[part] @ positions.T
        far[part_index, part], near[part_index, part] = -np.inf, np.inf
        order = np.argsort(far, axis=1, kind="stable")
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(n)[None, :], axis=1)  # the document itself has rank 0
        nearest = np.argpartition(near, neighbors - 1, axis=1)[:, :neighbors]
        excess += int(np.maximum(np.take_along_axis(rank, nearest, axis=1) - neighbors, 0).sum())
    return 1.0 - 2.0 * excess / (len(sample_rows) * neighbors * (2.0 * n - 3.0 * neighbors - 1.0))
