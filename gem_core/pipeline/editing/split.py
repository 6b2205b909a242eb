"""Propose a split of a cluster: a balanced mixture fitted to its documents."""

import numpy as np

from gem_core._types import Int32
from gem_core.clustering import MixtureConfig, fit_mixture
from gem_core.clustering.assignment import assign_units
from gem_core.errors import InputError
from gem_core.pipeline.editing.operations import Split
from gem_core.workspace import Taxonomy, Workspace

INSIDE = 0.1  # strength of a split: no giant beside crumbs, and parts that keep their sizes


def propose_split(workspace: Workspace, taxonomy: Taxonomy, cluster: int, into: int = 2, *, seed: int = 0) -> Split:
    """Fit a balanced mixture inside one cluster and return the split it would be; nothing is written.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    cluster : int
        Number of the cluster.
    into : int
        Number of parts, from 2 to the number of documents.
    seed : int

    Raises
    ------
    InputError
        If the cluster holds fewer different documents than parts.
    """
    cluster_index = next((i for i, c in enumerate(taxonomy.clusters) if c.number == cluster), -1)
    rows = np.flatnonzero(taxonomy.positions == cluster_index).astype(np.int32)
    if not 2 <= into <= rows.size:
        raise InputError(
            f"A split makes 2 parts to as many as the cluster has documents ({rows.size:,})",
            f"{into}",
            "Ask for fewer parts, or choose another cluster",
        )
    parts = _parts(workspace, taxonomy, rows, into, seed)
    if len(parts) < 2:
        raise InputError(
            "A split needs documents that differ",
            f"{rows.size:,} documents that fall into one part",
            "Choose another cluster",
        )
    return Split(cluster, tuple(sorted(parts, key=lambda part: (-len(part), part))))


def _parts(workspace: Workspace, taxonomy: Taxonomy, rows: Int32, into: int, seed: int) -> list[tuple[int, ...]]:
    X = np.asarray(workspace.embeddings[rows])
    different = len(np.unique(X, axis=0)) if rows.size < 50 else into
    if different < into:
        raise InputError(
            f"{into} parts need at least {into} documents that differ",
            f"{rows.size:,} documents of which {different} differ",
            "Ask for fewer parts",
        )
    weights = workspace.weights(taxonomy.settings.weighting)
    config = MixtureConfig(
        n_clusters=into, strength=INSIDE, seed=seed, start="relax", concentration=taxonomy.settings.concentration
    )
    fit = fit_mixture(X, config, weights=None if weights is None else weights[rows])
    labels = assign_units(X, fit).labels
    return [tuple(int(row) for row in rows[labels == part]) for part in range(into) if (labels == part).any()]
