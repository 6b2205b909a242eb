"""A UMAP map of the documents beside the layout of the workspace: computed once, kept with its trustworthiness."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gem_core._types import Float32, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.projection import trustworthiness
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import write_whole
from gem_core.workspace.integrity import DAMAGE

FILE = "umap.npz"
NEIGHBORS = 15  # of UMAP and of the trustworthiness
MIN_DOCUMENTS = 40
SEED = 0


@dataclass(frozen=True)
class UmapMap:
    """Positions of the documents by UMAP, and how far this map and the flat map of the workspace can be trusted.

    Attributes
    ----------
    positions : (n, 2) float32
    trustworthiness, flat_trustworthiness : float
        Of this map and of the workspace's flat map: whether neighbors on it are neighbors by embedding, at most 1.
    """

    positions: Float32
    trustworthiness: float
    flat_trustworthiness: float


def ensure_umap(workspace: Workspace, *, progress: Progress = silent) -> UmapMap:
    """Return the UMAP map of a workspace, computing and saving it where it is missing.

    Parameters
    ----------
    workspace : Workspace
        With vectors and a layout.
    progress : Progress

    Raises
    ------
    InputError
        If there are fewer than `MIN_DOCUMENTS` documents.
    WorkspaceError
        If the workspace cannot be written.
    """
    saved = saved_umap(workspace)
    if saved is not None:
        return saved
    if len(workspace) < MIN_DOCUMENTS:
        raise InputError(
            f"A UMAP map needs at least {MIN_DOCUMENTS} documents",
            f"{len(workspace):,} documents",
            "Use the flat map of the workspace",
        )
    progress("UMAP map", 0, 1)
    import umap  # several seconds: it compiles machine code

    X = np.asarray(workspace.embeddings)
    model = umap.UMAP(metric="cosine", n_neighbors=NEIGHBORS, random_state=SEED, n_jobs=1)
    positions = np.asarray(model.fit_transform(X), dtype=np.float32)
    progress("UMAP map", 1, 1)
    values = []
    for at, plane in enumerate((positions, np.asarray(workspace.flat))):
        progress("trustworthiness", at, 2)
        values.append(trustworthiness(X, plane, neighbors=NEIGHBORS))
    progress("trustworthiness", 2, 2)
    result = UmapMap(frozen(positions), *values)
    with workspace.writing():
        _write(workspace, result)
    return result


def saved_umap(workspace: Workspace) -> UmapMap | None:
    """Return the saved UMAP map of these documents, or None."""
    try:
        with np.load(umap_file(workspace), allow_pickle=False) as arrays:
            if str(arrays["data_hash"]) != workspace.manifest.data_hash or len(arrays["positions"]) != len(workspace):
                return None
            positions = frozen(np.asarray(arrays["positions"], dtype=np.float32))
            return UmapMap(positions, float(arrays["trustworthiness"]), float(arrays["flat_trustworthiness"]))
    except DAMAGE:  # none yet, or damaged: it is computed again
        return None


def umap_file(workspace: Workspace) -> Path:
    """Where the UMAP map is kept."""
    return workspace.root / FILE


def _write(workspace: Workspace, result: UmapMap) -> None:
    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(
                file,
                positions=result.positions,
                trustworthiness=result.trustworthiness,
                flat_trustworthiness=result.flat_trustworthiness,
                data_hash=np.asarray(workspace.manifest.data_hash),
            )

    write_whole(umap_file(workspace), write)
