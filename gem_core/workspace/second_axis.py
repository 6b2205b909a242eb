"""Second axis of mixtures: a numeric column cut into buckets, so that domains are cluster x bucket."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gem_core._types import Int32, frozen
from gem_core.errors import InputError, WorkspaceError
from gem_core.workspace.atomic_files import write_json
from gem_core.workspace.mixing_runs import FOLDER
from gem_core.workspace.store import Workspace
from gem_core.workspace.taxonomy import Cluster, Group, Taxonomy

FILE = "axis.json"
MOST_BUCKETS = 20
LEAST_TOKENS = 6_000  # of a domain: goals and proxies hold out 2,048 of their own tokens and train on as many
MOST_DOMAINS = 2000  # cluster x bucket; a strategy that fits laws needs far fewer
STRIDE = 100  # domain number = STRIDE * cluster number + bucket; bucket 0 holds the documents without a value


@dataclass(frozen=True)
class Axis:
    """A numeric column and the values that cut it.

    Attributes
    ----------
    column : str
        Of the documents.
    cuts : tuple of float
        Rising; a value that equals a cut is in the bucket above it. Bucket 1 is below the first cut.
    least : int
        Tokens of a domain: a smaller bucket of a cluster is joined with its smaller neighbor.
    """

    column: str
    cuts: tuple[float, ...]
    least: int = LEAST_TOKENS

    @property
    def bucket_count(self) -> int:
        """Number of buckets, without the one for documents that have no value."""
        return len(self.cuts) + 1

    def describe_bucket(self, bucket: int) -> str:
        """Return the range of values of a bucket in words.

        Examples
        --------
        >>> axis = Axis("quality", (0.2, 0.5))
        >>> [axis.describe_bucket(bucket) for bucket in range(4)]
        ['no value', 'below 0.2', '0.2 to 0.5', 'from 0.5']
        """
        if bucket == 0:
            return "no value"
        if bucket == 1:
            return f"below {self.cuts[0]:g}"
        if bucket == self.bucket_count:
            return f"from {self.cuts[-1]:g}"
        return f"{self.cuts[bucket - 2]:g} to {self.cuts[bucket - 1]:g}"


@dataclass(frozen=True)
class CrossedTaxonomy(Taxonomy):
    """A taxonomy whose clusters are the buckets of each cluster of another one, and whose groups are those clusters.

    Attributes
    ----------
    axis : Axis or None
    domain_ids : (n,) int32 or None
        Domain number of each document: 100 x cluster number + bucket.
    """

    axis: Axis | None = None
    domain_ids: Int32 | None = None

    @cached_property
    def documents(self) -> pd.DataFrame:
        """One row per document as in the taxonomy it comes from, with the domain number as cluster_id."""
        return super().documents.assign(cluster_id=self.domain_ids)


def make_axis(
    workspace: Workspace, column: str, buckets: int = 5, cuts: Sequence[float] = (), least: int = LEAST_TOKENS
) -> Axis:
    """Return the axis of a column, cut where its documents fall into buckets of equal size, or at given values.

    Parameters
    ----------
    workspace : Workspace
    column : str
        A numeric column of the documents.
    buckets : int
        2 to `MOST_BUCKETS`. Equal values stay together, so there may be fewer.
    cuts : sequence of float
        Rising; instead of `buckets`.
    least : int
        As in `Axis`.

    Raises
    ------
    InputError
        If the column is none, not numeric or has one value only, or the cuts do not rise or are too many.
    """
    values = _column_values(workspace, column)
    if cuts:
        if len(cuts) >= MOST_BUCKETS or not np.isfinite(cuts).all() or any(a >= b for a, b in pairwise(cuts)):
            raise InputError(
                f"Cuts must be rising numbers, at most {MOST_BUCKETS - 1}", f"{list(cuts)}"[:80], "Use --cuts 0.2,0.5"
            )
        return Axis(column, tuple(map(float, cuts)), least)
    if not 2 <= buckets <= MOST_BUCKETS:
        raise InputError(f"Buckets must be 2 to {MOST_BUCKETS}", f"{buckets}", "Use --buckets 5")
    finite = values[np.isfinite(values)]
    ends = np.quantile(finite, np.arange(1, buckets) / buckets, method="higher")
    ends = np.unique(ends[ends > finite.min()])
    if not ends.size:  # More than half of the documents share the smallest value.
        ends = np.unique(finite[finite > finite.min()])[:1]
    return Axis(column, tuple(map(float, ends)), least)


def numeric_columns(workspace: Workspace) -> tuple[str, ...]:
    """Return the columns that can be a second axis: numbers with two values or more."""
    table = workspace.documents
    return tuple(
        str(name)
        for name in table.columns
        if name != "id" and _is_numeric(table[name]) and table[name].dropna().unique().size > 1
    )


def save_axis(workspace: Workspace, axis: Axis) -> None:
    """Make an axis that of all mixtures of a workspace.

    Raises
    ------
    InputError
        If there would be more than `MOST_DOMAINS` domains.
    WorkspaceError
        If the workspace cannot be written.
    """
    cross_taxonomy(workspace, workspace.taxonomy(), axis)
    write_json(_path(workspace), {"column": axis.column, "cuts": list(axis.cuts), "least": axis.least})


def remove_axis(workspace: Workspace) -> None:
    """Return to mixtures of clusters; without an axis this is no error."""
    _path(workspace).unlink(missing_ok=True)


def axis_stamp(workspace: Workspace) -> int:
    """Return a number that changes with the axis; 0 without one."""
    path = _path(workspace)
    return path.stat().st_mtime_ns if path.exists() else 0


def read_axis(workspace: Workspace) -> Axis | None:
    """Return the axis of a workspace, or None.

    Raises
    ------
    WorkspaceError
        If its file is damaged.
    """
    path = _path(workspace)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return Axis(str(value["column"]), tuple(map(float, value["cuts"])), int(value["least"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(
            "The second axis must be readable", f"{path}: {error!r}", "Set it again: gem-explorer mix axis DIR"
        ) from error


def mixing_taxonomy(workspace: Workspace, taxonomy: Taxonomy | None = None) -> Taxonomy:
    """Return what mixtures weigh: the clusters of the taxonomy, or their buckets where an axis was set.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy, optional
        The current one when left out.
    """
    base = taxonomy or workspace.taxonomy()
    axis = None if isinstance(base, CrossedTaxonomy) else read_axis(workspace)
    return base if axis is None else cross_taxonomy(workspace, base, axis)


def cross_taxonomy(workspace: Workspace, taxonomy: Taxonomy, axis: Axis) -> CrossedTaxonomy:
    """Return the taxonomy whose clusters are the buckets of each cluster.

    Bucket b of cluster k has the number 100 k + b and is a child of the group k; joined buckets have the lowest of
    their numbers, and buckets without documents are left out. The mass of a cluster is
    divided by documents. The hash covers the domain of each document and which are excluded, so labels may change.

    Raises
    ------
    InputError
        If the column is not there, or there would be more than `MOST_DOMAINS` domains.
    """
    buckets = document_buckets(workspace, axis)
    lowest, highest = _join_buckets(taxonomy, buckets, workspace.documents["tokens"].to_numpy(np.int64), axis)
    domain_ids = STRIDE * np.asarray(taxonomy.documents["cluster_id"], np.int64) + lowest[taxonomy.positions, buckets]
    numbers, index, counts = np.unique(domain_ids, return_inverse=True, return_counts=True)
    if numbers.size > MOST_DOMAINS:
        raise InputError(
            f"Clusters x buckets must be at most {MOST_DOMAINS:,}",
            f"{numbers.size:,} with documents",
            "Use fewer buckets: --buckets 3",
        )
    tokens = np.zeros(numbers.size, dtype=np.int64)
    np.add.at(tokens, index, workspace.documents["tokens"].to_numpy(np.int64))
    domains = _with_shares(
        [
            _domain(taxonomy, axis, number, highest, count, size)
            for number, count, size in zip(numbers.tolist(), counts.tolist(), tokens.tolist(), strict=True)
        ]
    )
    digest = hashlib.sha256(np.ascontiguousarray(domain_ids, dtype="<i4").tobytes())
    digest.update(json.dumps([axis.column, [c.number for c in taxonomy.clusters if c.excluded]]).encode())
    return CrossedTaxonomy(
        **{
            **{name: getattr(taxonomy, name) for name in ("base", "settings", "costs", "data_hash", "folder")},
            "key": f"{taxonomy.key}-{digest.hexdigest()[:12]}",
            "clusters": domains,
            "groups": _groups(taxonomy, domains),
            "taxonomy_hash": digest.hexdigest(),
            "axis": axis,
            "domain_ids": frozen(domain_ids.astype(np.int32)),
        }
    )


def document_buckets(workspace: Workspace, axis: Axis) -> NDArray[np.int64]:
    """Return the bucket of each document, (n,): 0 without a value, else 1 to `axis.bucket_count`."""
    values = _column_values(workspace, axis.column)
    return np.where(np.isfinite(values), np.searchsorted(axis.cuts, values, side="right") + 1, 0)


def _join_buckets(
    taxonomy: Taxonomy, buckets: NDArray[np.int64], document_tokens: NDArray[np.int64], axis: Axis
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the lowest and highest bucket that each bucket of each cluster is joined with, (K, buckets + 1) each."""
    tokens = np.zeros((len(taxonomy.clusters), axis.bucket_count + 1), dtype=np.int64)
    np.add.at(tokens, (taxonomy.positions, buckets), document_tokens)
    lowest = np.zeros_like(tokens)
    highest = np.zeros_like(tokens)
    for k, row in enumerate(tokens):
        runs = [[bucket] for bucket in range(len(row)) if row[bucket]] or [[1]]
        sizes = [int(row[run].sum()) for run in runs]
        while len(runs) > 1 and min(sizes) < axis.least:
            at = sizes.index(min(sizes))
            first = at - 1 if at + 1 == len(runs) or (at and sizes[at - 1] <= sizes[at + 1]) else at
            runs[first : first + 2] = [runs[first] + runs[first + 1]]
            sizes[first : first + 2] = [sizes[first] + sizes[first + 1]]
        for run in runs:
            lowest[k, run], highest[k, run] = run[0], run[-1]
    return lowest, highest


def _domain(
    taxonomy: Taxonomy, axis: Axis, number: int, highest: NDArray[np.int64], documents: int, tokens: int
) -> Cluster:
    """Return one bucket of a cluster, or several joined ones, with counts of its own."""
    cluster, low = taxonomy.cluster(number // STRIDE), number % STRIDE
    high = int(highest[taxonomy.index_of(cluster.number), low])
    if high == 0:
        part = f"no {axis.column}"
    else:
        part = f"{axis.column} {low}" + (f" to {high}" if high > low else "") + f" of {axis.bucket_count}"
    return replace(
        cluster,
        number=number,
        label=f"{cluster.label} / {part}",
        group=cluster.number,
        documents=documents,
        tokens=tokens,
        mass=cluster.mass * documents / max(cluster.documents, 1),
    )


def _with_shares(domains: list[Cluster]) -> tuple[Cluster, ...]:
    """Fill in the shares of documents and tokens; excluded clusters count for nothing."""
    documents = max(sum(domain.documents for domain in domains if not domain.excluded), 1)
    tokens = max(sum(domain.tokens for domain in domains if not domain.excluded), 1)
    return tuple(
        replace(
            domain,
            share_documents=0.0 if domain.excluded else domain.documents / documents,
            share_tokens=0.0 if domain.excluded else domain.tokens / tokens,
        )
        for domain in domains
    )


def _groups(taxonomy: Taxonomy, domains: tuple[Cluster, ...]) -> tuple[Group, ...]:
    children: dict[int, list[int]] = {}
    for domain in domains:
        children.setdefault(domain.group, []).append(domain.number)
    return tuple(
        Group(c.number, c.label, c.label_source, c.color, tuple(children[c.number]))
        for c in taxonomy.clusters
        if c.number in children
    )


def _column_values(workspace: Workspace, column: str) -> NDArray[np.float64]:
    table = workspace.documents
    if column not in table.columns or not _is_numeric(table[column]):
        choices = ", ".join(numeric_columns(workspace)) or "none"
        raise InputError("The second axis must be a numeric column", repr(column)[:80], f"Numeric columns: {choices}")
    values = table[column].to_numpy(np.float64, na_value=np.nan)
    if np.unique(values[np.isfinite(values)]).size < 2:
        raise InputError("The second axis needs two values or more", f"one in {column!r}", "Choose another column")
    return np.asarray(values)


def _is_numeric(cells: "pd.Series[object]") -> bool:
    return pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)


def _path(workspace: Workspace) -> Path:
    return workspace.root / FOLDER / FILE
