"""Tables of a taxonomy for export: clusters, assignments, map and weights."""

import json

import numpy as np
import pandas as pd

from gem_core.errors import InputError
from gem_core.mixing import Weights
from gem_core.mixing.weights import weigh
from gem_core.workspace import Taxonomy, Workspace


def taxonomy_table(workspace: Workspace, taxonomy: Taxonomy) -> pd.DataFrame:
    """Return one row per cluster.

    Columns: cluster_id, label, label_source, parent (its label), keywords (separated by "; "), documents, tokens,
    share_documents, share_tokens and mass (fractions), concentration, within_cosine, exemplar_ids (a JSON list),
    pinned, excluded (true or false), coverage (part of the documents that have the subject of the label) and kind (the
    commonest kind of text). label_source is vocabulary, keywords, model or person. Shares are of what is not excluded.
    With a note or a checked cluster also: checked (true or false), note.
    """
    annotated = any(c.checked or c.note for c in taxonomy.clusters)
    ids = workspace.documents["id"].astype(str).to_numpy()
    return pd.DataFrame(
        [
            {
                "cluster_id": c.number,
                "label": c.label,
                "label_source": "model" if c.label_source == "llm" else c.label_source,
                "parent": taxonomy.group(c.group).label,
                "keywords": "; ".join(term for term, _ in c.keywords),
                "documents": c.documents,
                "tokens": c.tokens,
                "share_documents": c.share_documents,
                "share_tokens": c.share_tokens,
                "mass": c.mass,
                "concentration": c.concentration,
                "within_cosine": c.within_cosine,
                "exemplar_ids": json.dumps(ids[list(c.exemplars)].tolist(), ensure_ascii=False),
                "pinned": c.pinned,
                "excluded": c.excluded,
                **({"checked": c.checked, "note": " ".join(c.note.split())} if annotated else {}),
                "coverage": c.coverage,
                "kind": c.kind,
            }
            for c in taxonomy.clusters
        ]
    )


def assignments_table(workspace: Workspace, taxonomy: Taxonomy) -> pd.DataFrame:
    """Return one row per document, in the order of the corpus.

    Columns: id, cluster_id, label, margin (nats), gis (nats), excluded (whether its cluster is left out).
    """
    table, positions = taxonomy.documents, taxonomy.positions
    labels = np.array([c.label for c in taxonomy.clusters], dtype=object)
    excluded = np.array([c.excluded for c in taxonomy.clusters])
    return pd.DataFrame(
        {
            "id": workspace.documents["id"].astype(str).to_numpy(),
            "cluster_id": table["cluster_id"].to_numpy(),
            "label": labels[positions],
            "margin": table["margin"].to_numpy(),
            "gis": table["gis"].to_numpy(),
            "excluded": excluded[positions],
        }
    )


def map_table(workspace: Workspace, taxonomy: Taxonomy) -> pd.DataFrame:
    """Return `assignments_table` with the coordinates of each document on the flat map: projection_x, projection_y.

    The names are those that embedding-atlas looks for.
    """
    table = assignments_table(workspace, taxonomy)
    flat = np.asarray(workspace.flat)
    return table.assign(projection_x=flat[:, 0], projection_y=flat[:, 1])


def weights_table(taxonomy: Taxonomy, weights: Weights | None = None) -> pd.DataFrame:
    """Return mixing weights, one row per cluster.

    Columns: cluster_id, label, strategy, weight (a fraction, sum 1), natural_share (share of the tokens), ratio
    (weight / natural_share; empty for a cluster without tokens), tokens, epochs (how often the cluster is read within
    the token budget; empty without one), taxonomy_hash. An excluded cluster has weight, ratio and epochs 0.

    Parameters
    ----------
    taxonomy : Taxonomy
    weights : Weights, optional
        Of this taxonomy; `balanced_weights` when left out.

    Raises
    ------
    InputError
        If the weights belong to another taxonomy.
    """
    if weights is None:
        weights = balanced_weights(taxonomy)
    else:
        check_same(taxonomy, weights)
    included = {number: index for index, number in enumerate(weights.numbers)}
    rows = []
    for c in taxonomy.clusters:
        index = included.get(c.number)
        tokens, share = c.tokens, c.share_tokens
        if weights.limits.pool is not None:  # The weights count on a larger pool than this corpus.
            tokens, share = (0, 0.0) if index is None else (int(weights.tokens[index]), float(weights.natural[index]))
        rows.append(
            {
                "cluster_id": c.number,
                "label": c.label,
                "strategy": weights.strategy,
                "weight": 0.0 if index is None else float(weights.weights[index]),
                "natural_share": share,
                "ratio": 0.0 if index is None else float(weights.ratio[index]),
                "tokens": tokens,
                "epochs": _epochs(weights, index),
                "taxonomy_hash": taxonomy.taxonomy_hash,
            }
        )
    return pd.DataFrame(rows)


def balanced_weights(taxonomy: Taxonomy) -> Weights:
    """Return the soft masses of the clusters as weights, without limits: those of the strategy "balanced" of Mixing.

    Excluded clusters are left out; a cluster without tokens has weight 0, since nothing can be drawn from it.
    """
    included = [c for c in taxonomy.clusters if not c.excluded]
    mass = np.array([c.mass for c in included])
    return weigh(
        "balanced",
        [c.number for c in included],
        [c.tokens for c in included],
        start_weights=mass / mass.sum(),  # The shares that Mixing starts from, to the last digit.
        taxonomy_hash=taxonomy.taxonomy_hash,
    )


def _epochs(weights: Weights, index: int | None) -> float:
    """Return how often a cluster is read within the budget; NaN (an empty cell) without a budget."""
    if weights.limits.budget is None:
        return float("nan")
    return 0.0 if index is None else float(weights.epochs[index])


def check_same(taxonomy: Taxonomy, weights: Weights) -> None:
    """Refuse weights of another taxonomy."""
    if weights.taxonomy_hash != taxonomy.taxonomy_hash:
        raise InputError(
            f"Weights must belong to this taxonomy ({taxonomy.taxonomy_hash[:12]})",
            f"weights of taxonomy {weights.taxonomy_hash[:12]}",
            "Carry them over first",
        )
