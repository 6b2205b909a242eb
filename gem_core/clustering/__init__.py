"""GEM clustering: balanced mixtures of von Mises-Fisher distributions (GEM, arXiv 2605.26121).

The estimator with scikit-learn's interface is `gem_core.GEM`; it lives in `gem_core.clustering.estimator`.
"""

from gem_core.clustering.assignment import Assignment, assign, responsibilities
from gem_core.clustering.baselines import kmeans, spherical_kmeans, vmf_mixture
from gem_core.clustering.blocks import Moments, Statistics, block_statistics
from gem_core.clustering.config import MixtureConfig
from gem_core.clustering.matching import match_clusters
from gem_core.clustering.measures import (
    Agreement,
    BalanceMeasures,
    agreement,
    balance_measures,
    silhouette,
    stability,
    within_cosine,
)
from gem_core.clustering.mixture import MixtureFit, fit_mixture
from gem_core.clustering.path import STRENGTHS, BalancePath, balance_path
from gem_core.clustering.ray_vectors import RayVectors, ray_vectors
from gem_core.clustering.statistics import Documents
from gem_core.clustering.suggest_strength import Suggestion, suggest_strength
from gem_core.clustering.vector_files import StoredVectors, stored_vectors

__all__ = [
    "STRENGTHS",
    "Agreement",
    "Assignment",
    "BalanceMeasures",
    "BalancePath",
    "Documents",
    "MixtureConfig",
    "MixtureFit",
    "Moments",
    "RayVectors",
    "Statistics",
    "StoredVectors",
    "Suggestion",
    "agreement",
    "assign",
    "balance_measures",
    "balance_path",
    "block_statistics",
    "fit_mixture",
    "kmeans",
    "match_clusters",
    "ray_vectors",
    "responsibilities",
    "silhouette",
    "spherical_kmeans",
    "stability",
    "stored_vectors",
    "suggest_strength",
    "vmf_mixture",
    "within_cosine",
]
