"""Vectors on the unit sphere."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core import _check


def normalize(X: ArrayLike) -> NDArray[np.floating[Any]]:
    """Rows divided by their length.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Finite vectors, none of them zero.

    Returns
    -------
    ndarray, shape (n, d)
        Unit rows; float32 stays float32 (lengths are summed in float64), float16 becomes float32.

    Raises
    ------
    InputError
        The table is empty, or a row is zero or not finite.

    Examples
    --------
    >>> normalize([[3.0, 4.0]]).tolist()
    [[0.6, 0.8]]
    """
    array = _check.vectors(X)
    lengths = np.sqrt(np.einsum("ij,ij->i", array, array, dtype=np.float64))
    # Divided in float64 and rounded once, without an (n, d) float64 copy.
    return np.asarray(np.divide(array, lengths[:, None], out=np.empty_like(array), casting="same_kind"))
