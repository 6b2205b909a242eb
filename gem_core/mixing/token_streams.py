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
    train, held_out : tuple of K (n_k,) uint16
        Documents one after the other, each with the token `END` in front; no document is in both.
    vocabulary : int
        Token ids are below it.
    files : tuple of F (m_f,) uint16
        Validation files as token ids.
    """

    train: tuple[UInt16, ...]
    held_out: tuple[UInt16, ...]
    vocabulary: int
    files: tuple[UInt16, ...] = ()

    @property
    def targets(self) -> tuple[UInt16, ...]:
        """Held-out streams that losses are measured on: those of the K domains, then the validation files."""
        return (*self.held_out, *self.files)

    def __len__(self) -> int:
        return len(self.train)
