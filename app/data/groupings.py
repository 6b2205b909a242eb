"""Groupings of the documents and their comparison, cached per taxonomy."""

import numpy as np
from numpy.typing import NDArray

from app.data.workspace_cache import per_taxonomy
from gem_core.clustering import MixtureFit
from gem_core.pipeline.compare import comparison as comparisons
from gem_core.pipeline.compare import quality as qualities
from gem_core.pipeline.compare.comparison import Comparison, Partition
from gem_core.pipeline.compare.path_effects import StrengthEffect
from gem_core.pipeline.compare.path_effects import strength_effect as effect_of_strength
from gem_core.pipeline.compare.quality import Quality
from gem_core.pipeline.compare.refits import Method
from gem_core.pipeline.compare.stability import Stability
from gem_core.pipeline.compare.stability import returning as returning_of
from gem_core.workspace import Taxonomy, Workspace


def _columns(workspace: Workspace, taxonomy: Taxonomy) -> tuple[str, ...]:
    return comparisons.columns_to_compare(workspace)


def _partition(workspace: Workspace, taxonomy: Taxonomy, spec: str) -> Partition:
    return comparisons.partition(workspace, spec)


def _comparison(workspace: Workspace, taxonomy: Taxonomy, a: str, b: str) -> Comparison:
    return comparisons.compare_partitions(partition(workspace, taxonomy, a), partition(workspace, taxonomy, b))


def _quality(workspace: Workspace, taxonomy: Taxonomy, spec: str) -> Quality:
    return qualities.quality(workspace, partition(workspace, taxonomy, spec))


def _return_rates(
    workspace: Workspace,
    taxonomy: Taxonomy,
    method: Method,
    seeds: tuple[int, ...],
    draws: tuple[int, ...],
    *,
    _study: Stability,
) -> NDArray[np.float64]:
    return returning_of(workspace, taxonomy, _study)


def _strength_effect(workspace: Workspace, taxonomy: Taxonomy, strength: float, *, _fit: MixtureFit) -> StrengthEffect:
    return effect_of_strength(workspace, taxonomy, _fit)


_effects = per_taxonomy(_strength_effect, max_entries=64)
columns = per_taxonomy(_columns, max_entries=4)
partition = per_taxonomy(_partition, max_entries=12)
comparison = per_taxonomy(_comparison, max_entries=12)
quality = per_taxonomy(_quality, max_entries=24)
_rates = per_taxonomy(_return_rates, max_entries=8)


def strength_effect(workspace: Workspace, taxonomy: Taxonomy, fit: MixtureFit) -> StrengthEffect:
    """Return what the strength of a fit does, one that differs from the applied fit in the strength alone."""
    return _effects(workspace, taxonomy, fit.strength, _fit=fit)


def return_rates(workspace: Workspace, taxonomy: Taxonomy, study: Stability) -> NDArray[np.float64]:
    """Return the return rate of each cluster of the present taxonomy in the refits of a study, 0 to 1."""
    return _rates(workspace, taxonomy, study.method, study.seeds.ids, study.resamples.ids, _study=study)
