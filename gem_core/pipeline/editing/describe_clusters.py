"""Describe the clusters and groups of a first fit, a refit or an edited taxonomy: labels, keywords, shares, colors."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gem_core._types import Float64, Int32, Progress, silent
from gem_core.clustering import MixtureFit
from gem_core.pipeline.editing.cluster_evidence import gather_evidence
from gem_core.pipeline.editing.edited_fit import edited_documents, edited_fit
from gem_core.pipeline.editing.working_copy import ClusterDraft, GroupDraft, WorkingTaxonomy
from gem_core.taxonomy import Tree, build_tree, cluster_colors, cluster_labels, group_colors, group_names
from gem_core.taxonomy.tree import TreeGroup
from gem_core.workspace import Cluster, Group, Taxonomy, Workspace


@dataclass(frozen=True)
class TaxonomyParts:
    """Parts of a taxonomy; `moved`: whether documents or the numbers of clusters differ from the taxonomy before."""

    clusters: tuple[Cluster, ...]
    groups: tuple[Group, ...]
    fit: MixtureFit
    documents: pd.DataFrame
    moved: bool


def describe_fit(workspace: Workspace, fit: MixtureFit, documents: pd.DataFrame) -> TaxonomyParts:
    """Describe a fit that nobody edited: every cluster is named by its keywords, the groups are those of its tree.

    Parameters
    ----------
    workspace : Workspace
        With vectors and terms.
    fit : MixtureFit
    documents : DataFrame
        One row per document: cluster_id (0 to K - 1), margin, cosine, gis.
    """
    positions = documents["cluster_id"].to_numpy()
    numbers = np.arange(fit.masses.size, dtype=np.int32)
    drafts = {int(k): ClusterDraft(None, None, "keywords", 0, None, changed=True) for k in numbers}
    clusters = _describe(workspace, drafts, numbers, positions, fit, documents, {})
    tree = build_tree(fit.resultants, [c.label for c in clusters])
    clusters = [replace(c, group=int(tree.group_of[k])) for k, c in enumerate(clusters)]
    groups = {number: GroupDraft(group.name, "keywords") for number, group in enumerate(tree.groups)}
    return TaxonomyParts(*_color(clusters, groups, tree), fit, documents, moved=True)


def describe_edit(
    workspace: Workspace, old: Taxonomy, new: WorkingTaxonomy, *, progress: Progress = silent
) -> TaxonomyParts:
    """Describe a working taxonomy that came from `old`.

    Mixture, margins and scores follow from the documents of the clusters (`edited_fit`, `edited_documents`). Keywords
    and evidence are computed anew for changed clusters only.

    Parameters
    ----------
    workspace : Workspace
    old : Taxonomy
    new : WorkingTaxonomy
    progress : Progress
    """
    numbers = np.array(sorted(new.drafts), dtype=np.int32)
    positions = np.searchsorted(numbers, new.labels).astype(np.int32)
    changed = [index for index, number in enumerate(numbers) if new.drafts[int(number)].changed]
    moved = bool(changed) or any(new.drafts[int(n)].origin != n for n in numbers) or len(numbers) != len(old.clusters)
    fit, documents = old.fit, old.documents
    if moved:
        fit = edited_fit(workspace, old, new, numbers, positions)
        documents = edited_documents(workspace, old, fit, numbers, positions, changed, progress)
    known = {c.number: c for c in old.clusters}
    clusters = _describe(workspace, new.drafts, numbers, positions, fit, documents, known)
    tree = _edited_tree(old, new, clusters)
    named = {number: replace(new.groups[number], label=tree.groups[i].name) for i, number in enumerate(new.groups)}
    return TaxonomyParts(*_color(clusters, named, tree), fit, documents, moved)


def taxonomy_hash(labels: Int32, clusters: tuple[Cluster, ...]) -> str:
    """Return the sha256 of what a taxonomy says: the cluster of each document; numbers, labels and exclusions."""
    digest = hashlib.sha256(np.ascontiguousarray(labels, dtype="<i4").tobytes())
    digest.update(json.dumps([[c.number, c.label, c.excluded] for c in clusters], ensure_ascii=False).encode())
    return digest.hexdigest()


def _describe(
    workspace: Workspace,
    drafts: Mapping[int, ClusterDraft],
    numbers: Int32,
    positions: Int32,
    fit: MixtureFit,
    documents: pd.DataFrame,
    known: Mapping[int, Cluster],
) -> list[Cluster]:
    """Describe all clusters in the order of `numbers`; `known` has the evidence of those that did not change."""
    k = len(numbers)
    counts = np.bincount(positions, minlength=k)
    tokens = np.bincount(positions, workspace.documents["tokens"].to_numpy(np.float64), k)
    cosine = np.bincount(positions, documents["cosine"].to_numpy(np.float64), k) / np.maximum(counts, 1)
    changed = [index for index, number in enumerate(numbers) if drafts[int(number)].changed]
    new_evidence = dict(
        zip(changed, gather_evidence(workspace, fit.centers, positions, documents, changed), strict=True)
    )
    labels = {index: drafts[int(number)].label for index, number in enumerate(numbers)}
    unnamed = [index for index, label in labels.items() if label is None]
    keyword_labels = cluster_labels(
        [new_evidence[index].words for index in unnamed],
        numbers=[int(numbers[index]) for index in unnamed],
        taken=[label for label in labels.values() if label is not None],
    )
    labels.update(zip(unnamed, keyword_labels, strict=True))
    clusters = []
    for index, number in enumerate(numbers):
        draft = drafts[int(number)]
        evidence = new_evidence.get(index) or known[draft.origin if draft.origin is not None else -1]
        clusters.append(
            Cluster(
                number=int(number),
                label=str(labels[index]),
                label_source=draft.source,
                group=draft.group,
                keywords=evidence.keywords,
                color=draft.color or "",
                documents=int(counts[index]),
                tokens=int(tokens[index]),
                share_documents=0.0,
                share_tokens=0.0,
                mass=float(fit.masses[index]),
                concentration=float(fit.concentrations[index]),
                within_cosine=float(cosine[index]),
                exemplars=evidence.exemplars,
                borderline=evidence.borderline,
                atypical=evidence.atypical,
                pinned=draft.pinned,
                excluded=draft.excluded,
                checked=draft.checked,
                note=draft.note,
            )
        )
    return _with_shares(clusters)


def _with_shares(clusters: list[Cluster]) -> list[Cluster]:
    """Fill in the shares of documents and tokens; excluded clusters count for nothing."""
    documents = sum(c.documents for c in clusters if not c.excluded)
    tokens = sum(c.tokens for c in clusters if not c.excluded)
    return [
        replace(
            c,
            share_documents=0.0 if c.excluded else c.documents / max(documents, 1),
            share_tokens=0.0 if c.excluded else c.tokens / max(tokens, 1),
        )
        for c in clusters
    ]


def _edited_tree(old: Taxonomy, new: WorkingTaxonomy, clusters: list[Cluster]) -> Tree:
    """Return the groups of an edited taxonomy with their names; a group keeps a keyword name while nothing changed."""
    index_of = {c.number: index for index, c in enumerate(clusters)}
    children = {group: [index_of[n] for n, draft in new.drafts.items() if draft.group == group] for group in new.groups}
    before = {g.number: [(n, old.cluster(n).label) for n in g.children] for g in old.groups}

    def unchanged(group: int) -> bool:
        now = [(clusters[index].number, clusters[index].label) for index in children[group]]
        return sorted(before.get(group, [])) == sorted(now)

    names = {
        g: str(draft.label)
        for g, draft in new.groups.items()
        if draft.source != "keywords" or (draft.label and unchanged(g))
    }
    unnamed = [group for group in new.groups if group not in names]
    names.update(zip(unnamed, _group_names(children, unnamed, clusters, names.values()), strict=True))
    group_of = np.zeros(len(clusters), dtype=np.int32)
    for index, group in enumerate(new.groups):
        group_of[children[group]] = index
    return Tree(
        tuple(TreeGroup(names[g], tuple(children[g])) for g in new.groups),
        group_of,
        np.zeros((0, 4)),
        np.array([index for g in new.groups for index in children[g]], dtype=np.int32),
    )


def _group_names(
    children: Mapping[int, list[int]], groups: list[int], clusters: list[Cluster], used: Collection[str]
) -> list[str]:
    sizes: Float64 = np.array([c.mass for c in clusters])
    return group_names([children[g] for g in groups], [c.label for c in clusters], sizes, list(used))


def _color(
    clusters: list[Cluster], groups: Mapping[int, GroupDraft], tree: Tree
) -> tuple[tuple[Cluster, ...], tuple[Group, ...]]:
    """Color clusters without a color and all groups; `groups` are in the order of `tree.groups`, by number."""
    colors = cluster_colors(tree, keep=[c.color or None for c in clusters])
    return (
        tuple(replace(c, color=color) for c, color in zip(clusters, colors, strict=True)),
        tuple(
            Group(
                number=number,
                label=str(draft.label),
                label_source=draft.source,
                color=color,
                children=tuple(clusters[index].number for index in group.children),
            )
            for (number, draft), group, color in zip(
                groups.items(), tree.groups, group_colors(tree, colors), strict=True
            )
        ),
    )
