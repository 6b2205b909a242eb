"""The strip under the map: the share of every cluster as one bar in the order of the tree."""

import numpy as np
import plotly.graph_objects as go
from widgets import escape, percent, plain, short

from gem_core.geometry import effective_number
from gem_core.workspace import Taxonomy

HEIGHT = 76
CHARACTERS = 1.25  # of a group's name for each percent of the width, so that names fit at 900 pixels


def strip_title(taxonomy: Taxonomy, selected: int | None) -> str:
    """Say what the strip shows."""
    shares = np.array([cluster.share_documents for cluster in taxonomy.clusters])
    if selected is not None and taxonomy.has(selected):
        cluster = taxonomy.cluster(selected)
        rank = int((shares > cluster.share_documents).sum()) + 1
        size = f"number {rank} of {len(shares)} by size" if rank > 1 else f"the largest of {len(shares)}"
        return (f"**{escape(short(cluster.label))} holds {percent(cluster.share_documents)} "
                f"of the documents** :gray[{size}]")
    even = float(effective_number(shares))
    return (f"**Largest cluster {percent(shares.max())}, smallest {percent(shares.min())}** "
            f":gray[as even as {even:.1f} clusters of one size]")


def share_strip(taxonomy: Taxonomy, *, selected: int | None, dark: bool) -> go.Figure:
    """Draw the shares; every piece carries the number of its cluster."""
    figure = go.Figure()
    end = 0.0
    for parent in taxonomy.parents:
        wide = 100 * sum(taxonomy.cluster(number).share_documents for number in parent.children)
        if wide * CHARACTERS >= 6:
            figure.add_annotation(x=end, y=-0.5, yanchor="top", xanchor="left", showarrow=False, font={"size": 12},
                                  text=plain(short(parent.label, int(wide * CHARACTERS))), xshift=-2)
        end += wide
        for number in parent.children:
            cluster = taxonomy.cluster(number)
            share = 100 * cluster.share_documents
            clear = selected is None or selected == number
            figure.add_bar(
                x=[share], y=[""], orientation="h", customdata=[[number]], name=plain(short(cluster.label, 60)),
                marker={"color": cluster.colour, "opacity": 1.0 if clear else 0.25,
                        "line": {"width": 1, "color": "#0e1420" if dark else "#ffffff"}},
                selected={"marker": {"opacity": 1.0}}, unselected={"marker": {"opacity": 1.0 if clear else 0.25}},
                hovertemplate=f"%{{fullData.name}}<br>{share:.1f}% of the documents<extra></extra>")
    figure.update_layout(barmode="stack", height=HEIGHT, margin={"l": 0, "r": 0, "t": 2, "b": 22}, showlegend=False,
                         bargap=0.15, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
                         xaxis={"visible": False, "range": [0, 100], "fixedrange": True},
                         yaxis={"visible": False, "fixedrange": True}, hoverlabel={"align": "left"})
    return figure
