"""What would change: a fit under other settings, held against the present taxonomy and not saved."""

from dataclasses import dataclass, replace

import numpy as np

from gem_core._types import Bool, Float64, Int32, Progress, frozen, silent
from gem_core.clustering import Assignment, BalanceMeasures, MixtureFit, balance_measures
from gem_core.clustering.assignment import assign_units, renumber_assignment
from gem_core.clustering.overlap import overlap_table, table_agreement
from gem_core.pipeline.building.fit import check_size, fit_settings
from gem_core.pipeline.editing.match_previous import apply_pins, match_clusters_to_previous
from gem_core.workspace import Settings, Taxonomy, Workspace


@dataclass(frozen=True)
class Preview:
    """A fit that nobody has applied yet.

    Attributes
    ----------
    settings : Settings
    fit : MixtureFit
        Clusters in the order of their numbers.
    assignment : Assignment
        Documents under the fit, before anything is held together.
    numbers : (K',) int32
        Numbers of the clusters there would be, rising; those of the present taxonomy as far as both have them. The
        first K are rows of `fit` where nothing is held.
    labels : (n,) int32
        Cluster number of each document, with what is pinned or named held together.
    held : tuple of int
        Numbers of the clusters that keep their documents because they are pinned or named by a person.
    shares : (K',) float64
        Share of the corpus that each cluster would hold (hard assignment, excluded clusters left out), in documents
        or in tokens as the settings count them.
    target : (K',) float64
        Target share of each; NaN for a held cluster that the fit has not.
    present : (K0,) float64
        The shares of the clusters of the present taxonomy, in its order.
    before, after : BalanceMeasures
        Of these shares.
    origin : (K',) int32
        Number of the present cluster that a previewed one continues (largest common part, one to one); -1: a new one.
    steady : (K',) bool
        Whether it keeps most of its documents; others would be named anew.
    ari : float
        Adjusted Rand index between the present and the new assignment; 1 = the same.
    moved : (m,) int32
        Rows of the documents that would leave their cluster, least sure first.
    """

    settings: Settings
    fit: MixtureFit
    assignment: Assignment
    numbers: Int32
    labels: Int32
    held: tuple[int, ...]
    shares: Float64
    target: Float64
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
    clusters of `taxonomy` by their numbers, and the fit starts from it (`align_target_shares` translates them for
    `fit_taxonomy`). Any other change is the whole fit that `fit_taxonomy` makes, document by document.

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
        fitted = workspace.taxonomy(taxonomy.base).fit if taxonomy.edited else taxonomy.fit
        near = (fitted, taxonomy.path.nearest(settings.strength))
        start = min(near, key=lambda fit: abs(_slider(fit.strength) - _slider(settings.strength)))
    asked = settings.config()
    if start is not None and start.converged and replace(start.config, start=asked.start) == asked:
        fit = start  # a point of the path itself
    else:
        fit = fit_settings(workspace, settings, start=start, progress=progress)
    return _held_against(workspace, taxonomy, settings, fit)


def _held_against(workspace: Workspace, taxonomy: Taxonomy, settings: Settings, fit: MixtureFit) -> Preview:
    """Number the clusters of a fit as an apply would, and compare."""
    X = workspace.embeddings
    assignment = assign_units(X, fit)
    found = match_clusters_to_previous(taxonomy, assignment.labels, fit.masses.size)
    labels = apply_pins(X, fit, assignment.labels, found)
    order = np.argsort(np.argsort(found.numbers))
    fit, assignment = fit.permute(order), renumber_assignment(assignment, order)
    mine = np.sort(found.numbers)
    numbers = np.union1d(mine, list(found.held)).astype(np.int32)
    continued = dict(
        zip(found.numbers.tolist(), zip(found.origin.tolist(), found.steady.tolist(), strict=True), strict=True)
    ) | {number: (number, True) for number in found.held}
    target = np.full(len(numbers), np.nan)
    target[np.searchsorted(numbers, mine)] = fit.target
    old, new = taxonomy.documents["cluster_id"].to_numpy(), np.searchsorted(numbers, labels)
    origin = np.array([continued[number][0] for number in numbers.tolist()], dtype=np.int32)
    moved = np.flatnonzero(old != origin[new]).astype(np.int32)
    moved = moved[np.argsort(assignment.margin[moved], kind="stable")]
    weights = workspace.weights(settings.weighting)
    counted = np.ones(len(X)) if weights is None else weights
    counted = np.where(np.array([c.excluded for c in taxonomy.clusters])[taxonomy.positions], 0.0, counted)
    shares, present = (
        np.bincount(places, counted, minlength=k) / counted.sum()
        for places, k in ((new, len(numbers)), (taxonomy.positions, len(taxonomy.clusters)))
    )
    table = overlap_table(taxonomy.positions, new, len(taxonomy.clusters), len(numbers))
    return Preview(
        settings=settings,
        fit=fit,
        assignment=assignment,
        numbers=frozen(numbers),
        labels=frozen(labels.astype(np.int32)),
        held=tuple(sorted(found.held)),
        shares=frozen(shares),
        target=frozen(target),
        present=frozen(present),
        before=balance_measures(present),
        after=balance_measures(shares),
        origin=frozen(origin),
        steady=frozen(np.array([continued[number][1] for number in numbers.tolist()])),
        ari=table_agreement(table).ari,
        moved=frozen(moved),
    )


def _slider(strength: float) -> float:
    """Place of a strength between 0 and 1 (infinity), the scale of `BalancePath.nearest`."""
    return 1.0 - 1.0 / (1.0 + strength)
