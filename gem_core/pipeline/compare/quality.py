"""Measures of one grouping, always in the space of the vectors."""

from dataclasses import dataclass

import numpy as np

from gem_core._types import Float64, Floating, Int32
from gem_core.clustering import balance_measures
from gem_core.clustering.measures import sampled_silhouette
from gem_core.clustering.overlap import overlap_table, table_agreement
from gem_core.clustering.seeding import hard_assignment_sums
from gem_core.pipeline.compare.partitions import NO_VALUE, Partition, column_groups
from gem_core.workspace import Workspace

SAMPLE = 2000  # documents of the silhouette: its time grows with their square
BLOCK = 1 << 20  # values of a block of cosines


@dataclass(frozen=True)
class Quality:
    """Quality measures of a grouping.

    Attributes
    ----------
    clusters, empty : int
        Groups; those with less than a thousandth of an even share.
    entropy, effective, largest, smallest : float
        Of the shares (every document in one group), in documents or tokens as the present taxonomy counts them.
    weighting : "documents" or "tokens"
    within_cosine : float
        Mean cosine of a document to the mean direction of its group; rises with the number of groups.
    cosine_margin : float
        Mean lead of that cosine over the cosine to the nearest other group; NaN for one group.
    silhouette, silhouette_error : float
        Mean silhouette by cosine of a sample, and its standard error; NaN for one group.
    sample : int
        Documents in that sample.
    ari, nmi : float or None
        Agreement with the label column, over the documents that have a label; None without one.
    """

    clusters: int
    empty: int
    entropy: float
    effective: float
    largest: float
    smallest: float
    weighting: str
    within_cosine: float
    cosine_margin: float
    silhouette: float
    silhouette_error: float
    sample: int
    ari: float | None
    nmi: float | None


def quality(workspace: Workspace, grouping: Partition) -> Quality:
    """Measure a grouping of the documents of a workspace."""
    weighting = workspace.taxonomy().settings.weighting
    has_other_labels = workspace.manifest.columns.get("label") != grouping.spec.removeprefix("column:")
    return measure(workspace, grouping.labels, len(grouping.names), weighting, with_labels=has_other_labels)


def measure(workspace: Workspace, labels: Int32, k: int, weighting: str, *, with_labels: bool = True) -> Quality:
    """`quality` of bare labels, 0 to k - 1; `with_labels`: compare with the label column when there is one."""
    X = workspace.embeddings
    balance = balance_measures(np.bincount(labels, weights=workspace.weights(weighting), minlength=k))
    within, margin = cosines(X, labels, k)
    ari, nmi = agreement_with_labels(workspace, labels, k) if with_labels else (None, None)
    mean, error = sampled_silhouette(X, labels, sample=SAMPLE)
    return Quality(
        clusters=k,
        empty=balance.empty,
        entropy=balance.normalized_entropy,
        effective=balance.effective_clusters,
        largest=balance.largest,
        smallest=balance.smallest,
        weighting=weighting,
        within_cosine=within,
        cosine_margin=margin,
        silhouette=mean,
        silhouette_error=error,
        sample=min(SAMPLE, len(labels)),
        ari=ari,
        nmi=nmi,
    )


def cosines(X: Floating, labels: Int32, k: int) -> tuple[float, float]:
    """Mean cosine to the mean direction of the own group, and its mean lead over the nearest other one.

    Unit rows; memory: blocks of about 8 MB.
    """
    mass, sums = hard_assignment_sums(X, np.full(len(labels), 1.0), labels, k)
    living = np.flatnonzero(mass > 0)
    group_index = np.searchsorted(living, labels)
    centers: Float64 = sums[living] / np.maximum(np.linalg.norm(sums[living], axis=1, keepdims=True), 1e-12)
    slopes, own_sum, next_sum = np.ascontiguousarray(centers.T.astype(X.dtype)), 0.0, 0.0
    step = max(256, BLOCK // living.size)
    for start in range(0, len(labels), step):
        block = X[start : start + step] @ slopes
        each = np.arange(block.shape[0])
        own = block[each, group_index[start : start + step]]
        own_sum += float(own.sum(dtype=np.float64))
        if living.size > 1:
            block[each, group_index[start : start + step]] = -np.inf
            next_sum += float(block.max(axis=1).sum(dtype=np.float64))
    within = own_sum / len(labels)
    return within, within - next_sum / len(labels) if living.size > 1 else float("nan")


def agreement_with_labels(workspace: Workspace, labels: Int32, k: int) -> tuple[float | None, float | None]:
    """ARI and NMI of a grouping of all documents to the label column; None without one, or with one value only."""
    name = workspace.manifest.columns.get("label")
    if not name or name not in workspace.documents.columns:
        return None, None
    label_positions, names = column_groups(workspace.documents[name])
    table = overlap_table(label_positions, labels, len(names), k)[[name != NO_VALUE for name in names]]
    if table.shape[0] < 2 or not table.any():
        return None, None
    agree = table_agreement(table)
    return agree.ari, agree.nmi
