"""Subtopics of a cluster: the parts that a split would create, with their names."""

import warnings
from dataclasses import dataclass

import numpy as np

from gem_core._types import Float32, Float64, Int32
from gem_core.errors import InputError, NotConvergedWarning
from gem_core.pipeline.editing.describe_clusters import describe_edit
from gem_core.pipeline.editing.operations import Split
from gem_core.pipeline.editing.split import propose_split
from gem_core.pipeline.editing.working_copy import WorkingTaxonomy
from gem_core.workspace import Taxonomy, Workspace

LEAST = 4  # documents of a part: fewer name nothing
SMALLEST = 0.03  # part of the cluster
ROOM = 12  # documents that a part is sought for
MOST = 4  # parts
NEARLY = 0.85  # of the clearest division's silhouette
KEYWORDS = 6


@dataclass(frozen=True)
class Subtopic:
    """One part of a cluster.

    Attributes
    ----------
    label : str
        The name that the part gets when the cluster is split.
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
    """Return the parts into which a cluster falls, as `split_parts` makes them for the number of parts that fits best.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    number : int
        Of the cluster.

    Returns
    -------
    tuple of Subtopic, the largest first
        The same for the same cluster; none where it does not fall into parts (see `count_subtopics`).

    Raises
    ------
    WorkspaceError
        If there is no such cluster.
    """
    into = count_subtopics(workspace, taxonomy, number)
    return split_parts(workspace, taxonomy, number, into) if into else ()


def count_subtopics(workspace: Workspace, taxonomy: Taxonomy, number: int) -> int:
    """Return into how many parts a cluster falls, two to four, or 0 when it does not.

    At most one part for every 12 documents, each with 4 documents and 3 percent or more. Text falls into parts with
    soft borders, and more parts say more: the most parts with borders nearly as clear (85 percent of the mean
    simplified silhouette) as those of any of these divisions.

    Parameters and errors as in `subtopics`.
    """
    cluster_index = taxonomy.clusters.index(taxonomy.cluster(number))
    rows = np.flatnonzero(taxonomy.positions == cluster_index)
    X = np.asarray(workspace.embeddings[rows], dtype=np.float32)
    clearness: dict[int, float] = {}
    for into in range(min(MOST, rows.size // ROOM), 1, -1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotConvergedWarning)
                parts = propose_split(workspace, taxonomy, number, into).parts
        except InputError:  # fewer different documents than parts
            continue
        sizes = [len(part) for part in parts]
        if len(parts) == into and min(sizes) >= max(LEAST, SMALLEST * rows.size):
            labels = np.zeros(rows.size, dtype=np.int32)
            for index, part in enumerate(parts):
                labels[np.searchsorted(rows, part)] = index
            clearness[into] = _clearness(X, labels)
    if not clearness:
        return 0
    return max(into for into, clear in clearness.items() if clear >= NEARLY * max(clearness.values()))


def split_parts(
    workspace: Workspace, taxonomy: Taxonomy, number: int, into: int, *, seed: int = 0
) -> tuple[Subtopic, ...]:
    """Return the parts that `propose_split` proposes with the names and keywords that the split would give them.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    number : int
        Of the cluster.
    into : int
        Number of parts.
    seed : int

    Returns
    -------
    tuple of Subtopic, the largest first

    Raises
    ------
    InputError
        If the cluster holds fewer different documents than parts.
    """
    return describe_split(workspace, taxonomy, propose_split(workspace, taxonomy, number, into, seed=seed))


def describe_split(workspace: Workspace, taxonomy: Taxonomy, split: Split) -> tuple[Subtopic, ...]:
    """Return the clusters that a split would make, the largest first; nothing is written."""
    working = WorkingTaxonomy.of(taxonomy)
    before = set(working.drafts)
    working.apply(split)
    described = describe_edit(workspace, taxonomy, working)
    labels = described.documents["cluster_id"].to_numpy()
    clusters = [c for c in described.clusters if c.number == split.cluster or c.number not in before]
    total = sum(c.documents for c in clusters)
    return tuple(
        Subtopic(
            c.label,
            tuple(term for term, _ in c.keywords[:KEYWORDS]),
            c.documents,
            c.documents / total,
            tuple(int(row) for row in np.flatnonzero(labels == c.number)),
            c.exemplars[0],
        )
        for c in sorted(clusters, key=lambda c: (-c.documents, c.number))
    )


def _clearness(X: Float32, labels: Int32) -> float:
    """Mean simplified silhouette: how much farther the next center is than the own one, as a fraction of it."""
    sums = np.stack([X[labels == part].sum(axis=0, dtype=np.float64) for part in range(int(labels.max()) + 1)])
    far = np.maximum(1.0 - X @ _unit(sums).T, 1e-9)  # a document at a center is at no distance
    own = far[np.arange(len(X)), labels].copy()
    far[np.arange(len(X)), labels] = np.inf
    other = far.min(axis=1)
    return float(np.mean((other - own) / np.maximum(other, own)))


def _unit(sums: Float64) -> Float64:
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(lengths > 0, lengths, 1.0))  # documents that cancel out leave no direction
