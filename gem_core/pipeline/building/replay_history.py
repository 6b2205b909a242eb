"""Replay an exported edit history (edits.jsonl) on a workspace of the same corpus."""

import json
from collections.abc import Iterable

from gem_core._types import Progress, silent
from gem_core.errors import InputError
from gem_core.pipeline.building.fit import fit_taxonomy
from gem_core.pipeline.editing.edit import edit
from gem_core.pipeline.editing.operations import AGENT, from_json
from gem_core.workspace import Edit, Settings, Taxonomy, Workspace


def replay_steps(workspace: Workspace, lines: Iterable[str], *, progress: Progress = silent) -> Taxonomy:
    """Replay the steps of `workspace.edits_text` on a workspace of the same corpus.

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
            raise InputError(
                "Every line must be a step as gem-explorer wrote it",
                f"line {number}: {line[:80]!r}",
                "Take edits.jsonl from gem-explorer export",
            ) from error
        if first == "fit":
            fit_taxonomy(workspace, Settings.from_json(edits[0]["settings"]), progress=progress)
        else:
            operations = [from_json(record) for record in edits]
            edit(workspace, *operations, agent=str(edits[0].get(AGENT, "")), progress=progress)
        progress("replay", number, number)
    return workspace.taxonomy()
