"""Geometric Influence Score: how typical a document is of its cluster; exemplars and outliers."""

from gem_core.influence.ranking import borderline, exemplars, least_typical
from gem_core.influence.scores import DENSITY_FLOOR, Assigned, Influence, influence_scores, local_density

__all__ = [
    "DENSITY_FLOOR",
    "Assigned",
    "Influence",
    "borderline",
    "exemplars",
    "influence_scores",
    "least_typical",
    "local_density",
]
