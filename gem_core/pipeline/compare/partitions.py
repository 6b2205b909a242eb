"""One way to group the documents of a workspace: a taxonomy, another method, or a column of the corpus."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from gem_core._types import Float32, Int32, Progress, frozen, silent
from gem_core.clustering.overlap import overlap_table
from gem_core.clustering.seeding import hard_assignment_sums
from gem_core.errors import InputError
from gem_core.pipeline.compare.refits import METHODS, Method, base_settings, refit, refit_key
from gem_core.taxonomy import cluster_keywords, cluster_labels
from gem_core.workspace import Settings, Taxonomy, Workspace
from gem_core.workspace.studies import Grouping, Studies

Kind = Literal["taxonomy", "method", "column"]
MOST_VALUES = 200  # of a column that is worth comparing with: more are names, not groups
NO_VALUE = "(no value)"
NO_COLOR = "#8a94a3"  # of a group that shares nothing with any cluster


@dataclass(frozen=True)
class Partition:
    """A grouping of all documents, ready to show.

    Attributes
    ----------
    spec : str
        What it was asked for as: "present", "step:2", "kmeans", "column:subject".
    kind : "taxonomy", "method" or "column"
    title : str
        What people call it, such as "k-means"; the name of a column is corpus text.
    labels : (n,) int32
        Position of each document's group in `names`.
    names, colors : tuples of str
        One per group. A taxonomy has its own colors; other groups take the color of the cluster of the present
        taxonomy that they share most documents with.
    numbers : tuple of int
        Cluster numbers of a taxonomy; else 0, 1, ...
    order : (K,) int32
        Groups as they are listed: a taxonomy's in the order of its tree, others the largest first.
    margin : (n,) float32 or None
        Lead over the next group, nats; a column has none.
    pinned : tuple of int
        Numbers of the clusters of a taxonomy that are pinned: in another taxonomy they stay themselves.
    """

    spec: str
    kind: Kind
    title: str
    labels: Int32
    names: tuple[str, ...]
    colors: tuple[str, ...]
    numbers: tuple[int, ...]
    order: Int32
    margin: Float32 | None = None
    pinned: tuple[int, ...] = ()

    @property
    def sizes(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Documents in each group, (K,)."""
        return np.bincount(self.labels, minlength=len(self.names))


def partition(workspace: Workspace, spec: str, *, progress: Progress = silent) -> Partition:
    """Return the grouping that `spec` names.

    Parameters
    ----------
    workspace : Workspace
        With a taxonomy.
    spec : str
        "present": the present taxonomy. "step:N" or "step:KEY": that of a step of the history, counted from 1.
        "kmeans", "spherical", "vmf": another method with as many clusters as the present taxonomy and its seed, or
        with K when written "kmeans:K"; fitted once, then kept in the workspace. "column:NAME": the values of a column.
    progress : Progress
        Called while a method is fitted.

    Raises
    ------
    InputError
        If `spec` names nothing, or a column with too many values.
    WorkspaceError
        If nothing has been fitted yet.
    """
    word, _, rest = spec.partition(":")
    if spec == "present":
        return _of_taxonomy(spec, "GEM", workspace.taxonomy())
    if word == "step" and rest:
        return _of_step(workspace, spec, rest)
    if word == "column" and rest:
        return _of_column(workspace, spec, rest)
    if word in ("kmeans", "spherical", "vmf") and (not rest or (rest.isdigit() and int(rest) > 0)):
        return _of_method(workspace, spec, word, int(rest) if rest else None, progress)  # type: ignore[arg-type]
    raise InputError(
        "A grouping is present, step:N, kmeans, spherical, vmf or column:NAME",
        repr(spec),
        "Use one of these; kmeans:32 asks for 32 clusters",
    )


def at_hand(workspace: Workspace, spec: str) -> bool:
    """Whether `partition` needs no fit."""
    word, _, rest = spec.partition(":")
    if word not in ("kmeans", "spherical", "vmf"):
        return True
    settings = _partition_settings(workspace.taxonomy(), int(rest) if rest.isdigit() else None)
    return Studies(workspace.root).has_grouping(refit_key(workspace, settings, word))  # type: ignore[arg-type]


def columns_to_compare(workspace: Workspace) -> tuple[str, ...]:
    """Columns that hold groups: 2 to `MOST_VALUES` different values; the label column first."""
    parts = workspace.manifest.columns
    left_out = {parts.get(role) for role in ("id", "text", "tokens", "weight")} | {"id", "tokens"}
    column_names = [
        str(name)
        for name in workspace.documents.columns
        if name not in left_out and 2 <= workspace.documents[name].astype("string").nunique() <= MOST_VALUES
    ]
    return tuple(sorted(column_names, key=lambda name: name != parts.get("label")))


def column_groups(values: "pd.Series[str]") -> tuple[Int32, tuple[str, ...]]:
    """Positions and names of the values of a column, the most frequent first; a missing value is a group too."""
    texts = values.astype("string").fillna(NO_VALUE).astype(object)
    counts = texts.value_counts()
    names = sorted(counts.index, key=lambda name: (-counts[name], name))
    position_of = {name: at for at, name in enumerate(names)}
    return frozen(texts.map(position_of).to_numpy(np.int32)), tuple(str(name) for name in names)


def _of_taxonomy(spec: str, title: str, taxonomy: Taxonomy) -> Partition:
    numbers = tuple(cluster.number for cluster in taxonomy.clusters)
    position_of = {number: at for at, number in enumerate(numbers)}
    order = [position_of[child] for parent in taxonomy.groups for child in parent.children if child in position_of]
    order += sorted(set(range(len(numbers))) - set(order))
    return Partition(
        spec=spec,
        kind="taxonomy",
        title=title,
        labels=taxonomy.positions,
        numbers=numbers,
        names=tuple(cluster.label for cluster in taxonomy.clusters),
        order=frozen(np.array(order, dtype=np.int32)),
        colors=tuple(cluster.color for cluster in taxonomy.clusters),
        margin=frozen(taxonomy.documents["margin"].to_numpy(np.float32)),
        pinned=tuple(cluster.number for cluster in taxonomy.clusters if cluster.pinned),
    )


def _of_step(workspace: Workspace, spec: str, name: str) -> Partition:
    steps = workspace.history().steps
    keys = [step.key for step in steps]
    at = int(name) - 1 if name.isdigit() and name not in keys else keys.index(name) if name in keys else -1
    if not 0 <= at < len(keys):
        raise InputError(
            f"The history holds steps 1 to {len(keys)}", f"step {name!r}", "Use a number of the history, or present"
        )
    return _of_taxonomy(spec, f"step {at + 1}", workspace.taxonomy(keys[at]))


def _of_column(workspace: Workspace, spec: str, name: str) -> Partition:
    if name not in workspace.documents.columns:
        raise InputError(
            "The column must be one of the corpus",
            repr(name),
            f"Choose one of: {', '.join(columns_to_compare(workspace)) or 'none has groups'}",
        )
    labels, names = column_groups(workspace.documents[name])
    if len(names) > MOST_VALUES:
        raise InputError(
            f"A column to compare with holds at most {MOST_VALUES} different values",
            f"{len(names):,} in {name!r}",
            "Choose a column that holds groups",
        )
    return Partition(
        spec=spec,
        kind="column",
        title=f'column "{name}"',
        labels=labels,
        names=names,
        colors=_borrowed(workspace.taxonomy(), labels, len(names)),
        numbers=tuple(range(len(names))),
        order=frozen(np.arange(len(names), dtype=np.int32)),
    )


def _partition_settings(taxonomy: Taxonomy, n_clusters: int | None) -> Settings:
    return base_settings(taxonomy.settings, n_clusters or len(taxonomy.clusters), taxonomy.settings.seed)


def _of_method(
    workspace: Workspace, spec: str, method: Method, n_clusters: int | None, progress: Progress
) -> Partition:
    taxonomy = workspace.taxonomy()
    settings = _partition_settings(taxonomy, n_clusters)
    progress(f"fit {METHODS[method]}", 0, 2)
    grouping = refit(workspace, settings, method, progress=progress)
    progress("name clusters", 1, 2)
    names = _names(workspace, settings, method, grouping)
    progress("name clusters", 2, 2)
    order = np.argsort(-np.bincount(grouping.labels, minlength=len(names)), kind="stable").astype(np.int32)
    return Partition(
        spec=spec,
        kind="method",
        title=METHODS[method],
        labels=grouping.labels,
        names=names,
        colors=_borrowed(taxonomy, grouping.labels, len(names)),
        numbers=tuple(range(len(names))),
        order=frozen(order),
        margin=grouping.margin,
    )


def _names(workspace: Workspace, settings: Settings, method: Method, grouping: Grouping) -> tuple[str, ...]:
    """Keyword labels of the clusters of a fit; kept with it after the first time."""
    if "names" not in grouping.facts:
        X, k = workspace.embeddings, settings.n_clusters
        mass, sums = hard_assignment_sums(X, np.full(len(workspace), 1.0), grouping.labels, k)
        centers = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)  # an empty cluster has none
        typical = np.einsum("ij,ij->i", X, centers.astype(X.dtype)[grouping.labels])
        names = cluster_labels(cluster_keywords(workspace.terms, X, grouping.labels, typical, centers))
        grouping.facts["names"] = [
            name if size else f"Empty {at}" for at, (name, size) in enumerate(zip(names, mass, strict=True))
        ]
        Studies(workspace.root).save_grouping(refit_key(workspace, settings, method), grouping)
    return tuple(grouping.facts["names"])


def _borrowed(taxonomy: Taxonomy, labels: Int32, k: int) -> tuple[str, ...]:
    shared = overlap_table(labels, taxonomy.positions, k, len(taxonomy.clusters))
    return tuple(taxonomy.clusters[int(row.argmax())].color if row.any() else NO_COLOR for row in shared)
