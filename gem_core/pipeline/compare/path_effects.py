"""What a strength of the balance path does to documents: clusters it splits, agreement with a label column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gem_core._types import Int32
from gem_core.clustering import BalancePath, MixtureFit
from gem_core.clustering.assignment import assign_units
from gem_core.clustering.matching import match_clusters
from gem_core.clustering.overlap import overlap_table
from gem_core.pipeline.compare.quality import agreement_with_labels
from gem_core.workspace import Taxonomy, Workspace

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
    weak, strong = (assign_units(workspace.embeddings, fit).labels for fit in (path.fits[0], path.nearest(strength)))
    return _splits(weak, strong, path.masses.shape[1])


def _splits(weak: Int32, strong: Int32, k: int) -> list[ClusterSplit]:
    """Clusters of `weak` that lose a tenth of their documents to one other in `strong`, the largest part first."""
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


def label_agreement(
    workspace: Workspace, path: BalancePath, strengths: Sequence[float] | None = None
) -> tuple[list[float], list[float]] | None:
    """ARI and NMI to the label column at strengths of a path, all of them when None; None without such a column."""
    X, k = workspace.embeddings, path.masses.shape[1]
    fits = path.fits if strengths is None else [path.nearest(strength) for strength in strengths]
    pairs = [agreement_with_labels(workspace, assign_units(X, fit).labels, k) for fit in fits]
    ari, nmi = ([value for value in column if value is not None] for column in zip(*pairs, strict=True))
    return (ari, nmi) if ari else None


@dataclass(frozen=True)
class StrengthEffect:
    """What one strength does to the documents of a taxonomy, against the weakest strength of its balance path.

    Attributes
    ----------
    strength, weakest : float
        The strength, and the one it is compared with.
    splits : tuple of (str, str, float)
        Name of a cluster of `weakest`, name of the cluster that it loses most to, and the part it loses.
    ari, nmi : tuple of two floats, or None
        Agreement with the label column at `weakest` and at `strength`; None without such a column.
    """

    strength: float
    weakest: float
    splits: tuple[tuple[str, str, float], ...]
    ari: tuple[float, float] | None
    nmi: tuple[float, float] | None


def strength_effect(workspace: Workspace, taxonomy: Taxonomy, fit: MixtureFit) -> StrengthEffect:
    """Return what the strength of a fit does to the documents.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
        Has a balance path.
    fit : MixtureFit
        Of the settings of `taxonomy` but for the strength: as many clusters as the path has, in any order.
    """
    weakest, X, k = taxonomy.path.fits[0], workspace.embeddings, fit.masses.size
    weak, strong = assign_units(X, weakest).labels, assign_units(X, fit).labels
    strong = match_clusters(weak, strong, k)[strong].astype(np.int32)
    names = [cluster.label for cluster in workspace.taxonomy(taxonomy.base).clusters]
    splits = [(names[s.cluster], names[s.receiver], s.part) for s in _splits(weak, strong, k)]
    pairs = [agreement_with_labels(workspace, labels, k) for labels in (weak, strong)]
    (ari_weak, nmi_weak), (ari, nmi) = pairs
    return StrengthEffect(
        fit.strength,
        weakest.strength,
        tuple(splits),
        None if ari_weak is None or ari is None else (ari_weak, ari),
        None if nmi_weak is None or nmi is None else (nmi_weak, nmi),
    )
