"""Build a workspace: every step from a corpus file to a named taxonomy with its balance path."""

from dataclasses import replace
from pathlib import Path

from gem_core._types import Progress, silent
from gem_core.pipeline.building.balance_path import ensure_path
from gem_core.pipeline.building.fit import check_count, check_size, fit_taxonomy, reference_concentration_of
from gem_core.pipeline.building.ingest import Source, finish_workspace, prepare
from gem_core.pipeline.building.mend import mend_workspace
from gem_core.workspace import Settings, Taxonomy
from gem_core.workspace.manifest import BACKUP
from gem_core.workspace.manifest import FILE as MANIFEST


def build(
    source: Source,
    root: Path,
    settings: Settings | None = None,
    *,
    penalty: float | None = None,
    progress: Progress = silent,
) -> Taxonomy:
    """Run every step from a file to a named taxonomy; completed steps are skipped.

    Parameters
    ----------
    source : Source
    root : Path
        Folder of the workspace, made if absent.
    settings : Settings, optional
    penalty : float, optional
        lambda itself; the strength of the settings becomes penalty / kappa_0 (`reference_concentration_of`).
    progress : Progress
        Raise `Cancelled` in it to stop: the next call goes on from the last finished step, and the embedding from
        its last batch.

    Raises
    ------
    CorpusError
        If the file cannot be read, or no document is left.
    WorkspaceError
        If the folder holds another corpus or cannot be written.
    InputError
        If there are fewer different documents than clusters.
    """
    if any((Path(root) / name).is_file() for name in (MANIFEST, BACKUP)):
        mend_workspace(root, source, progress=progress)
    settings = settings or Settings()
    clusters = settings.n_clusters
    workspace = prepare(source, root, check=lambda documents: check_count(documents, clusters), progress=progress)
    check_size(workspace.embeddings, clusters)
    finish_workspace(workspace, progress=progress)
    if penalty is not None:
        settings = replace(settings, strength=penalty / reference_concentration_of(workspace, settings))
    fit_taxonomy(workspace, settings, progress=progress)
    return ensure_path(workspace, progress=progress)
