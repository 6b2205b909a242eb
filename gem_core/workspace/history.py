"""What was done to the taxonomy of a workspace, step by step."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

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
        last = max((place for place, step in enumerate(self.steps) if step.key == key), default=-1)
        return self.steps[: last + 1]


def edits_text(steps: Iterable[Step]) -> str:
    """Write steps as lines of JSON: key, at (UTC), sentence, edits. `pipeline.replay_steps` reads them."""
    return "".join(
        json.dumps(
            {"key": step.key, "at": step.at, "sentence": step.sentence, "edits": list(step.edits)}, ensure_ascii=False
        )
        + "\n"
        for step in steps
    )
