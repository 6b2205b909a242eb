"""Working copy of a taxonomy during an edit: cluster of each document, and what each cluster keeps."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gem_core._types import Int32
from gem_core.errors import InputError
from gem_core.pipeline.editing.operations import (
    MAX_NOTE,
    ArrangeGroups,
    Check,
    Exclude,
    Kind,
    Merge,
    Move,
    Note,
    Op,
    Pin,
    Regroup,
    Rename,
    RenameAutomatically,
    Split,
    clean_label,
    clean_note,
    join_names,
)
from gem_core.workspace import Taxonomy
from gem_core.workspace.taxonomy import AUTOMATIC, LabelSource


@dataclass(frozen=True)
class ClusterDraft:
    """Draft of a cluster.

    Attributes
    ----------
    origin : int or None
        Number in the old taxonomy of the cluster whose evidence it keeps, unless `changed`.
    label : str or None
        None: to be named.
    color : str or None
        None: to be chosen.
    changed : bool
        Whether its documents are others than those of `origin`.
    """

    origin: int | None
    label: str | None
    source: LabelSource
    group: int
    color: str | None
    pinned: bool = False
    excluded: bool = False
    changed: bool = False
    checked: bool = False
    note: str = ""
    coverage: float = 0.0
    kind: str = ""


@dataclass(frozen=True)
class GroupDraft:
    """Draft of a group; `label` None: named from its children."""

    label: str | None
    source: LabelSource


class WorkingTaxonomy:
    """Documents and clusters of a taxonomy, to be changed by edits.

    Attributes
    ----------
    labels : (n,) int32
        Cluster number of each document.
    drafts, groups : dict
        By number; `drafts` also gives the order inside a group, `groups` the order of the groups.
    """

    def __init__(self, labels: Int32, drafts: dict[int, ClusterDraft], groups: dict[int, GroupDraft]) -> None:
        self.labels, self.drafts, self.groups = labels, drafts, groups

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> "WorkingTaxonomy":
        """Return the working taxonomy of a taxonomy as it is."""
        ordered = [taxonomy.cluster(number) for group in taxonomy.groups for number in group.children]
        return cls(
            taxonomy.documents["cluster_id"].to_numpy(np.int32).copy(),
            {
                c.number: ClusterDraft(
                    c.number,
                    c.label,
                    c.label_source,
                    c.group,
                    c.color,
                    c.pinned,
                    c.excluded,
                    checked=c.checked,
                    note=c.note,
                    coverage=c.coverage,
                    kind=c.kind,
                )
                for c in ordered
            },
            {p.number: GroupDraft(p.label, p.label_source) for p in taxonomy.groups},
        )

    def apply(self, op: Op) -> str:
        """Apply one edit and return a sentence that describes it.

        Raises
        ------
        InputError
            If the edit names what is not there, or cannot be done.
        """
        match op:
            case Rename():
                return self._rename(op.kind, op.number, op.label, op.source)
            case Merge():
                return self._merge(op.clusters)
            case Split():
                return self._split(op.cluster, op.parts)
            case Move():
                return self._move(op.rows, op.to)
            case Regroup():
                return self._regroup(op.cluster, op.group)
            case Pin():
                self._update(op.cluster, pinned=op.on)
                return f"{'Pinned' if op.on else 'Unpinned'} {self.name(op.cluster)}"
            case Exclude():
                return self._exclude(op.clusters, on=op.on)
            case Note():
                text = clean_note(op.text)
                self._update(op.cluster, note=text)
                return f"{'Added a note to' if text else 'Removed the note of'} {self.name(op.cluster)}"
            case Check():
                self._update(op.cluster, checked=op.on)
                return f"{'Checked' if op.on else 'Unchecked'} {self.name(op.cluster)}"
            case RenameAutomatically():
                return self._rename_automatically(op)
            case ArrangeGroups():
                return self._arrange_groups(op.groups)

    def name(self, number: int) -> str:
        """Label of a cluster for a sentence; clusters that have none yet by their number."""
        draft = self._cluster(number)
        return draft.label or f"cluster {number}"

    def size(self, number: int) -> int:
        """Documents in a cluster."""
        return int(np.count_nonzero(self.labels == number))

    def _cluster(self, number: int) -> ClusterDraft:
        if number not in self.drafts:
            raise InputError(
                "An edit must name clusters that are there",
                f"cluster {number}",
                "See the numbers with: gem-explorer info DIR",
            )
        return self.drafts[number]

    def _update(self, number: int, **changes: object) -> None:
        self.drafts[number] = replace(self._cluster(number), **changes)  # type: ignore[arg-type]

    def _free(self, numbers: Iterable[int]) -> int:
        used = set(numbers)
        return next(number for number in range(len(used) + 1) if number not in used)

    def _rename(self, kind: Kind, number: int, label: str, source: LabelSource) -> str:
        label = clean_label(label)
        if kind == "parent" and number not in self.groups:
            raise InputError(
                "An edit must name groups that are there",
                f"group {number}",
                "See the groups with: gem-explorer info DIR",
            )
        item = self._cluster(number) if kind == "cluster" else self.groups[number]
        if source == "llm" and item.source == "person":
            raise InputError(
                "A label that a person gave is kept",
                f"{item.label!r} for {label!r}",
                "Rename it yourself if the new one is better",
            )
        siblings = self.drafts if kind == "cluster" else self.groups
        twin = next(
            (
                other
                for other, sibling in siblings.items()
                if other != number and (sibling.label or "").casefold() == label.casefold()
            ),
            None,
        )
        if twin is not None:
            raise InputError("Labels are unique", f"{label!r}, which {kind} {twin} has already", "Choose another name")
        if kind == "cluster":
            self._update(number, label=label, source=source)
        else:
            self.groups[number] = GroupDraft(label, source)
        return f"Renamed {item.label} to {label}"

    def _rename_automatically(self, op: RenameAutomatically) -> str:
        """Apply automatic names; names given by a person or a model are kept."""
        renamed = 0
        for number, label, source, coverage, kind in op.clusters:
            if self._cluster(number).source in AUTOMATIC:
                renamed += self.drafts[number].label != label
                self._update(number, label=clean_label(label), source=source, coverage=coverage, kind=kind)
        for number, label in op.groups:
            if number in self.groups and self.groups[number].source in AUTOMATIC:
                self.groups[number] = GroupDraft(clean_label(label), "vocabulary")
        return f"Renamed {renamed} {'cluster' if renamed == 1 else 'clusters'} by {op.vocabulary}"

    def _merge(self, clusters: tuple[int, ...]) -> str:
        numbers = sorted(set(clusters), key=lambda c: (-self.size(c), c))
        if len(numbers) < 2:
            raise InputError("A merge takes two clusters or more", f"{len(numbers)}", "Choose another one as well")
        drafts = [self._cluster(number) for number in numbers]
        person_labels = [draft.label for draft in drafts if draft.source == "person"]
        target = numbers[0]
        sentence = f"Merged {join_names([self.name(number) for number in numbers])}"
        self.labels[np.isin(self.labels, numbers)] = target
        keep = person_labels[0] if person_labels else None
        self._update(
            target,
            label=keep,
            source="person" if keep else "keywords",
            pinned=True,
            changed=True,
            excluded=all(draft.excluded for draft in drafts),
            checked=False,
            note="\n".join(draft.note for draft in drafts if draft.note)[:MAX_NOTE],
        )
        for number in numbers[1:]:
            self._remove(number)
        return sentence

    def _split(self, cluster: int, parts: tuple[tuple[int, ...], ...]) -> str:
        draft = self._cluster(cluster)
        rows = np.flatnonzero(self.labels == cluster)
        part_rows = np.sort(np.concatenate([np.asarray(part, dtype=np.int64) for part in parts] or [rows[:0]]))
        if len(parts) < 2 or not all(parts) or not np.array_equal(part_rows, rows):
            raise InputError(
                f"A split divides the {rows.size:,} documents of the cluster into two parts or more",
                f"{len(parts)} parts with {part_rows.size:,} documents",
                "Propose the split again",
            )
        sentence = f"Split {self.name(cluster)} into {len(parts)}"
        ordered = sorted(parts, key=lambda part: (-len(part), part))
        own = draft.source == "person"
        self._update(
            cluster,
            pinned=True,
            changed=True,
            checked=False,
            label=draft.label if own else None,
            source=draft.source if own else "keywords",
        )
        for part in ordered[1:]:
            self._add(
                part,
                ClusterDraft(
                    None, None, "keywords", draft.group, None, pinned=True, excluded=draft.excluded, changed=True
                ),
                after=cluster,
            )
        return sentence

    def _move(self, rows: tuple[int, ...], to: int | None) -> str:
        n = self.labels.size
        moved_rows = np.unique(np.asarray(rows, dtype=np.int64))
        if not moved_rows.size or moved_rows[0] < 0 or moved_rows[-1] >= n:
            raise InputError(
                f"A move takes documents with rows from 0 to {n - 1:,}", f"{list(rows)[:5]}", "Select documents first"
            )
        sources = [int(number) for number in np.unique(self.labels[moved_rows]) if number != to]
        if not sources:
            raise InputError(
                "A move takes documents of other clusters",
                f"{moved_rows.size:,} that are all there already",
                "Choose another cluster",
            )
        group = self.drafts[int(np.bincount(self.labels[moved_rows]).argmax())].group
        if to is None:
            to = self._add(
                moved_rows,
                ClusterDraft(None, None, "keywords", group, None, pinned=True, changed=True),
                after=sources[0],
            )
            where = "a new cluster"
        else:
            self._update(to, pinned=True, changed=True)
            self.labels[moved_rows] = to
            where = self.name(to)
        for number in sources:
            if self.size(number):
                self._update(number, changed=True)
            else:
                self._remove(number)
        return f"Moved {moved_rows.size:,} {'document' if moved_rows.size == 1 else 'documents'} to {where}"

    def _regroup(self, cluster: int, group: int | None) -> str:
        draft = self._cluster(cluster)
        if group is None:
            group = self._free(self.groups)
            self.groups[group] = GroupDraft(None, "keywords")
            where = "a group of its own"
        elif group in self.groups:
            where = f"the group {self.groups[group].label}"
        else:
            raise InputError(
                "An edit must name groups that are there",
                f"group {group}",
                "See the groups with: gem-explorer info DIR",
            )
        if draft.group == group:
            raise InputError(
                "A cluster moves to another group",
                f"{draft.label!r}, which is in that group already",
                "Choose another group",
            )
        del self.drafts[cluster]  # to the end of its new group
        self.drafts[cluster] = replace(draft, group=group)
        self._drop_empty(draft.group)
        return f"Put {draft.label} into {where}"

    def _arrange_groups(self, groups: tuple[tuple[int, ...], ...]) -> str:
        if sorted(number for group in groups for number in group) != sorted(self.drafts) or not all(groups):
            raise InputError(
                f"Groups hold each of the {len(self.drafts)} clusters once",
                f"{len(groups)} groups with {sum(map(len, groups))} clusters",
                "Propose the groups again",
            )
        present: dict[frozenset[int], int] = {}
        for number in self.groups:
            present[frozenset(n for n, draft in self.drafts.items() if draft.group == number)] = number
        same = {index: present[frozenset(group)] for index, group in enumerate(groups) if frozenset(group) in present}
        drafts: dict[int, ClusterDraft] = {}
        new_groups: dict[int, GroupDraft] = {}
        used = set(same.values())
        for index, group in enumerate(groups):
            number = same.get(index, self._free(used))
            used.add(number)
            new_groups[number] = self.groups[number] if index in same else GroupDraft(None, "keywords")
            drafts.update((n, replace(self.drafts[n], group=number)) for n in group)
        changed = len(groups) - len(same)
        self.drafts, self.groups = drafts, new_groups
        return f"Arranged the clusters in {len(groups)} groups, {changed} with other clusters and a new name"

    def _exclude(self, clusters: tuple[int, ...], *, on: bool) -> str:
        if not clusters:
            raise InputError("An exclusion names a cluster or more", "none", "Choose a cluster")
        for number in clusters:
            self._update(number, excluded=on, **({"pinned": True} if on else {}))
        if all(draft.excluded for draft in self.drafts.values()):
            raise InputError("At least one cluster must stay in", "all of them excluded", "Leave one out")
        return f"{'Excluded' if on else 'Took in again'} {join_names([self.name(number) for number in clusters])}"

    def _add(self, rows: Iterable[int], draft: ClusterDraft, after: int) -> int:
        number = self._free(self.drafts)
        self.labels[np.asarray(list(rows), dtype=np.int64)] = number
        ordered: dict[int, ClusterDraft] = {}
        for old, old_draft in self.drafts.items():
            ordered[old] = old_draft
            if old == after:
                ordered[number] = draft
        self.drafts = ordered
        return number

    def _remove(self, number: int) -> None:
        group = self.drafts.pop(number).group
        self._drop_empty(group)

    def _drop_empty(self, group: int) -> None:
        if all(draft.group != group for draft in self.drafts.values()):
            del self.groups[group]
