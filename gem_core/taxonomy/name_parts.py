"""Parts of cluster names: entries, kinds of text, and how they are joined."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gem_core.taxonomy.concept_scores import ConceptScores
from gem_core.taxonomy.concepts import proper_words
from gem_core.taxonomy.labels import MAX_CHARACTERS

MIXED = "Mixed: "
REST = "Other "  # begins the name of an area that holds what the other areas of its field leave over
KIND = 0.35  # documents of a kind of text for it to be named, ...
RARE = 2.5  # ... when it is so much commoner in the cluster than in the corpus


@dataclass(frozen=True)
class ClusterName:
    """The name of a cluster and the evidence for it.

    Attributes
    ----------
    label : str
        Unique in its taxonomy, at most 40 characters.
    source : {"vocabulary", "keywords"}
    coverage : float
        Part of the cluster's documents that have the subject (or the kind) of the label; for a mixed cluster those
        whose best subject is one of the parts named; 0 for keywords.
    kind : str
        Commonest kind of text in the cluster, or "".
    is_mixed : bool
        Whether no subject covers the cluster: it may be worth a split.
    """

    label: str
    source: Literal["vocabulary", "keywords"]
    coverage: float = 0.0
    kind: str = ""
    is_mixed: bool = False


@dataclass(frozen=True)
class Choice:
    """Entries that name a cluster, the first one most."""

    entries: tuple[int, ...]
    coverage: float
    domain: str = ""  # stands instead of a field that has too few of the votes


def entry_name(scores: ConceptScores, k: int, entry: int) -> str:
    """Name of an entry; "Cricket, racket sports and golf" for "Other sports": its best topic, the best other area."""
    table = scores.table
    if not table.names[entry].startswith(REST):
        return table.names[entry]
    evidence = scores.coverage[k] + scores.votes[k]
    field, topics = table.ancestor(0)[entry], np.flatnonzero(table.parents == entry)
    areas = np.array([i for i in np.flatnonzero(table.parents == field) if not table.names[i].startswith(REST)], int)
    best = [int(part[np.argmax(evidence[part])]) for part in (topics, areas) if part.size and evidence[part].any()]
    best.sort(key=lambda i: (-scores.votes[k, i], i))
    label = join_subjects([table.names[i] for i in best]) if len(best) > 1 else ""
    return label or table.names[int(field)]


def kind_name(kind: tuple[str, float, float]) -> str:
    """Return a kind of text that is common enough in a cluster to be named, or "".

    Parameters
    ----------
    kind : (kind, part of the cluster, part of the corpus)
    """
    name, cluster_share, corpus_share = kind
    return name if cluster_share >= KIND and cluster_share >= RARE * corpus_share else ""


def join_subjects(names: Sequence[str]) -> str:
    """Join the names of two subjects: "Crime and public services"; "" when they do not fit.

    Examples
    --------
    >>> join_subjects(["Crime", "Travel"]), join_subjects(["Food and drink", "Retail"])
    ('Crime and travel', 'Food and drink, retail')
    """
    if len(names) == 1:
        return names[0] if len(names[0]) <= MAX_CHARACTERS else ""
    lower = [names[0], *map(lower_first, names[1:])]
    link = ", " if any(" and " in name or "," in name for name in names) else " and "
    label = link.join(lower)
    return label if len(label) <= MAX_CHARACTERS else ""


def lower_first(name: str) -> str:
    """Return a name for the middle of a sentence; an acronym or a proper name at its beginning keeps its capital.

    Examples
    --------
    >>> lower_first("Travel"), lower_first("NATO and alliances"), lower_first("Olympics and athletics")
    ('travel', 'NATO and alliances', 'Olympics and athletics')
    """
    first = name.split(" ")[0].strip(",:")
    has_own_spelling = any(c.isupper() for c in first[1:]) or len(first) == 1 or first in proper_words()
    return name if has_own_spelling else name[:1].lower() + name[1:]
