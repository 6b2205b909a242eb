"""Target masses in words: "uniform", "natural", "floor:0.02", or shares for the clusters one by one."""

from collections.abc import Sequence

import numpy as np

from gem_core import _check
from gem_core._types import Float64
from gem_core.errors import InputError
from gem_core.geometry import apply_floor

FLOOR = "floor:"
WORDS = ("uniform", "natural")


def validate_target(target: str | Sequence[float], n_clusters: int) -> str | tuple[float, ...]:
    """Return a target in its one spelling, so that the same target has the same settings.

    Parameters
    ----------
    target : str or sequence of K floats
        "uniform": equal shares. "natural": the masses at strength 0. "floor:x" with x from 0 to 1/K: the natural
        masses, lifted to x where they are below it, the others shrunk in proportion (`apply_floor`). Or K shares.
    n_clusters : int
        K.

    Raises
    ------
    InputError
        The word is unknown, the floor is outside its range, or the shares do not sum to 1.

    Examples
    --------
    >>> validate_target("floor:0.020", 12)
    'floor:0.02'
    """
    if not isinstance(target, str):
        return tuple(_check.shares(target, n_clusters, "target").tolist())
    if target in WORDS:
        return target
    floor = parse_floor(target)
    if floor is None or not 0 <= floor <= 1:
        raise InputError(
            "target must be uniform, natural, floor:x with x from 0 to 1/K, or K shares",
            f"{target!r}",
            'Use "uniform", or "floor:0.02" for at least 2% each',
        )
    if floor > (1 + 1e-12) / n_clusters:
        raise InputError(
            f"A floor must leave room for {n_clusters} clusters: at most {1 / n_clusters:.4g}",
            f"{floor:.4g}",
            "Use a lower floor, or fewer clusters",
        )
    return floor_target(floor)


def floor_target(floor: float) -> str:
    """0.02 -> 'floor:0.02'."""
    return f"{FLOOR}{floor:.12g}"


def parse_floor(target: str | Sequence[float]) -> float | None:
    """'floor:0.02' -> 0.02; None for every other target.

    Examples
    --------
    >>> parse_floor("floor:0.02"), parse_floor("natural")
    (0.02, None)
    """
    if not (isinstance(target, str) and target.startswith(FLOOR)):
        return None
    try:
        return float(target.removeprefix(FLOOR))
    except ValueError:
        return None


def needs_natural_masses(target: str | Sequence[float]) -> bool:
    """Whether a target is known only after a fit at strength 0: "natural" and "floor:x"."""
    return target == "natural" or parse_floor(target) is not None


def target_from_masses(target: str | Sequence[float], masses: Float64) -> Float64:
    """Target masses, shape (K,), from the masses at strength 0, for targets that `follows_masses`."""
    floor = parse_floor(target)
    return np.array(masses) if floor is None else apply_floor(masses, floor)


def read_target(text: str) -> str | tuple[float, ...]:
    """Read a target as it is written on a command line: a word, "floor:x", or shares separated by commas.

    Raises
    ------
    InputError
        It is none of these.

    Examples
    --------
    >>> read_target("0.5,0.3,0.2")
    (0.5, 0.3, 0.2)
    """
    if text in WORDS:
        return text
    try:
        if text.startswith(FLOOR):
            return floor_target(float(text.removeprefix(FLOOR)))
        return tuple(float(share) for share in text.split(","))
    except ValueError:
        raise InputError(
            "A target must be uniform, natural, floor:x or shares separated by commas",
            text,
            "Use uniform, floor:0.02 or 0.5,0.3,0.2",
        ) from None
