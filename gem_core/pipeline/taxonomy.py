"""Fit, score and name: from vectors on disk to a taxonomy a person can read."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pandas as pd

from gem_core._types import Floating, Int32, Progress, silent
from gem_core.clustering import (
    STRENGTHS,
    Assignment,
    BalancePath,
    MixtureFit,
    balance_path,
    match_clusters,
)
from gem_core.clustering.assignment import assign_units
from gem_core.errors import InputError
from gem_core.influence import borderline, exemplars, influence_scores, least_typical
from gem_core.pipeline.costs import CostBook
from gem_core.pipeline.own_shares import fit_settings
from gem_core.taxonomy import build_tree, cluster_colours, cluster_keywords, cluster_labels, parent_colours
from gem_core.workspace import Cluster, Parent, Settings, Taxonomy, Workspace

KEEP = 0.5  # a cluster keeps its colour and a person's label when most of its old documents stay


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


def fit_taxonomy(workspace: Workspace, settings: Settings, *, start: MixtureFit | None = None,
                 progress: Progress = silent) -> Taxonomy:
    """Fit, score, name and save a taxonomy, and make it the present one.

    A taxonomy of the same corpus and settings that is already there is taken as it is. Cluster numbers, colours and
    people's labels follow the present taxonomy by matching.

    Parameters
    ----------
    workspace : Workspace
        With vectors and terms.
    settings : Settings
    start : MixtureFit, optional
        Warm start, such as the nearest point of the balance path.
    progress : Progress

    Raises
    ------
    InputError
        If there are fewer different documents than clusters.
    WorkspaceError
        If the workspace cannot be written.
    """
    key = taxonomy_key(workspace.manifest.data_hash, workspace.manifest.encoder, settings)
    with workspace.writing():
        if not workspace.has(f"fits/{key}/taxonomy.json"):
            _make(workspace, settings, key, start, progress)
        fits, position = workspace.database.history()
        if position < 0 or fits[position] != key:
            workspace.database.push(key)
    return workspace.taxonomy()


def _make(workspace: Workspace, settings: Settings, key: str, start: MixtureFit | None, progress: Progress) -> None:
    X = workspace.embeddings
    check_size(X, settings.n_clusters)
    previous = workspace.taxonomy() if workspace.database.history()[1] >= 0 else None
    book = CostBook()
    with book.step("fit"):
        fit = fit_settings(workspace, settings, start=start, progress=progress)
    book.passes(fit.passes)
    with book.step("assign"):
        fit, assignment = matched(X, fit, previous)
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
        clusters, parents, merges = _named(workspace, fit, table, previous)
    taxonomy = Taxonomy(
        key=key, settings=settings, clusters=clusters, parents=parents, merges=merges, costs=tuple(book.costs),
        data_hash=workspace.manifest.data_hash, taxonomy_hash=_hash(table["cluster_id"].to_numpy(), clusters),
        folder=workspace.root / "fits" / key)
    workspace.save_taxonomy(taxonomy, fit, table)
    if previous is not None:
        _carry_labels(workspace, previous, taxonomy, table)
    progress("name clusters", 1, 1)


def matched(X: Floating, fit: MixtureFit, previous: Taxonomy | None) -> tuple[MixtureFit, Assignment]:
    """Number the clusters of a fit as the previous taxonomy numbers them, and assign the documents."""
    assignment = assign_units(X, fit)
    order = np.argsort(np.argsort(-fit.masses, kind="stable"), kind="stable")  # largest first: easiest to read
    if previous is not None:
        order = match_clusters(previous.documents["cluster_id"].to_numpy(), assignment.labels, fit.masses.size)
    order32 = order.astype(np.int32)
    renumbered = replace(assignment, labels=order32[assignment.labels], second=order32[assignment.second])
    return fit.permuted(order), renumbered


def stays(previous: Taxonomy, labels: Int32, n_clusters: int) -> list[bool]:
    """For each cluster number: do most documents that either side gives it belong to both?"""
    old = previous.documents["cluster_id"].to_numpy()
    both = np.bincount(labels[old == labels], minlength=n_clusters)[:n_clusters]
    either = (np.bincount(old, minlength=n_clusters)[:n_clusters]
              + np.bincount(labels, minlength=n_clusters)[:n_clusters] - both)
    return list(both > KEEP * np.maximum(either, 1))


def _named(workspace: Workspace, fit: MixtureFit, table: pd.DataFrame, previous: Taxonomy | None,
           ) -> tuple[tuple[Cluster, ...], tuple[Parent, ...], tuple[tuple[float, ...], ...]]:
    labels = table["cluster_id"].to_numpy()
    gis = table["gis"].to_numpy()
    k = fit.masses.size
    keywords = cluster_keywords(workspace.terms, workspace.embeddings, labels, gis, fit.centers)
    names = cluster_labels(keywords)
    tree = build_tree(fit.resultants, names)
    keep: tuple[str | None, ...] = ()
    if previous is not None:
        kept = stays(previous, labels, k)
        keep = tuple(previous.clusters[c].colour if kept[c] and c < len(previous.clusters) else None for c in range(k))
    colours = cluster_colours(tree, keep=keep)
    tokens = np.bincount(labels, weights=workspace.documents["tokens"].to_numpy(np.float64), minlength=k)
    counts = np.bincount(labels, minlength=k)
    cosine = np.bincount(labels, weights=table["cosine"].to_numpy(np.float64), minlength=k) / np.maximum(counts, 1)
    best = exemplars(workspace.embeddings, labels, gis)
    between = borderline(labels, table["margin"].to_numpy())
    odd = least_typical(labels, gis)
    rows = [tuple(tuple(int(r) for r in part[c]) if c < len(part) else () for part in (best, between, odd))
            for c in range(k)]
    clusters = tuple(
        Cluster(number=c, label=names[c], label_source="keywords", parent=int(tree.parent_of[c]),
                keywords=tuple((w.term, round(float(w.score), 6)) for w in keywords[c]), colour=colours[c],
                documents=int(counts[c]), tokens=int(tokens[c]), share_documents=float(counts[c] / counts.sum()),
                share_tokens=float(tokens[c] / max(tokens.sum(), 1.0)), mass=float(fit.masses[c]),
                concentration=float(fit.concentrations[c]), within_cosine=float(cosine[c]),
                exemplars=rows[c][0], borderline=rows[c][1], atypical=rows[c][2])
        for c in range(k))
    parents = tuple(
        Parent(number=p, label=parent.name, label_source="keywords",
               colour=shade, children=tuple(int(c) for c in parent.children))
        for p, (parent, shade) in enumerate(zip(tree.parents, parent_colours(tree, colours), strict=True)))
    return clusters, parents, tuple(tuple(float(v) for v in merge) for merge in tree.merges)


def _carry_labels(workspace: Workspace, previous: Taxonomy, taxonomy: Taxonomy, table: pd.DataFrame) -> None:
    kept = stays(previous, table["cluster_id"].to_numpy(), len(taxonomy.clusters))
    for cluster in previous.clusters[: len(kept)]:
        if cluster.label_source == "person" and kept[cluster.number]:
            workspace.database.rename(taxonomy.key, "cluster", cluster.number, cluster.label)


def _hash(labels: Int32, clusters: tuple[Cluster, ...]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(labels, dtype="<i4").tobytes())
    digest.update(json.dumps([c.label for c in clusters], ensure_ascii=False).encode())
    return digest.hexdigest()


def ensure_path(workspace: Workspace, *, progress: Progress = silent) -> Taxonomy:
    """Compute the balance path of the present taxonomy unless it is there already."""
    taxonomy = workspace.taxonomy()
    if not taxonomy.has_path:
        path = _path(workspace, taxonomy, progress)
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
