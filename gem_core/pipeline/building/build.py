"""Build a workspace: every step from a corpus file to a named taxonomy with its balance path."""

from pathlib import Path

from gem_core._types import Progress, silent
from gem_core.pipeline.building.balance_path import ensure_path
from gem_core.pipeline.building.fit import fit_taxonomy
from gem_core.pipeline.building.ingest import Source, finish_workspace, prepare
from gem_core.pipeline.building.mend import mend_workspace
from gem_core.workspace import Settings, Taxonomy
from gem_core.workspace.manifest import BACKUP
from gem_core.workspace.manifest import FILE as MANIFEST


def build(source: Source, root: Path, settings: Settings | None = None, *, progress: Progress = silent) -> Taxonomy:
    """Run every step from a file to a named taxonomy; steps that are already done are not done again.

    Parameters
    ----------
    source : Source
    root : Path
        Folder of the workspace, made if absent.
    settings : Settings, optional
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
    workspace = prepare(source, root, progress=progress)
    finish_workspace(workspace, progress=progress)
    fit_taxonomy(workspace, settings or Settings(), progress=progress)
    return ensure_path(workspace, progress=progress)
