"""Functions compiled by numba, whose machine code is kept on disk: later processes load it in milliseconds."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile without Python's lock, keep the machine code on disk where a folder can be written.

    The code on disk is kept under the time stamp of the function's own file, and would not notice a change of another:
    compiled functions that call each other stand in one file.
    """

    def wrap(function: Callable[..., Any]) -> Any:
        try:
            return njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # no folder for the machine code: compile in every process
            return njit(nogil=True, **options)(function)

    return wrap
