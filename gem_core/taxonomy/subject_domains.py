"""Domains: names for several fields of the vocabulary together, such as "Science and health"."""

import csv
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64
from gem_core.taxonomy.concept_scores import ConceptScores
from gem_core.taxonomy.concepts import FOLDER, ConceptTable, packaged_concepts

#: A domain fits a cluster when it has this part of the votes of the cluster's three best fields.
FIT = 0.6
BEST_FIELDS = 3
LEAST = 0.3  # votes of a field or domain below which it describes nothing: the cluster is scattered


@dataclass(frozen=True)
class DomainFits:
    """Which fields and domains describe which clusters.

    Attributes
    ----------
    names : tuple of D str
        The fields first, then the domains.
    members : tuple of D tuples of int
        Entries of level 0 that each one holds; one for a field.
    votes : (K, D) float64
        Part of the cluster's documents whose single best entry lies in it.
    best_votes : (K,) float64
        Votes of the cluster's three best fields together.
    fits : (K, D) bool
    """

    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    votes: Float64
    best_votes: Float64
    fits: NDArray[np.bool_]

    @property
    def widths(self) -> NDArray[np.int64]:
        """Number of fields of each, (D,)."""
        return np.array([len(fields) for fields in self.members], dtype=np.int64)

    def narrowest_with(self, cluster: int, votes: float) -> int | None:
        """Return the field or domain of the fewest fields with so many votes of a cluster; None when there is none."""
        good = np.flatnonzero(self.votes[cluster] >= votes - 1e-12)
        key = {int(i): (len(self.members[i]), -float(self.votes[cluster, i]), int(i)) for i in good}
        return min(key, key=lambda i: key[i], default=None)

    def narrowest(self, clusters: list[int], weights: Float64) -> int | None:
        """Return the field or domain of the fewest fields that fits all of some clusters; None when none does."""
        good = np.flatnonzero(self.fits[clusters].all(axis=0))
        member_votes = weights[clusters] @ self.votes[clusters]
        return min((int(i) for i in good), key=lambda i: (len(self.members[i]), -member_votes[i], i), default=None)


@cache
def packaged_domains() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the shipped domains (CC0): names, each with its fields.

    Examples
    --------
    >>> dict(packaged_domains())["Computing and electronics"]
    ('Programming and software', 'Hardware and electronics')
    """
    with (FOLDER / "domains.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return tuple((row["name"], tuple(field.strip() for field in row["fields"].split(";"))) for row in rows)


def fit_domains(scores: ConceptScores) -> DomainFits:
    """Return which fields and domains describe each cluster.

    A field or a domain fits a cluster when it holds the cluster's best field, and when its votes are 60% or more of the
    votes of the cluster's three best fields and 30% or more of the cluster's documents.
    A person's own vocabulary has fields only.

    Parameters
    ----------
    scores : ConceptScores

    Returns
    -------
    DomainFits
    """
    table = scores.table
    fields = np.flatnonzero(table.levels == 0)
    entries = [(table.names[i], (int(i),)) for i in fields] + _domain_entries(table)
    votes = np.stack([scores.votes[:, list(members)].sum(axis=1) for _, members in entries], axis=1)
    best = np.sort(scores.votes[:, fields], axis=1)[:, -BEST_FIELDS:].sum(axis=1)
    top = fields[scores.votes[:, fields].argmax(axis=1)]
    has_top = np.stack([np.isin(top, members) for _, members in entries], axis=1)
    fits = has_top & (votes >= FIT * best[:, None] - 1e-12) & (votes >= LEAST)
    return DomainFits(tuple(name for name, _ in entries), tuple(members for _, members in entries), votes, best, fits)


def _domain_entries(table: ConceptTable) -> list[tuple[str, tuple[int, ...]]]:
    if table.key != packaged_concepts().key:
        return []
    index = {table.names[i]: int(i) for i in np.flatnonzero(table.levels == 0)}
    return [(name, tuple(index[field] for field in fields)) for name, fields in packaged_domains()]
