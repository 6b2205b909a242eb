"""Goals of a mixture: which held-out losses are to fall, and with which weights."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from gem_core import _check
from gem_core._types import Float64, frozen
from gem_core.errors import InputError

_NAME = re.compile(r"[\w.-]{1,60}")


@dataclass(frozen=True)
class Goal:
    """Weights of held-out streams: clusters, the corpus as it is, and validation files.

    Attributes
    ----------
    name : str
    clusters : {cluster number: weight}
        Not negative.
    natural : float
        Part of the goal that is the whole corpus, each cluster by its natural share; from 0 to 1.
    files : {path: weight}
        Validation files, each a held-out stream of its own.

    Raises
    ------
    InputError
        If the name is not a file name, a weight is negative or not finite, or nothing has a weight.

    Examples
    --------
    >>> Goal("science", {12: 1, 15: 1}, natural=0.5).name
    'science'
    """

    name: str
    clusters: Mapping[int, float] = field(default_factory=dict)
    natural: float = 0.0
    files: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.startswith("."):
            raise InputError(
                "The name of a goal has letters, digits, dots and dashes",
                repr(self.name)[:80],
                "Use science, for example",
            )
        weights = [*self.clusters.values(), *self.files.values()]
        if not all(math.isfinite(weight) and weight >= 0 for weight in (*weights, self.natural)):
            raise InputError(
                "The weights of a goal must be numbers from 0", f"{[*weights, self.natural]}"[:80], "Correct them"
            )
        total = math.fsum(weights)
        if not ((self.natural == 1 and total == 0) or (0 <= self.natural < 1 and total > 0)):
            raise InputError(
                "A goal has clusters or files, and a natural part below 1; or it is the whole corpus, natural 1",
                f"weights that sum to {total:g}, natural {self.natural:g}",
                "Use --clusters 12=1,15=1 --natural 0.5, for example",
            )

    def shares(self, numbers: Sequence[int], natural: ArrayLike) -> Float64:
        """Return the weight of each stream, (K + F,), sum 1: the K clusters, then the F files.

        The natural part counts each cluster by its natural share; clusters and files share the rest by their weights.

        Raises
        ------
        InputError
            If the goal names a cluster that is not among `numbers`.

        Examples
        --------
        >>> Goal("half", {3: 1}, natural=0.5).shares([1, 3], [0.8, 0.2]).round(3).tolist()
        [0.4, 0.6]
        """
        unknown = sorted(set(self.clusters) - set(numbers))
        if unknown:
            raise InputError(
                "The clusters of a goal must be in the taxonomy and not excluded",
                f"cluster {unknown[0]}",
                f"Choose among {', '.join(map(str, numbers))}",
            )
        p = _check.shares(natural, len(numbers), "natural shares")
        goal_weights = np.array(
            [*(float(self.clusters.get(n, 0.0)) for n in numbers), *map(float, self.files.values())]
        )
        goal_weights = goal_weights / goal_weights.sum() if self.natural < 1 else np.zeros_like(goal_weights)
        whole = np.concatenate([p, np.zeros(len(self.files))])
        return frozen(self.natural * whole + (1 - self.natural) * goal_weights)


def corpus_goal() -> Goal:
    """Return the goal of a corpus as it is: every cluster by its natural share."""
    return Goal("corpus", natural=1.0)
