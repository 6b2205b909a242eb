"""What would change: a fit under other settings, held against the present taxonomy and not saved."""

from dataclasses import dataclass, replace

import numpy as np

from gem_core._types import Float64, Int32, Progress, frozen, silent
from gem_core.clustering import (
    Assignment,
    BalanceMeasures,
    MixtureFit,
    adjusted_rand,
    balance_measures,
    fit_mixture,
)
from gem_core.pipeline.taxonomy import check_size, matched
from gem_core.workspace import Settings, Taxonomy, Workspace


@dataclass(frozen=True)
class Preview:
    """A fit that nobody has applied yet.

    Attributes
    ----------
    settings : Settings
    fit : MixtureFit
        Clusters numbered as in the present taxonomy.
    assignment : Assignment
    shares : (K,) float64
        Share of the documents that each cluster would hold (hard assignment).
    before, after : BalanceMeasures
        Of the shares of documents.
    ari : float
        Adjusted Rand index between the present and the new assignment; 1 = the same.
    moved : (m,) int32
        Rows of the documents that would change their cluster, least sure first.
    """

    settings: Settings
    fit: MixtureFit
    assignment: Assignment
    shares: Float64
    before: BalanceMeasures
    after: BalanceMeasures
    ari: float
    moved: Int32


def preview(workspace: Workspace, taxonomy: Taxonomy, settings: Settings, *, progress: Progress = silent) -> Preview:
    """Fit under `settings` and hold the result against `taxonomy`; nothing is written.

    When only the strength differs, the fit starts from the nearest point of the balance path, so it takes a few
    passes instead of a whole fit.

    Raises
    ------
    InputError
        If there are fewer different documents than clusters.
    """
    X = workspace.embeddings
    check_size(X, settings.n_clusters)
    start = None
    if taxonomy.has_path and replace(settings, strength=taxonomy.settings.strength) == taxonomy.settings:
        start = taxonomy.path.nearest(settings.strength)
    fit = fit_mixture(X, settings.config(), weights=workspace.weights(settings.weighting), start=start,
                      progress=progress)
    fit, assignment = matched(X, fit, taxonomy)
    old = taxonomy.documents["cluster_id"].to_numpy()
    moved = np.flatnonzero(old != assignment.labels).astype(np.int32)
    moved = moved[np.argsort(assignment.margin[moved], kind="stable")]
    shares = np.bincount(assignment.labels, minlength=fit.n_clusters) / len(old)
    present = np.bincount(old, minlength=len(taxonomy.clusters)) / len(old)
    return Preview(settings=settings, fit=fit, assignment=assignment, shares=frozen(shares),
                   before=balance_measures(present), after=balance_measures(shares),
                   ari=adjusted_rand(old, assignment.labels), moved=frozen(moved))
