"""Put clusters into balanced groups and name the groups by a vocabulary."""

import math
import re
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Float64, Int32, frozen
from gem_core.errors import InputError
from gem_core.taxonomy.cluster_names import descend
from gem_core.taxonomy.concept_scores import ConceptScores
from gem_core.taxonomy.labels import MAX_CHARACTERS, unique
from gem_core.taxonomy.name_parts import MIXED, REST, lower_first
from gem_core.taxonomy.subject_domains import DomainFits, fit_domains
from gem_core.taxonomy.tree import Tree, TreeGroup, agglomerate, cut, leaf_order, nodes

LARGEST = 0.25  # of the corpus: the most that clusters of one group hold together
PROFILE = 1.0  # weight of the subjects of a cluster beside its direction
FINE = 1.5  # least number of groups, in sqrt(K): on the development corpora fewer groups joined unlike clusters
WIDTH = 0.25  # how much dearer a merge is for every further field of the domain that its clusters share
EVERY = 0.35  # documents of every cluster of a group that an area must cover to name the group
NAMED_CLUSTERS = 3  # clusters of a group that its name can list
OTHERS = " and others"


def group_clusters(
    centers: ArrayLike, shares: ArrayLike, names: Sequence[str], *, scores: ConceptScores | None = None, count: int = 0
) -> Tree:
    """Group clusters by what sets them apart from the corpus as a whole.

    What all clusters share is taken off their centers (the mean by shares); Ward's rule on the sphere then merges the
    pair that loses least resultant length, as in `build_tree`, every cluster counted alike. No merge makes a group of
    more than a quarter of the corpus. With `scores`, clusters that share a field or a domain of the vocabulary are
    merged before any others, so that a group has a name that fits all of it. The number of groups lies between
    1.5 sqrt(K) and 2 sqrt(K) and is the one before the largest relative jump of the loss. Three clusters or fewer are
    each a group of their own.

    Parameters
    ----------
    centers : (K, d) float
        Mean or center of each cluster; a zero row for an empty one.
    shares : (K,) float
        Part of the corpus in each cluster.
    names : sequence of K str
        Labels: a group of one cluster has its label, another one a label made of them (see `name_groups`).
    scores : ConceptScores, optional
        Of the clusters: their coverage by fields and areas weighs as much as the center.
    count : int
        Number of groups; 0 to choose it.

    Returns
    -------
    Tree

    Raises
    ------
    InputError
        When lengths differ or `count` is not between 1 and K.

    Examples
    --------
    >>> tree = group_clusters(np.eye(4)[[0, 0, 1, 1]] + 0.1 * np.eye(4), [0.1, 0.1, 0.4, 0.4], ["A", "B", "C", "D"])
    >>> [group.children for group in tree.groups]
    [(0, 1), (2,), (3,)]
    """
    C, p = np.asarray(centers, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    k = len(names)
    if C.ndim != 2 or C.shape[0] != k or p.shape != (k,):
        raise InputError(
            f"centers and shares must have one row for each cluster ({k})", f"{C.shape} and {p.shape}", "Pass K"
        )
    if not 0 <= count <= k:
        raise InputError(f"The number of groups lies between 1 and {k}", f"{count}", "Ask for fewer groups")
    p = p / max(float(p.sum()), 1e-300)
    features = _unit_rows(_centered(C, p))
    prices = None
    if scores is not None:
        profile = scores.coverage[:, scores.table.levels < 2]
        features = np.hstack((features, PROFILE * _unit_rows(_centered(profile, p))))
        domains = fit_domains(scores)
        prices = np.where(domains.fits, 1 + WIDTH * (domains.widths - 1), np.inf)
    resultants = features / k
    low, high = (count, count) if count else (k, k) if k <= 3 else _range_of_counts(k)
    merges, least = agglomerate(resultants, p, LARGEST, high, prices)
    members, directions = nodes(resultants, merges)
    roots = cut(merges, k, _best_count(merges[:, 2], k, max(low, min(least, high)), high))
    order = leaf_order(merges, directions, k)
    return arrange_groups([members[root] for root in roots], order, merges, names, p)


def _range_of_counts(k: int) -> tuple[int, int]:
    """Fewest and most groups of K > 3 clusters."""
    most = math.floor(2 * k**0.5)
    return min(math.ceil(FINE * k**0.5), most), most


def _best_count(losses: Float64, k: int, low: int, high: int) -> int:
    """Return the number of groups from `low` to `high` before the largest relative jump of the loss."""
    if low >= high:
        return high
    heights = np.maximum(losses, 1e-6 * float(losses.max()) or 1.0)
    jumps = {count: heights[k - count] / heights[k - count - 1] for count in range(low, min(high, k - 1) + 1)}
    return max(jumps, key=lambda count: (jumps[count], count)) if jumps else high


def arrange_groups(
    groups: Sequence[Sequence[int]], order: Int32, merges: Float64, names: Sequence[str], shares: Float64
) -> Tree:
    """Return the tree of some groups in leaf order, named after their clusters."""
    position = np.empty(len(names), dtype=np.int64)
    position[order] = np.arange(len(names))
    ordered = sorted(
        (sorted((int(c) for c in group), key=lambda c: int(position[c])) for group in groups),
        key=lambda group: int(position[group[0]]),
    )
    group_of = np.empty(len(names), dtype=np.int32)
    for index, group in enumerate(ordered):
        group_of[group] = index
    used: set[str] = set()
    titles = [unique(_after_largest(group, names, shares), used) for group in ordered]
    return Tree(
        groups=tuple(TreeGroup(title, tuple(group)) for title, group in zip(titles, ordered, strict=True)),
        group_of=frozen(group_of),
        merges=frozen(merges),
        order=frozen(np.array([c for group in ordered for c in group], dtype=np.int32)),
    )


def name_groups(
    scores: ConceptScores,
    groups: Sequence[Sequence[int]],
    names: Sequence[str],
    shares: ArrayLike,
    *,
    used: Collection[str] = (),
) -> list[str]:
    """Name groups by the entry that covers their documents, unique and no name of a cluster outside the group.

    A group of one cluster has its label. Another is named by the narrowest field or domain that fits each of its
    clusters (`fit_domains`), or by the area that stands for the field; groups of one field by their areas. Where no
    domain fits, a group of two or three clusters is named by all of them and a larger one by the largest two.

    Parameters
    ----------
    scores : ConceptScores
        Of the clusters.
    groups : sequence of sequences of int
        Clusters of each group, none empty.
    names : sequence of K str
        Labels of the clusters.
    shares : (K,) float
    used : collection of str
        Names of other groups.
    """
    p = np.maximum(np.asarray(shares, dtype=np.float64), 1e-12)
    domains = fit_domains(scores)
    narrowest = [domains.narrowest(list(group), p) for group in groups]
    used_names = {name.casefold() for name in used}
    titles = []
    for group, subject in zip(groups, narrowest, strict=True):
        outside = {name.casefold() for k, name in enumerate(names) if k not in set(group)}
        options = [names[group[0]]] if len(group) == 1 else []
        if len(group) > 1 and subject is not None:
            options = _options_of_subject(scores, domains, subject, group, p)
            if narrowest.count(subject) > 1:  # The field of several groups tells none of them from the others.
                options = options[::-1]
        options.append(_joined_labels(group, names, p))
        reserved_names = outside | used_names
        free = next((text for text in options if text and text.casefold() not in reserved_names), None)
        title = free if free is not None else unique(_after_largest(group, names, p), set(reserved_names))
        used_names.add(title.casefold())
        titles.append(title)
    return titles


def _options_of_subject(
    scores: ConceptScores, domains: DomainFits, subject: int, group: Sequence[int], p: Float64
) -> list[str]:
    """Names for a group that one field or domain describes: the best first, the one by its areas last."""
    rows = list(group)
    table, entries = scores.table, domains.members[subject]
    if len(entries) > 1:
        return [domains.names[subject]]
    weights = p[rows] / p[rows].sum()
    field = entries[0]
    best = descend(table, weights @ scores.coverage[rows], weights @ scores.votes[rows], field)
    singles = [best] if not table.names[best].startswith(REST) and scores.coverage[rows, best].min() >= EVERY else []
    areas = np.flatnonzero(table.parents == field)
    of_cluster = {k: int(areas[np.argmax((scores.coverage[k] + scores.votes[k])[areas])]) for k in rows if areas.size}
    order = sorted(
        set(of_cluster.values()),
        key=lambda area: (table.names[area].startswith(REST), -sum(p[k] for k in rows if of_cluster[k] == area)),
    )
    return [table.names[i] for i in dict.fromkeys((*singles, field))] + [_join_names([table.names[i] for i in order])]


def _joined_labels(group: Sequence[int], names: Sequence[str], shares: Float64) -> str:
    """Name a group of two or three clusters by all of them; "" for a larger one."""
    order = sorted(group, key=lambda k: (-float(shares[k]), k))
    plain = [names[k].removeprefix(MIXED).split(" (")[0] for k in order]
    return _join_names(plain) if len(group) <= NAMED_CLUSTERS else ""


def _join_names(names: Sequence[str]) -> str:
    """Join up to three names, each by its first part where they are long; "" when they do not fit.

    Examples
    --------
    >>> _join_names(["American football", "Baseball and softball"])
    'American football and baseball'
    """
    heads = list(dict.fromkeys(_head(name) for name in names))
    heads = [head if i == 0 else lower_first(head) for i, head in enumerate(heads)][:NAMED_CLUSTERS]
    heads[0] = heads[0][:1].upper() + heads[0][1:]
    while heads:
        link = ", " if any(" and " in head for head in heads) else " and "
        text = heads[0] if len(heads) == 1 else f"{', '.join(heads[:-1])}{link}{heads[-1]}"
        if len(text) <= MAX_CHARACTERS:
            return text
        heads.pop()
    return ""


def _head(name: str) -> str:
    """Return the first of several subjects that a name joins; the name itself where they share their last word.

    Examples
    --------
    >>> _head("Baseball and softball"), _head("Local life and public services"), _head("Game and graphics code")
    ('Baseball', 'Local life', 'Game and graphics code')
    """
    head, *tail = re.split(r"(?<!,) and |, |: ", name)
    shares_last_word = " " not in head and tail and " " in tail[-1]
    return name if shares_last_word else head


def _after_largest(group: Sequence[int], names: Sequence[str], shares: Float64) -> str:
    """Name a group after its largest cluster, one that is not mixed if there is one."""
    largest = max(group, key=lambda c: (not names[c].startswith(MIXED), float(shares[c]), -c))
    if len(group) == 1:
        return names[largest]
    plain = names[largest].removeprefix(MIXED).split(" (")[0]
    return plain[:1].upper() + plain[1:] + OTHERS


def _centered(values: Float64, shares: Float64) -> Float64:
    return np.asarray(values - shares @ values)


def _unit_rows(values: Float64) -> Float64:
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(lengths > 0, lengths, 1.0))
