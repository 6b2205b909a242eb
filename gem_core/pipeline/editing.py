"""Edit the present taxonomy: each call is one step of the history."""

import json
from collections.abc import Iterable

import numpy as np

from gem_core._types import Int32, Progress, silent
from gem_core.clustering import MixtureConfig, fit_mixture
from gem_core.clustering.assignment import assign_units
from gem_core.errors import InputError
from gem_core.pipeline.arrangement import Arrangement
from gem_core.pipeline.edits import Op, Split, from_json, listed, to_json
from gem_core.pipeline.taxonomy import fit_taxonomy, replay
from gem_core.workspace import Edit, Settings, Taxonomy, Workspace

INSIDE = 0.25  # strength of a split: no giant beside crumbs, and no parts forced to one size


def edit(workspace: Workspace, *ops: Op, progress: Progress = silent) -> Taxonomy:
    """Apply edits to the present taxonomy as one step of the history.

    The edited taxonomy is written first and named in the history afterwards, in one transaction: a process that is
    killed leaves either the old taxonomy or the new one.

    Parameters
    ----------
    workspace : Workspace
    *ops : Rename, Merge, Split, Move, Regroup, Pin or Exclude
        Applied in this order; all of them or, when one is refused, none.
    progress : Progress

    Returns
    -------
    Taxonomy
        The present taxonomy from now on.

    Raises
    ------
    InputError
        If an edit names what is not there, or cannot be done.
    WorkspaceError
        If nothing has been fitted yet, or the workspace cannot be written.
    """
    if not ops:
        raise InputError("A step takes an edit or more", "none", "Pass for example Rename('cluster', 3, 'Bread')")
    with workspace.writing():
        old = workspace.taxonomy()
        trial = Arrangement.of(old)
        sentences = [trial.apply(op) for op in ops]  # refuses before anything is written
        edits = [to_json(op) for op in ops]
        new = replay(workspace, old, edits, progress=progress)
        workspace.push(new.key, edits, listed(sentences, most=2))
    return workspace.taxonomy()


def propose_split(workspace: Workspace, taxonomy: Taxonomy, cluster: int, into: int = 2, *, seed: int = 0) -> Split:
    """Fit a balanced mixture inside one cluster and return the split it would be; nothing is written.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    cluster : int
        Number of the cluster.
    into : int
        Number of parts, from 2 to the number of documents.
    seed : int

    Raises
    ------
    InputError
        If the cluster holds fewer different documents than parts.
    """
    place = next((i for i, c in enumerate(taxonomy.clusters) if c.number == cluster), -1)
    rows = np.flatnonzero(taxonomy.positions == place).astype(np.int32)
    if not 2 <= into <= rows.size:
        raise InputError(f"A split makes 2 parts to as many as the cluster has documents ({rows.size:,})", f"{into}",
                         "Ask for fewer parts, or choose another cluster")
    parts = _parts(workspace, taxonomy, rows, into, seed)
    if len(parts) < 2:
        raise InputError("A split needs documents that differ", f"{rows.size:,} documents that fall into one part",
                         "Choose another cluster")
    return Split(cluster, tuple(sorted(parts, key=lambda part: (-len(part), part))))


def _parts(workspace: Workspace, taxonomy: Taxonomy, rows: Int32, into: int, seed: int) -> list[tuple[int, ...]]:
    X = np.asarray(workspace.embeddings[rows])
    different = len(np.unique(X, axis=0)) if rows.size < 50 else into
    if different < into:
        raise InputError(f"{into} parts need at least {into} documents that differ",
                         f"{rows.size:,} documents of which {different} differ", "Ask for fewer parts")
    weights = workspace.weights(taxonomy.settings.weighting)
    config = MixtureConfig(n_clusters=into, strength=INSIDE, seed=seed, start="relax",
                           concentration=taxonomy.settings.concentration)
    fit = fit_mixture(X, config, weights=None if weights is None else weights[rows])
    labels = assign_units(X, fit).labels
    return [tuple(int(row) for row in rows[labels == part]) for part in range(into) if (labels == part).any()]


def replay_steps(workspace: Workspace, lines: Iterable[str], *, progress: Progress = silent) -> Taxonomy:
    """Do again what `workspace.edits_text` holds, step by step, on a workspace of the same corpus.

    Raises
    ------
    InputError
        If a line is no step, or an edit cannot be done on this corpus.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            edits: list[Edit] = list(json.loads(line)["edits"])
            first = edits[0]["do"]
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise InputError("Every line must be a step as gem-explorer wrote it", f"line {number}: {line[:80]!r}",
                             "Take edits.jsonl from gem-explorer export") from error
        if first == "fit":
            fit_taxonomy(workspace, Settings.from_json(edits[0]["settings"]), progress=progress)
        else:
            edit(workspace, *(from_json(one) for one in edits), progress=progress)
        progress("replay", number, number)
    return workspace.taxonomy()

