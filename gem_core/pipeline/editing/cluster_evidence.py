"""Evidence of a cluster: keywords, and the documents that are typical, between clusters, or outliers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gem_core._types import Float64, Int32
from gem_core.influence import borderline, exemplars, least_typical
from gem_core.pipeline.labels.stop_words import read_stop_words
from gem_core.taxonomy import Keyword, cluster_keywords
from gem_core.workspace import Workspace


@dataclass(frozen=True)
class Evidence:
    """Keywords, best first, and document rows, best first."""

    words: tuple[Keyword, ...]
    exemplars: tuple[int, ...]
    borderline: tuple[int, ...]
    atypical: tuple[int, ...]

    @property
    def keywords(self) -> tuple[tuple[str, float], ...]:
        """The keywords as a `Cluster` holds them."""
        return tuple((word.term, round(float(word.score), 6)) for word in self.words)


def gather_evidence(
    workspace: Workspace, centers: Float64, positions: Int32, documents: pd.DataFrame, which: Sequence[int]
) -> list[Evidence]:
    """Compute the keywords and the exemplars, borderline and atypical documents of some clusters.

    Parameters
    ----------
    workspace : Workspace
    centers : (K, d)
        Unit centers of all clusters.
    positions : (n,) int
        Row of each document's cluster in `centers`.
    documents : DataFrame
        With columns gis and margin.
    which : sequence of int
        Rows of `centers` to describe, rising.
    """
    if not len(which):
        return []
    words = cluster_keywords(
        workspace.terms,
        workspace.embeddings,
        positions,
        documents["gis"].to_numpy(),
        centers,
        only=which,
        never=read_stop_words(workspace),
    )
    rows = np.flatnonzero(np.isin(positions, which))
    inside = np.searchsorted(which, positions[rows])
    gis, margin = (documents[name].to_numpy()[rows] for name in ("gis", "margin"))
    parts = (exemplars(workspace.embeddings[rows], inside, gis), borderline(inside, margin), least_typical(inside, gis))
    return [
        Evidence(words[i], *(tuple(int(rows[r]) for r in part[i]) if i < len(part) else () for part in parts))
        for i in range(len(which))
    ]
