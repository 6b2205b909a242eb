"""The tree as a treemap: groups hold their clusters, in the colours of the map."""

from typing import Literal

import plotly.graph_objects as go
from widgets import plain, short

from gem_core.workspace import Taxonomy

Sized = Literal["Documents", "Tokens"]
ROOT = "corpus"


def treemap(taxonomy: Taxonomy, *, sized: Sized, cluster: int | None, parent: int | None, dark: bool,
            height: int) -> go.Figure:
    """Draw the tree; every tile carries ("cluster" or "parent", its number) as custom data."""
    page, ink = ("#0e1420", "#ffffff") if dark else ("#ffffff", "#111827")
    sizes = [c.documents if sized == "Documents" else c.tokens for c in taxonomy.clusters]
    total = max(sum(sizes), 1)
    tiles = [(ROOT, "", f"All {sized.lower()}", total, "rgba(0,0,0,0)", ["root", 0], False)]
    for p in taxonomy.parents:
        tiles.append((f"p{p.number}", ROOT, p.label, sum(sizes[c] for c in p.children), _soft(p.colour, page),
                      ["parent", p.number], parent == p.number))
        tiles.extend((f"c{c}", f"p{p.number}", taxonomy.clusters[c].label, sizes[c], taxonomy.clusters[c].colour,
                      ["cluster", c], cluster == c) for c in p.children)
    ids, parents, labels, values, colours, custom, chosen = zip(*tiles, strict=True)
    figure = go.Figure(go.Treemap(
        ids=ids, parents=parents, labels=[plain(short(label, 70)) for label in labels], values=values,
        branchvalues="total", customdata=custom, sort=True, root={"color": "rgba(0,0,0,0)"},
        texttemplate="%{label}<br>%{percentRoot:.1%}", textposition="top left",
        tiling={"pad": 2, "packing": "squarify"},
        hovertemplate="%{label}<br>%{value:,} " + sized.lower() + ", %{percentRoot:.1%}<extra></extra>",
        marker={"colors": colours, "cornerradius": 4, "pad": {"t": 22, "l": 3, "r": 3, "b": 3},
                "line": {"color": [ink if c else page for c in chosen], "width": [3 if c else 0 for c in chosen]}},
        pathbar={"visible": True, "thickness": 22}, textfont={"size": 13}))
    figure.update_layout(height=height, margin={"l": 0, "r": 0, "t": 24, "b": 0}, paper_bgcolor="rgba(0,0,0,0)",
                         uirevision="treemap", hoverlabel={"align": "left"})
    return figure


def _soft(colour: str, page: str, part: float = 0.24) -> str:
    """A group's colour let into the page."""
    mixed = (round(part * int(colour[i:i + 2], 16) + (1 - part) * int(page[i:i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{value:02x}" for value in mixed)
