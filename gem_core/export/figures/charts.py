"""Balance path and shares of the clusters as SVG."""

from html import escape

import numpy as np

from gem_core._formatting import clean, percent
from gem_core.errors import WorkspaceError
from gem_core.export.figures.svg import (
    GRID,
    INK,
    MARGIN,
    QUIET,
    TITLE_HEIGHT,
    cluster_color,
    page,
    rectangle,
    shorten,
    text,
)
from gem_core.export.report.svg_chart import path_chart
from gem_core.workspace import Taxonomy, Workspace

LINE_COLORS = {"one": "#0b6e62", "two": "#b45309"}
ROW, LABEL_WIDTH, BAR_WIDTH = 20.0, 260.0, 420.0


def path_svg(workspace: Workspace, taxonomy: Taxonomy) -> str:
    """Draw effective clusters and the largest and smallest mass along the balance path.

    Raises
    ------
    WorkspaceError
        If the balance path has not been computed.
    """
    chart = path_chart(workspace, taxonomy)
    if chart is None:
        raise WorkspaceError(
            "A figure of the balance path needs the path", "none computed yet", "Run gem-explorer path DIR first"
        )
    parts = []
    for y, words in chart.y_ticks:
        parts.append(f'<line x1="46" x2="608" y1="{y}" y2="{y}" stroke="{GRID}"/>')
        parts.append(text(40, y + 4, words, size=11, color=QUIET, anchor="end"))
    parts += [text(x, 352, words, size=11, color=QUIET, anchor="middle") for x, words in chart.x_ticks]
    parts.append(
        f'<line x1="{chart.current_x}" x2="{chart.current_x}" y1="20" y2="334" '
        f'stroke="{QUIET}" stroke-dasharray="4 3"/>'
    )
    parts.append(text(chart.current_x, 14, "this fit", size=11, color=QUIET, anchor="middle"))
    for line in chart.lines:
        color = LINE_COLORS.get(line.kind, INK)
        points = " ".join(f"{x},{y}" for x, y in line.points)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{color}"/>' for x, y in line.points]
        parts.append(text(*line.label, line.name, size=11.5, color=color, weight=600))
    parts.append(
        text(327, 369, "balance strength (log axis; 0 and exact set apart)", size=11, color=QUIET, anchor="middle")
    )
    body = [f'<g transform="translate({MARGIN:g} {TITLE_HEIGHT:g})">', *parts, "</g>"]
    return page(
        chart.title,
        f"{clean(workspace.manifest.name, 60)}: effective clusters, largest and smallest mass by balance strength.",
        chart.width + 2 * MARGIN,
        chart.height + TITLE_HEIGHT + MARGIN,
        body,
    )


def shares_svg(workspace: Workspace, taxonomy: Taxonomy) -> str:
    """Draw the share of documents of every cluster as bars, largest first, with the share of tokens as a mark."""
    clusters = [c for c in taxonomy.clusters if not c.excluded]
    order = np.argsort([-c.share_documents for c in clusters], kind="stable")
    most = max([max(c.share_documents, c.share_tokens) for c in clusters], default=1.0) or 1.0
    left = MARGIN + LABEL_WIDTH
    body = []
    for row, at in enumerate(order):
        cluster, y = clusters[int(at)], TITLE_HEIGHT + ROW * row
        color = cluster_color(taxonomy, taxonomy.index_of(cluster.number) or 0)
        body.append(text(left - 8, y + 14, shorten(cluster.label, LABEL_WIDTH - 12), size=12, anchor="end"))
        body.append(rectangle(left, y + 3, BAR_WIDTH * cluster.share_documents / most, ROW - 6, color, radius=2))
        mark = left + BAR_WIDTH * cluster.share_tokens / most
        body.append(
            f'<line x1="{mark:.1f}" x2="{mark:.1f}" y1="{y + 1:.1f}" y2="{y + ROW - 1:.1f}" stroke="{INK}" '
            'stroke-width="1.5"/>'
        )
        body.append(text(left + BAR_WIDTH + 12, y + 14, percent(cluster.share_documents), size=11.5, color=QUIET))
    largest, smallest = (percent(f(c.share_documents for c in clusters)) for f in (max, min)) if clusters else ("", "")
    title = f"{clean(workspace.manifest.name, 60)}: largest cluster {largest}, smallest {smallest} of the documents"
    height = TITLE_HEIGHT + ROW * len(clusters) + MARGIN
    return page(title, escape("Bar: share of documents. Mark: share of tokens."), left + BAR_WIDTH + 76, height, body)
