"""Regroup the present clusters into a given number of groups."""

import numpy as np

from gem_core._types import Progress, silent
from gem_core.pipeline.editing.operations import ArrangeGroups
from gem_core.pipeline.labels.concept_names import concept_naming
from gem_core.taxonomy.cluster_groups import group_clusters
from gem_core.workspace import Workspace


def propose_groups(workspace: Workspace, count: int = 0, *, progress: Progress = silent) -> ArrangeGroups:
    """Return the edit that puts the present clusters into groups as a fit would; nothing is written.

    Parameters
    ----------
    workspace : Workspace
    count : int
        Number of groups, 1 to the number of clusters; 0 to choose it.
    progress : Progress

    Returns
    -------
    ArrangeGroups
        A group that keeps its clusters keeps its name; the others get new names.

    Raises
    ------
    InputError
        If the count is out of its range.
    WorkspaceError
        If nothing has been fitted yet.
    """
    taxonomy = workspace.taxonomy()
    gis = taxonomy.documents["gis"].to_numpy()
    naming = concept_naming(workspace, taxonomy.positions, gis, len(taxonomy.clusters), progress=progress)
    means = taxonomy.fit.resultants / np.maximum(taxonomy.fit.masses, 1e-12)[:, None]
    tree = group_clusters(
        means,
        taxonomy.fit.masses,
        [cluster.label for cluster in taxonomy.clusters],
        scores=naming.scores if naming is not None else None,
        count=count,
    )
    numbers = [cluster.number for cluster in taxonomy.clusters]
    return ArrangeGroups(tuple(tuple(numbers[index] for index in group.children) for group in tree.groups))
