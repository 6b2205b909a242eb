"""The report: a whole taxonomy as one HTML file that opens offline, with its map, tree, evidence and receipt."""

from pathlib import Path

from gem_core._types import Progress, silent
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import check_output, write_text

__all__ = ["report_html", "write_report"]


def report_html(workspace: Workspace, taxonomy: Taxonomy, *, progress: Progress = silent) -> str:
    """Return the report of a taxonomy as one self-contained page.

    Of the corpus it holds the openings of a few documents per cluster (260 characters each) and the positions of at
    most 50,000 documents; never whole texts. The same taxonomy gives the same bytes.

    Parameters
    ----------
    workspace : Workspace
        With vectors, layout and texts.
    taxonomy : Taxonomy
    progress : Progress
        Told in parts of the work, six in all.

    Returns
    -------
    str
        HTML. A policy inside it lets nothing be fetched, and nothing from the corpus run.

    Raises
    ------
    WorkspaceError
        If a part of the workspace is missing or damaged.
    """
    from gem_core.export.report.assemble import assemble

    return assemble(workspace, taxonomy, progress)


def write_report(workspace: Workspace, path: Path, *, progress: Progress = silent) -> Path:
    """Write the report of the present taxonomy, whole or not at all.

    Raises
    ------
    WorkspaceError
        If nothing has been fitted yet, or `path` cannot be written.
    """
    check_output(path)
    write_text(path, report_html(workspace, workspace.taxonomy(), progress=progress))
    return path
