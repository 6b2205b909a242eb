"""Von Mises-Fisher maths, the simplex and the unit sphere: pure functions in float64."""

from gem_core.geometry.bessel import log_bessel
from gem_core.geometry.simplex import effective_number, floored, normalised_entropy, rebalance
from gem_core.geometry.sphere import normalise
from gem_core.geometry.vmf import (
    CONCENTRATION_CAP,
    concentration_from_resultant,
    log_normaliser,
    mean_resultant,
    sample_vmf,
)

__all__ = [
    "CONCENTRATION_CAP",
    "concentration_from_resultant",
    "effective_number",
    "floored",
    "log_bessel",
    "log_normaliser",
    "mean_resultant",
    "normalise",
    "normalised_entropy",
    "rebalance",
    "sample_vmf",
]
