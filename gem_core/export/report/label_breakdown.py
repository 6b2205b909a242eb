"""The label column in the report: what each cluster is made of, and how far clusters and labels agree."""

from dataclasses import dataclass

import numpy as np

from gem_core._formatting import clean, count, percent
from gem_core.clustering.overlap import overlap_table
from gem_core.workspace import Taxonomy, Workspace

MOST_VALUES = 200  # a column with more different values is no label column
SHOWN_VALUES = 3  # of a cluster
HALF = 0.5  # share of one value from which a cluster counts as belonging to it


@dataclass(frozen=True)
class LabelBreakdown:
    """Label values of the clusters as text.

    Attributes
    ----------
    title : str
        How many clusters belong to one value.
    note : str
        The column, and the values that are spread over most clusters.
    rows : tuple of (cluster, documents with a value, its commonest values with their shares)
        Clusters in the order of the tree.
    """

    title: str
    note: str
    rows: tuple[tuple[str, str, str], ...]


def label_breakdown(workspace: Workspace, taxonomy: Taxonomy) -> LabelBreakdown | None:
    """Return the label column by clusters; None without a column of 2 to `MOST_VALUES` values."""
    column = workspace.manifest.columns.get("label")
    if not column or column not in workspace.documents.columns:
        return None
    values = workspace.documents[column]
    has_value = values.notna().to_numpy()
    names, labels = np.unique(values[has_value].astype(str).to_numpy(), return_inverse=True)
    if not 2 <= len(names) <= MOST_VALUES:
        return None
    positions = taxonomy.positions[has_value]
    table = overlap_table(positions, labels.astype(np.int32), len(taxonomy.clusters), len(names))
    sums = table.sum(axis=1)
    shares = table / np.maximum(sums, 1)[:, None]
    texts = [clean(name, 60) for name in names]
    index = {cluster.number: at for at, cluster in enumerate(taxonomy.clusters)}
    rows = []
    for number in (child for group in taxonomy.groups for child in group.children):
        at = index[number]
        top = [k for k in np.argsort(-table[at], kind="stable")[:SHOWN_VALUES] if table[at, k]]
        commonest = ", ".join(f"{texts[k]} {percent(float(shares[at, k]))}" for k in top)
        rows.append((clean(taxonomy.clusters[at].label, 120), count(int(sums[at])), commonest or "-"))
    spread = (table > 0).sum(axis=0)
    widest = int(spread.argmax())
    column_name = clean(column, 40)
    return LabelBreakdown(
        title=f"Labels: {int((shares.max(axis=1) >= HALF).sum())} of {len(index)} clusters hold mostly one value of "
        f"{column_name}",
        note=f"{len(names)} values; {texts[widest]} is spread over {spread[widest]} clusters",
        rows=tuple(rows),
    )
