"""From a working taxonomy to a taxonomy: what changed is measured, scored and named anew, the rest is taken over."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd

from gem_core._types import Float64, Int32, Progress, frozen, silent
from gem_core.clustering import MixtureFit
from gem_core.clustering.assignment import assign_units
from gem_core.clustering.config import CAP_RATIO
from gem_core.clustering.m_step import Parameters, maximize
from gem_core.influence import borderline, exemplars, influence_scores, least_typical
from gem_core.pipeline.editing.working_copy import WorkingTaxonomy
from gem_core.taxonomy import (
    Keyword,
    Tree,
    build_tree,
    cluster_colors,
    cluster_keywords,
    cluster_labels,
    group_colors,
    group_names,
)
from gem_core.taxonomy.tree import TreeGroup
from gem_core.workspace import Cluster, Group, Taxonomy, Workspace


@dataclass(frozen=True)
class TaxonomyParts:
    """An edited taxonomy's parts; `moved` says whether documents or the numbers of clusters differ from the old."""

    clusters: tuple[Cluster, ...]
    groups: tuple[Group, ...]
    fit: MixtureFit
    documents: pd.DataFrame
    moved: bool


def describe(
    workspace: Workspace, old: Taxonomy, new: WorkingTaxonomy, *, progress: Progress = silent
) -> TaxonomyParts:
    """Describe a working taxonomy that came from `old`.

    A cluster with other documents than before gets the centre mu = r / ||r|| and the concentration of its documents
    (method of the M-step, hard assignment), the bias of the clusters they came from (mean over documents) and the
    part of their targets. Margins of all documents follow from that mixture; they are negative where a person put a
    document elsewhere. Scores, exemplars and keywords are computed anew for changed clusters only.

    Parameters
    ----------
    workspace : Workspace
    old : Taxonomy
    new : WorkingTaxonomy
    progress : Progress

    Returns
    -------
    TaxonomyParts
    """
    numbers = np.array(sorted(new.drafts), dtype=np.int32)
    positions = np.searchsorted(numbers, new.labels).astype(np.int32)
    changed = [place for place, number in enumerate(numbers) if new.drafts[int(number)].changed]
    moved = bool(changed) or any(new.drafts[int(n)].origin != n for n in numbers) or len(numbers) != len(old.clusters)
    fit, documents = old.fit, old.documents
    if moved:
        fit = _mixture(workspace, old, new, numbers, positions)
        documents = _placed(workspace, old, fit, numbers, positions, changed, progress)
    clusters = _clusters(workspace, old, new, numbers, positions, fit, documents, changed)
    parents, colours = _tree(old, new, clusters)
    clusters = [replace(c, color=colours[place]) for place, c in enumerate(clusters)]
    return TaxonomyParts(_shared(clusters), parents, fit, documents, moved)


def _mixture(workspace: Workspace, old: Taxonomy, new: WorkingTaxonomy, numbers: Int32, positions: Int32) -> MixtureFit:
    fit, k = old.fit, len(numbers)
    weights = workspace.weights(old.settings.weighting)
    w = np.full(len(positions), 1.0) if weights is None else weights
    w = w / w.sum()
    index = {c.number: place for place, c in enumerate(old.clusters)}
    parts = np.bincount(old.positions.astype(np.int64) * k + positions, minlength=len(index) * k).reshape(-1, k)
    of_old = parts / np.maximum(parts.sum(axis=1, keepdims=True), 1)  # where the documents of a cluster went
    of_new = parts / np.maximum(parts.sum(axis=0, keepdims=True), 1)
    bias = np.where(np.isfinite(fit.bias), fit.bias, 0.0) @ of_new
    target, mass = fit.target @ of_old, np.zeros(k)
    resultants = np.zeros((k, fit.centers.shape[1]))
    centers, kappas, capped = resultants.copy(), np.ones(k), np.zeros(k, dtype=bool)
    for place, number in enumerate(numbers):
        one = new.drafts[int(number)]
        if one.origin is not None and not one.changed:
            row = index[one.origin]
            mass[place], resultants[place], bias[place] = fit.masses[row], fit.resultants[row], fit.bias[row]
            centers[place], kappas[place], capped[place] = fit.centers[row], fit.concentrations[row], fit.capped[row]
            target[place] = fit.target[row] if of_old[row, place] else target[place]
        else:
            rows = np.flatnonzero(positions == place)
            mass[place] = w[rows].sum()
            resultants[place] = w[rows] @ np.asarray(workspace.embeddings[rows], dtype=np.float64)
            mode = "per_cluster" if isinstance(fit.config.concentration, str) else fit.config.concentration
            before = Parameters(centers[place : place + 1], np.full(1, fit.reference_concentration), capped[:1] & False)
            found = maximize(
                mass[place : place + 1],
                resultants[place : place + 1],
                before,
                mode,
                CAP_RATIO * fit.reference_concentration,
            )
            centers[place], kappas[place], capped[place] = found.centers[0], found.concentrations[0], found.capped[0]
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


def _placed(
    workspace: Workspace,
    old: Taxonomy,
    fit: MixtureFit,
    numbers: Int32,
    positions: Int32,
    changed: list[int],
    progress: Progress,
) -> pd.DataFrame:
    """The table of documents: margins for all, scores of the changed clusters."""
    table = old.documents.copy()
    table["cluster_id"] = numbers[positions]
    X = workspace.embeddings
    if not changed:
        renumbered = {c.number: int(numbers[positions[row]]) for c, row in _samples(old)}
        table["second"] = table["second"].map(renumbered).fillna(table["cluster_id"]).astype(np.int32)
        return table
    placed = assign_units(X, fit, positions)
    table["second"], table["margin"] = numbers[placed.second], placed.margin
    progress("score documents", 0, 1)
    rows = np.flatnonzero(np.isin(positions, changed))
    if rows.size:
        inside = np.searchsorted(changed, positions[rows])
        part = SimpleNamespace(
            labels=inside, log_responsibility=placed.log_responsibility[rows], log_density=placed.log_density[rows]
        )
        scores = influence_scores(X[rows], part, n_clusters=len(changed), progress=progress)
        for name in ("gis", "confidence", "centrality", "density"):
            table.loc[rows, name] = getattr(scores, name)
        table.loc[rows, "cosine"] = placed.cosine[rows]
    return table


def _samples(old: Taxonomy) -> list[tuple[Cluster, int]]:
    """One document of each cluster that has any."""
    found, first = np.unique(old.positions, return_index=True)
    return [(old.clusters[place], int(row)) for place, row in zip(found, first, strict=True)]


def _clusters(
    workspace: Workspace,
    old: Taxonomy,
    new: WorkingTaxonomy,
    numbers: Int32,
    positions: Int32,
    fit: MixtureFit,
    documents: pd.DataFrame,
    changed: list[int],
) -> list[Cluster]:
    k = len(numbers)
    counts = np.bincount(positions, minlength=k)
    tokens = np.bincount(positions, workspace.documents["tokens"].to_numpy(np.float64), k)
    cosine = np.bincount(positions, documents["cosine"].to_numpy(np.float64), k) / np.maximum(counts, 1)
    found = dict(zip(changed, evidence(workspace, fit.centers, positions, documents, changed), strict=True))
    labels = {place: new.drafts[int(number)].label for place, number in enumerate(numbers)}
    unnamed = [place for place, label in labels.items() if label is None]
    named = cluster_labels(
        [found[place].words for place in unnamed],
        numbers=[int(numbers[p]) for p in unnamed],
        taken=[label for label in labels.values() if label is not None],
    )
    labels.update(zip(unnamed, named, strict=True))
    clusters = []
    for place, number in enumerate(numbers):
        one = new.drafts[int(number)]
        own = found.get(place) or old.cluster(one.origin if one.origin is not None else -1)
        clusters.append(
            Cluster(
                number=int(number),
                label=str(labels[place]),
                label_source=one.source,
                group=one.group,
                keywords=own.keywords,
                color=one.color or "",
                documents=int(counts[place]),
                tokens=int(tokens[place]),
                share_documents=0.0,
                share_tokens=0.0,
                mass=float(fit.masses[place]),
                concentration=float(fit.concentrations[place]),
                within_cosine=float(cosine[place]),
                exemplars=own.exemplars,
                borderline=own.borderline,
                atypical=own.atypical,
                pinned=one.pinned,
                excluded=one.excluded,
            )
        )
    return clusters


def _tree(old: Taxonomy, new: WorkingTaxonomy, clusters: list[Cluster]) -> tuple[tuple[Group, ...], tuple[str, ...]]:
    """Groups with names and colours, and the colours of the clusters."""
    place_of = {c.number: place for place, c in enumerate(clusters)}
    children = {group: [place_of[n] for n, one in new.drafts.items() if one.group == group] for group in new.groups}
    names = [c.label for c in clusters]
    before = {p.number: [(n, old.cluster(n).label) for n in p.children] for p in old.groups}
    titles = {
        g: one.label
        for g, one in new.groups.items()
        if one.source != "keywords"
        or (
            one.label
            and sorted(before.get(g, [])) == sorted((clusters[p].number, clusters[p].label) for p in children[g])
        )
    }
    fresh = [group for group in new.groups if group not in titles]
    sizes: Float64 = np.array([c.mass for c in clusters])
    found = group_names([children[g] for g in fresh], names, sizes, [str(title) for title in titles.values()])
    titles.update(zip(fresh, found, strict=True))
    group_of = np.zeros(len(clusters), dtype=np.int32)
    for index, group in enumerate(new.groups):
        group_of[children[group]] = index
    tree = Tree(
        tuple(TreeGroup(str(titles[g]), tuple(children[g])) for g in new.groups),
        group_of,
        np.zeros((0, 4)),
        np.array([p for g in new.groups for p in children[g]], dtype=np.int32),
    )
    colours = cluster_colors(tree, keep=[c.color or None for c in clusters])
    parents = tuple(
        Group(
            number=g,
            label=str(titles[g]),
            label_source=new.groups[g].source,
            color=shade,
            children=tuple(clusters[p].number for p in children[g]),
        )
        for g, shade in zip(new.groups, group_colors(tree, colours), strict=True)
    )
    return parents, colours


def _shared(clusters: list[Cluster]) -> tuple[Cluster, ...]:
    """Fill in the shares: of the documents and tokens that are not excluded."""
    documents = sum(c.documents for c in clusters if not c.excluded)
    tokens = sum(c.tokens for c in clusters if not c.excluded)
    return tuple(
        replace(
            c,
            share_documents=0.0 if c.excluded else c.documents / max(documents, 1),
            share_tokens=0.0 if c.excluded else c.tokens / max(tokens, 1),
        )
        for c in clusters
    )


@dataclass(frozen=True)
class Evidence:
    """Keywords, best first, and document rows, best first."""

    words: tuple[Keyword, ...]
    exemplars: tuple[int, ...]
    borderline: tuple[int, ...]
    atypical: tuple[int, ...]

    @property
    def keywords(self) -> tuple[tuple[str, float], ...]:
        """The keywords as a `Cluster` holds them."""
        return tuple((word.term, round(float(word.score), 6)) for word in self.words)


def evidence(
    workspace: Workspace, centers: Float64, positions: Int32, documents: pd.DataFrame, which: Sequence[int]
) -> list[Evidence]:
    """Gather the evidence of some clusters.

    Parameters
    ----------
    workspace : Workspace
    centers : (K, d)
        Unit centres of all clusters.
    positions : (n,) int
        Place of each document's cluster in `centers`.
    documents : DataFrame
        With columns gis and margin.
    which : sequence of int
        Places of the clusters asked for, rising.
    """
    if not len(which):
        return []
    words = cluster_keywords(
        workspace.terms, workspace.embeddings, positions, documents["gis"].to_numpy(), centers, only=which
    )
    rows = np.flatnonzero(np.isin(positions, which))
    inside = np.searchsorted(which, positions[rows])
    gis, margin = (documents[name].to_numpy()[rows] for name in ("gis", "margin"))
    parts = (exemplars(workspace.embeddings[rows], inside, gis), borderline(inside, margin), least_typical(inside, gis))
    return [
        Evidence(words[i], *(tuple(int(rows[r]) for r in part[i]) if i < len(part) else () for part in parts))
        for i in range(len(which))
    ]


def _named(
    workspace: Workspace,
    fit: MixtureFit,
    table: pd.DataFrame,
) -> tuple[tuple[Cluster, ...], tuple[Group, ...]]:
    labels = table["cluster_id"].to_numpy()
    k = fit.masses.size
    found = evidence(workspace, fit.centers, labels, table, range(k))
    names = cluster_labels([one.words for one in found])
    tree = build_tree(fit.resultants, names)
    colours = cluster_colors(tree)
    tokens = np.bincount(labels, weights=workspace.documents["tokens"].to_numpy(np.float64), minlength=k)
    counts = np.bincount(labels, minlength=k)
    cosine = np.bincount(labels, weights=table["cosine"].to_numpy(np.float64), minlength=k) / np.maximum(counts, 1)
    clusters = tuple(
        Cluster(
            number=c,
            label=names[c],
            label_source="keywords",
            group=int(tree.group_of[c]),
            keywords=found[c].keywords,
            color=colours[c],
            documents=int(counts[c]),
            tokens=int(tokens[c]),
            share_documents=float(counts[c] / counts.sum()),
            share_tokens=float(tokens[c] / max(tokens.sum(), 1.0)),
            mass=float(fit.masses[c]),
            concentration=float(fit.concentrations[c]),
            within_cosine=float(cosine[c]),
            exemplars=found[c].exemplars,
            borderline=found[c].borderline,
            atypical=found[c].atypical,
        )
        for c in range(k)
    )
    parents = tuple(
        Group(
            number=p,
            label=parent.name,
            label_source="keywords",
            color=shade,
            children=tuple(int(c) for c in parent.children),
        )
        for p, (parent, shade) in enumerate(zip(tree.groups, group_colors(tree, colours), strict=True))
    )
    return clusters, parents


def _hash(labels: Int32, clusters: tuple[Cluster, ...]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(labels, dtype="<i4").tobytes())
    digest.update(json.dumps([[c.number, c.label, c.excluded] for c in clusters], ensure_ascii=False).encode())
    return digest.hexdigest()
