"""Token streams of domains: training tokens and held-out tokens."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UInt16 = NDArray[np.uint16]


@dataclass(frozen=True)
class Streams:
    """Token ids of K domains.

    Attributes
    ----------
    train, held : tuple of K (n_k,) uint16
        Documents one after the other, each with the token `END` in front; no document is in both.
    vocabulary : int
        Token ids are below it.
    """

    train: tuple[UInt16, ...]
    held: tuple[UInt16, ...]
    vocabulary: int

    def __len__(self) -> int:
        return len(self.train)
