"""Describe the clusters and groups of a first fit, a refit or an edited taxonomy: labels, keywords, shares, colors."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gem_core._types import Float64, Int32, Progress, silent
from gem_core.clustering import MixtureFit
from gem_core.pipeline.editing.cluster_evidence import gather_evidence
from gem_core.pipeline.editing.edited_fit import edited_documents, edited_fit
from gem_core.pipeline.editing.working_copy import ClusterDraft, GroupDraft, WorkingTaxonomy
from gem_core.pipeline.labels.concept_names import ConceptNaming, concept_naming
from gem_core.pipeline.labels.stop_words import drop_stop_words, read_stop_words
from gem_core.taxonomy import Keyword, Tree, cluster_colors, cluster_labels, group_colors, group_names
from gem_core.taxonomy.cluster_groups import group_clusters, name_groups
from gem_core.taxonomy.name_parts import ClusterName
from gem_core.taxonomy.tree import TreeGroup
from gem_core.workspace import Cluster, Group, Taxonomy, Workspace
from gem_core.workspace.taxonomy import AUTOMATIC, LabelSource


@dataclass(frozen=True)
class TaxonomyParts:
    """Parts of a taxonomy.

    `assignment_changed`: whether documents or the numbers of clusters differ from the previous taxonomy.
    """

    clusters: tuple[Cluster, ...]
    groups: tuple[Group, ...]
    fit: MixtureFit
    documents: pd.DataFrame
    assignment_changed: bool


def describe_fit(workspace: Workspace, fit: MixtureFit, documents: pd.DataFrame) -> TaxonomyParts:
    """Describe an unedited fit: clusters and balanced groups, named by the vocabulary.

    Where the encoder of the vectors is not known, clusters are named by their keywords and groups from their clusters.

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
    naming = concept_naming(workspace, positions, documents["gis"].to_numpy(), len(numbers))
    clusters = _describe(workspace, drafts, numbers, positions, fit, documents, {}, naming)
    means = fit.resultants / np.maximum(fit.masses, 1e-12)[:, None]
    scores = naming.scores if naming is not None else None
    tree = group_clusters(means, fit.masses, [c.label for c in clusters], scores=scores)
    clusters = [replace(c, group=int(tree.group_of[k])) for k, c in enumerate(clusters)]
    children = dict(enumerate(group.children for group in tree.groups))
    names, source = _group_names(children, list(children), clusters, (), naming)
    groups = {number: GroupDraft(name, source) for number, name in enumerate(names)}
    return TaxonomyParts(*_color(clusters, groups, tree), fit, documents, assignment_changed=True)


def describe_edit(
    workspace: Workspace, old: Taxonomy, new: WorkingTaxonomy, *, progress: Progress = silent
) -> TaxonomyParts:
    """Describe a working taxonomy that came from `old`.

    Mixture, margins and scores follow from the documents of the clusters (`edited_fit`, `edited_documents`). Keywords
    and evidence are computed again for changed clusters only.

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
    assignment_changed = (
        bool(changed) or any(new.drafts[int(n)].origin != n for n in numbers) or len(numbers) != len(old.clusters)
    )
    fit, documents = old.fit, old.documents
    if assignment_changed:
        fit = edited_fit(workspace, old, new, numbers, positions)
        documents = edited_documents(workspace, old, fit, numbers, positions, changed, progress)
    old_clusters = {c.number: c for c in old.clusters}
    naming = None
    if any(draft.label is None for draft in new.drafts.values()) or _groups_to_name(old, new):
        naming = concept_naming(workspace, positions, documents["gis"].to_numpy(), len(numbers), progress=progress)
    clusters = _describe(workspace, new.drafts, numbers, positions, fit, documents, old_clusters, naming)
    tree, labeled_clusters = _edited_tree(old, new, clusters, naming)
    return TaxonomyParts(*_color(clusters, labeled_clusters, tree), fit, documents, assignment_changed)


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
    old_clusters: Mapping[int, Cluster],
    naming: ConceptNaming | None,
) -> list[Cluster]:
    """Describe all clusters in the order of `numbers`; `old_clusters` has the evidence of those that did not change."""
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
    names = dict(
        zip(
            unnamed,
            _cluster_names(
                naming,
                unnamed,
                [new_evidence[index].words for index in unnamed],
                [int(numbers[index]) for index in unnamed],
                [label for label in labels.values() if label is not None],
            ),
            strict=True,
        )
    )
    clusters = []
    stop_words = read_stop_words(workspace)
    for index, number in enumerate(numbers):
        draft = drafts[int(number)]
        name = names.get(index)
        if name is not None and not counts[index]:  # Its target is 0 at infinite strength.
            name = ClusterName(f"Empty cluster {number}", "keywords")
        evidence = new_evidence.get(index) or old_clusters[draft.origin if draft.origin is not None else -1]
        clusters.append(
            Cluster(
                number=int(number),
                label=name.label if name else str(labels[index]),
                label_source=name.source if name else draft.source,
                group=draft.group,
                keywords=drop_stop_words(evidence.keywords, stop_words),
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
                coverage=name.coverage if name else draft.coverage,
                kind=name.kind if name else draft.kind,
            )
        )
    return with_shares(clusters)


def with_shares(clusters: list[Cluster]) -> list[Cluster]:
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


def _cluster_names(
    naming: ConceptNaming | None,
    which: Sequence[int],
    words: Sequence[Sequence[Keyword]],
    numbers: Sequence[int],
    used: Sequence[str],
) -> tuple[ClusterName, ...]:
    """Name clusters by the vocabulary, or by their keywords where the encoder of the vectors is not known."""
    if naming is not None and which:
        return naming.clusters(which, words, numbers=numbers, used=used)
    return tuple(ClusterName(label, "keywords") for label in cluster_labels(words, numbers=numbers, used_labels=used))


def _groups_to_name(old: Taxonomy, new: WorkingTaxonomy) -> list[int]:
    """Return the changed groups with an automatic name: other clusters, documents or keyword labels."""
    before = {group.number: sorted((n, old.cluster(n).label) for n in group.children) for group in old.groups}
    changed = []
    for number, group in new.groups.items():
        members = {n: draft for n, draft in new.drafts.items() if draft.group == number}
        now = sorted((n, draft.label or "") for n, draft in members.items())
        # A group of several clusters that the vocabulary named does not depend on their labels.
        if group.source == "vocabulary" and len(members) > 1:
            same = [n for n, _ in now] == [n for n, _ in before.get(number, [])]
            same = same and not any(draft.changed for draft in members.values())
        else:
            same = now == before.get(number, [])
        if group.source in AUTOMATIC and not (group.label and same):
            changed.append(number)
    return changed


def _edited_tree(
    old: Taxonomy, new: WorkingTaxonomy, clusters: list[Cluster], naming: ConceptNaming | None
) -> tuple[Tree, dict[int, GroupDraft]]:
    """Return the groups of an edited taxonomy with their names."""
    index_of = {c.number: index for index, c in enumerate(clusters)}
    children = {group: [index_of[n] for n, draft in new.drafts.items() if draft.group == group] for group in new.groups}
    unnamed = _groups_to_name(old, new)
    drafts = {g: draft for g, draft in new.groups.items() if g not in unnamed}
    names, source = _group_names(children, unnamed, clusters, [str(draft.label) for draft in drafts.values()], naming)
    drafts.update((g, GroupDraft(name, source)) for g, name in zip(unnamed, names, strict=True))
    group_of = np.zeros(len(clusters), dtype=np.int32)
    for index, group in enumerate(new.groups):
        group_of[children[group]] = index
    tree = Tree(
        tuple(TreeGroup(str(drafts[g].label), tuple(children[g])) for g in new.groups),
        group_of,
        np.zeros((0, 4)),
        np.array([index for g in new.groups for index in children[g]], dtype=np.int32),
    )
    return tree, {g: drafts[g] for g in new.groups}


def _group_names(
    children: Mapping[int, Sequence[int]],
    groups: Sequence[int],
    clusters: list[Cluster],
    used: Collection[str],
    naming: ConceptNaming | None,
) -> tuple[list[str], LabelSource]:
    """Name groups by the vocabulary, or from their clusters where the encoder of the vectors is not known."""
    sizes: Float64 = np.array([c.mass for c in clusters])
    members, labels = [children[g] for g in groups], [c.label for c in clusters]
    if naming is not None:
        return name_groups(naming.scores, members, labels, sizes, used=used), "vocabulary"
    return group_names(members, labels, sizes, list(used)), "keywords"


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
