"""History of a workspace's taxonomy: fits and edits as steps, and the journal that keeps a second copy of them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gem_core.workspace.atomic_files import write_text
from gem_core.workspace.integrity import reading_part

Edit = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One step of the history.

    Attributes
    ----------
    key : str
        The taxonomy that the step made.
    edits : tuple of dict
        What was done, in JSON's types: a fit ({"do": "fit", "settings": ...}) or edits in the form of
        `gem_core.pipeline.edits`. Applied to the taxonomy of the step before, they make this one again.
    sentence : str
        The same in words; holds labels, so it is corpus text.
    at : str
        Time in UTC, ISO 8601.
    """

    key: str
    edits: tuple[Edit, ...]
    sentence: str
    at: str


@dataclass(frozen=True)
class History:
    """The steps, oldest first, and the index of the present one (-1 when there is none).

    Steps after the present one were undone and can be done again.
    """

    steps: tuple[Step, ...]
    position: int

    @property
    def present(self) -> Step | None:
        """The step whose taxonomy is shown."""
        return self.steps[self.position] if self.position >= 0 else None

    def to(self, key: str) -> tuple[Step, ...]:
        """Return the steps that led to a taxonomy, oldest first; none for one that is not in the history."""
        last = max((index for index, step in enumerate(self.steps) if step.key == key), default=-1)
        return self.steps[: last + 1]


JOURNAL = "edits.jsonl"  # the whole history beside gem.sqlite, which it is restored from


def write_journal(root: Path, history: History) -> None:
    """Write the history as lines of JSON; the line of the present step says so."""
    lines = edits_text(history.steps).splitlines(keepends=True)
    if 0 <= history.position < len(lines):
        lines[history.position] = lines[history.position].removesuffix("}\n") + ', "present": true}\n'
    write_text(root / JOURNAL, "".join(lines))


def read_journal(root: Path) -> History:
    """Read what `write_journal` wrote.

    Raises
    ------
    WorkspaceError
        If it is missing, or a line of it is no step.
    """
    with reading_part(root, JOURNAL):
        values = [json.loads(line) for line in (root / JOURNAL).read_text(encoding="utf-8").splitlines()]
        if not values:
            raise ValueError("empty")
        steps = tuple(Step(v["key"], tuple(v["edits"]), v["sentence"], v["at"]) for v in values)
        present = [index for index, value in enumerate(values) if value.get("present")]
        return History(steps, present[-1] if present else len(steps) - 1)


def edits_text(steps: Iterable[Step]) -> str:
    """Write steps as lines of JSON: key, at (UTC), sentence, edits. `pipeline.replay_steps` reads them."""
    return "".join(
        json.dumps(
            {"key": step.key, "at": step.at, "sentence": step.sentence, "edits": list(step.edits)}, ensure_ascii=False
        )
        + "\n"
        for step in steps
    )
