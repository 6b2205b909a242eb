"""Fit, score and name clusters: from vectors on disk to a labeled taxonomy."""

import numpy as np
import pandas as pd

from gem_core._content_key import content_key
from gem_core._types import Floating, Int32, Progress, silent
from gem_core.clustering import Assignment, MixtureFit, fit_mixture
from gem_core.clustering.assignment import assign_units, renumber_assignment
from gem_core.clustering.matching import rank_by_mass
from gem_core.clustering.own_shares import fit_own_shares
from gem_core.clustering.prepared_documents import prepare_documents
from gem_core.errors import InputError
from gem_core.influence import influence_scores
from gem_core.pipeline.editing.describe_clusters import describe_fit, taxonomy_hash
from gem_core.pipeline.editing.edit import replay
from gem_core.pipeline.editing.match_previous import match_clusters_to_previous, match_record
from gem_core.workspace import Edit, Settings, Taxonomy, Workspace
from gem_core.workspace.costs import CostBook


def taxonomy_key(data_hash: str, encoder: str, settings: Settings) -> str:
    """Name of the folder of a taxonomy: 16 hex digits of corpus, vectors and settings."""
    return content_key([data_hash, encoder, settings.to_json()])


def check_size(X: Floating, n_clusters: int) -> None:
    """Refuse more clusters than different documents.

    Raises
    ------
    InputError
        If `n_clusters` exceeds the number of documents, or of different vectors.
    """
    n = X.shape[0]
    check_count(n, n_clusters)
    distinct_vectors: set[bytes] = set()
    for row in range(n):
        distinct_vectors.add(np.ascontiguousarray(X[row]).tobytes())
        if len(distinct_vectors) >= n_clusters:
            return
    raise InputError(
        f"{n_clusters} clusters need at least {n_clusters} documents with different vectors",
        f"{n:,} documents with {len(distinct_vectors):,}",
        "Ask for fewer clusters, remove repeated documents, or choose an encoder that knows their language",
    )


def check_count(documents: int, n_clusters: int) -> None:
    """Refuse more clusters than documents, which needs no vectors; errors as `check_size`."""
    if not 1 <= n_clusters <= documents:
        raise InputError(
            f"The number of clusters lies between 1 and the number of documents ({documents:,})",
            f"{n_clusters:,}",
            "Ask for fewer clusters or add documents",
        )


def fit_taxonomy(workspace: Workspace, settings: Settings, *, progress: Progress = silent) -> Taxonomy:
    """Fit, score, name and save a taxonomy, and make it the current one.

    The fit itself depends on the corpus and the settings alone, and one that is already there is taken as it is. When
    there is a taxonomy already, the new one follows it: numbers and colors by matching, labels that a person gave,
    and what is pinned (`gem_core.pipeline.follow`).

    Parameters
    ----------
    workspace : Workspace
        With vectors and terms.
    settings : Settings
    progress : Progress

    Raises
    ------
    InputError
        If there are fewer different documents than clusters.
    WorkspaceError
        If the workspace cannot be written.
    """
    with workspace.writing():
        base = load_or_fit(workspace, settings, progress=progress)
        old = workspace.taxonomy() if workspace.fitted() else None
        if old is not None and not old.edited and old.key == base.key:
            return old
        edit_records: list[Edit] = [{"do": "fit", "settings": settings.to_json()}]
        if old is not None:
            edit_records.append(match_record(old, match_clusters_to_previous(old, base.positions, len(base.clusters))))
        key = replay(workspace, base, edit_records[1:], progress=progress).key
        workspace.push(key, edit_records, _sentence(settings, old))
    return workspace.taxonomy()


def _sentence(settings: Settings, old: Taxonomy | None) -> str:
    strength = "exact" if settings.strength == float("inf") else f"{settings.strength:.3g}"
    pinned = sum(c.pinned for c in old.clusters) if old is not None else 0
    pins = f", {pinned} pinned" if pinned else ""
    return f"Fitted {settings.n_clusters} clusters at strength {strength}{pins}"


def load_or_fit(workspace: Workspace, settings: Settings, *, progress: Progress = silent) -> Taxonomy:
    """Return the unedited taxonomy of these settings, fitting it now unless it is stored; needs the writers' lock."""
    key = taxonomy_key(workspace.manifest.data_hash, workspace.manifest.vectors_from, settings)
    if not workspace.has(f"fits/{key}/taxonomy.json"):
        _fit_and_save(workspace, settings, key, progress)
    return workspace.taxonomy(key)


def _fit_and_save(workspace: Workspace, settings: Settings, key: str, progress: Progress) -> None:
    X = workspace.embeddings
    check_size(X, settings.n_clusters)
    book = CostBook()
    with book.step("fit"):
        fit = fit_settings(workspace, settings, progress=progress)
    book.passes(fit.passes)
    with book.step("assign"):
        fit, assignment = order_by_mass(fit, assign_units(X, fit))
    book.passes(1)
    progress("score documents", 0, 1)
    with book.step("score"):
        table = score_documents(X, assignment, np.arange(fit.masses.size, dtype=np.int32))
    progress("name clusters", 0, 1)
    with book.step("name"):
        parts = describe_fit(workspace, fit, table)
    taxonomy = Taxonomy(
        key=key,
        base=key,
        settings=settings,
        clusters=parts.clusters,
        groups=parts.groups,
        costs=tuple(book.costs),
        data_hash=workspace.manifest.data_hash,
        taxonomy_hash=taxonomy_hash(table["cluster_id"].to_numpy(), parts.clusters),
        folder=workspace.root / "fits" / key,
    )
    workspace.save_taxonomy(taxonomy, (fit, table))
    progress("name clusters", 1, 1)


def score_documents(X: Floating, assignment: Assignment, numbers: Int32) -> pd.DataFrame:
    """Return the table of documents of a taxonomy, one row per document: `Taxonomy.documents`.

    Parameters
    ----------
    X : (n, d)
        Unit vectors.
    assignment : Assignment
    numbers : (K,) int32
        Number of the cluster of each row of the mixture.
    """
    influence = influence_scores(X, assignment, n_clusters=len(numbers))
    return pd.DataFrame(
        {
            "cluster_id": numbers[assignment.labels],
            "second": numbers[assignment.second],
            "margin": assignment.margin,
            "cosine": assignment.cosine,
            "gis": influence.gis,
            "confidence": influence.confidence,
            "centrality": influence.centrality,
            "density": influence.density,
        }
    )


def fit_and_assign(
    workspace: Workspace, settings: Settings, *, progress: Progress = silent
) -> tuple[MixtureFit, Assignment]:
    """Return the fit that `fit_taxonomy` would save for these settings, and its assignment; nothing is written.

    A fit that is stored already is read.

    Raises
    ------
    InputError
        If there are fewer different documents than clusters.
    """
    X = workspace.embeddings
    check_size(X, settings.n_clusters)
    key = taxonomy_key(workspace.manifest.data_hash, workspace.manifest.vectors_from, settings)
    if workspace.has(f"fits/{key}/taxonomy.json"):
        fit = workspace.taxonomy(key).fit
        return fit, assign_units(X, fit)
    fit = fit_settings(workspace, settings, progress=progress)
    return order_by_mass(fit, assign_units(X, fit))


def reference_concentration_of(workspace: Workspace, settings: Settings) -> float:
    """Return the reference concentration kappa_0 of a fit: penalty lambda = strength x kappa_0.

    It depends on the documents, their weights, the number of clusters and the concentration rule, not on the seed.
    """
    weights = workspace.weights(settings.weighting)
    prepared = prepare_documents(workspace.embeddings, weights, settings.n_clusters)
    return prepared.reference_concentration(settings.config())


def order_by_mass(fit: MixtureFit, assignment: Assignment) -> tuple[MixtureFit, Assignment]:
    """Renumber the clusters of a fit so that the one with the largest mass comes first (`rank_by_mass`)."""
    order = np.argsort(rank_by_mass(fit.masses, fit.centers))
    return fit.permute(order), renumber_assignment(assignment, order)


def fit_settings(
    workspace: Workspace, settings: Settings, *, start: MixtureFit | None = None, progress: Progress = silent
) -> MixtureFit:
    """Fit under `settings`.

    Own shares need clusters to be for: without `start`, share k is for cluster k of the fit with equal shares and
    otherwise the same settings, the largest mass first, as `gem-explorer fit` numbers them (`fit_own_shares`). With
    `start`, share k is for cluster k of `start`, and the fit goes on from there.
    """
    X, config, weights = workspace.embeddings, settings.config(), workspace.weights(settings.weighting)
    if start is None and not isinstance(settings.target, str):
        return fit_own_shares(X, config, weights=weights, progress=progress)
    return fit_mixture(X, config, weights=weights, start=start, progress=progress)
