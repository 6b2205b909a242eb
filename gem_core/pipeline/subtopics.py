"""What a cluster is made of: a few parts, found and named on the fly and kept nowhere."""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from gem_core._types import Float32, Int32
from gem_core.clustering import MixtureConfig, fit_mixture
from gem_core.clustering.assignment import assign_units
from gem_core.errors import InputError, NotConvergedWarning
from gem_core.influence import exemplars
from gem_core.taxonomy import Terms, cluster_keywords, cluster_labels
from gem_core.workspace import Taxonomy, Workspace

LEAST = 4  # documents of a part: fewer name nothing
ROOM = 12  # documents that a part is sought for
MOST = 4  # parts
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

    As many parts, up to one for every 12 documents, as leave none of them with fewer than 4 documents or 3 percent.
    None where that is less than two.

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
    place = taxonomy.clusters.index(taxonomy.cluster(number))
    rows = np.flatnonzero(taxonomy.positions == place)
    X = np.asarray(workspace.embeddings[rows], dtype=np.float32)
    labels = _parts(X)
    if labels is None:
        return ()
    sizes = np.bincount(labels)
    centers = np.stack([X[labels == part].sum(axis=0) for part in range(sizes.size)])
    lengths = np.linalg.norm(centers, axis=1, keepdims=True)
    centers /= np.where(lengths > 0, lengths, 1.0)  # documents that cancel out exactly leave no direction
    typical = np.einsum("ij,ij->i", X, centers[labels])
    counts = workspace.terms.counts[rows]
    used = np.flatnonzero(counts.getnnz(axis=0))
    terms = Terms(tuple(workspace.terms.names[t] for t in used), counts[:, used])
    keywords = cluster_keywords(terms, X, labels, typical, centers, count=6)
    best = exemplars(X, labels, typical, count=1)
    return tuple(
        Subtopic(label, tuple(word.term for word in words), int(sizes[part]), float(sizes[part] / rows.size),
                 tuple(int(row) for row in rows[labels == part]), int(rows[best[part][0]]))
        for part, (words, label) in enumerate(zip(keywords, cluster_labels(keywords), strict=True)))


def _parts(X: Float32) -> Int32 | None:
    """Part of each document, the largest part 0; None when it does not fall into parts."""
    n = len(X)
    for into in range(min(MOST, n // ROOM), 1, -1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotConvergedWarning)
                labels = assign_units(X, fit_mixture(X, replace(LOOK, n_clusters=into))).labels
        except InputError:  # fewer different documents than parts
            continue
        sizes = np.bincount(labels, minlength=into)
        if sizes.min() >= max(LEAST, 0.03 * n):
            order = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable").astype(np.int32)
            return np.asarray(order[labels], dtype=np.int32)
    return None
