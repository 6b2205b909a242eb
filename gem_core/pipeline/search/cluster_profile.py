"""Profile of a cluster: values of label columns, document lengths, nearest clusters."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gem_core._types import Int32
from gem_core.workspace import Taxonomy, Workspace

MAX_VALUES = 40  # a column with more different values is no label column
MIN_VALUES = 2
DOMINANT = 0.7  # share of a cluster from which a value of the label column stands beside its name


@dataclass(frozen=True)
class ColumnProfile:
    """Values of a label column inside a cluster, most frequent first.

    Attributes
    ----------
    name : str
    values : tuple of str
        Those that occur in the cluster; documents without a value are left out.
    counts : tuple of int
        Documents of the cluster with each value.
    corpus_shares : tuple of float
        Share of each value in the whole corpus.
    """

    name: str
    values: tuple[str, ...]
    counts: tuple[int, ...]
    corpus_shares: tuple[float, ...]


@dataclass(frozen=True)
class ClusterProfile:
    """Composition of one cluster.

    Attributes
    ----------
    columns : tuple of ColumnProfile
        The label column first.
    lengths : tuple of 3 float
        Tokens per document: 5th, 50th and 95th percentile.
    corpus_length : float
        Median tokens per document of the corpus.
    nearest : tuple of (int, float)
        Numbers of the other clusters and the cosine of their centers to this one, most similar first.
    """

    columns: tuple[ColumnProfile, ...]
    lengths: tuple[float, float, float]
    corpus_length: float
    nearest: tuple[tuple[int, float], ...]


def dominant_value(values: pd.Series, positions: Int32, n_clusters: int) -> list[tuple[str, float]]:
    """Return the commonest value of a column in each cluster and its share there; ("", 0) below 70%.

    Parameters
    ----------
    values : Series of n
        Documents without a value are left out.
    positions : (n,) int
        Place of each document's cluster.
    n_clusters : int

    Examples
    --------
    >>> dominant_value(pd.Series(["a", "a", "a", "b", "a"]), np.array([0, 0, 0, 1, 1]), 2)
    [('a', 1.0), ('', 0.0)]
    """
    table = pd.crosstab(positions, values.to_numpy())
    dominant = [("", 0.0)] * n_clusters
    for index, counts in table.iterrows():
        share = float(counts.max() / max(counts.sum(), 1))
        if share >= DOMINANT:
            dominant[int(index)] = (str(counts.idxmax()), share)
    return dominant


def label_purity(workspace: Workspace, taxonomy: Taxonomy) -> dict[int, tuple[str, float]]:
    """Return the value of the label column that 70% or more of a cluster's documents have, with its share.

    By the number of the cluster; clusters without such a value are left out.
    """
    name = workspace.manifest.columns.get("label")
    column = next((column for column in label_columns(workspace) if name and column in (name, "label")), None)
    if column is None:
        return {}
    values = dominant_value(workspace.documents[column], taxonomy.positions, len(taxonomy.clusters))
    return {c.number: pair for c, pair in zip(taxonomy.clusters, values, strict=True) if pair[0]}


def label_columns(workspace: Workspace) -> list[str]:
    """Return the columns of the corpus with 2 to 40 different values, the label column first."""
    table = workspace.documents
    names = [
        str(name)
        for name in table.columns
        if name not in ("id", "tokens") and MIN_VALUES <= table[name].nunique() <= MAX_VALUES
    ]
    label = workspace.manifest.columns.get("label")
    return sorted(names, key=lambda name: name != label)


def nearest_clusters(taxonomy: Taxonomy, number: int) -> tuple[tuple[int, float], ...]:
    """Return the other clusters by the cosine of their centers to one, most similar first."""
    index = taxonomy.index_of(number)
    cosine = taxonomy.fit.centers @ taxonomy.fit.centers[index]
    order = [int(k) for k in np.argsort(-cosine, kind="stable") if k != index]
    return tuple((taxonomy.clusters[k].number, float(cosine[k])) for k in order)


def cluster_profile(workspace: Workspace, taxonomy: Taxonomy, number: int) -> ClusterProfile:
    """Describe what one cluster of a taxonomy is made of.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    number : int
        Number of the cluster.

    Returns
    -------
    ClusterProfile

    Examples
    --------
    >>> from gem_core.pipeline import open_sample
    >>> workspace = open_sample()
    >>> profile = cluster_profile(workspace, workspace.taxonomy(), 0)
    >>> sum(profile.columns[0].counts) == workspace.taxonomy().cluster(0).documents
    True
    """
    inside = taxonomy.positions == taxonomy.index_of(number)
    columns = []
    for name in label_columns(workspace):
        values = workspace.documents[name].dropna().astype(str)
        corpus = values.value_counts()
        counts = values[inside[values.index]].value_counts()
        columns.append(
            ColumnProfile(
                name,
                tuple(str(value) for value in counts.index),
                tuple(int(n) for n in counts),
                tuple(float(corpus[value] / corpus.sum()) for value in counts.index),
            )
        )
    tokens = workspace.documents["tokens"].to_numpy(np.float64)
    low, middle, high = (
        (float(v) for v in np.quantile(tokens[inside], (0.05, 0.5, 0.95))) if inside.any() else (0.0,) * 3
    )
    return ClusterProfile(
        tuple(columns), (low, middle, high), float(np.median(tokens)), nearest_clusters(taxonomy, number)
    )
