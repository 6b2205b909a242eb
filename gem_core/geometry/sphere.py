"""Vectors on the unit sphere: normalising, and maps between S^2 and the plane."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core import _check


def normalise(X: ArrayLike) -> NDArray[np.floating[Any]]:
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
    >>> normalise([[3.0, 4.0]]).tolist()
    [[0.6, 0.8]]
    """
    array = _check.vectors(X)
    # Scaled by the largest coordinate first, so that squares neither overflow nor underflow.
    scaled = array / np.max(np.abs(array), axis=1, keepdims=True)
    lengths = np.sqrt(np.einsum("ij,ij->i", scaled, scaled, dtype=np.float64))
    return np.asarray(scaled / lengths[:, None].astype(array.dtype))
