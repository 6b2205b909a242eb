"""Edit the present taxonomy: each call is one step of the history."""

from collections.abc import Sequence
from dataclasses import replace

from gem_core._content_key import content_key
from gem_core._types import Progress, silent
from gem_core.errors import InputError
from gem_core.pipeline.editing.describe_clusters import describe_edit, taxonomy_hash
from gem_core.pipeline.editing.match_previous import apply_match_record
from gem_core.pipeline.editing.operations import (
    AGENT,
    ArrangeGroups,
    Op,
    Rename,
    RenameAutomatically,
    from_json,
    join_names,
    to_json,
)
from gem_core.pipeline.editing.working_copy import WorkingTaxonomy
from gem_core.workspace import Edit, Taxonomy, Workspace
from gem_core.workspace.costs import CostBook

#: Steps after which a number may name another cluster than before.
RENUMBERING = frozenset({"fit", "follow", "merge", "split", "move"})


def edit(workspace: Workspace, *ops: Op, made_on: str = "", agent: str = "", progress: Progress = silent) -> Taxonomy:
    """Apply edits to the present taxonomy as one step of the history.

    The edited taxonomy is written first and named in the history afterwards, in one transaction: a process that is
    killed leaves either the old taxonomy or the new one.

    Parameters
    ----------
    workspace : Workspace
    *ops : Rename, Merge, Split, Move, Regroup, Pin or Exclude
        Applied in this order; all of them or, when one is refused, none.
    made_on : str
        Key of the taxonomy that the edits were chosen on. Edits are refused if a fit, merge, split or move came
        between, since a number may name another cluster now. Empty: the present taxonomy.
    agent : str
        Name of the program that made the step on behalf of a person; the history says so. Empty: a person.
    progress : Progress

    Returns
    -------
    Taxonomy
        The present taxonomy from now on.

    Raises
    ------
    InputError
        If an edit names what is not there, cannot be done, or was made on clusters that are numbered again.
    WorkspaceError
        If nothing has been fitted yet, or the workspace cannot be written.
    """
    if not ops:
        raise InputError("A step takes an edit or more", "none", "Pass for example Rename('cluster', 3, 'Bread')")
    with workspace.writing():
        old = workspace.taxonomy()
        _check_numbers_stayed(workspace, made_on or old.key, old.key)
        trial = WorkingTaxonomy.of(old)
        sentences = [trial.apply(op) for op in ops]  # refuses before anything is written
        edits = [{**to_json(op), AGENT: agent} if agent else to_json(op) for op in ops]
        new = replay(workspace, old, edits, progress=progress)
        sentence = join_names(sentences, most=2) + _describe_group_names(old, new, ops)
        workspace.push(new.key, edits, f"Agent {agent}: {sentence}" if agent else sentence)
    return workspace.taxonomy()


def _describe_group_names(old: Taxonomy, new: Taxonomy, ops: Sequence[Op]) -> str:
    """Say which groups have another name because their clusters changed; "" when an edit was about names itself."""
    if any(isinstance(op, Rename | RenameAutomatically | ArrangeGroups) for op in ops):
        return ""
    before = {group.number: group.label for group in old.groups}
    renamed = [
        f"{before[group.number]} is now {group.label}"
        for group in new.groups
        if before.get(group.number, group.label) != group.label
    ]
    return f"; group {join_names(renamed, most=2)}" if renamed else ""


def _check_numbers_stayed(workspace: Workspace, made_on: str, present: str) -> None:
    """Refuse edits made on a taxonomy since which numbers of clusters may have changed."""
    if made_on == present:
        return
    history = workspace.history()
    steps = history.steps[: history.position + 1]
    since = next((steps[index + 1 :] for index in reversed(range(len(steps))) if steps[index].key == made_on), None)
    if since is None or any(record["do"] in RENUMBERING for step in since for record in step.edits):
        last = steps[-1].sentence if steps else "nothing"
        raise InputError(
            "An edit must be made on the present clusters",
            f"an edit of taxonomy {made_on[:8]}, while the last step is: {last}",
            "Look at the clusters as they are now and repeat the edit",
        )


def replay(workspace: Workspace, base: Taxonomy, edits: Sequence[Edit], *, progress: Progress = silent) -> Taxonomy:
    """Apply recorded edits to a taxonomy that is on disk, save the result, and return it; history is not touched."""
    if not edits:
        return base
    key = content_key([base.key, list(edits)])
    if workspace.has(f"fits/{key}/taxonomy.json"):
        return workspace.taxonomy(key)
    book = CostBook()
    with book.step("edit"):
        follows = edits[0]["do"] == "follow"
        new = apply_match_record(base, workspace.embeddings, edits[0]) if follows else WorkingTaxonomy.of(base)
        for edit in edits[follows:]:
            new.apply(from_json(edit))
        parts = describe_edit(workspace, base, new, progress=progress)
    labels = parts.documents["cluster_id"].to_numpy()
    other_costs = tuple(cost for cost in base.costs if cost.step != "edit")
    taxonomy = replace(
        base,
        key=key,
        clusters=parts.clusters,
        groups=parts.groups,
        costs=(*other_costs, *book.costs),
        taxonomy_hash=taxonomy_hash(labels, parts.clusters),
        folder=workspace.root / "fits" / key,
    )
    workspace.save_taxonomy(taxonomy, (parts.fit, parts.documents) if parts.assignment_changed else base.folder)
    return workspace.taxonomy(key)
