"""Building blocks of SVG figures: escaped text, circles, rectangles, a page with title and legend."""

from collections.abc import Iterable, Sequence
from html import escape

from gem_core._formatting import clean, percent
from gem_core.workspace import Taxonomy

FONT = "'Source Sans 3', Helvetica, Arial, sans-serif"
INK, QUIET, GRID = "#172033", "#5b6779", "#dfe4ea"
GRAY = "#8b97a8"
LEGEND_WIDTH, LEGEND_ROW, TITLE_HEIGHT, MARGIN = 230.0, 17.0, 48.0, 16.0
MAX_LEGEND = 60  # clusters in a legend


def text(
    x: float, y: float, words: str, *, size: float = 12, color: str = INK, weight: int = 400, anchor: str = "start"
) -> str:
    """Return a text element; the words are escaped, control characters dropped."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" font-weight="{weight}" fill="{color}" '
        f'text-anchor="{anchor}">{escape(clean(words, 200))}</text>'
    )


def halo_text(x: float, y: float, words: str, *, size: float = 12) -> str:
    """Return centered text with a white outline, readable on points."""
    label = escape(clean(words, 200))
    outline = 'stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" font-weight="600" fill="{INK}" text-anchor="middle" '
        f"{outline}>{label}</text>"
    )


def rectangle(x: float, y: float, width: float, height: float, color: str, *, radius: float = 3) -> str:
    """Return a filled rectangle with round corners."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" rx="{radius:g}" '
        f'fill="{color}"/>'
    )


def shorten(words: str, width: float, size: float = 12) -> str:
    """Cut text to about a width in pixels."""
    limit = max(1, int(width / (0.53 * size)))
    flat = clean(words, 200)
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def cluster_color(taxonomy: Taxonomy, index: int) -> str:
    """Return the color of a cluster by its index; an excluded one is gray."""
    cluster = taxonomy.clusters[index]
    digits = cluster.color[1:]
    valid = len(cluster.color) == 7 and cluster.color[0] == "#" and all(c in "0123456789abcdefABCDEF" for c in digits)
    return cluster.color if valid and not cluster.excluded else GRAY


def legend(taxonomy: Taxonomy, x: float, y: float) -> tuple[list[str], float]:
    """Return the legend of the clusters by group, and its height."""
    parts, row = [], 0
    for group in taxonomy.groups:
        for number in group.children:
            if row == MAX_LEGEND:
                parts.append(text(x + 14, y + LEGEND_ROW * row, "and more", size=11, color=QUIET))
                return parts, LEGEND_ROW * (row + 1)
            index = taxonomy.index_of(number)
            cluster = taxonomy.cluster(number)
            at = y + LEGEND_ROW * row
            color = cluster_color(taxonomy, index or 0)
            parts.append(f'<circle cx="{x + 4:.1f}" cy="{at - 4:.1f}" r="4.5" fill="{color}"/>')
            parts.append(text(x + 14, at, shorten(cluster.label, LEGEND_WIDTH - 66, 11.5), size=11.5))
            share = "excluded" if cluster.excluded else percent(cluster.share_documents)
            parts.append(text(x + LEGEND_WIDTH - 4, at, share, size=11.5, color=QUIET, anchor="end"))
            row += 1
    return parts, LEGEND_ROW * row


def page(title: str, note: str, width: float, height: float, body: Iterable[str]) -> str:
    """Return a whole SVG with a title, a line on how to read it, and a body drawn from TITLE_HEIGHT downwards."""
    head: Sequence[str] = (
        text(MARGIN, 22, shorten(title, width - 2 * MARGIN, 16), size=16, weight=600),
        text(MARGIN, 39, shorten(note, width - 2 * MARGIN, 11.5), size=11.5, color=QUIET),
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="{FONT}" role="img" '
        f'aria-label="{escape(clean(title, 200))}">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join([*head, *body]) + "\n</svg>\n"
    )
