"""The tree as a treemap: groups hold their clusters, in the colours of the map.

Plotly's own treemap zooms on a click and tells Streamlit nothing, so the tiles are laid out here and drawn as bars.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go

from app.charts.style import readable, soft
from app.ui.text import plain, short
from gem_core._formatting import percent
from gem_core.workspace import Taxonomy

Sized = Literal["Documents", "Tokens"]
WIDTH = 800.0  # of the drawing in its own units, about the pixels at 1440
HEADER, GAP = 24.0, 3.0


@dataclass(frozen=True)
class Tile:
    """A rectangle; y grows downwards."""

    x: float
    y: float
    width: float
    height: float


def squarify(sizes: Sequence[float], frame: Tile) -> list[Tile]:
    """Divide a frame into tiles of given sizes that are as square as can be (Bruls, Huizing, van Wijk 2000).

    Parameters
    ----------
    sizes : sequence of float, >= 0
    frame : Tile

    Returns
    -------
    list of Tile
        In the order of `sizes`; their areas are in proportion to the sizes and fill the frame.
    """
    total = sum(sizes)
    tiles = [Tile(frame.x, frame.y, 0.0, 0.0)] * len(sizes)
    if total <= 0 or frame.width <= 0 or frame.height <= 0:
        return tiles
    scale = frame.width * frame.height / total
    left = sorted((k for k in range(len(sizes)) if sizes[k] > 0), key=lambda k: -sizes[k])
    x, y, width, height = frame.x, frame.y, frame.width, frame.height
    while left:
        side = min(width, height)
        row: list[int] = []
        while left and (not row or _worst([*row, left[0]], sizes, scale, side) <= _worst(row, sizes, scale, side)):
            row.append(left.pop(0))
        area = scale * sum(sizes[k] for k in row)
        depth, along = area / side, 0.0
        for k in row:
            extent = scale * sizes[k] / depth
            tiles[k] = Tile(x, y + along, depth, extent) if width >= height else Tile(x + along, y, extent, depth)
            along += extent
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth
        if min(width, height) <= 0:  # rounding has used the frame up: what is left has no area to speak of
            break
    return tiles


def _worst(row: list[int], sizes: Sequence[float], scale: float, side: float) -> float:
    """Largest ratio of the sides in a row."""
    area = scale * sum(sizes[k] for k in row)
    return max(max(side**2 * scale * sizes[k] / area**2, area**2 / (side**2 * scale * sizes[k])) for k in row)


def treemap(
    taxonomy: Taxonomy, *, sized: Sized, cluster: int | None, parent: int | None, dark: bool, height: int
) -> go.Figure:
    """Draw the tree; every tile carries ("cluster" or "parent", its number) as custom data."""
    page, ink = ("#0e1420", "#ffffff") if dark else ("#ffffff", "#111827")
    sizes = {c.number: float(c.documents if sized == "Documents" else c.tokens) for c in taxonomy.clusters}
    total = max(sum(sizes[c.number] for c in taxonomy.clusters if not c.excluded), 1.0)
    figure = go.Figure()
    grounds, groups, leaves = [], [], []
    sums = [sum(sizes[c] for c in p.children) for p in taxonomy.parents]
    for p, size, outer in zip(taxonomy.parents, sums, squarify(sums, Tile(0, 0, WIDTH, height)), strict=True):
        outer = _inset(outer, GAP / 2)
        header = min(HEADER, outer.height / 3)
        ground = soft(p.colour, page)
        grounds.append((outer, ground, "", ["", 0], parent == p.number, 0.0))
        groups.append((Tile(outer.x, outer.y, outer.width, header), ground, p.label, ["parent", p.number], False, size))
        inner = Tile(outer.x + GAP, outer.y + header, outer.width - 2 * GAP, outer.height - header - GAP)
        for number, tile in zip(p.children, squarify([sizes[c] for c in p.children], inner), strict=True):
            c = taxonomy.cluster(number)
            leaves.append(
                (
                    _inset(tile, 1.0),
                    soft(c.colour, page) if c.excluded else c.colour,
                    f"{c.label} (excluded)" if c.excluded else c.label,
                    ["cluster", number],
                    cluster == number,
                    sizes[number],
                )
            )
    for kind, drawn in (("ground", grounds), ("group", groups), ("cluster", leaves)):
        _bars(figure, kind, [d for d in drawn if d[0].width > 0 and d[0].height > 0], total, sized, ink)
    figure.data[0].update(hoverinfo="skip", hovertemplate=None)  # the ground of a group answers no click
    for tile, _, label, *_ in groups:
        room = int(tile.width / 10.5)  # its neighbour begins there even where the drawing is 500 pixels wide
        if room >= 4:
            figure.add_annotation(
                x=tile.x + 3,
                y=tile.y + 2,
                text=plain(short(label, room)),
                showarrow=False,
                xanchor="left",
                yanchor="top",
                captureevents=False,
                font={"size": 13, "color": "#e2e8f0" if dark else "#334155"},
            )
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


Drawn = tuple[Tile, str, str, list[str | int], bool, float]


def _bars(figure: go.Figure, kind: str, drawn: list[Drawn], total: float, sized: str, ink: str) -> None:
    words = [_fitted(label, tile, size / total) if kind == "cluster" else "" for tile, _, label, _, _, size in drawn]
    figure.add_bar(
        x=[t.x + t.width / 2 for t, *_ in drawn],
        width=[t.width for t, *_ in drawn],
        base=[t.y for t, *_ in drawn],
        y=[t.height for t, *_ in drawn],
        customdata=[custom for *_, custom, _, _ in drawn],
        text=words,
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        constraintext="none",
        insidetextfont={"color": [readable(colour) for _, colour, *_ in drawn], "size": 13},
        cliponaxis=True,
        hovertext=[
            f"{plain(short(label, 80))}<br>{size:,.0f} {sized.lower()}, {percent(size / total)}"
            for _, _, label, _, _, size in drawn
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "color": [d[1] for d in drawn],
            "cornerradius": 4,
            "line": {"color": ink, "width": [3 if d[4] else 0 for d in drawn]},
        },
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": 1.0}},
    )


def _fitted(label: str, tile: Tile, share: float) -> str:
    """As much of a label as its tile has room for, over its share; nothing in a small tile."""
    room = int((tile.width - 8) / 8.0)
    lines = int((tile.height - 6) / 17)
    if room < 4 or lines < 1:
        return ""
    words = _wrapped(label, room, max(1, lines - 1)) if room >= 7 else []
    return "<br>".join([*words, *([percent(share)] if lines > len(words) else [])])


def _wrapped(label: str, room: int, lines: int) -> list[str]:
    out: list[str] = []
    left = " ".join(label.split())
    while left and len(out) < lines:
        if len(left) <= room or len(out) == lines - 1:
            out.append(plain(short(left, room)))
            break
        cut = left.rfind(" ", 0, room + 1)
        if cut <= 0:  # a word longer than the line
            out.append(plain(short(left, room)))
            break
        out.append(plain(left[:cut]))
        left = left[cut:].strip()
    return out


def _inset(tile: Tile, by: float) -> Tile:
    return Tile(tile.x + by, tile.y + by, max(tile.width - 2 * by, 0.0), max(tile.height - 2 * by, 0.0))
