"""Globe and flat map as SVG: a dot per document, names of the largest clusters, a legend."""

import numpy as np
from numpy.typing import NDArray

from gem_core._formatting import clean, count
from gem_core._types import Float64, Int32
from gem_core.export.figures.svg import (
    GRID,
    LEGEND_WIDTH,
    MARGIN,
    TITLE_HEIGHT,
    cluster_color,
    halo_text,
    legend,
    page,
    shorten,
)
from gem_core.export.report.points import thin
from gem_core.workspace import Taxonomy, Workspace

MAX_DOTS = 12_000  # more make a file that drawing programs open slowly
SIZE = 620.0  # pixels of the globe's box
MAX_NAMES = 18
FAR_SIDE = 0.12  # depth below which dots are left out: they would crowd the rim


def globe_svg(workspace: Workspace, taxonomy: Taxonomy) -> str:
    """Draw the globe from the side where most documents lie (orthographic)."""
    rows = thin(taxonomy.positions, MAX_DOTS)
    sphere = np.asarray(workspace.sphere, np.float64)
    turn = _facing(sphere[rows].mean(axis=0))
    places = sphere[rows] @ turn.T
    radius = SIZE / 2 - 12
    center_x, center_y = MARGIN + SIZE / 2, TITLE_HEIGHT + SIZE / 2
    near = places[:, 2] > FAR_SIDE
    x, y = center_x + radius * places[near, 0], center_y - radius * places[near, 1]
    body = [
        '<defs><radialGradient id="ball" cx="0.34" cy="0.32" r="0.8"><stop offset="0.3" stop-color="#ffffff"/>'
        '<stop offset="1" stop-color="#e3eaf3"/></radialGradient></defs>',
        f'<circle cx="{center_x:g}" cy="{center_y:g}" r="{radius:g}" fill="url(#ball)" stroke="#8fa2bd"/>',
        *_graticule(turn, center_x, center_y, radius),
        *_dots(taxonomy, taxonomy.positions[rows][near], x, y),
    ]
    names = _middles(sphere, taxonomy.positions, len(taxonomy.clusters))
    names /= np.maximum(np.linalg.norm(names, axis=1, keepdims=True), 1e-12)
    names = names @ turn.T
    visible = names[:, 2] > 0.25
    body += _names(taxonomy, center_x + radius * names[:, 0], center_y - radius * names[:, 1], visible)
    return _with_legend(workspace, taxonomy, body, SIZE, SIZE, len(rows))


def map_svg(workspace: Workspace, taxonomy: Taxonomy) -> str:
    """Draw the flat map of the documents."""
    rows = thin(taxonomy.positions, MAX_DOTS)
    flat = np.asarray(workspace.flat, np.float64)
    low, high = flat.min(axis=0), flat.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    width = 760.0
    scale = width / span[0]
    height = float(np.clip(span[1] * scale, 300, 700))
    scale = min(scale, height / span[1])

    def to_pixels(points: Float64) -> tuple[Float64, Float64]:
        return MARGIN + (points[:, 0] - low[0]) * scale, TITLE_HEIGHT + height - (points[:, 1] - low[1]) * scale

    x, y = to_pixels(flat[rows])
    body = _dots(taxonomy, taxonomy.positions[rows], x, y)
    name_x, name_y = to_pixels(_middles(flat, taxonomy.positions, len(taxonomy.clusters)))
    body += _names(taxonomy, name_x, name_y, np.ones(len(taxonomy.clusters), dtype=np.bool_))
    return _with_legend(workspace, taxonomy, body, width, height, len(rows))


def _with_legend(
    workspace: Workspace, taxonomy: Taxonomy, body: list[str], width: float, height: float, point_count: int
) -> str:
    entries, tall = legend(taxonomy, 2 * MARGIN + width, TITLE_HEIGHT + 12)
    total = len(workspace)
    note = f"Each dot is a document ({count(total)}"
    note += f", a sample of {count(point_count)} drawn)" if point_count < total else ")"
    title = f"{clean(workspace.manifest.name, 80)}: {len(taxonomy.clusters)} clusters in {len(taxonomy.groups)} groups"
    return page(
        title,
        note + "; nearby dots have similar meaning; color shows the cluster, with its share of documents.",
        width + LEGEND_WIDTH + 3 * MARGIN,
        max(height, tall) + TITLE_HEIGHT + MARGIN,
        [*body, *entries],
    )


def _facing(direction: Float64) -> Float64:
    """Return the rotation (3, 3) that turns a direction toward the reader with the pole upwards."""
    length = float(np.linalg.norm(direction))
    front = direction / length if length > 1e-9 else np.array([1.0, 0.0, 0.0])
    front = front * np.array([1.0, 1.0, 0.5])
    front = front / np.linalg.norm(front) if np.linalg.norm(front) > 1e-9 else np.array([1.0, 0.0, 0.0])
    pole = np.array([0.0, 0.0, 1.0]) if abs(front[2]) < 0.999 else np.array([0.0, 1.0, 0.0])
    up = pole - (pole @ front) * front
    up /= np.linalg.norm(up)
    return np.stack((np.cross(up, front), up, front))


def _dots(taxonomy: Taxonomy, groups: Int32, x: Float64, y: Float64) -> list[str]:
    radius = float(np.clip(16 * max(len(x), 1) ** -0.31, 0.7, 2.6))
    parts = []
    for index in np.unique(groups):
        inside = groups == index
        dots = "".join(f"M{a:.1f},{b:.1f}h0" for a, b in zip(x[inside], y[inside], strict=True))
        color = cluster_color(taxonomy, int(index))
        parts.append(
            f'<path d="{dots}" fill="none" stroke="{color}" stroke-width="{2 * radius:.2f}" stroke-linecap="round" '
            'stroke-opacity="0.85"/>'
        )
    return parts


def _middles(points: Float64, groups: Int32, clusters: int) -> Float64:
    """Return the coordinate-wise medians of each cluster, (K, d); 0 for an empty one."""
    out = np.zeros((clusters, points.shape[1]))
    for index in range(clusters):
        inside = groups == index
        if inside.any():
            out[index] = np.median(points[inside], axis=0)
    return out


def _names(taxonomy: Taxonomy, x: Float64, y: Float64, visible: NDArray[np.bool_]) -> list[str]:
    """Write the names of the largest clusters that leave each other room."""
    parts: list[str] = []
    boxes: list[tuple[float, float, float]] = []
    for index in np.argsort([-c.documents for c in taxonomy.clusters], kind="stable"):
        label = shorten(taxonomy.clusters[int(index)].label, 170)
        half = 3.2 * len(label) + 6
        clear = all(abs(x[index] - a) > half + b or abs(y[index] - c) > 16 for a, c, b in boxes)
        if visible[index] and clear and len(parts) < MAX_NAMES and taxonomy.clusters[int(index)].documents:
            boxes.append((float(x[index]), float(y[index]), half))
            parts.append(halo_text(float(x[index]), float(y[index]), label))
    return parts


def _graticule(turn: Float64, center_x: float, center_y: float, radius: float) -> list[str]:
    lines = []
    angle = np.deg2rad(np.arange(-180, 181, 4))
    for latitude in np.deg2rad((-60, -30, 0, 30, 60)):
        lines.append(
            np.stack(
                (
                    np.cos(latitude) * np.cos(angle),
                    np.cos(latitude) * np.sin(angle),
                    np.full_like(angle, np.sin(latitude)),
                ),
                1,
            )
        )
    across = np.deg2rad(np.arange(-80, 81, 4))
    for longitude in np.deg2rad(np.arange(0, 360, 30)):
        lines.append(
            np.stack((np.cos(across) * np.cos(longitude), np.cos(across) * np.sin(longitude), np.sin(across)), 1)
        )
    parts = []
    for line in lines:
        places = line @ turn.T
        path, pen = "", False
        for px, py, pz in places:
            if pz <= 0:
                pen = False
                continue
            path += f"{'L' if pen else 'M'}{center_x + radius * px:.1f},{center_y - radius * py:.1f}"
            pen = True
        parts.append(f'<path d="{path}" fill="none" stroke="{GRID}" stroke-width="0.8"/>')
    return parts
