"""Match a refit to the previous taxonomy: numbers, colors, names and pins carry over."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gem_core._types import Bool, Floating, Int32, frozen
from gem_core.clustering import MixtureFit
from gem_core.clustering.assignment import best_among
from gem_core.clustering.overlap import jaccard, matched_pairs, overlap_table
from gem_core.pipeline.editing.working_copy import ClusterDraft, GroupDraft, WorkingTaxonomy
from gem_core.workspace import Edit, Taxonomy
from gem_core.workspace.taxonomy import AUTOMATIC

KEEP = 0.5  # a cluster is the same one when more than half of what either side holds is in both


@dataclass(frozen=True)
class ClusterMatch:
    """Match of the clusters of a fit to those of an earlier taxonomy.

    Attributes
    ----------
    numbers : (K,) int32
        Number of each cluster of the fit: that of the cluster it shares most documents with, one to one; else the
        lowest that is free.
    origin : (K,) int32
        Number of the cluster that it continues; -1: a new cluster.
    steady : (K,) bool
        Whether more than half of the documents that either holds are in both.
    pinned_rows : dict of int to (m,) int32
        Documents that stay together by number: of pinned clusters, and of those that a person named and the fit does
        not have again.
    """

    numbers: Int32
    origin: Int32
    steady: Bool
    pinned_rows: dict[int, Int32]


def match_clusters_to_previous(old: Taxonomy, labels: Int32, n_clusters: int) -> ClusterMatch:
    """Pair the clusters of a fit with those of the taxonomy before it, so that the documents in common are most."""
    table = overlap_table(old.positions, labels, len(old.clusters), n_clusters)
    before = np.array([c.number for c in old.clusters], dtype=np.int32)
    partner = matched_pairs(table)
    rows = np.flatnonzero(partner >= 0)
    columns = partner[rows]
    origin, steady = np.full(n_clusters, -1, dtype=np.int32), np.zeros(n_clusters, dtype=bool)
    origin[columns] = before[rows]
    steady[columns] = jaccard(table)[rows, columns] > KEEP
    free = (number for number in range(n_clusters + len(before)) if number not in set(before.tolist()))
    numbers = np.array([number if number >= 0 else next(free) for number in origin.tolist()], dtype=np.int32)
    again = set(origin[steady].tolist())
    pinned_rows = {
        c.number: np.flatnonzero(old.positions == cluster_index).astype(np.int32)
        for cluster_index, c in enumerate(old.clusters)
        if c.documents and (c.pinned or (c.label_source == "person" and c.number not in again))
    }
    return ClusterMatch(frozen(numbers), frozen(origin), frozen(steady), pinned_rows)


def apply_pins(X: Floating, fit: MixtureFit, labels: Int32, match: ClusterMatch) -> Int32:
    """Turn labels of the fit (0 to K - 1) into numbers of clusters, with the documents that are held together.

    A held cluster takes the place of the cluster that continues it; what else was there goes to the best of the
    others, or stays with the held one where there is no other.
    """
    out = match.numbers[labels]
    if not match.pinned_rows:
        return out
    is_pinned = np.isin(match.numbers, list(match.pinned_rows))
    rest = np.flatnonzero(is_pinned[labels])
    if not is_pinned.all():
        out[rest] = match.numbers[best_among(X[rest], fit, ~is_pinned)]
    for number, rows in match.pinned_rows.items():
        out[rows] = number
    return out


def surviving_clusters(plain: Int32, labels: Int32, numbers: Iterable[int]) -> list[int]:
    """Numbers of the clusters of a refit: all except those that lost every document to pinned clusters.

    Parameters
    ----------
    plain, labels : (n,) int32
        Cluster number of each document before and after `apply_pins`.
    numbers : iterable of int
        Clusters of the fit and of the pins, in the order of the result.
    """
    return [number for number in numbers if (labels == number).any() or not (plain == number).any()]


def match_record(old: Taxonomy, match: ClusterMatch) -> Edit:
    """Return the record of the match for the history: what the previous taxonomy decides."""
    again = set(match.origin[match.steady].tolist()) | set(match.pinned_rows)
    cluster_records = [
        {
            "number": c.number,
            "label": c.label if c.label_source not in AUTOMATIC or c.number in match.pinned_rows else None,
            "source": c.label_source,
            "colour": c.color,
            "pinned": c.pinned,
            "excluded": c.excluded,
            "checked": c.checked,
            "note": c.note,
        }
        for c in old.clusters
        if c.number in again
    ]
    group_records = [{"label": p.label, "children": list(p.children)} for p in old.groups if p.label_source == "person"]
    return {
        "do": "follow",
        "numbers": match.numbers.tolist(),
        "kept": cluster_records,
        "groups": group_records,
        "held": [[number, rows.tolist()] for number, rows in match.pinned_rows.items()],
    }


def apply_match_record(base: Taxonomy, X: Floating, edit: Edit) -> WorkingTaxonomy:
    """Apply `match_record`'s record to the fit it was made for."""
    numbers = np.array(edit["numbers"], dtype=np.int32)
    pinned_rows = {int(number): np.array(rows, dtype=np.int32) for number, rows in edit["held"]}
    match = ClusterMatch(numbers, numbers, np.zeros(len(numbers), dtype=bool), pinned_rows)
    plain = numbers[base.positions]
    labels = apply_pins(X, base.fit, base.positions, match)
    drafts: dict[int, ClusterDraft] = {}
    for parent in base.groups:
        for child in parent.children:
            number, was = int(numbers[child]), base.cluster(child)
            changed = not np.array_equal(labels == number, plain == number)
            drafts[number] = ClusterDraft(
                child,
                was.label,
                was.label_source,
                parent.number,
                None,
                changed=changed,
                coverage=was.coverage,
                kind=was.kind,
            )
    for number in pinned_rows:
        if number not in drafts:  # the fit had nothing like it: beside the cluster that has most of it now
            near = int(np.bincount(plain[pinned_rows[number]]).argmax())
            drafts[number] = ClusterDraft(None, None, "keywords", drafts[near].group, None, changed=True)
    cluster_records = {int(record["number"]): record for record in edit["kept"] if record["number"] in drafts}
    for number, record in cluster_records.items():
        drafts[number] = _keep(drafts[number], record)
    drafts = {number: drafts[number] for number in surviving_clusters(plain, labels, drafts)}
    groups = {
        p.number: GroupDraft(p.label, p.label_source)
        for p in base.groups
        if any(draft.group == p.number for draft in drafts.values())
    }
    _name_groups(drafts, groups, edit["groups"])
    labeled_numbers = {number for number, record in cluster_records.items() if record["label"]}
    return WorkingTaxonomy(labels, _distinct(drafts, labeled_numbers), groups)


def _keep(draft: ClusterDraft, record: dict[str, Any]) -> ClusterDraft:
    new_draft = replace(draft, color=record["colour"], pinned=record["pinned"], excluded=record["excluded"])
    new_draft = replace(new_draft, checked=record.get("checked", False), note=record.get("note", ""))
    return replace(new_draft, label=record["label"], source=record["source"]) if record["label"] else new_draft


def _distinct(drafts: dict[int, ClusterDraft], labeled_numbers: set[int]) -> dict[int, ClusterDraft]:
    """Rename other clusters that have a label that was kept: they get new names."""
    used_labels = {(drafts[number].label or "").casefold() for number in labeled_numbers & set(drafts)}
    return {
        number: replace(draft, label=None, changed=True)
        if number not in labeled_numbers and (draft.label or "").casefold() in used_labels
        else draft
        for number, draft in drafts.items()
    }


def _name_groups(
    drafts: dict[int, ClusterDraft], groups: dict[int, GroupDraft], group_records: list[dict[str, Any]]
) -> None:
    """Give a person's name to the group that has more than half of the old group's clusters, and they of it."""
    for record in group_records:
        old = set(record["children"])
        for number in groups:
            new = {n for n, draft in drafts.items() if draft.group == number}
            if len(old & new) > KEEP * len(old | new):
                groups[number] = GroupDraft(record["label"], "person")
