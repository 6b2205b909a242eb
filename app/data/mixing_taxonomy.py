"""Clusters, or the buckets of clusters, that mixtures weigh; crossed once for each axis."""

from app.data.workspace_cache import per_taxonomy
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.second_axis import axis_stamp, mixing_taxonomy


def _cross_taxonomy(workspace: Workspace, taxonomy: Taxonomy, stamp: int) -> Taxonomy:
    return mixing_taxonomy(workspace, taxonomy)


_crossed_taxonomy = per_taxonomy(_cross_taxonomy, max_entries=8)


def mixing_taxonomy_at(workspace: Workspace, taxonomy: Taxonomy) -> Taxonomy:
    """Return what mixtures weigh: the clusters, or their buckets where a second axis was set."""
    stamp = axis_stamp(workspace)
    return _crossed_taxonomy(workspace, taxonomy, stamp) if stamp else taxonomy
