"""Documents of a selection and groups of near-duplicates as tidy tables."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gem_core.embedding.duplicate_groups import Duplicates
from gem_core.workspace import Taxonomy, Workspace


def documents_table(
    workspace: Workspace, taxonomy: Taxonomy, rows: ArrayLike, *, cosine: ArrayLike | None = None, text: bool = False
) -> pd.DataFrame:
    """One row per document, in the order of `rows`.

    Columns: id, cluster_id, label, margin (nats), gis (nats), tokens; cosine (to what was searched for) and text where
    they are asked for.
    """
    row_indices = np.asarray(rows, dtype=np.int64)
    table = taxonomy.documents
    labels = np.array([c.label for c in taxonomy.clusters], dtype=object)
    out = pd.DataFrame(
        {
            "id": workspace.documents["id"].astype(str).to_numpy()[row_indices],
            "cluster_id": table["cluster_id"].to_numpy()[row_indices],
            "label": labels[taxonomy.positions[row_indices]],
            "margin": table["margin"].to_numpy()[row_indices],
            "gis": table["gis"].to_numpy()[row_indices],
            "tokens": workspace.documents["tokens"].to_numpy()[row_indices],
        }
    )
    if cosine is not None:
        out["cosine"] = np.asarray(cosine)
    if text:
        out["text"] = pd.Series(workspace.texts(row_indices.tolist()), dtype=object)
    return out


def duplicates_table(workspace: Workspace, duplicates: Duplicates) -> pd.DataFrame:
    """One row per document that has a near-duplicate, the largest group first.

    Columns: group (1 = the largest), documents (in the group), keep (True for the one that represents it), id, cosine
    (to that one), tokens; cluster_id and label where there is a taxonomy.
    """
    documents = workspace.documents
    sizes = duplicates.sizes
    keep = np.zeros(len(duplicates.rows), dtype=np.bool_)
    keep[np.searchsorted(duplicates.group, np.arange(len(sizes)))] = True
    table = pd.DataFrame(
        {
            "group": duplicates.group + 1,
            "documents": sizes[duplicates.group],
            "keep": keep,
            "id": documents["id"].astype(str).to_numpy()[duplicates.rows],
            "cosine": duplicates.cosine.astype(np.float64).round(5),
            "tokens": documents["tokens"].to_numpy()[duplicates.rows],
        }
    )
    if workspace.fitted():
        taxonomy = workspace.taxonomy()
        labels = np.array([cluster.label for cluster in taxonomy.clusters], dtype=object)
        table["cluster_id"] = taxonomy.documents["cluster_id"].to_numpy()[duplicates.rows]
        table["label"] = labels[taxonomy.positions[duplicates.rows]]
    return table
