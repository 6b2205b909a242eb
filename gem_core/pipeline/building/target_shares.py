"""Custom target shares: assign each share to its cluster, in a first fit and in a refit."""

from dataclasses import replace

import numpy as np

from gem_core._types import Float64, Progress, silent
from gem_core.clustering import assign, match_clusters
from gem_core.clustering.own_shares import fit_equal_shares
from gem_core.workspace import Settings, Taxonomy, Workspace


def align_target_shares(
    workspace: Workspace, taxonomy: Taxonomy, settings: Settings, *, progress: Progress = silent
) -> Settings:
    """Return settings whose own shares, given for the clusters of `taxonomy`, are in the order of `fit_settings`.

    A taxonomy that was refitted numbers its clusters as its forerunner did; a fit from the start cannot know that. The
    result can be repeated from the settings alone.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
        The one whose cluster numbers the shares follow.
    settings : Settings
        Settings with a target word come back as they are.
    progress : Progress
    """
    if isinstance(settings.target, str):
        return settings
    weights = workspace.weights(settings.weighting)
    base = fit_equal_shares(workspace.embeddings, settings.config(), weights=weights, progress=progress)
    labels = assign(workspace.embeddings, base).labels
    order = match_clusters(taxonomy.positions, labels, settings.n_clusters)
    return replace(settings, target=tuple(settings.target[k] for k in order))


def natural_shares(workspace: Workspace, taxonomy: Taxonomy) -> Float64 | None:
    """Natural shares of the clusters of a taxonomy: those at the weakest strength above 0 of its balance path.

    The path belongs to the fit before any edit; its masses follow the documents into the clusters of now, so a merged
    cluster has the sum. Strength 0 itself is a fit of its own and has other clusters.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy

    Returns
    -------
    ndarray of float64, shape (K,), or None
        Fractions with sum 1, in the order of `taxonomy.clusters`; None where there is no path yet.
    """
    if not taxonomy.has_path:
        return None
    path = taxonomy.path
    weakest = path.masses[int(np.flatnonzero(path.strengths > 0)[0])]
    base = workspace.taxonomy(taxonomy.base) if taxonomy.edited else taxonomy
    parts = np.zeros((len(weakest), len(taxonomy.clusters)))
    np.add.at(parts, (base.positions, taxonomy.positions), 1.0)
    empty = parts.sum(axis=1) == 0  # a cluster without documents has no heirs: its mass is shared by all
    parts[empty] = 1.0
    return np.asarray(weakest @ (parts / parts.sum(axis=1, keepdims=True)))
