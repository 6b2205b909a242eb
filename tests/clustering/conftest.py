"""Planted mixtures for the clustering tests."""

from collections.abc import Callable

import numpy as np
import pytest

from gem_core.geometry import sample_vmf

Planted = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def planted() -> Callable[..., Planted]:
    """Draw (vectors, true cluster) from von Mises-Fisher clusters around random directions."""

    def draw(sizes: tuple[int, ...], d: int, concentration: float, seed: int = 0) -> Planted:
        rng = np.random.default_rng(seed)
        centers = rng.normal(size=(len(sizes), d))
        x = np.vstack([sample_vmf(c, concentration, n, rng) for c, n in zip(centers, sizes, strict=True)])
        truth = np.repeat(np.arange(len(sizes)), sizes)
        order = rng.permutation(len(x))
        return x[order], truth[order]

    return draw
