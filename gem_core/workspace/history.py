"""What was done to the taxonomy of a workspace, step by step."""

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
