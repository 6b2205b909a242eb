"""How many threads torch uses for one operation."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_ONE_CALLER = Lock()


@contextmanager
def torch_threads(count: int | None) -> Iterator[int]:
    """Let torch use `count` threads for a while, and say how many callers may work side by side meanwhile.

    The number belongs to the process, so one caller of this at a time. None changes nothing.
    """
    import torch

    if count is None:
        yield 1
        return
    with _ONE_CALLER:
        usual = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield usual
        finally:
            torch.set_num_threads(usual)
