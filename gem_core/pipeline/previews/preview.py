"""Preview: a fit under other settings, compared with the present taxonomy and not saved."""

from dataclasses import dataclass

import numpy as np

from gem_core._types import Bool, Float64, Int32, Progress, frozen, silent
from gem_core.clustering import Assignment, BalanceMeasures, MixtureFit, balance_measures
from gem_core.clustering.assignment import renumber_assignment
from gem_core.clustering.overlap import overlap_table, table_agreement
from gem_core.pipeline.building.fit import fit_and_assign
from gem_core.pipeline.building.target_shares import align_target_shares
from gem_core.pipeline.editing.match_previous import apply_pins, match_clusters_to_previous, surviving_clusters
from gem_core.workspace import Settings, Taxonomy, Workspace


@dataclass(frozen=True)
class Preview:
    """A fit that is not applied yet.

    Attributes
    ----------
    settings : Settings
    fit : MixtureFit
        Clusters in the order of their numbers.
    assignment : Assignment
        Documents under the fit, before anything is held together.
    numbers : (K',) int32
        Numbers of the clusters there would be, rising; those of the present taxonomy as far as both have them.
    fit_rows : (K',) int32
        Row of `fit` of each of them; -1 for a held cluster that the fit does not have.
    labels : (n,) int32
        Cluster number of each document, with what is pinned or named held together.
    pinned_clusters : tuple of int
        Numbers of the clusters that keep their documents because they are pinned or named by a person.
    shares : (K',) float64
        Share of the corpus that each cluster would hold (hard assignment, excluded clusters left out), in documents
        or in tokens as the settings count them.
    target : (K',) float64
        Target share of each; NaN for a held cluster that the fit does not have.
    present : (K0,) float64
        The shares of the clusters of the present taxonomy, in its order.
    before, after : BalanceMeasures
        Of these shares.
    origin : (K',) int32
        Number of the present cluster that a previewed one continues (largest common part, one to one); -1: a new one.
    steady : (K',) bool
        Whether it keeps most of its documents; others would get new names.
    ari : float
        Adjusted Rand index between the present and the new assignment; 1 = the same.
    moved_rows : (m,) int32
        Rows of the documents that would leave their cluster, least sure first.
    """

    settings: Settings
    fit: MixtureFit
    assignment: Assignment
    numbers: Int32
    fit_rows: Int32
    labels: Int32
    pinned_clusters: tuple[int, ...]
    shares: Float64
    target: Float64
    present: Float64
    before: BalanceMeasures
    after: BalanceMeasures
    origin: Int32
    steady: Bool
    ari: float
    moved_rows: Int32


def preview(workspace: Workspace, taxonomy: Taxonomy, settings: Settings, *, progress: Progress = silent) -> Preview:
    """Fit under `settings` and compare the result with `taxonomy`; nothing is written.

    The fit, the numbers of its clusters and the documents that pins hold together are those that `fit_taxonomy` makes
    from the same settings, document by document. Own shares are for the clusters of `taxonomy` by their numbers.

    Raises
    ------
    InputError
        If there are fewer different documents than clusters, or own shares for another number of clusters.
    """
    aligned = align_target_shares(workspace, taxonomy, settings, progress=progress)
    fit, assignment = fit_and_assign(workspace, aligned, progress=progress)
    return compare_fit(workspace, taxonomy, settings, fit, assignment)


def compare_fit(
    workspace: Workspace, taxonomy: Taxonomy, settings: Settings, fit: MixtureFit, assignment: Assignment
) -> Preview:
    """Give the clusters of a fit numbers as `fit_taxonomy` does, and compare them with the current ones."""
    X = workspace.embeddings
    match = match_clusters_to_previous(taxonomy, assignment.labels, fit.masses.size)
    labels = apply_pins(X, fit, assignment.labels, match)
    plain = match.numbers[assignment.labels]
    order = np.argsort(np.argsort(match.numbers))
    fit, assignment = fit.permute(order), renumber_assignment(assignment, order)
    mine = np.sort(match.numbers)
    row_of = {int(number): row for row, number in enumerate(mine)}
    candidates = np.union1d(mine, list(match.pinned_rows)).tolist()
    numbers = np.array(surviving_clusters(plain, labels, map(int, candidates)), dtype=np.int32)
    continued = dict(
        zip(match.numbers.tolist(), zip(match.origin.tolist(), match.steady.tolist(), strict=True), strict=True)
    ) | {number: (number, True) for number in match.pinned_rows}
    fit_rows = np.array([row_of.get(number, -1) for number in numbers.tolist()], dtype=np.int32)
    target = np.where(fit_rows >= 0, np.asarray(fit.target)[fit_rows], np.nan)
    old, new = taxonomy.documents["cluster_id"].to_numpy(), np.searchsorted(numbers, labels)
    origin = np.array([continued[number][0] for number in numbers.tolist()], dtype=np.int32)
    moved_rows = np.flatnonzero(old != origin[new]).astype(np.int32)
    moved_rows = moved_rows[np.argsort(assignment.margin[moved_rows], kind="stable")]
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
        fit_rows=frozen(fit_rows),
        labels=frozen(labels.astype(np.int32)),
        pinned_clusters=tuple(sorted(match.pinned_rows)),
        shares=frozen(shares),
        target=frozen(target),
        present=frozen(present),
        before=balance_measures(present),
        after=balance_measures(shares),
        origin=frozen(origin),
        steady=frozen(np.array([continued[number][1] for number in numbers.tolist()])),
        ari=table_agreement(table).ari,
        moved_rows=frozen(moved_rows),
    )
