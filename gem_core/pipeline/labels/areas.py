"""Areas: groups of groups, the third level of a taxonomy with very many clusters."""

from dataclasses import dataclass

import numpy as np

from gem_core.pipeline.labels.concept_names import concept_naming
from gem_core.taxonomy import group_colors, group_names
from gem_core.taxonomy.cluster_groups import group_clusters, name_groups
from gem_core.taxonomy.concept_scores import ConceptScores
from gem_core.workspace import Taxonomy, Workspace

FEWEST_GROUPS = 24  # below, one look takes in all groups and a third level only costs a click


@dataclass(frozen=True)
class Area:
    """Groups that belong together.

    Attributes
    ----------
    label, color : str
    groups : tuple of int
        Numbers of its groups.
    """

    label: str
    color: str
    groups: tuple[int, ...]


def group_areas(workspace: Workspace, taxonomy: Taxonomy, fewest: int = FEWEST_GROUPS) -> tuple[Area, ...]:
    """Cut the tree of a taxonomy a second time, above its groups, and name the parts.

    Groups are merged as clusters are (`group_clusters`), and areas named as groups are (`name_groups`). The areas
    follow from the clusters and groups: nothing is stored, and every edit has its areas.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    fewest : int
        Groups below which there are no areas.

    Returns
    -------
    tuple of Area
        Every group in exactly one.
    """
    if len(taxonomy.groups) < fewest:
        return ()
    index = {cluster.number: at for at, cluster in enumerate(taxonomy.clusters)}
    members = [[index[number] for number in group.children] for group in taxonomy.groups]
    masses = np.array([cluster.mass for cluster in taxonomy.clusters])
    shares = np.array([masses[rows].sum() for rows in members])
    centers = np.stack([taxonomy.fit.resultants[rows].sum(axis=0) for rows in members])
    centers /= np.maximum(np.linalg.norm(centers, axis=1, keepdims=True), 1e-12)
    gis = taxonomy.documents["gis"].to_numpy()
    naming = concept_naming(workspace, taxonomy.positions, gis, len(taxonomy.clusters))
    labels = [group.label for group in taxonomy.groups]
    scores = None if naming is None else _mean_scores(naming.scores, members, masses)
    tree = group_clusters(centers, shares, labels, scores=scores)
    groups = [group.children for group in tree.groups]
    names = group_names(groups, labels, shares, []) if scores is None else name_groups(scores, groups, labels, shares)
    colors = group_colors(tree, [group.color for group in taxonomy.groups])
    return tuple(
        Area(name, color, tuple(taxonomy.groups[at].number for at in children))
        for name, color, children in zip(names, colors, groups, strict=True)
    )


def _mean_scores(scores: ConceptScores, members: list[list[int]], masses: np.ndarray) -> ConceptScores:
    """Return the scores of groups: means of those of their clusters by mass."""
    weights = np.zeros((len(members), len(masses)))
    for row, clusters in zip(weights, members, strict=True):
        row[clusters] = np.maximum(masses[clusters], 1e-12)
    weights /= weights.sum(axis=1, keepdims=True)
    return ConceptScores(scores.table, weights @ scores.coverage, weights @ scores.votes, weights @ scores.cosine)
