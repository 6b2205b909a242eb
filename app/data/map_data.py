"""Map data: which documents, in which colors, with which names. Arrays only; no text of a document."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gem_core._formatting import percent
from gem_core.export.saved_mix import saved_mix
from gem_core.mixing import Weights
from gem_core.taxonomy import oklch_to_hex
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.second_axis import mixing_taxonomy

LIMIT = 50_000  # documents drawn at most
MATCHES = 0.6  # of the places on a map that documents of a selection may take
MOST_GROUPS = 40  # a column with more different values is no label column
VALUES = {"GIS": "gis", "Margin": "margin", "Length": "tokens"}
MIX_VALUES = ("Mix weight", "Mix ratio", "Mix epochs")
CLUSTER = "Cluster"
COLUMN = "Column: "

Int = NDArray[np.int32]


@dataclass(frozen=True)
class Coloring:
    """How every document of the corpus is colored.

    Attributes
    ----------
    groups : (n,) int32
        Color group of each document, -1 = none; for clusters their places in `taxonomy.clusters`.
    colors, names : tuples
        Of the groups.
    values : (n,) float64 in [0, 1] or None
        Where each document stands on the color bar; None when colors stand for groups.
    legend : (title, low, high) or None
    clusters : bool
        Whether the groups are the clusters of the taxonomy.
    """

    groups: Int
    colors: tuple[str, ...]
    names: tuple[str, ...]
    values: NDArray[np.float64] | None = None
    legend: tuple[str, str, str] | None = None
    clusters: bool = True


def thin(groups: Int, limit: int = LIMIT, seed: int = 0) -> Int:
    """Choose at most `limit` documents, more than proportionally from small groups, so that none disappears.

    A group of c documents gets a share of the places that grows with the square root of c, and never more than c.
    """
    n = len(groups)
    if n <= limit:
        return np.arange(n, dtype=np.int32)
    counts = np.bincount(groups)
    quota = np.zeros(len(counts))
    open_ = counts > 0
    remaining = float(limit)
    while True:  # a group that cannot use its places gives them back to the others
        offer = np.where(open_, remaining * np.sqrt(counts) / np.sqrt(counts[open_]).sum(), 0.0)
        full = open_ & (offer >= counts)
        if not full.any():
            quota[open_] = offer[open_]
            break
        quota[full] = counts[full]
        remaining -= counts[full].sum()
        open_ &= ~full
        if not open_.any():
            break
    order = np.random.default_rng(seed).permutation(n)
    ranked = order[np.argsort(groups[order], kind="stable")]
    rank_in_group = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(ranked[rank_in_group < np.floor(quota)[groups[ranked]]]).astype(np.int32)


def with_matches(groups: Int, thinned: Int, match: NDArray[np.bool_], limit: int = LIMIT) -> Int:
    """Choose the documents to draw when some are selected: those first, then from `thinned` as many as have a place."""
    if len(thinned) == len(groups):
        return thinned
    matching_rows = np.flatnonzero(match).astype(np.int32)
    if len(matching_rows) > MATCHES * limit:
        matching_rows = matching_rows[thin(groups[matching_rows], int(MATCHES * limit))]
    others = thinned[~match[thinned]]
    others = others[thin(groups[others], limit - len(matching_rows))]
    return np.union1d(matching_rows, others).astype(np.int32)


def label_columns(workspace: Workspace) -> list[str]:
    """Columns of the source that group the documents: 2 to MOST_GROUPS different values."""
    table = workspace.documents
    columns = [
        name for name in table.columns if name not in ("id", "tokens") and 2 <= table[name].nunique() <= MOST_GROUPS
    ]
    label = workspace.manifest.columns.get("label")
    return sorted(columns, key=lambda name: name != label)


def choices(workspace: Workspace) -> list[str]:
    """Return what the documents can be colored by."""
    columns = [*label_columns(workspace), *number_columns(workspace)]
    return [CLUSTER, *(COLUMN + name for name in columns), *VALUES]


def number_columns(workspace: Workspace) -> list[str]:
    """Columns of the source whose values are numbers, too many different ones to be groups."""
    table = workspace.documents
    return [
        str(name)
        for name in table.columns
        if name not in ("id", "tokens")
        and pd.api.types.is_numeric_dtype(table[name])
        and table[name].nunique() > MOST_GROUPS
    ]


def color_by(
    choice: str, workspace: Workspace, taxonomy: Taxonomy, value_range: tuple[float, float] | None = None
) -> Coloring:
    """Color the documents by one of `choices`; numbers over a range, by default their 1st to 99th percentile."""
    groups = taxonomy.positions
    colors = tuple(cluster.color for cluster in taxonomy.clusters)
    names = tuple(cluster.label for cluster in taxonomy.clusters)
    name = choice.removeprefix(COLUMN)
    if choice != name and name in number_columns(workspace):
        values, legend = _levels(workspace.documents[name].to_numpy(np.float64), name, value_range, logarithmic=False)
        return Coloring(groups, colors, names, values, legend)
    if choice != name:
        return _by_column(workspace.documents[name])
    if choice in MIX_VALUES:
        domains = mixing_taxonomy(workspace, taxonomy)
        weights = saved_mix(workspace, domains)
        if weights is not None:
            values, legend = _mix_levels(domains, weights, choice)
            return Coloring(groups, colors, names, values, legend)
    if choice not in VALUES:
        return Coloring(groups, colors, names)
    column = VALUES[choice]
    table = workspace.documents if column == "tokens" else taxonomy.documents
    values, legend = _levels(table[column].to_numpy(np.float64), choice, value_range, logarithmic=column == "tokens")
    return Coloring(groups, colors, names, values, legend)


def _mix_levels(taxonomy: Taxonomy, weights: Weights, choice: str) -> tuple[NDArray[np.float64], tuple[str, str, str]]:
    """Place the documents on a color bar by weight, ratio or epochs of their domain; excluded clusters have none."""
    per_domain = {"Mix weight": weights.weights, "Mix ratio": weights.ratio, "Mix epochs": weights.epochs}[choice]
    per_domain = np.where(np.isfinite(per_domain), per_domain, 0.0)
    domain_index = {number: at for at, number in enumerate(weights.numbers)}
    per_cluster = np.array(
        [per_domain[domain_index[c.number]] if c.number in domain_index else np.nan for c in taxonomy.clusters]
    )
    low, high = float(np.nanmin(per_cluster)), float(np.nanmax(per_cluster))
    level = (per_cluster - low) / max(high - low, 1e-12)
    form = percent if choice == "Mix weight" else "{:.2f}".format
    return level[taxonomy.positions], (choice, form(low), form(high))


def _by_column(column: "pd.Series[str]") -> Coloring:
    counts = column.astype(str).where(column.notna()).value_counts()
    names = tuple(counts.index)
    groups = pd.Categorical(column.astype(str).where(column.notna()), categories=list(names)).codes.astype(np.int32)
    colors = tuple(oklch_to_hex((0.62, 0.72, 0.54)[k % 3], 0.13, (137.5 * k) % 360) for k in range(len(names)))
    return Coloring(groups, colors, names, clusters=False)


def _levels(
    raw: NDArray[np.float64],
    title: str,
    value_range: tuple[float, float] | None,
    *,
    logarithmic: bool,
) -> tuple[NDArray[np.float64], tuple[str, str, str]]:
    """Place values on a color bar that runs over a range, or from their 1st to their 99th percentile."""
    scale = np.log(np.maximum(raw, 1.0)) if logarithmic else raw
    ends = np.nanquantile(raw, (0.01, 0.99)) if value_range is None else value_range
    low, high = (float(np.log(max(end, 1.0))) if logarithmic else float(end) for end in ends)
    level = np.clip((scale - low) / max(high - low, 1e-12), 0.0, 1.0)  # all equal: the low end, no division by zero
    if logarithmic:
        return level, ("Tokens, log scale", f"{np.exp(low):,.0f}", f"{np.exp(high):,.0f}")
    unit = {"Margin": "Margin, nats"}.get(title, title)
    low_text, high_text = (f"{end:.1f}" if 0.1 <= abs(end) < 1e6 or end == 0 else f"{end:.3g}" for end in (low, high))
    return level, (unit, low_text, high_text)


def anchors(sphere: NDArray[np.float32], groups: Int, n_groups: int) -> NDArray[np.float64]:
    """Where the names stand: the middle of the densest half of each group, (K, 3) unit; NaN for empty groups."""
    out = np.full((n_groups, 3), np.nan)
    for group in range(n_groups):
        points = sphere[groups == group].astype(np.float64)
        for _ in range(4):
            if not len(points):
                break
            middle = points.mean(0)
            length = np.linalg.norm(middle)
            middle = middle / length if length > 1e-9 else points[0]
            out[group] = middle
            if len(points) < 8:
                break
            near = points @ middle
            points = points[near >= np.median(near)]
    return out


def middles(flat: NDArray[np.float32], groups: Int, n_groups: int) -> NDArray[np.float64]:
    """Medians of each group on the flat map, (K, 2); NaN for empty groups."""
    return np.stack(
        [np.median(flat[groups == g], axis=0) if (groups == g).any() else np.full(2, np.nan) for g in range(n_groups)]
    )
