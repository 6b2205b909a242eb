"""Treemap of groups and clusters, in the colors of the map.

Plotly's own treemap zooms on a click and sends Streamlit no event, so the tiles are laid out here and drawn as bars.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go

from app.charts.style import readable, soft
from app.ui.text import plain, short
from gem_core._formatting import percent
from gem_core.export.figures.treemap import Tile, squarify_tiles
from gem_core.pipeline.labels.areas import Area
from gem_core.workspace import Taxonomy

TileSize = Literal["Documents", "Tokens"]
WIDTH = 800.0  # of the drawing in its own units, about the pixels at 1440
HEADER, GAP = 24.0, 3.0
GROUND = "#8a94a3"  # of a frame that stands for no area


DrawnTile = tuple[Tile, str, str, list[str | int], bool, float]  # place, color, label, custom data, selected, size


@dataclass(frozen=True)
class Leaf:
    """A tile: a cluster, or a group inside its area."""

    label: str
    color: str
    target: tuple[str, int]
    size: float
    pale: bool = False


@dataclass(frozen=True)
class Frame:
    """Frame of tiles: a group, or an area, which cannot be clicked (its target is empty)."""

    label: str
    color: str
    target: tuple[str, int]
    leaves: tuple[Leaf, ...]

    @property
    def size(self) -> float:
        """Sum of the tiles."""
        return sum(leaf.size for leaf in self.leaves)


def group_frames(taxonomy: Taxonomy, tile_size: TileSize, only: int | None = None) -> list[Frame]:
    """Return the groups with their clusters, or one group alone."""
    return [
        Frame(
            group.label,
            group.color,
            ("parent", group.number),
            tuple(
                Leaf(
                    f"{cluster.label} (excluded)" if cluster.excluded else cluster.label,
                    cluster.color,
                    ("cluster", cluster.number),
                    float(cluster.documents if tile_size == "Documents" else cluster.tokens),
                    cluster.excluded,
                )
                for cluster in map(taxonomy.cluster, group.children)
            ),
        )
        for group in taxonomy.groups
        if only is None or group.number == only
    ]


def area_frames(taxonomy: Taxonomy, areas: Sequence[Area], tile_size: TileSize) -> list[Frame]:
    """Return the areas with their groups; without areas, the groups in one frame."""
    sizes = {frame.target[1]: frame.size for frame in group_frames(taxonomy, tile_size)}
    areas = areas or [Area("All groups", GROUND, tuple(sizes))]
    return [
        Frame(
            area.label,
            area.color,
            ("", 0),
            tuple(
                Leaf(group.label, group.color, ("parent", group.number), sizes[group.number])
                for group in map(taxonomy.group, area.groups)
            ),
        )
        for area in areas
    ]


def treemap(
    frames: Sequence[Frame],
    *,
    total: float,
    tile_size: TileSize,
    selected: Sequence[tuple[str, int]],
    dark: bool,
    height: int,
) -> go.Figure:
    """Draw the treemap; every tile carries ("cluster" or "parent", number) as custom data.

    `total`: what shares in the texts are parts of. `selected`: tiles and frames with a border.
    """
    page, ink = ("#0e1420", "#ffffff") if dark else ("#ffffff", "#111827")
    figure = go.Figure()
    backgrounds: list[DrawnTile] = []
    group_headers: list[DrawnTile] = []
    leaves: list[DrawnTile] = []
    sums = [frame.size for frame in frames]
    for frame, outer in zip(frames, squarify_tiles(sums, Tile(0, 0, WIDTH, height)), strict=True):
        outer = _inset(outer, GAP / 2)
        header = min(HEADER, outer.height / 3)
        background = soft(frame.color, page)
        backgrounds.append((outer, background, "", ["", 0], frame.target in selected, 0.0))
        top = Tile(outer.x, outer.y, outer.width, header)
        group_headers.append((top, background, frame.label, list(frame.target), False, frame.size))
        inner = Tile(outer.x + GAP, outer.y + header, outer.width - 2 * GAP, outer.height - header - GAP)
        for leaf, tile in zip(frame.leaves, squarify_tiles([leaf.size for leaf in frame.leaves], inner), strict=True):
            color = soft(leaf.color, page) if leaf.pale else leaf.color
            leaves.append((_inset(tile, 1.0), color, leaf.label, list(leaf.target), leaf.target in selected, leaf.size))
    for trace_name, tiles in (("ground", backgrounds), ("group", group_headers), ("cluster", leaves)):
        _add_bars(figure, trace_name, [d for d in tiles if d[0].width > 0 and d[0].height > 0], total, tile_size, ink)
    figure.data[0].update(hoverinfo="skip", hovertemplate=None)  # the ground of a group answers no click
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        barmode="overlay",
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"align": "left"},
        clickmode="event+select",
        dragmode=False,
        xaxis={"visible": False, "range": [0, WIDTH], "fixedrange": True},
        yaxis={"visible": False, "range": [height, 0], "fixedrange": True},
    )
    return figure


def _add_bars(
    figure: go.Figure, trace_name: str, tiles: list[DrawnTile], total: float, tile_size: str, ink: str
) -> None:
    texts = [
        _fit_label(label, tile, size / total) if trace_name == "cluster" else _fit_heading(label, tile)
        for tile, _, label, _, _, size in tiles
    ]
    figure.add_bar(
        x=[t.x + t.width / 2 for t, *_ in tiles],
        width=[t.width for t, *_ in tiles],
        base=[t.y for t, *_ in tiles],
        y=[t.height for t, *_ in tiles],
        customdata=[custom for *_, custom, _, _ in tiles],
        text=texts,
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        constraintext="none",
        insidetextfont={"color": [readable(color) for _, color, *_ in tiles], "size": 13},
        cliponaxis=True,
        hovertext=[
            f"{plain(short(label, 80))}<br>{size:,.0f} {tile_size.lower()}, {percent(size / total)}"
            for _, _, label, _, _, size in tiles
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "color": [d[1] for d in tiles],
            "cornerradius": 4,
            "line": {"color": ink, "width": [3 if d[4] else 0 for d in tiles]},
        },
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": 1.0}},
    )


def _fit_heading(label: str, tile: Tile) -> str:
    """Return as much of a group's name as fits above its tiles; a narrower drawing writes it smaller."""
    max_characters = int(tile.width / 8.0)
    return plain(short(label, max_characters)) if max_characters >= 4 else ""


def _fit_label(label: str, tile: Tile, share: float) -> str:
    """Return as much of a label as fits its tile, above its share; nothing for a small tile."""
    max_characters = int((tile.width - 8) / 8.0)
    lines = int((tile.height - 6) / 17)
    if max_characters < 4 or lines < 1:
        return ""
    texts = _wrap(label, max_characters, max(1, lines - 1)) if max_characters >= 7 else []
    return "<br>".join([*texts, *([percent(share)] if lines > len(texts) else [])])


def _wrap(label: str, max_characters: int, lines: int) -> list[str]:
    out: list[str] = []
    remaining = " ".join(label.split())
    while remaining and len(out) < lines:
        if len(remaining) <= max_characters or len(out) == lines - 1:
            out.append(plain(short(remaining, max_characters)))
            break
        cut = remaining.rfind(" ", 0, max_characters + 1)
        if cut <= 0:  # a word longer than the line
            out.append(plain(short(remaining, max_characters)))
            break
        out.append(plain(remaining[:cut]))
        remaining = remaining[cut:].strip()
    return out


def _inset(tile: Tile, margin: float) -> Tile:
    return Tile(tile.x + margin, tile.y + margin, max(tile.width - 2 * margin, 0.0), max(tile.height - 2 * margin, 0.0))
