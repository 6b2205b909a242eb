"""What a strength of the balance path does to documents: clusters it splits, agreement with a label column."""

from dataclasses import dataclass

import numpy as np

from gem_core.clustering import BalancePath
from gem_core.clustering.assignment import assign_units
from gem_core.clustering.overlap import overlap_table
from gem_core.pipeline.compare.quality import agreement_with_labels
from gem_core.workspace import Workspace

# A cluster counts as split when at least this part of its documents goes to one other cluster.
SPLIT_PART = 0.1


@dataclass(frozen=True)
class ClusterSplit:
    """A cluster that a strength splits: its index on the path, the index it loses most to, and the part lost."""

    cluster: int
    receiver: int
    part: float


def split_clusters(workspace: Workspace, path: BalancePath, strength: float) -> list[ClusterSplit]:
    """Clusters of the weakest strength of a path that lose a tenth of their documents to one other at `strength`.

    Parameters
    ----------
    workspace : Workspace
    path : BalancePath
        Of this workspace.
    strength : float
        One of the path's strengths.

    Returns
    -------
    list of ClusterSplit
        The largest part first.
    """
    X, k = workspace.embeddings, path.masses.shape[1]
    weak, strong = (assign_units(X, fit).labels for fit in (path.fits[0], path.nearest(strength)))
    table = overlap_table(weak, strong, k, k).astype(np.float64)
    part = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    np.fill_diagonal(part, 0.0)
    receiver = part.argmax(axis=1)
    splits = [
        ClusterSplit(index, int(receiver[index]), float(part[index, receiver[index]]))
        for index in range(k)
        if part[index, receiver[index]] >= SPLIT_PART
    ]
    return sorted(splits, key=lambda split: -split.part)


def label_agreement(workspace: Workspace, path: BalancePath) -> tuple[list[float], list[float]] | None:
    """ARI and NMI to the label column at every strength of a path; None without such a column."""
    X, k = workspace.embeddings, path.masses.shape[1]
    pairs = [agreement_with_labels(workspace, assign_units(X, fit).labels, k) for fit in path.fits]
    ari, nmi = ([value for value in column if value is not None] for column in zip(*pairs, strict=True))
    return (ari, nmi) if ari else None
