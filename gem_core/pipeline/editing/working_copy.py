"""A taxonomy while it is changed: which document is where, and what each cluster keeps of its old self."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gem_core._types import Int32
from gem_core.errors import InputError
from gem_core.pipeline.editing.operations import (
    Exclude,
    Kind,
    Merge,
    Move,
    Op,
    Pin,
    Regroup,
    Rename,
    Split,
    clean_label,
    listed,
)
from gem_core.workspace import Taxonomy
from gem_core.workspace.taxonomy import LabelSource


@dataclass(frozen=True)
class Place:
    """A cluster in the making.

    Attributes
    ----------
    origin : int or None
        Number in the old taxonomy of the cluster whose evidence it keeps, unless `changed`.
    label : str or None
        None: named by its keywords.
    colour : str or None
        None: to be chosen.
    changed : bool
        Whether its documents are others than those of `origin`.
    """

    origin: int | None
    label: str | None
    source: LabelSource
    parent: int
    colour: str | None
    pinned: bool = False
    excluded: bool = False
    changed: bool = False


@dataclass(frozen=True)
class Group:
    """A group in the making; `label` None: named from its children."""

    label: str | None
    source: LabelSource


class Arrangement:
    """Documents and clusters of a taxonomy, to be changed by edits.

    Attributes
    ----------
    labels : (n,) int32
        Cluster number of each document.
    places, groups : dict
        By number; `places` also gives the order inside a group, `groups` the order of the groups.
    """

    def __init__(self, labels: Int32, places: dict[int, Place], groups: dict[int, Group]) -> None:
        self.labels, self.places, self.groups = labels, places, groups

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> "Arrangement":
        """Return the arrangement of a taxonomy as it is."""
        ordered = [taxonomy.cluster(number) for parent in taxonomy.parents for number in parent.children]
        return cls(
            taxonomy.documents["cluster_id"].to_numpy(np.int32).copy(),
            {
                c.number: Place(c.number, c.label, c.label_source, c.parent, c.colour, c.pinned, c.excluded)
                for c in ordered
            },
            {p.number: Group(p.label, p.label_source) for p in taxonomy.parents},
        )

    def apply(self, op: Op) -> str:
        """Change it by one edit and return what was done, in words.

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
                return self._regroup(op.cluster, op.parent)
            case Pin():
                self._place(op.cluster, pinned=op.on)
                return f"{'Pinned' if op.on else 'Unpinned'} {self.name(op.cluster)}"
            case Exclude():
                return self._exclude(op.clusters, on=op.on)

    def name(self, number: int) -> str:
        """Label of a cluster for a sentence; clusters that have none yet by their number."""
        place = self._known(number)
        return place.label or f"cluster {number}"

    def size(self, number: int) -> int:
        """Documents in a cluster."""
        return int(np.count_nonzero(self.labels == number))

    def _known(self, number: int) -> Place:
        if number not in self.places:
            raise InputError(
                "An edit must name clusters that are there",
                f"cluster {number}",
                "See the numbers with: gem-explorer info DIR",
            )
        return self.places[number]

    def _place(self, number: int, **changes: object) -> None:
        self.places[number] = replace(self._known(number), **changes)  # type: ignore[arg-type]

    def _free(self, taken: Iterable[int]) -> int:
        used = set(taken)
        return next(number for number in range(len(used) + 1) if number not in used)

    def _rename(self, kind: Kind, number: int, label: str, source: LabelSource) -> str:
        label = clean_label(label)
        if kind == "parent" and number not in self.groups:
            raise InputError(
                "An edit must name groups that are there",
                f"group {number}",
                "See the groups with: gem-explorer info DIR",
            )
        item = self._known(number) if kind == "cluster" else self.groups[number]
        if source == "llm" and item.source == "person":
            raise InputError(
                "A label that a person gave is kept",
                f"{item.label!r} for {label!r}",
                "Rename it yourself if the new one is better",
            )
        siblings = self.places if kind == "cluster" else self.groups
        twin = next(
            (
                other
                for other, one in siblings.items()
                if other != number and (one.label or "").casefold() == label.casefold()
            ),
            None,
        )
        if twin is not None:
            raise InputError("Labels are unique", f"{label!r}, which {kind} {twin} has already", "Choose another name")
        if kind == "cluster":
            self._place(number, label=label, source=source)
        else:
            self.groups[number] = Group(label, source)
        return f"Renamed {item.label} to {label}"

    def _merge(self, clusters: tuple[int, ...]) -> str:
        chosen = sorted(set(clusters), key=lambda c: (-self.size(c), c))
        if len(chosen) < 2:
            raise InputError("A merge takes two clusters or more", f"{len(chosen)}", "Choose another one as well")
        places = [self._known(number) for number in chosen]
        named = [place.label for place in places if place.source == "person"]
        target = chosen[0]
        sentence = f"Merged {listed([self.name(number) for number in chosen])}"
        self.labels[np.isin(self.labels, chosen)] = target
        keep = named[0] if named else None
        self._place(
            target,
            label=keep,
            source="person" if keep else "keywords",
            pinned=True,
            changed=True,
            excluded=all(place.excluded for place in places),
        )
        for number in chosen[1:]:
            self._remove(number)
        return sentence

    def _split(self, cluster: int, parts: tuple[tuple[int, ...], ...]) -> str:
        place = self._known(cluster)
        rows = np.flatnonzero(self.labels == cluster)
        given = np.sort(np.concatenate([np.asarray(part, dtype=np.int64) for part in parts] or [rows[:0]]))
        if len(parts) < 2 or not all(parts) or not np.array_equal(given, rows):
            raise InputError(
                f"A split divides the {rows.size:,} documents of the cluster into two parts or more",
                f"{len(parts)} parts with {given.size:,} documents",
                "Propose the split again",
            )
        sentence = f"Split {self.name(cluster)} into {len(parts)}"
        ordered = sorted(parts, key=lambda part: (-len(part), part))
        own = place.source == "person"
        self._place(
            cluster,
            pinned=True,
            changed=True,
            label=place.label if own else None,
            source=place.source if own else "keywords",
        )
        for part in ordered[1:]:
            self._add(
                part,
                Place(None, None, "keywords", place.parent, None, pinned=True, excluded=place.excluded, changed=True),
                after=cluster,
            )
        return sentence

    def _move(self, rows: tuple[int, ...], to: int | None) -> str:
        n = self.labels.size
        moved = np.unique(np.asarray(rows, dtype=np.int64))
        if not moved.size or moved[0] < 0 or moved[-1] >= n:
            raise InputError(
                f"A move takes documents with rows from 0 to {n - 1:,}", f"{list(rows)[:5]}", "Select documents first"
            )
        sources = [int(number) for number in np.unique(self.labels[moved]) if number != to]
        if not sources:
            raise InputError(
                "A move takes documents of other clusters",
                f"{moved.size:,} that are all there already",
                "Choose another cluster",
            )
        parent = self.places[int(np.bincount(self.labels[moved]).argmax())].parent
        if to is None:
            to = self._add(
                moved, Place(None, None, "keywords", parent, None, pinned=True, changed=True), after=sources[0]
            )
            where = "a new cluster"
        else:
            self._place(to, pinned=True, changed=True)
            self.labels[moved] = to
            where = self.name(to)
        for number in sources:
            if self.size(number):
                self._place(number, changed=True)
            else:
                self._remove(number)
        return f"Moved {moved.size:,} {'document' if moved.size == 1 else 'documents'} to {where}"

    def _regroup(self, cluster: int, parent: int | None) -> str:
        place = self._known(cluster)
        if parent is None:
            parent = self._free(self.groups)
            self.groups[parent] = Group(None, "keywords")
            where = "a group of its own"
        elif parent in self.groups:
            where = f"the group {self.groups[parent].label}"
        else:
            raise InputError(
                "An edit must name groups that are there",
                f"group {parent}",
                "See the groups with: gem-explorer info DIR",
            )
        if place.parent == parent:
            raise InputError(
                "A cluster moves to another group",
                f"{place.label!r}, which is in that group already",
                "Choose another group",
            )
        del self.places[cluster]  # to the end of its new group
        self.places[cluster] = replace(place, parent=parent)
        self._drop_empty(place.parent)
        return f"Put {place.label} into {where}"

    def _exclude(self, clusters: tuple[int, ...], *, on: bool) -> str:
        if not clusters:
            raise InputError("An exclusion names a cluster or more", "none", "Choose a cluster")
        for number in clusters:
            self._place(number, excluded=on, **({"pinned": True} if on else {}))
        if all(place.excluded for place in self.places.values()):
            raise InputError("At least one cluster must stay in", "all of them excluded", "Leave one out")
        return f"{'Excluded' if on else 'Took in again'} {listed([self.name(number) for number in clusters])}"

    def _add(self, rows: Iterable[int], place: Place, after: int) -> int:
        number = self._free(self.places)
        self.labels[np.asarray(list(rows), dtype=np.int64)] = number
        ordered: dict[int, Place] = {}
        for old, one in self.places.items():
            ordered[old] = one
            if old == after:
                ordered[number] = place
        self.places = ordered
        return number

    def _remove(self, number: int) -> None:
        parent = self.places.pop(number).parent
        self._drop_empty(parent)

    def _drop_empty(self, parent: int) -> None:
        if all(place.parent != parent for place in self.places.values()):
            del self.groups[parent]
