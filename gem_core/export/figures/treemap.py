"""Squarified treemap of groups and clusters: tiles, and the figure as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

import squarify

from gem_core._formatting import clean, percent
from gem_core.export.figures.svg import MARGIN, TITLE_HEIGHT, cluster_color, page, rectangle, shorten, text
from gem_core.workspace import Taxonomy, Workspace

WIDTH, HEIGHT = 900.0, 560.0
HEADER, GAP = 22.0, 3.0


@dataclass(frozen=True)
class Tile:
    """Rectangle; y grows downwards."""

    x: float
    y: float
    width: float
    height: float


def squarify_tiles(sizes: Sequence[float], frame: Tile) -> list[Tile]:
    """Divide a frame into tiles that are as square as possible (squarified treemap, Bruls et al. 2000).

    Parameters
    ----------
    sizes : sequence of float, >= 0
    frame : Tile

    Returns
    -------
    list of Tile
        In the order of `sizes`; their areas are in proportion to the sizes and fill the frame.

    Examples
    --------
    >>> squarify_tiles([1.0, 1.0], Tile(0, 0, 4, 2))
    [Tile(x=0, y=0, width=2.0, height=2.0), Tile(x=2.0, y=0, width=2.0, height=2.0)]
    """
    tiles = [Tile(frame.x, frame.y, 0.0, 0.0)] * len(sizes)
    order = sorted((k for k in range(len(sizes)) if sizes[k] > 0), key=lambda k: -sizes[k])
    if not order or frame.width <= 0 or frame.height <= 0:
        return tiles
    areas = squarify.normalize_sizes([sizes[k] for k in order], frame.width, frame.height)
    for k, tile in zip(order, squarify.squarify(areas, frame.x, frame.y, frame.width, frame.height), strict=True):
        tiles[k] = Tile(tile["x"], tile["y"], tile["dx"], tile["dy"])
    return tiles


def treemap_svg(workspace: Workspace, taxonomy: Taxonomy) -> str:
    """Draw the treemap; a tile's area is the cluster's number of documents."""
    sums = [float(sum(taxonomy.cluster(n).documents for n in group.children)) for group in taxonomy.groups]
    total = sum(sums) or 1.0
    body = []
    frame = Tile(MARGIN, TITLE_HEIGHT, WIDTH - 2 * MARGIN, HEIGHT)
    for group, size, outer in zip(taxonomy.groups, sums, squarify_tiles(sums, frame), strict=True):
        body.append(rectangle(outer.x + 1, outer.y + 1, outer.width - 2, outer.height - 2, "#eef1f5"))
        name = f"{group.label}  {percent(size / total)}"
        body.append(text(outer.x + 7, outer.y + 16, shorten(name, outer.width - 14), size=12, weight=600))
        inner = Tile(outer.x + GAP, outer.y + HEADER, outer.width - 2 * GAP, outer.height - HEADER - GAP)
        numbers = list(group.children)
        for number, tile in zip(
            numbers, squarify_tiles([float(taxonomy.cluster(n).documents) for n in numbers], inner), strict=True
        ):
            color = cluster_color(taxonomy, taxonomy.index_of(number) or 0)
            body.append(rectangle(tile.x + 1, tile.y + 1, tile.width - 2, tile.height - 2, color))
            if tile.width < 40 or tile.height < 20:
                continue
            cluster, ink = taxonomy.cluster(number), _ink(color)
            body.append(text(tile.x + 7, tile.y + 17, shorten(cluster.label, tile.width - 14), size=12, color=ink))
            if tile.height > 36:
                body.append(text(tile.x + 7, tile.y + 33, percent(cluster.documents / total), size=11.5, color=ink))
    title = f"{clean(workspace.manifest.name, 80)}: {len(taxonomy.clusters)} clusters in {len(taxonomy.groups)} groups"
    return page(title, "Area: share of the documents.", WIDTH, HEIGHT + TITLE_HEIGHT + MARGIN, body)


def _ink(color: str) -> str:
    """Return black or white, whichever stands out more (WCAG relative luminance)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return "#ffffff" if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] < 0.179 else "#101418"
