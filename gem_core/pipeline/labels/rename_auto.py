"""Name clusters and groups of the present taxonomy again by a vocabulary, as one step of the history."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gem_core._types import Progress, silent
from gem_core.pipeline.editing.cluster_evidence import gather_evidence
from gem_core.pipeline.editing.edit import edit
from gem_core.pipeline.editing.operations import RenameAutomatically
from gem_core.pipeline.labels.concept_names import concept_naming, keep_vocabulary
from gem_core.pipeline.labels.stop_words import read_stop_words, write_stop_words
from gem_core.taxonomy.cluster_groups import name_groups
from gem_core.taxonomy.concept_scores import ConceptScores
from gem_core.taxonomy.concepts import load_concepts
from gem_core.taxonomy.name_parts import ClusterName
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.taxonomy import AUTOMATIC


@dataclass(frozen=True)
class ProposedNames:
    """Names that a vocabulary proposes for the present taxonomy.

    Attributes
    ----------
    clusters : tuple of (number, present label, ClusterName)
        Those that no person and no model named.
    groups : tuple of (number, present label, new label)
    kept_names : tuple of (number, label)
        Clusters that keep the name of a person or a model.
    vocabulary : str
        "packaged" or the name of the file.
    """

    clusters: tuple[tuple[int, str, ClusterName], ...]
    groups: tuple[tuple[int, str, str], ...]
    kept_names: tuple[tuple[int, str], ...]
    vocabulary: str

    @property
    def edit(self) -> RenameAutomatically:
        """The edit that makes these names the present ones."""
        return RenameAutomatically(
            tuple((number, name.label, name.source, name.coverage, name.kind) for number, _, name in self.clusters),
            tuple((number, label) for number, _, label in self.groups),
            f"the vocabulary {self.vocabulary}",
        )

    @property
    def renames(self) -> int:
        """How many labels of clusters and groups change."""
        return sum(before != name.label for _, before, name in self.clusters) + sum(
            before != label for _, before, label in self.groups
        )


def propose_names(
    workspace: Workspace, vocabulary: Path | None = None, *, progress: Progress = silent
) -> ProposedNames:
    """Name clusters and groups by a vocabulary; nothing is written to the history.

    Vectors of an unknown encoder are no hindrance: the packaged encoder embeds 30 documents of each cluster then.

    Parameters
    ----------
    workspace : Workspace
    vocabulary : path, optional
        A file (see `gem_core.taxonomy.concepts.load_concepts`); the vocabulary of the workspace when left out.
    progress : Progress

    Returns
    -------
    ProposedNames
        The same for the same taxonomy and vocabulary.

    Raises
    ------
    InputError
        If the file is no vocabulary.
    WorkspaceError
        If nothing has been fitted yet.
    CorpusError
        If the encoder cannot be loaded.
    """
    taxonomy = workspace.taxonomy()
    table = load_concepts(vocabulary) if vocabulary is not None else None
    gis = taxonomy.documents["gis"].to_numpy()
    k = len(taxonomy.clusters)
    naming = concept_naming(workspace, taxonomy.positions, gis, k, table=table, embed_exemplars=True, progress=progress)
    assert naming is not None  # exemplars are embedded where the encoder is not known
    open_places = [i for i, c in enumerate(taxonomy.clusters) if c.label_source in AUTOMATIC]
    manual_clusters = [c for c in taxonomy.clusters if c.label_source not in AUTOMATIC]
    evidence = gather_evidence(workspace, taxonomy.fit.centers, taxonomy.positions, taxonomy.documents, open_places)
    names = naming.clusters(
        open_places,
        [item.words for item in evidence],
        numbers=[taxonomy.clusters[i].number for i in open_places],
        used=[c.label for c in manual_clusters],
    )
    present = dict(zip(open_places, names, strict=True))
    labels = [present[i].label if i in present else c.label for i, c in enumerate(taxonomy.clusters)]
    return ProposedNames(
        tuple((taxonomy.clusters[i].number, taxonomy.clusters[i].label, name) for i, name in present.items()),
        _propose_group_names(taxonomy, naming.scores, labels),
        tuple((c.number, c.label) for c in manual_clusters),
        naming.scores.table.source,
    )


def _propose_group_names(
    taxonomy: Taxonomy, scores: ConceptScores, labels: list[str]
) -> tuple[tuple[int, str, str], ...]:
    """Names of the groups that no person and no model named."""
    open_groups = [group for group in taxonomy.groups if group.label_source in AUTOMATIC]
    index = {cluster.number: i for i, cluster in enumerate(taxonomy.clusters)}
    masses = np.array([cluster.mass for cluster in taxonomy.clusters])
    titles = name_groups(
        scores,
        [[index[number] for number in group.children] for group in open_groups],
        labels,
        masses,
        used=[group.label for group in taxonomy.groups if group.label_source not in AUTOMATIC],
    )
    return tuple((group.number, group.label, title) for group, title in zip(open_groups, titles, strict=True))


def rename_automatically(
    workspace: Workspace, vocabulary: Path | None = None, *, progress: Progress = silent
) -> ProposedNames:
    """Name clusters and groups by a vocabulary in one step of the history; undo takes the names back.

    Labels of persons and models stay. A vocabulary file is kept in the workspace: later edits and fits name by it.

    Parameters and errors as in `propose_names`.
    """
    names = propose_names(workspace, vocabulary, progress=progress)
    if vocabulary is not None:
        keep_vocabulary(workspace, vocabulary)
        names = replace(names, vocabulary=vocabulary.name)
    if names.renames:
        edit(workspace, names.edit, progress=progress)
    return names


def change_stop_words(
    workspace: Workspace, *, add: Sequence[str] = (), remove: Sequence[str] = (), progress: Progress = silent
) -> tuple[str, ...]:
    """Change the words that no keyword may hold, and name clusters and groups again without them.

    The names and keywords are one step of the history; undo takes them back, the list of words stays.

    Parameters
    ----------
    workspace : Workspace
    add, remove : sequence of str
    progress : Progress

    Returns
    -------
    tuple of str
        The words from now on.

    Raises
    ------
    InputError
        If they are too many or too long.
    """
    dropped = {word.casefold() for word in remove}
    present = read_stop_words(workspace)
    words = write_stop_words(workspace, [word for word in (*present, *add) if word.casefold() not in dropped])
    if words != present and workspace.fitted():
        edit(workspace, propose_names(workspace, progress=progress).edit, progress=progress)
    return words
