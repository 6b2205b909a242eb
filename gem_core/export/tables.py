"""A taxonomy as tidy tables."""

import numpy as np
import pandas as pd

from gem_core.workspace import Taxonomy, Workspace


def taxonomy_table(workspace: Workspace, taxonomy: Taxonomy) -> pd.DataFrame:
    """One row a cluster.

    Columns: cluster_id, label, label_source, parent (its label), keywords (separated by "; "), documents, tokens,
    share_documents, share_tokens and mass (fractions), concentration, within_cosine, exemplar_ids (separated by " ").
    """
    ids = workspace.documents["id"].astype(str).to_numpy()
    return pd.DataFrame([{
        "cluster_id": c.number, "label": c.label, "label_source": c.label_source,
        "parent": taxonomy.parent(c.parent).label, "keywords": "; ".join(term for term, _ in c.keywords),
        "documents": c.documents, "tokens": c.tokens, "share_documents": c.share_documents,
        "share_tokens": c.share_tokens, "mass": c.mass, "concentration": c.concentration,
        "within_cosine": c.within_cosine, "exemplar_ids": " ".join(ids[list(c.exemplars)]),
    } for c in taxonomy.clusters])


def assignments_table(workspace: Workspace, taxonomy: Taxonomy) -> pd.DataFrame:
    """One row a document, in the order of the corpus: id, cluster_id, label, margin (nats), gis (nats)."""
    table = taxonomy.documents
    labels = np.array([c.label for c in taxonomy.clusters], dtype=object)
    return pd.DataFrame({
        "id": workspace.documents["id"].astype(str).to_numpy(), "cluster_id": table["cluster_id"].to_numpy(),
        "label": labels[taxonomy.positions], "margin": table["margin"].to_numpy(),
        "gis": table["gis"].to_numpy()})


def weights_table(taxonomy: Taxonomy) -> pd.DataFrame:
    """Mixing weights by cluster mass.

    Columns: cluster_id, label, strategy ("cluster-mass"), weight (the cluster's soft mass, sums to 1), natural_share
    (share of the tokens), ratio (weight / natural_share; empty for a cluster without tokens), tokens.
    """
    rows = []
    total = sum(c.mass for c in taxonomy.clusters)
    for c in taxonomy.clusters:
        weight = c.mass / total
        rows.append({"cluster_id": c.number, "label": c.label, "strategy": "cluster-mass", "weight": weight,
                     "natural_share": c.share_tokens, "ratio": weight / c.share_tokens if c.share_tokens else np.nan,
                     "tokens": c.tokens})
    return pd.DataFrame(rows)
