"""Fit, score and name: from vectors on disk to a taxonomy a person can read."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gem_core._types import Floating, Int32, Progress, silent
from gem_core.clustering import STRENGTHS, Assignment, BalancePath, MixtureFit, balance_path
from gem_core.clustering.assignment import assign_units
from gem_core.errors import InputError
from gem_core.influence import influence_scores
from gem_core.pipeline.arrangement import Arrangement
from gem_core.pipeline.costs import CostBook
from gem_core.pipeline.describe import describe
from gem_core.pipeline.edits import from_json
from gem_core.pipeline.evidence import evidence
from gem_core.pipeline.follow import arranged, following, to_edit
from gem_core.pipeline.own_shares import fit_settings
from gem_core.taxonomy import build_tree, cluster_colours, cluster_labels, parent_colours
from gem_core.workspace import Cluster, Edit, Parent, Settings, Taxonomy, Workspace


def taxonomy_key(data_hash: str, encoder: str, settings: Settings) -> str:
    """Name of the folder of a taxonomy: 16 hex digits of corpus, vectors and settings."""
    text = json.dumps([data_hash, encoder, settings.to_json()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_size(X: Floating, n_clusters: int) -> None:
    """Refuse more clusters than different documents.

    Raises
    ------
    InputError
        If `n_clusters` exceeds the number of documents, or of different vectors.
    """
    n = X.shape[0]
    if not 1 <= n_clusters <= n:
        raise InputError(f"The number of clusters lies between 1 and the number of documents ({n:,})",
                         f"{n_clusters:,}", "Ask for fewer clusters or add documents")
    seen: set[bytes] = set()
    for row in range(n):
        seen.add(np.ascontiguousarray(X[row]).tobytes())
        if len(seen) >= n_clusters:
            return
    raise InputError(f"{n_clusters} clusters need at least {n_clusters} documents that differ",
                     f"{n:,} documents of which {len(seen):,} differ",
                     "Remove the repeated documents, or ask for fewer clusters")


def fit_taxonomy(workspace: Workspace, settings: Settings, *, progress: Progress = silent) -> Taxonomy:
    """Fit, score, name and save a taxonomy, and make it the present one.

    The fit itself depends on the corpus and the settings alone, and one that is already there is taken as it is. When
    there is a taxonomy already, the new one follows it: numbers and colours by matching, labels that a person gave,
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
        base = fitted(workspace, settings, progress=progress)
        old = workspace.taxonomy() if workspace.fitted() else None
        if old is not None and not old.edited and old.key == base.key:
            return old
        done: list[Edit] = [{"do": "fit", "settings": settings.to_json()}]
        if old is not None:
            done.append(to_edit(old, following(old, base.positions, len(base.clusters))))
        key = replay(workspace, base, done[1:], progress=progress).key
        workspace.push(key, done, _sentence(settings, old))
    return workspace.taxonomy()


def _sentence(settings: Settings, old: Taxonomy | None) -> str:
    strength = "exact" if settings.strength == float("inf") else f"{settings.strength:.3g}"
    held = sum(c.pinned for c in old.clusters) if old is not None else 0
    kept = f", {held} pinned" if held else ""
    return f"Fitted {settings.n_clusters} clusters at strength {strength}{kept}"


def replay(workspace: Workspace, base: Taxonomy, edits: Sequence[Edit], *, progress: Progress = silent) -> Taxonomy:
    """Apply recorded edits to a taxonomy that is on disk, save the result, and return it; history is not touched."""
    if not edits:
        return base
    key = hashlib.sha256(json.dumps([base.key, list(edits)], sort_keys=True).encode()).hexdigest()[:16]
    if workspace.has(f"fits/{key}/taxonomy.json"):
        return workspace.taxonomy(key)
    book = CostBook()
    with book.step("edit"):
        follows = edits[0]["do"] == "follow"
        new = arranged(base, workspace.embeddings, edits[0]) if follows else Arrangement.of(base)
        for edit in edits[follows:]:
            new.apply(from_json(edit))
        made = describe(workspace, base, new, progress=progress)
    labels = made.documents["cluster_id"].to_numpy()
    kept = tuple(cost for cost in base.costs if cost.step != "edit")
    taxonomy = replace(base, key=key, clusters=made.clusters, parents=made.parents, costs=(*kept, *book.costs),
                       taxonomy_hash=_hash(labels, made.clusters), folder=workspace.root / "fits" / key)
    workspace.save_taxonomy(taxonomy, (made.fit, made.documents) if made.moved else base.folder)
    return workspace.taxonomy(key)


def fitted(workspace: Workspace, settings: Settings, *, progress: Progress = silent) -> Taxonomy:
    """Return the fit under these settings as nobody edited it, made now if it is not there; under the writers' lock."""
    key = taxonomy_key(workspace.manifest.data_hash, workspace.manifest.encoder, settings)
    if not workspace.has(f"fits/{key}/taxonomy.json"):
        _make(workspace, settings, key, progress)
    return workspace.taxonomy(key)


def _make(workspace: Workspace, settings: Settings, key: str, progress: Progress) -> None:
    X = workspace.embeddings
    check_size(X, settings.n_clusters)
    book = CostBook()
    with book.step("fit"):
        fit = fit_settings(workspace, settings, progress=progress)
    book.passes(fit.passes)
    with book.step("assign"):
        assignment = assign_units(X, fit)
        order = np.argsort(np.argsort(-fit.masses, kind="stable"), kind="stable")  # largest first: easiest to read
        fit, assignment = fit.permuted(order), renumbered(assignment, order)
    book.passes(1)
    progress("score documents", 0, 1)
    with book.step("score"):
        influence = influence_scores(X, assignment, n_clusters=fit.masses.size)
    table = pd.DataFrame({
        "cluster_id": assignment.labels, "second": assignment.second, "margin": assignment.margin,
        "cosine": assignment.cosine, "gis": influence.gis, "confidence": influence.confidence,
        "centrality": influence.centrality, "density": influence.density})
    progress("name clusters", 0, 1)
    with book.step("name"):
        clusters, parents = _named(workspace, fit, table)
    taxonomy = Taxonomy(
        key=key, base=key, settings=settings, clusters=clusters, parents=parents, costs=tuple(book.costs),
        data_hash=workspace.manifest.data_hash, taxonomy_hash=_hash(table["cluster_id"].to_numpy(), clusters),
        folder=workspace.root / "fits" / key)
    workspace.save_taxonomy(taxonomy, (fit, table))
    progress("name clusters", 1, 1)


def renumbered(assignment: Assignment, order: NDArray[np.integer[Any]]) -> Assignment:
    """The same assignment with cluster k called order[k]."""
    new = order.astype(np.int32)
    return replace(assignment, labels=new[assignment.labels], second=new[assignment.second])


def _named(workspace: Workspace, fit: MixtureFit, table: pd.DataFrame,
           ) -> tuple[tuple[Cluster, ...], tuple[Parent, ...]]:
    labels = table["cluster_id"].to_numpy()
    k = fit.masses.size
    found = evidence(workspace, fit.centers, labels, table, range(k))
    names = cluster_labels([one.words for one in found])
    tree = build_tree(fit.resultants, names)
    colours = cluster_colours(tree)
    tokens = np.bincount(labels, weights=workspace.documents["tokens"].to_numpy(np.float64), minlength=k)
    counts = np.bincount(labels, minlength=k)
    cosine = np.bincount(labels, weights=table["cosine"].to_numpy(np.float64), minlength=k) / np.maximum(counts, 1)
    clusters = tuple(
        Cluster(number=c, label=names[c], label_source="keywords", parent=int(tree.parent_of[c]),
                keywords=found[c].keywords, colour=colours[c],
                documents=int(counts[c]), tokens=int(tokens[c]), share_documents=float(counts[c] / counts.sum()),
                share_tokens=float(tokens[c] / max(tokens.sum(), 1.0)), mass=float(fit.masses[c]),
                concentration=float(fit.concentrations[c]), within_cosine=float(cosine[c]),
                exemplars=found[c].exemplars, borderline=found[c].borderline, atypical=found[c].atypical)
        for c in range(k))
    parents = tuple(
        Parent(number=p, label=parent.name, label_source="keywords",
               colour=shade, children=tuple(int(c) for c in parent.children))
        for p, (parent, shade) in enumerate(zip(tree.parents, parent_colours(tree, colours), strict=True)))
    return clusters, parents


def _hash(labels: Int32, clusters: tuple[Cluster, ...]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(labels, dtype="<i4").tobytes())
    digest.update(json.dumps([[c.number, c.label, c.excluded] for c in clusters], ensure_ascii=False).encode())
    return digest.hexdigest()


def ensure_path(workspace: Workspace, *, progress: Progress = silent) -> Taxonomy:
    """Compute the balance path of the present taxonomy's fit unless it is there already."""
    taxonomy = workspace.taxonomy()
    if not taxonomy.has_path:
        path = _path(workspace, workspace.taxonomy(taxonomy.base), progress)
        with workspace.writing():
            taxonomy.save_path(path)
    return taxonomy


def _path(workspace: Workspace, taxonomy: Taxonomy, progress: Progress) -> BalancePath:
    """Walk the strengths above 0 through the present fit, and put the plain mixture at 0 before them."""
    labels, settings = taxonomy.documents["cluster_id"].to_numpy(), taxonomy.settings
    if not isinstance(settings.target, str):  # own shares, for the clusters as this taxonomy numbers them
        settings = replace(settings, target=tuple(float(share) for share in taxonomy.fit.target))
    weights = workspace.weights(settings.weighting)

    def walk(strength: float, strengths: Sequence[float]) -> BalancePath:
        plain = strength == 0
        return balance_path(workspace.embeddings, replace(settings, strength=strength).config(), weights=weights,
                            strengths=strengths, reference=labels, progress=progress,
                            start=taxonomy.fit if plain == (settings.strength == 0) else None)

    plain, balanced = walk(0.0, STRENGTHS[:1]), walk(settings.strength or 1.0, STRENGTHS[1:])
    joined = {item.name: np.concatenate([getattr(plain, item.name), getattr(balanced, item.name)])
              for item in fields(BalancePath) if item.name != "fits"}
    return BalancePath(fits=plain.fits + balanced.fits, **joined)
