"""Near-duplicate search in a workspace; the result of each threshold is stored."""

from pathlib import Path

import numpy as np
import pandas as pd

from gem_core._types import Progress, frozen, silent
from gem_core.embedding.duplicate_groups import Duplicates, near_duplicates
from gem_core.errors import InputError, WorkspaceError
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import write_parquet

FOLDER = "duplicates"
THRESHOLD = 0.95


def find_duplicates(
    workspace: Workspace, threshold: float = THRESHOLD, *, keep: bool = True, progress: Progress = silent
) -> Duplicates:
    """Find near-duplicates, or read those that were found before at this threshold.

    The document with the highest GIS of the present taxonomy represents its group; without a taxonomy the first.

    Parameters
    ----------
    workspace : Workspace
        With vectors.
    threshold : float in (0, 1]
        Cosine from which two documents are joined, to four digits.
    keep : bool
        Write them into the workspace, so that they are not searched for again.
    progress : Progress

    Raises
    ------
    InputError
        If the threshold is out of range.
    WorkspaceError
        If the documents have no vectors, or the workspace cannot be written.
    """
    if not 0 < threshold <= 1 or round(threshold, 4) != threshold:
        raise InputError(
            "threshold must be a cosine above 0, at most 1, of at most four digits",
            f"{threshold:g}",
            "Use a value such as 0.95",
        )
    saved_duplicates = kept_duplicates(workspace, threshold)
    if saved_duplicates is not None:
        return saved_duplicates
    if not workspace.has("embeddings.npy"):
        raise WorkspaceError(
            "The documents must have vectors",
            f"none in {workspace.root}",
            "Embed them: gem-explorer embed CORPUS --workspace DIR",
        )
    scores = workspace.taxonomy().documents["gis"].to_numpy() if workspace.fitted() else None
    duplicates = near_duplicates(workspace.embeddings, threshold, scores=scores, progress=progress)
    table = pd.DataFrame({"row": duplicates.rows, "group": duplicates.group, "cosine": duplicates.cosine})
    if keep:
        with workspace.writing():
            write_parquet(duplicates_file(workspace, threshold), table)
    return duplicates


def kept_duplicates(workspace: Workspace, threshold: float = THRESHOLD) -> Duplicates | None:
    """Return the near-duplicates that were found before at this threshold, or None."""
    try:
        table = pd.read_parquet(duplicates_file(workspace, threshold))
        columns = [
            table[name].to_numpy(kind)
            for name, kind in (("row", np.int32), ("group", np.int32), ("cosine", np.float32))
        ]
    except (OSError, ValueError, KeyError):  # none yet, or damaged: they are found again
        return None
    return Duplicates(threshold, len(workspace), *(frozen(column.copy()) for column in columns))


def kept_thresholds(workspace: Workspace) -> tuple[float, ...]:
    """Return the thresholds whose near-duplicates are kept, rising."""
    return tuple(sorted(float(file.stem) for file in (workspace.root / FOLDER).glob("[01].*.parquet")))


def duplicates_file(workspace: Workspace, threshold: float) -> Path:
    """Return the file of the near-duplicates at this threshold."""
    return workspace.root / FOLDER / f"{threshold:.4f}.parquet"
