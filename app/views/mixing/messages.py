"""Messages of the Mixing view that wait for its next run, and what the notice can undo."""

from dataclasses import dataclass
from typing import Any

from gem_core.mixing import Weights


@dataclass(frozen=True)
class MixUndo:
    """A mix as it was saved before (None: it was not), and the settings on screen at that moment."""

    name: str
    before: tuple[Weights, dict[str, Any]] | None
    recorded: dict[str, Any]


@dataclass
class MixMessages:
    """`notice` holds a serial number and a sentence; empty texts show nothing."""

    refusal: str = ""
    notice: tuple[int, str] = (0, "")
    undo: MixUndo | None = None
    saved_goal: str = ""
    imported_runs: str = ""
