"""GEM clustering: balanced mixtures of von Mises-Fisher distributions (method.md sections 2 to 6).

The estimator with scikit-learn's interface is `gem_core.GEM`; it lives in `gem_core.clustering.estimator`.
"""

from gem_core.clustering.assignment import Assignment, assign, responsibilities
from gem_core.clustering.mixture import MixtureConfig, MixtureFit, fit_mixture
from gem_core.clustering.statistics import Documents, Moments, Statistics, block_statistics

__all__ = [
    "Assignment",
    "Documents",
    "MixtureConfig",
    "MixtureFit",
    "Moments",
    "Statistics",
    "assign",
    "block_statistics",
    "fit_mixture",
    "responsibilities",
]
