"""Mixture and document scores of an edited taxonomy: changed clusters are measured again, the others copied."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd

from gem_core._types import Int32, Progress, frozen
from gem_core.clustering import MixtureFit
from gem_core.clustering.assignment import assign_units
from gem_core.clustering.config import CAP_RATIO
from gem_core.clustering.m_step import Parameters, maximize
from gem_core.influence import influence_scores
from gem_core.pipeline.editing.working_copy import WorkingTaxonomy
from gem_core.workspace import Cluster, Taxonomy, Workspace


def edited_fit(
    workspace: Workspace, old: Taxonomy, new: WorkingTaxonomy, numbers: Int32, positions: Int32
) -> MixtureFit:
    """Return the mixture of an edited taxonomy, one row per cluster in the order of `numbers`.

    A cluster with other documents than before gets the center mu = r / ||r|| and the concentration of its documents
    (the M-step with hard assignment), the mean bias of the clusters its documents came from, and their parts of the
    target.
    """
    fit, k = old.fit, len(numbers)
    weights = workspace.weights(old.settings.weighting)
    w = np.full(len(positions), 1.0) if weights is None else weights
    w = w / w.sum()
    old_row = {c.number: row for row, c in enumerate(old.clusters)}
    parts = np.bincount(old.positions.astype(np.int64) * k + positions, minlength=len(old_row) * k).reshape(-1, k)
    of_old = parts / np.maximum(parts.sum(axis=1, keepdims=True), 1)  # where the documents of a cluster went
    of_new = parts / np.maximum(parts.sum(axis=0, keepdims=True), 1)
    bias = np.where(np.isfinite(fit.bias), fit.bias, 0.0) @ of_new
    target, mass = fit.target @ of_old, np.zeros(k)
    resultants = np.zeros((k, fit.centers.shape[1]))
    centers, kappas, capped = resultants.copy(), np.ones(k), np.zeros(k, dtype=bool)
    for index, number in enumerate(numbers):
        draft = new.drafts[int(number)]
        if draft.origin is not None and not draft.changed:
            row = old_row[draft.origin]
            mass[index], resultants[index], bias[index] = fit.masses[row], fit.resultants[row], fit.bias[row]
            centers[index], kappas[index], capped[index] = fit.centers[row], fit.concentrations[row], fit.capped[row]
            target[index] = fit.target[row] if of_old[row, index] else target[index]
        else:
            rows = np.flatnonzero(positions == index)
            mass[index] = w[rows].sum()
            resultants[index] = w[rows] @ np.asarray(workspace.embeddings[rows], dtype=np.float64)
            mode = "per_cluster" if isinstance(fit.config.concentration, str) else fit.config.concentration
            before = Parameters(centers[index : index + 1], np.full(1, fit.reference_concentration), capped[:1] & False)
            updated = maximize(
                mass[index : index + 1],
                resultants[index : index + 1],
                before,
                mode,
                CAP_RATIO * fit.reference_concentration,
            )
            centers[index], kappas[index], capped[index] = (
                updated.centers[0],
                updated.concentrations[0],
                updated.capped[0],
            )
    return replace(
        fit,
        centers=frozen(centers),
        concentrations=frozen(kappas),
        bias=frozen(bias),
        masses=frozen(mass / mass.sum()),
        target=frozen(target / target.sum()),
        resultants=frozen(resultants),
        capped=frozen(capped),
    )


def edited_documents(
    workspace: Workspace,
    old: Taxonomy,
    fit: MixtureFit,
    numbers: Int32,
    positions: Int32,
    changed: list[int],
    progress: Progress,
) -> pd.DataFrame:
    """Return the table of documents of an edited taxonomy: margins for all, scores again for changed clusters.

    A margin is negative where a person moved a document to another cluster than the mixture would.
    """
    table = old.documents.copy()
    table["cluster_id"] = numbers[positions]
    X = workspace.embeddings
    if not changed:
        renumbered = {c.number: int(numbers[positions[row]]) for c, row in _first_rows(old)}
        table["second"] = table["second"].map(renumbered).fillna(table["cluster_id"]).astype(np.int32)
        return table
    assignment = assign_units(X, fit, positions)
    table["second"], table["margin"] = numbers[assignment.second], assignment.margin
    progress("score documents", 0, 1)
    rows = np.flatnonzero(np.isin(positions, changed))
    if rows.size:
        inside = np.searchsorted(changed, positions[rows])
        part = SimpleNamespace(
            labels=inside,
            log_responsibility=assignment.log_responsibility[rows],
            log_density=assignment.log_density[rows],
        )
        scores = influence_scores(X[rows], part, n_clusters=len(changed), progress=progress)
        for name in ("gis", "confidence", "centrality", "density"):
            table.loc[rows, name] = getattr(scores, name)
        table.loc[rows, "cosine"] = assignment.cosine[rows]
    return table


def _first_rows(old: Taxonomy) -> list[tuple[Cluster, int]]:
    """Return each cluster that has documents, and one of its rows."""
    indices, first = np.unique(old.positions, return_index=True)
    return [(old.clusters[index], int(row)) for index, row in zip(indices, first, strict=True)]
