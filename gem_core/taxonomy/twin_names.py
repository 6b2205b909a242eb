"""Tell clusters of one name apart by an entry below it, a kind of text, another area or a keyword."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gem_core.taxonomy.concept_scores import ConceptScores
from gem_core.taxonomy.keywords import Keyword
from gem_core.taxonomy.labels import MAX_CHARACTERS
from gem_core.taxonomy.name_parts import REST, Choice, ClusterName, entry_name, join_subjects, kind_name, lower_first

APART = 0.1  # evidence of an entry that tells a cluster from its twins, ahead of theirs,
APART_COVERED = 0.25  # and its coverage
COVERS = 0.5  # coverage of an entry that is preferred to the domain around the shared name


def tell_apart(
    scores: ConceptScores,
    choices: list[Choice],
    names: list[ClusterName | None],
    kinds: Sequence[tuple[str, float, float]],
    keywords: Sequence[Sequence[Keyword]],
    others: set[str],
    *,
    wider: Sequence[Choice | None] = (),
) -> list[ClusterName | None]:
    """Give clusters of one name a subject below it, a domain around it, the kind of text, or a keyword.

    An area below a shared field that covers less than 50% of the documents comes after the domain (`wider`, one for
    each cluster) that holds most of the cluster: it is too narrow a name.
    """
    names = list(names)
    twins: dict[str, list[int]] = {}
    for k, name in enumerate(names):
        if name is not None:
            twins.setdefault(name.label.casefold(), []).append(k)
    used = set(twins) | others
    for label, same in twins.items():
        if len(same) == 1 and label not in others:
            continue
        plain: list[int] = []
        for k in same:
            name = names[k]
            if name is None:
                continue
            deeper = _deeper(scores, choices[k], k, same)
            better = [
                *[option for option in deeper if option.coverage >= COVERS],
                *_around(scores, choices[k], name, wider[k] if wider else None),
                *deeper,
                *_with_kind(name, kinds[k]),
                *_beside(scores, choices[k], name, k, same),
            ]
            free = next((option for option in better if option.label.casefold() not in used), None)
            if free is None:
                plain.append(k)
            else:
                names[k] = free
                used.add(free.label.casefold())
        # Of those without a better name the one that the shared entry covers best keeps it.
        plain.sort(key=lambda k: (-(names[k].coverage if names[k] else 0.0), k))  # type: ignore[union-attr]
        for k in plain[label not in others :]:
            name = names[k]
            options = _with_word(name, keywords[k]) if name is not None else []
            names[k] = next((option for option in options if option.label.casefold() not in used), None)
            if names[k] is not None:
                used.add(names[k].label.casefold())  # type: ignore[union-attr]
    return names


def _around(scores: ConceptScores, choice: Choice, name: ClusterName, domain: Choice | None) -> list[ClusterName]:
    """Return the domain that holds most of a cluster, as a name, where a field names it."""
    if domain is None or not choice.entries or scores.table.levels[choice.entries[0]] > 0:
        return []
    return [replace(name, label=domain.domain, coverage=domain.coverage)]


def _deeper(scores: ConceptScores, choice: Choice, k: int, same: Sequence[int]) -> list[ClusterName]:
    """Names by the entries below the shared one that tell this cluster from its twins, best first."""
    if not choice.entries:
        return []
    table = scores.table
    entry = choice.entries[0]
    below = [i for i in range(len(table.names)) if i != entry and _is_below(table.parents, i, entry)]
    twins = [j for j in same if j != k]
    coverage = scores.coverage
    evidence = coverage + scores.votes
    contrast = {i: float(evidence[k, i] - evidence[twins, i].max(initial=0.0)) for i in below}
    good = [i for i in below if contrast[i] >= APART and coverage[k, i] >= APART_COVERED]
    good.sort(key=lambda i: (-(contrast[i] + 2 * scores.votes[k, i]), i))
    return [ClusterName(entry_name(scores, k, i), "vocabulary", float(coverage[k, i])) for i in good]


def _beside(scores: ConceptScores, choice: Choice, name: ClusterName, k: int, same: Sequence[int]) -> list[ClusterName]:
    """Names that add an area of another field which tells this cluster from its twins, best first."""
    if not choice.entries or " (" in name.label:
        return []
    table = scores.table
    field = table.ancestor(0)
    evidence = scores.coverage + scores.votes
    twins = [j for j in same if j != k]
    areas = [
        int(i)
        for i in np.flatnonzero(table.levels == 1)
        if field[i] != field[choice.entries[0]] and not table.names[i].startswith(REST)
    ]
    contrast = {i: float(evidence[k, i] - evidence[twins, i].max(initial=0.0)) for i in areas}
    good = [i for i in areas if contrast[i] >= APART and scores.coverage[k, i] >= APART_COVERED]
    good.sort(key=lambda i: (-contrast[i], i))
    labels = [join_subjects([name.label, table.names[i]]) for i in good]
    return [replace(name, label=label) for label in labels if label]


def _is_below(parents: np.ndarray[tuple[int, ...], np.dtype[np.int32]], entry: int, top: int) -> bool:
    while entry >= 0:
        if entry == top:
            return True
        entry = int(parents[entry])
    return False


def _with_kind(name: ClusterName, kind: tuple[str, float, float]) -> list[ClusterName]:
    kind_text = kind_name(kind)
    if not kind_text or kind_text == name.label:
        return []
    label = f"{name.label} ({lower_first(kind_text)})"
    return [replace(name, label=label)] if len(label) <= MAX_CHARACTERS else []


def _with_word(name: ClusterName, keywords: Sequence[Keyword]) -> list[ClusterName]:
    labels = [f"{name.label}: {keyword.term}" for keyword in keywords[:5] if keyword.term.isascii()]
    return [replace(name, label=label) for label in labels if len(label) <= MAX_CHARACTERS]
