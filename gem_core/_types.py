"""Types that every floor shares."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Float32 = NDArray[np.float32]
Floating = NDArray[np.floating[Any]]
Int32 = NDArray[np.int32]
Bool = NDArray[np.bool_]


class Progress(Protocol):
    """Callback that long work reports to; raise `gem_core.errors.Cancelled` in it to stop the work."""

    def __call__(self, step: str, completed: int, total: int) -> None:
        """Say that `completed` of `total` units of `step` are finished."""


def silent(step: str, completed: int, total: int) -> None:
    """Report nothing: the default `Progress`."""


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Mark an array read-only and return it: results are shared between views and threads."""
    array.setflags(write=False)
    return array
