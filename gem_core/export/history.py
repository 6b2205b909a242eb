"""The history of a taxonomy as it goes out: the steps that led to it, in words and as records that can be replayed."""

import json

from gem_core.workspace import Step, Taxonomy, Workspace


def steps_to(workspace: Workspace, taxonomy: Taxonomy) -> tuple[Step, ...]:
    """Return the steps that led to a taxonomy, oldest first; none for one that is not in the history."""
    steps = workspace.history().steps
    last = max((place for place, step in enumerate(steps) if step.key == taxonomy.key), default=-1)
    return steps[: last + 1]


def edits_lines(workspace: Workspace, taxonomy: Taxonomy) -> str:
    """Return one line of JSON a step: key, at (UTC), sentence, edits. `pipeline.replay_steps` reads them."""
    return "".join(json.dumps({"key": step.key, "at": step.at, "sentence": step.sentence, "edits": list(step.edits)},
                              ensure_ascii=False) + "\n" for step in steps_to(workspace, taxonomy))
