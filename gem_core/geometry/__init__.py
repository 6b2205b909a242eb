"""Von Mises-Fisher maths, the simplex and the unit sphere: pure functions in float64."""

from gem_core.geometry.bessel import log_bessel
from gem_core.geometry.simplex import apply_floor, effective_number, normalized_entropy, rebalance
from gem_core.geometry.sphere import normalize
from gem_core.geometry.vmf import (
    CONCENTRATION_CAP,
    concentration_from_resultant,
    log_normalizer,
    mean_resultant,
    sample_vmf,
)

__all__ = [
    "CONCENTRATION_CAP",
    "apply_floor",
    "concentration_from_resultant",
    "effective_number",
    "log_bessel",
    "log_normalizer",
    "mean_resultant",
    "normalize",
    "normalized_entropy",
    "rebalance",
    "sample_vmf",
]
