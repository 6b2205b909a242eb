"""Figures of a taxonomy as SVG for papers: globe, flat map, treemap, balance path, shares."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from gem_core.errors import WorkspaceError
from gem_core.export.figures.charts import path_svg, shares_svg
from gem_core.export.figures.maps import globe_svg, map_svg
from gem_core.export.figures.treemap import treemap_svg
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import check_output, write_text

__all__ = ["FIGURES", "Figure", "figure_svg", "write_figure"]

Figure = Literal["globe", "map", "treemap", "path", "shares"]
FIGURES: tuple[Figure, ...] = get_args(Figure)
_DRAW: dict[str, Callable[[Workspace, Taxonomy], str]] = {
    "globe": globe_svg,
    "map": map_svg,
    "treemap": treemap_svg,
    "path": path_svg,
    "shares": shares_svg,
}


def figure_svg(workspace: Workspace, taxonomy: Taxonomy, what: str) -> str:
    """Draw a figure of a taxonomy as a standalone SVG; the same taxonomy gives the same bytes.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    what : "globe", "map", "treemap", "path" or "shares"

    Returns
    -------
    str
        SVG. It holds names of clusters and no document text.

    Raises
    ------
    WorkspaceError
        If there is no figure of this name, or the balance path has not been computed.
    """
    if what not in _DRAW:
        raise WorkspaceError(
            f"A figure must be one of {', '.join(FIGURES)}", f"{what!r}", "Choose one of these with --what"
        )
    return _DRAW[what](workspace, taxonomy)


def write_figure(workspace: Workspace, what: str, path: Path) -> Path:
    """Write a figure of the current taxonomy as SVG.

    Raises
    ------
    WorkspaceError
        As `figure_svg`, or if `path` cannot be written.
    """
    check_output(path)
    write_text(path, figure_svg(workspace, workspace.taxonomy(), what))
    return path
