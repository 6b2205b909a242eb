"""A taxonomy as tidy tables."""

import numpy as np
import pandas as pd

from gem_core.errors import InputError
from gem_core.mixing import Weights
from gem_core.workspace import Taxonomy, Workspace


def taxonomy_table(workspace: Workspace, taxonomy: Taxonomy) -> pd.DataFrame:
    """One row a cluster.

    Columns: cluster_id, label, label_source, parent (its label), keywords (separated by "; "), documents, tokens,
    share_documents, share_tokens and mass (fractions), concentration, within_cosine, exemplar_ids (separated by " "),
    pinned, excluded (true or false). Shares are of what is not excluded. With a note or a checked cluster also: checked
    (true or false), note.
    """
    annotated = any(c.checked or c.note for c in taxonomy.clusters)
    ids = workspace.documents["id"].astype(str).to_numpy()
    return pd.DataFrame(
        [
            {
                "cluster_id": c.number,
                "label": c.label,
                "label_source": c.label_source,
                "parent": taxonomy.group(c.group).label,
                "keywords": "; ".join(term for term, _ in c.keywords),
                "documents": c.documents,
                "tokens": c.tokens,
                "share_documents": c.share_documents,
                "share_tokens": c.share_tokens,
                "mass": c.mass,
                "concentration": c.concentration,
                "within_cosine": c.within_cosine,
                "exemplar_ids": " ".join(ids[list(c.exemplars)]),
                "pinned": c.pinned,
                "excluded": c.excluded,
                **({"checked": c.checked, "note": " ".join(c.note.split())} if annotated else {}),
            }
            for c in taxonomy.clusters
        ]
    )


def assignments_table(workspace: Workspace, taxonomy: Taxonomy) -> pd.DataFrame:
    """One row a document, in the order of the corpus.

    Columns: id, cluster_id, label, margin (nats), gis (nats), excluded (whether its cluster is left out).
    """
    table, places = taxonomy.documents, taxonomy.positions
    labels = np.array([c.label for c in taxonomy.clusters], dtype=object)
    excluded = np.array([c.excluded for c in taxonomy.clusters])
    return pd.DataFrame(
        {
            "id": workspace.documents["id"].astype(str).to_numpy(),
            "cluster_id": table["cluster_id"].to_numpy(),
            "label": labels[places],
            "margin": table["margin"].to_numpy(),
            "gis": table["gis"].to_numpy(),
            "excluded": excluded[places],
        }
    )


def map_table(workspace: Workspace, taxonomy: Taxonomy) -> pd.DataFrame:
    """`assignments_table` with the place of each document on the flat map: projection_x, projection_y.

    The names are those that embedding-atlas looks for.
    """
    table = assignments_table(workspace, taxonomy)
    flat = np.asarray(workspace.flat)
    return table.assign(projection_x=flat[:, 0], projection_y=flat[:, 1])


def weights_table(taxonomy: Taxonomy, weights: Weights | None = None) -> pd.DataFrame:
    """Mixing weights, one row a cluster.

    Columns: cluster_id, label, strategy, weight (a fraction, sum 1), natural_share (share of the tokens), ratio
    (weight / natural_share; empty for a cluster without tokens), tokens, epochs (how often the cluster is read within
    the token budget; empty without one), taxonomy_hash. An excluded cluster has weight, ratio and epochs 0.

    Parameters
    ----------
    taxonomy : Taxonomy
    weights : Weights, optional
        Of this taxonomy; the clusters' soft masses when left out ("balanced").

    Raises
    ------
    InputError
        If the weights belong to another taxonomy.
    """
    if weights is None:
        total = sum(c.mass for c in taxonomy.clusters if not c.excluded)
        strategy, budget = "balanced", None
        value = {c.number: c.mass / total for c in taxonomy.clusters if not c.excluded and total}
    else:
        check_same(taxonomy, weights)
        strategy, budget = weights.strategy, weights.limits.budget
        value = dict(zip(weights.numbers, map(float, weights.weights), strict=True))
    pool = None if weights is None else weights.limits.pool
    in_pool = (
        {} if weights is None or pool is None else dict(zip(weights.numbers, map(int, weights.tokens), strict=True))
    )
    rows = []
    for c in taxonomy.clusters:
        have = in_pool.get(c.number, 0) if in_pool else c.tokens
        share = have / sum(in_pool.values()) if in_pool else c.share_tokens
        weight = value.get(c.number, 0.0)
        nothing = 0.0 if c.excluded else np.nan  # what cannot be said of a cluster without tokens
        rows.append(
            {
                "cluster_id": c.number,
                "label": c.label,
                "strategy": strategy,
                "weight": weight,
                "natural_share": share,
                "ratio": weight / share if share else nothing,
                "tokens": have,
                "epochs": np.nan
                if budget is None
                else 0.0
                if c.excluded
                else weight * budget / have
                if have
                else np.nan,
                "taxonomy_hash": taxonomy.taxonomy_hash,
            }
        )
    return pd.DataFrame(rows)


def check_same(taxonomy: Taxonomy, weights: Weights) -> None:
    """Refuse weights of another taxonomy."""
    if weights.taxonomy_hash != taxonomy.taxonomy_hash:
        raise InputError(
            f"Weights must belong to this taxonomy ({taxonomy.taxonomy_hash[:12]})",
            f"weights of taxonomy {weights.taxonomy_hash[:12]}",
            "Carry them over first",
        )
