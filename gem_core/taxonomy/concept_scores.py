"""Scores of vocabulary entries: how well each describes each cluster."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float32, Float64, Floating, Int32
from gem_core.taxonomy.concepts import ConceptTable

SAMPLE = 200  # documents of a cluster that are scored
BEST = 8  # entries of a document that count as its subjects
COMMON = 0.5  # part of the corpus's own cosine that is taken off: entries that fit everything name nothing


@dataclass(frozen=True)
class ConceptScores:
    """Evidence for every (cluster, entry).

    Attributes
    ----------
    table : ConceptTable
    coverage : (K, S) float64
        Part of the cluster's documents that have the entry, or one below it, among their best 8.
    votes : (K, S) float64
        Part of the cluster's documents whose single best entry is this one or one below it.
    cosine : (K, S) float64
        Mean cosine of the cluster's documents to the entry, less half the mean cosine of the whole corpus.
    """

    table: ConceptTable
    coverage: Float64
    votes: Float64
    cosine: Float64


def score_concepts(
    X: Floating,
    labels: Int32 | NDArray[np.int64],
    vectors: Float32,
    table: ConceptTable,
    n_clusters: int,
    *,
    gis: Float64 | None = None,
) -> ConceptScores:
    """Score every entry for every cluster by up to 200 documents of each cluster.

    Parameters
    ----------
    X : (n, d) float
        Unit vectors of the documents.
    labels : (n,) int
        Cluster 0 .. K - 1 of each document.
    vectors : (S, d) float32
        Unit vectors of the entries, by the encoder that embedded the documents.
    table : ConceptTable
    n_clusters : int
        K.
    gis : (n,) float, optional
        A large cluster is sampled evenly over its documents in this order; in row order when left out.

    Returns
    -------
    ConceptScores
    """
    cluster = np.asarray(labels)
    order = np.argsort(-gis, kind="stable") if gis is not None else np.arange(cluster.size)
    members = [order[cluster[order] == k] for k in range(n_clusters)]
    samples = [rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), SAMPLE)).astype(int))] for rows in members]
    sizes = np.bincount(cluster, minlength=n_clusters)
    means = [np.asarray(X[np.sort(rows)], dtype=np.float32).mean(axis=0) for rows in samples if len(rows)]
    filled = np.array([len(rows) > 0 for rows in samples], dtype=bool)
    everything = np.average(np.stack(means), axis=0, weights=sizes[filled]) if means else np.zeros(vectors.shape[1])
    common = (vectors @ everything.astype(np.float32)).astype(np.float64)
    coverage, votes, cosine = (np.zeros((n_clusters, len(table.names))) for _ in range(3))
    for k, rows in enumerate(samples):
        if len(rows):
            scores = np.asarray(X[np.sort(rows)], dtype=np.float32) @ vectors.T - COMMON * common.astype(np.float32)
            coverage[k], votes[k] = _evidence(scores, table)
            cosine[k] = scores.mean(axis=0)
    return ConceptScores(table, coverage, votes, cosine)


def _evidence(scores: Float32, table: ConceptTable) -> tuple[Float64, Float64]:
    """Coverage and votes of one cluster, (S,) each."""
    rows = np.arange(len(scores))
    best = min(BEST, scores.shape[1])
    among = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(among, np.argpartition(-scores, best - 1, axis=1)[:, :best], True, axis=1)
    deep = scores.copy()
    if table.levels.max() > 0:  # an entry of the top level is too wide to be the best
        deep[:, (table.levels == 0) & np.isin(np.arange(len(table.names)), table.parents)] = -np.inf
    first = np.zeros(scores.shape, dtype=bool)
    first[rows, deep.argmax(axis=1)] = True
    for level in range(int(table.levels.max()), 0, -1):
        for entry in np.flatnonzero(table.levels == level):
            among[:, table.parents[entry]] |= among[:, entry]
            first[:, table.parents[entry]] |= first[:, entry]
    return among.mean(axis=0), first.mean(axis=0)
