"""What would change: a fit under other settings, held against the present taxonomy and not saved."""

from dataclasses import dataclass, replace

import numpy as np

from gem_core._types import Bool, Float64, Int32, Progress, frozen, silent
from gem_core.clustering import (
    Assignment,
    BalanceMeasures,
    MixtureFit,
    balance_measures,
)
from gem_core.pipeline.own_shares import fit_settings
from gem_core.pipeline.taxonomy import KEEP, check_size, matched
from gem_core.workspace import Settings, Taxonomy, Workspace


@dataclass(frozen=True)
class Preview:
    """A fit that nobody has applied yet.

    Attributes
    ----------
    settings : Settings
    fit : MixtureFit
        Clusters numbered as in the present taxonomy, as far as both have them.
    assignment : Assignment
    shares : (K,) float64
        Share of the corpus that each cluster would hold (hard assignment), in documents or in tokens as the settings
        count them.
    present : (K0,) float64
        The same for the clusters of the present taxonomy.
    before, after : BalanceMeasures
        Of these shares.
    origin : (K,) int32
        The present cluster that a previewed one continues (largest common part, one to one); -1: a new cluster.
    steady : (K,) bool
        Whether it keeps most of its documents; others would be named anew.
    ari : float
        Adjusted Rand index between the present and the new assignment; 1 = the same.
    moved : (m,) int32
        Rows of the documents that would leave their cluster, least sure first.
    """

    settings: Settings
    fit: MixtureFit
    assignment: Assignment
    shares: Float64
    present: Float64
    before: BalanceMeasures
    after: BalanceMeasures
    origin: Int32
    steady: Bool
    ari: float
    moved: Int32


def preview(workspace: Workspace, taxonomy: Taxonomy, settings: Settings, *, progress: Progress = silent) -> Preview:
    """Fit under `settings` and hold the result against `taxonomy`; nothing is written.

    When only the strength differs, the fit starts from the present fit or the point of the balance path that is
    nearer, so it takes a few passes instead of a whole fit; at either of them it is that fit. Own shares are for the
    clusters of `taxonomy` by their numbers, and the fit starts from it (`numbered` translates them for
    `fit_taxonomy`).

    Raises
    ------
    InputError
        If there are fewer different documents than clusters, or own shares for another number of clusters.
    """
    X = workspace.embeddings
    check_size(X, settings.n_clusters)
    start = None
    if not isinstance(settings.target, str):
        start = taxonomy.fit
    elif taxonomy.has_path and replace(settings, strength=taxonomy.settings.strength) == taxonomy.settings:
        near = (taxonomy.fit, taxonomy.path.nearest(settings.strength))
        start = min(near, key=lambda fit: abs(_slider(fit.strength) - _slider(settings.strength)))
    asked = settings.config()
    if start is not None and start.converged and replace(start.config, start=asked.start) == asked:
        fit = start  # a point of the path itself
    else:
        fit = fit_settings(workspace, settings, start=start, progress=progress)
    fit, assignment = matched(X, fit, taxonomy)
    old, new = taxonomy.documents["cluster_id"].to_numpy(), assignment.labels
    common = _common(old, new, len(taxonomy.clusters), settings.n_clusters)
    origin, steady = _continued(common)
    moved = np.flatnonzero(old != origin[new]).astype(np.int32)
    moved = moved[np.argsort(assignment.margin[moved], kind="stable")]
    weights = workspace.weights(settings.weighting)
    shares, present = (np.bincount(labels, weights, minlength=k) for labels, k in
                       ((new, settings.n_clusters), (old, len(taxonomy.clusters))))
    shares, present = shares / shares.sum(), present / present.sum()
    return Preview(settings=settings, fit=fit, assignment=assignment, shares=frozen(shares), present=frozen(present),
                   before=balance_measures(present), after=balance_measures(shares), origin=frozen(origin),
                   steady=frozen(steady), ari=_adjusted_rand(common), moved=frozen(moved))


def _slider(strength: float) -> float:
    """Place of a strength between 0 and 1 (infinity), the scale of `BalancePath.nearest`."""
    return 1.0 - 1.0 / (1.0 + strength)


def _common(old: Int32, new: Int32, n_old: int, n_new: int) -> Float64:
    """Documents that each pair of clusters of two groupings has in common, (K0, K)."""
    pairs = old.astype(np.int64) * n_new + new
    return np.bincount(pairs, minlength=n_old * n_new).reshape(n_old, n_new).astype(np.float64)


def _continued(common: Float64) -> tuple[Int32, Bool]:
    """Pair the clusters of two groupings so that the documents in common are most."""
    from scipy.optimize import linear_sum_assignment

    origin = np.full(common.shape[1], -1, dtype=np.int32)
    rows, columns = linear_sum_assignment(-common)
    origin[columns] = rows
    both = np.zeros(common.shape[1])
    both[columns] = common[rows, columns]
    either = common.sum(axis=0) + np.where(origin < 0, 0, common.sum(axis=1)[origin]) - both
    return origin, np.asarray(both > KEEP * np.maximum(either, 1))


def _adjusted_rand(common: Float64) -> float:
    """Adjusted Rand index from the table of common documents (Hubert and Arabie 1985); 1 when both are the same."""

    def pairs(counts: Float64) -> float:
        return float(np.sum(counts * (counts - 1.0)) / 2.0)

    together, first, second = pairs(common), pairs(common.sum(axis=1)), pairs(common.sum(axis=0))
    every = pairs(common.sum(keepdims=True))
    chance = first * second / every if every else 0.0
    most = (first + second) / 2.0
    return 1.0 if most == chance else (together - chance) / (most - chance)
