"""What a cluster is made of: a few parts, found and named on the fly and kept nowhere."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float32, Float64, Int32
from gem_core.clustering import MixtureConfig, fit_mixture
from gem_core.clustering.assignment import assign_units
from gem_core.errors import InputError, NotConvergedWarning
from gem_core.influence import exemplars
from gem_core.pipeline.editing.split import propose_split
from gem_core.taxonomy import Terms, build_tree, cluster_keywords, cluster_labels
from gem_core.workspace import Taxonomy, Workspace

LEAST = 4  # documents of a part: fewer name nothing
ROOM = 12  # documents that a part is sought for
MOST = 4  # parts
NEARLY = 0.85  # of the clearest division's silhouette
# A look and no taxonomy: a weak balance lets the parts keep their sizes, and a rough optimum will do.
LOOK = MixtureConfig(n_clusters=MOST, strength=0.1, start="plain", max_iter=30, tol=1e-4)


@dataclass(frozen=True)
class Subtopic:
    """One part of a cluster.

    Attributes
    ----------
    label : str
        From the keywords that tell it from the rest of the cluster.
    keywords : tuple of str
        Best first.
    documents : int
    share : float
        Of the cluster's documents.
    rows : tuple of int
        Its documents.
    exemplar : int
        Row of its most typical document.
    """

    label: str
    keywords: tuple[str, ...]
    documents: int
    share: float
    rows: tuple[int, ...]
    exemplar: int


def subtopics(workspace: Workspace, taxonomy: Taxonomy, number: int) -> tuple[Subtopic, ...]:
    """Divide a cluster into two to four parts by a quick weakly balanced mixture, and name each against the rest of it.

    At most one part for every 12 documents, each with 4 documents and 3 percent or more: as many as have borders
    nearly as clear (85 percent of the mean simplified silhouette) as any of these divisions. None where there is none.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    number : int
        Of the cluster.

    Returns
    -------
    tuple of Subtopic, the largest first
        The same for the same cluster.

    Raises
    ------
    WorkspaceError
        If there is no such cluster.
    """
    cluster_index = taxonomy.clusters.index(taxonomy.cluster(number))
    rows = np.flatnonzero(taxonomy.positions == cluster_index)
    X = np.asarray(workspace.embeddings[rows], dtype=np.float32)
    labels = _parts(X)
    return () if labels is None else _named(workspace, rows, labels)


def split_parts(workspace: Workspace, taxonomy: Taxonomy, number: int, into: int) -> tuple[Subtopic, ...]:
    """Name the parts that `propose_split` proposes, in its order; errors as there."""
    parts = propose_split(workspace, taxonomy, number, into).parts
    rows = np.concatenate([np.asarray(part, dtype=np.int64) for part in parts])
    labels = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
    order = np.argsort(rows)
    return _named(workspace, rows[order], labels[order])


def _named(workspace: Workspace, rows: NDArray[np.int64], labels: Int32) -> tuple[Subtopic, ...]:
    X = np.asarray(workspace.embeddings[rows], dtype=np.float32)
    sizes = np.bincount(labels)
    centers = _unit(_sums(X, labels))
    typical = np.einsum("ij,ij->i", X, centers[labels])
    counts = workspace.terms.counts[rows]
    used = np.flatnonzero(counts.getnnz(axis=0))
    terms = Terms(tuple(workspace.terms.names[t] for t in used), counts[:, used])
    keywords = cluster_keywords(terms, X, labels, typical, centers, count=6)
    best = exemplars(X, labels, typical, count=1)
    return tuple(
        Subtopic(
            label,
            tuple(word.term for word in words),
            int(sizes[part]),
            float(sizes[part] / rows.size),
            tuple(int(row) for row in rows[labels == part]),
            int(rows[best[part][0]]),
        )
        for part, (words, label) in enumerate(zip(keywords, cluster_labels(keywords), strict=True))
    )


def _parts(X: Float32) -> Int32 | None:
    """Part of each document, the largest part 0; None when it does not fall into parts.

    The most parts first, then the two that lose least are joined (`build_tree`'s rule), down to two. Text falls into
    parts with soft borders, and more parts say more: the first division is taken that is nearly as clear as the
    clearest.
    """
    labels = _most_parts(X)
    candidates: list[tuple[float, Int32]] = []
    while labels is not None and labels.max() > 0:
        sizes = np.bincount(labels)
        if sizes.min() >= max(LEAST, 0.03 * len(X)):
            candidates.append((_clearness(X, labels), labels))
        labels = _joined(X, labels)
    if not candidates:
        return None
    clear = NEARLY * max(clearness for clearness, _ in candidates)
    best = next(labels for clearness, labels in candidates if clearness >= clear)
    order = np.argsort(np.argsort(-np.bincount(best), kind="stable"), kind="stable").astype(np.int32)
    return np.asarray(order[best], dtype=np.int32)


def _most_parts(X: Float32) -> Int32 | None:
    for into in range(min(MOST, len(X) // ROOM), 1, -1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotConvergedWarning)
                labels = assign_units(X, fit_mixture(X, replace(LOOK, n_clusters=into))).labels
        except InputError:  # fewer different documents than parts
            continue
        return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int32)  # without gaps
    return None


def _sums(X: Float32, labels: Int32) -> Float64:
    return np.stack([X[labels == part].sum(axis=0, dtype=np.float64) for part in range(int(labels.max()) + 1)])


def _joined(X: Float32, labels: Int32) -> Int32:
    """Join the two parts that lose the least resultant length."""
    left, right = (int(part) for part in build_tree(_sums(X, labels), [""] * (int(labels.max()) + 1)).merges[0, :2])
    joined = np.where(labels == right, left, labels)
    return np.asarray(np.where(joined > right, joined - 1, joined), dtype=np.int32)


def _clearness(X: Float32, labels: Int32) -> float:
    """Mean simplified silhouette: how much farther the next center is than the own one, as a fraction of it."""
    far = np.maximum(1.0 - X @ _unit(_sums(X, labels)).T, 1e-9)  # a document at a center is at no distance
    own = far[np.arange(len(X)), labels].copy()
    far[np.arange(len(X)), labels] = np.inf
    other = far.min(axis=1)
    return float(np.mean((other - own) / np.maximum(other, own)))


def _unit(sums: Float64) -> Float64:
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(lengths > 0, lengths, 1.0))  # documents that cancel out leave no direction
