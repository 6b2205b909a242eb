"""Figures in the report: each as an SVG inside the page, to look at and to save."""

import base64
from dataclasses import dataclass

from gem_core.export.figures import FIGURES, figure_svg
from gem_core.workspace import Taxonomy, Workspace

TITLES = {
    "globe": "Globe",
    "map": "Flat map",
    "treemap": "Treemap",
    "path": "Balance path",
    "shares": "Shares of the clusters",
}


@dataclass(frozen=True)
class FigureFile:
    """A figure that can be saved.

    Attributes
    ----------
    name : str
        Name of the file, without an ending.
    title : str
    address : str
        The SVG as an address of kind data:.
    """

    name: str
    title: str
    address: str


def figure_files(workspace: Workspace, taxonomy: Taxonomy) -> tuple[FigureFile, ...]:
    """Draw every figure of the taxonomy; the balance path only where it has been computed."""
    names = [name for name in FIGURES if name != "path" or taxonomy.has_path]
    return tuple(FigureFile(name, TITLES[name], _address(figure_svg(workspace, taxonomy, name))) for name in names)


def _address(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")
