"""Settings of a workspace that is being set up and not created yet."""

from dataclasses import dataclass, field
from pathlib import Path

from app.jobs import runner
from gem_core.corpus import CorpusPreview, ReadOptions


@dataclass
class WorkspaceDraft:
    """A corpus that is being set up: the chosen file, its first rows, and the estimate under way."""

    path: Path | None = None
    upload: str = ""
    stamp: tuple[int, int, ReadOptions] | None = None
    look: CorpusPreview | None = None
    name: str = ""
    estimate: runner.Job | None = None
    estimate_request: tuple[str, ...] = ()
    measured: dict[tuple[str, ...], runner.Status] = field(default_factory=dict)
    round: int = 0
