"""Checks at the public border. Private functions trust what has passed here."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Float64
from gem_core.errors import InputError


def first_rows(mask: NDArray[np.bool_], first: int = 0) -> str:
    """Describe the true rows of a mask that begins at row `first`: how many, and the first."""
    rows = np.flatnonzero(mask) + first
    return f"{rows.size:,} such row{'s' if rows.size != 1 else ''}, the first at row {int(rows[0]):,}"


def vectors(X: ArrayLike, name: str = "X") -> NDArray[np.floating[Any]]:
    """Return X as an (n, d) float32 or float64 array without NaN, infinity or zero rows.

    float16 becomes float32; integers become float64. Nothing is normalized here.
    """
    array = np.asarray(X)
    if array.ndim != 2 or array.shape[0] == 0 or array.shape[1] == 0:
        raise InputError(
            f"{name} must be a table of vectors, one row per document",
            f"shape {array.shape}",
            "Pass an array of shape (documents, dimensions)",
        )
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    elif not np.issubdtype(array.dtype, np.floating):
        if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool) or np.iscomplexobj(array):
            raise InputError(f"{name} must hold real numbers", f"type {array.dtype}", "Convert the vectors to float32")
        array = array.astype(np.float64)
    lengths(array, name)
    return array


def lengths(array: NDArray[np.floating[Any]], name: str = "X", first: int = 0) -> Float64:
    """Return the lengths of rows, the first of which is row `first` of all; refuse NaN, infinity and zero rows."""
    # Sums of squares find NaN and infinity without an (n, d) mask.
    squares = np.einsum("ij,ij->i", array, array, dtype=np.float64)
    finite_rows(squares, name, first)
    return np.asarray(np.sqrt(squares))


def finite_rows(squares: Float64, name: str = "X", first: int = 0) -> None:
    """Refuse rows by the sums of their squares, as `lengths` does."""
    if not np.all(np.isfinite(squares)):
        raise InputError(
            f"{name} must hold finite numbers",
            f"NaN or infinity in {first_rows(~np.isfinite(squares), first)}",
            "Embed those documents again or drop them",
        )
    if not np.all(squares > 0):
        raise InputError(
            f"{name} must hold vectors with a direction",
            f"all-zero vectors in {first_rows(squares <= 0, first)}",
            "Embed those documents again or drop them",
        )


def weights(w: ArrayLike | None, n: int, name: str = "sample_weight") -> Float64:
    """Return n document weights with sum 1 (uniform when None)."""
    if w is None:
        return np.full(n, 1.0 / n)
    array = np.asarray(w, dtype=np.float64)
    if array.shape != (n,):
        raise InputError(
            f"{name} must hold one number per document ({n:,})",
            f"shape {array.shape}",
            "Pass a flat array as long as the corpus",
        )
    wrong = ~(np.isfinite(array) & (array >= 0))
    if wrong.any() or not array.any():
        raise InputError(
            f"{name} must be finite, not negative and not all zero",
            first_rows(wrong) if wrong.any() else "a sum of 0",
            "Correct or drop those rows",
        )
    array = array / array.max()  # The sum of the weights themselves may overflow.
    return np.asarray(array / array.sum())


def shares(u: ArrayLike, k: int, name: str = "target") -> Float64:
    """Return k positive-or-zero shares with sum 1."""
    array = np.asarray(u, dtype=np.float64)
    if array.shape != (k,):
        raise InputError(f"{name} must hold one share a cluster ({k})", f"shape {array.shape}", f"Pass {k} numbers")
    if not np.all(np.isfinite(array)) or np.any(array < 0) or not np.isclose(array.sum(), 1.0, atol=1e-6):
        raise InputError(
            f"{name} must be shares that are not negative and sum to 1",
            f"sum {array.sum():.6g}",
            "Divide the numbers by their sum",
        )
    return np.asarray(array / array.sum())
