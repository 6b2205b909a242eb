"""Choose the name of each cluster: a subject, two subjects, a kind of text, or its keywords."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from gem_core._types import Float64
from gem_core.taxonomy.concept_scores import ConceptScores
from gem_core.taxonomy.concepts import ConceptTable
from gem_core.taxonomy.keywords import Keyword, stem
from gem_core.taxonomy.labels import MAX_CHARACTERS, cluster_labels
from gem_core.taxonomy.name_parts import MIXED, Choice, ClusterName, entry_name, join_subjects, kind_name, lower_first
from gem_core.taxonomy.subject_domains import DomainFits, fit_domains
from gem_core.taxonomy.twin_names import tell_apart

ONE_AREA = 0.7  # an area stands for its field when it has so much of the field's evidence
ONE_TOPIC = 0.55  # documents that a topic must cover to stand for its area,
TOPIC_VOTES = 0.15  # documents whose single best entry it must be
AHEAD = 1.35  # and how far it must lie ahead of the next topic
CLEAR = 0.8  # coverage and votes together of the field that names a cluster
COVERED = 0.5  # documents that a subject must cover
SECOND = 0.7  # evidence of a second field, against the first, for a name of two subjects
EACH = 0.2  # votes of each of two fields
MAJORITY = 0.5  # votes of a subject that stands although all documents are of one kind,
NEARLY_ALL = 0.9  # or its coverage
DOMINANT = 0.5  # of the votes of the three best fields: a field with less is replaced by a domain ...
WHOLE = 0.8  # ... that has so much of them
WIDE = 0.6  # votes of a domain that names a cluster which no subject covers
PART = 0.25  # evidence of an area that is named as part of a mixed cluster
ALL_OF_A_KIND = 0.8  # documents of one kind for the kind to stand before two subjects
MOSTLY = 0.5  # documents of one kind for the kind to stand behind the subject


def name_clusters_by_concepts(
    scores: ConceptScores,
    kinds: Sequence[tuple[str, float, float]],
    keywords: Sequence[Sequence[Keyword]],
    *,
    numbers: Sequence[int] = (),
    used: Collection[str] = (),
) -> tuple[ClusterName, ...]:
    """Name every cluster.

    Of the fields that cover a cluster the best is taken, then its area when that has 70% of the field's evidence, then
    a topic that covers 55% of the documents and is well ahead of the next. Two fields share a name when both have
    documents enough, and several have the name of their domain ("Science and health"). Where no subject covers the
    cluster, its kind of text does, or else "Mixed: ..." with its largest parts, or its keywords. Clusters that would
    share a name are told apart by an entry below it, by the kind of text or by a keyword.

    Parameters
    ----------
    scores : ConceptScores
    kinds : sequence of K (kind, part of the cluster, part of the corpus)
        The most telling kind of text of each cluster; ("", 0, 0) for none.
    keywords : sequence of K sequences of Keyword
        Best first: what is left where nothing else names a cluster.
    numbers : sequence of K int, optional
        Numbers of the clusters; 0 to K - 1 when left out.
    used : collection of str
        Labels that none of these may have.

    Returns
    -------
    tuple of K ClusterName
    """
    domains = fit_domains(scores)
    choices = [_widened(scores, domains, k, _choose(scores, k, kinds[k]), kinds[k]) for k in range(len(keywords))]
    plain = [_first_name(scores, domains, k, choice, kinds[k]) for k, choice in enumerate(choices)]
    others = {label.casefold() for label in used}
    wider = [_domain_choice(scores, domains, k, WHOLE * float(domains.best_votes[k])) for k in range(len(keywords))]
    names = tell_apart(scores, choices, plain, kinds, keywords, others, wider=wider)
    used_labels = others | {name.label.casefold() for name in names if name is not None}
    for k, name in enumerate(names):
        longer = _add_kind(name, kinds[k]) if name == plain[k] else None
        if longer is not None and longer.label.casefold() not in used_labels:
            names[k] = longer
            used_labels.add(longer.label.casefold())
    open_ones = [k for k, name in enumerate(names) if name is None]
    labels = cluster_labels(
        [keywords[k] for k in open_ones],
        numbers=[(numbers or range(len(names)))[k] for k in open_ones],
        used_labels=used_labels,
    )
    for k, label in zip(open_ones, labels, strict=True):
        names[k] = ClusterName(label, "keywords", 0.0, kind_name(kinds[k]), is_mixed=not choices[k].entries)
    return tuple(name for name in names if name is not None)


def _choose(scores: ConceptScores, k: int, kind: tuple[str, float, float]) -> Choice:
    """Entries that name cluster `k`; none when no subject covers it."""
    table, coverage, votes = scores.table, scores.coverage[k], scores.votes[k]
    evidence = coverage + votes
    tops = np.flatnonzero(table.levels == 0)
    order = tops[np.argsort(-evidence[tops], kind="stable")]
    field = int(order[0])
    second = int(order[1]) if len(order) > 1 else field
    if evidence[field] < CLEAR or coverage[field] < COVERED:
        return Choice((), 0.0)
    if (
        second != field
        and evidence[second] >= SECOND * evidence[field]
        and votes[second] >= max(SECOND * votes[field], EACH)
    ):
        choice = _two_fields(scores, k, field, second)
    else:
        entry = descend(table, coverage, votes, field)
        choice = Choice((entry,), float(coverage[entry]))
    is_one_subject = len(choice.entries) == 1 and (
        votes[choice.entries[0]] >= MAJORITY or coverage[choice.entries[0]] >= NEARLY_ALL
    )
    return Choice((), 0.0) if kind[1] >= ALL_OF_A_KIND and kind_name(kind) and not is_one_subject else choice


def _widened(
    scores: ConceptScores, domains: DomainFits, k: int, choice: Choice, kind: tuple[str, float, float]
) -> Choice:
    """Put a domain in the place of a field that is only one of several, or of nothing when a domain covers most."""
    if not choice.entries and not kind_name(kind):
        return _domain_choice(scores, domains, k, WIDE) or choice
    if len(choice.entries) == 1 and scores.table.levels[choice.entries[0]] == 0:
        return _dominant(scores, domains, k, choice)
    return choice


def _dominant(scores: ConceptScores, domains: DomainFits, k: int, choice: Choice) -> Choice:
    """Return the choice of a field, or of a domain where the field has too few of the votes."""
    best = float(domains.best_votes[k])
    if scores.votes[k, choice.entries[0]] >= DOMINANT * best:
        return choice
    return _domain_choice(scores, domains, k, WHOLE * best) or choice


def _domain_choice(scores: ConceptScores, domains: DomainFits, k: int, votes: float) -> Choice | None:
    """Return the narrowest domain with so many votes; None when a field alone has them, or nothing."""
    domain = domains.narrowest_with(k, votes)
    if domain is None or len(domains.members[domain]) == 1:
        return None
    fields = domains.members[domain]
    entry = max(fields, key=lambda i: (float(scores.coverage[k, i] + scores.votes[k, i]), -i))
    coverage = max(float(domains.votes[k, domain]), float(scores.coverage[k, list(fields)].max()))
    return Choice((entry,), coverage, domains.names[domain])


def descend(table: ConceptTable, coverage: Float64, votes: Float64, entry: int) -> int:
    """Go down from an entry as long as one child stands for it.

    Parameters
    ----------
    table : ConceptTable
    coverage, votes : (S,) float64
        Of one cluster or group, see `ConceptScores`.
    entry : int
        Where to start.

    Returns
    -------
    int
    """
    evidence = coverage + votes
    while True:
        children = np.flatnonzero(table.parents == entry)
        if not children.size:
            return entry
        order = children[np.argsort(-evidence[children], kind="stable")]
        best = int(order[0])
        if (table.parents == best).any():
            enough = evidence[best] >= ONE_AREA * evidence[entry] and coverage[best] >= COVERED
        else:
            rest = coverage[order[1]] if len(order) > 1 else 0.0
            enough = coverage[best] >= max(ONE_TOPIC, AHEAD * rest) and votes[best] >= TOPIC_VOTES
        if not enough:
            return entry
        entry = best


def _two_fields(scores: ConceptScores, k: int, first: int, second: int) -> Choice:
    """Two fields that share the cluster, each by its best area."""
    votes, table = scores.votes[k], scores.table
    parts = []
    for field in (first, second):
        areas = np.flatnonzero(table.parents == field)
        area = int(areas[np.argmax((scores.coverage[k] + votes)[areas])]) if areas.size else field
        parts.append(area if len(table.names[area]) < len(table.names[field]) + 6 else field)
    return Choice(tuple(parts), float(min(1.0, votes[first] + votes[second])))


def _mixture_name(scores: ConceptScores, k: int) -> ClusterName | None:
    """Return "Mixed: ..." with the two largest areas of a cluster that no subject covers; None when there are none."""
    table = scores.table
    evidence = scores.coverage[k] + scores.votes[k]
    areas = np.flatnonzero(table.levels == min(1, int(table.levels.max())))
    order = [int(i) for i in areas[np.argsort(-evidence[areas], kind="stable")][:6] if evidence[i] >= PART]
    for first, second in combinations(order, 2):
        label = MIXED + ", ".join(lower_first(table.names[i]) for i in (first, second))
        if table.parents[first] != table.parents[second] and len(label) <= MAX_CHARACTERS:
            return ClusterName(label, "vocabulary", float(scores.votes[k, [first, second]].sum()), is_mixed=True)
    return None


def _first_name(
    scores: ConceptScores, domains: DomainFits, k: int, choice: Choice, kind: tuple[str, float, float]
) -> ClusterName | None:
    """Name of one cluster before the others are looked at."""
    kind_text = kind_name(kind)
    if choice.entries:
        label = choice.domain or join_subjects([entry_name(scores, k, entry) for entry in choice.entries])
        return ClusterName(label, "vocabulary", choice.coverage, kind_text) if label else None
    if kind_text:
        return ClusterName(kind_text, "vocabulary", kind[1], kind_text)
    mixture = _mixture_name(scores, k)
    if mixture is not None:
        return mixture
    field = int(np.argmax(np.where(scores.table.levels == 0, scores.coverage[k], 0.0)))
    if scores.coverage[k, field] < COVERED:
        return None
    choice = _dominant(scores, domains, k, Choice((field,), float(scores.coverage[k, field])))
    return ClusterName(choice.domain or scores.table.names[field], "vocabulary", choice.coverage)


def _add_kind(name: ClusterName | None, kind: tuple[str, float, float]) -> ClusterName | None:
    """Put the kind of text behind a subject that stands alone where most documents are of that kind."""
    if name is None or name.is_mixed or name.source != "vocabulary" or kind[1] < MOSTLY or not name.kind:
        return name
    longer = f"{name.label} ({lower_first(name.kind)})"
    is_said = bool(_stems(name.kind) & _stems(name.label))
    return name if is_said or len(longer) > MAX_CHARACTERS else replace(name, label=longer)


def _stems(text: str) -> set[str]:
    return {stem(word)[:6] for word in re.findall(r"[^\W\d_]{4,}", text)}


def telling_kinds(hits: Sequence[Float64], names: Sequence[str]) -> list[tuple[str, float, float]]:
    """Find the most telling kind of text of each cluster.

    Parameters
    ----------
    hits : sequence of K (m_k, kinds) bool arrays
        From `document_kinds`, for some documents of each cluster.
    names : sequence of str
        Names of the kinds.

    Returns
    -------
    list of K (kind, part of the cluster, part of the corpus)
    """
    shares = [np.asarray(h, dtype=np.float64).mean(axis=0) if len(h) else np.zeros(len(names)) for h in hits]
    if not shares:
        return []
    corpus = np.mean(shares, axis=0)
    kinds = []
    for share in shares:
        best = int(np.argmax(share * np.sqrt(share / (corpus + 0.02))))
        kinds.append((names[best], float(share[best]), float(corpus[best])) if share[best] > 0 else ("", 0.0, 0.0))
    return kinds
