"""The strip under the map: the share of every cluster as one bar in the order of the tree, and a selection's below."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from widgets import count, escape, percent, plain, short

from gem_core.geometry import effective_number
from gem_core.workspace import Taxonomy

HEIGHT, MORE = 76, 36
CHARACTERS = 1.25  # of a group's name for each percent of the width, so that names fit at 900 pixels
ALL, SELECTED = "all", "selected"

Counts = NDArray[np.integer]


def strip_title(taxonomy: Taxonomy, selected: int | None, part: Counts | None = None) -> str:
    """Say what the strip shows; `part` counts the selected documents of each cluster."""
    shares = np.array([cluster.share_documents for cluster in taxonomy.clusters])
    if selected is not None and taxonomy.has(selected):
        cluster = taxonomy.cluster(selected)
        rank = int((shares > cluster.share_documents).sum()) + 1
        size = f"number {rank} of {len(shares)} by size" if rank > 1 else f"the largest of {len(shares)}"
        return (f"**{escape(short(cluster.label))} holds {percent(cluster.share_documents)} "
                f"of the documents** :gray[{size}]")
    if part is not None:
        most = int(part.argmax())
        return (f"**{percent(part[most] / part.sum())} of the {count(part.sum())} selected lie in "
                f"{escape(short(taxonomy.clusters[most].label, 50))}** "
                f":gray[which holds {percent(shares[most])} of all; {int((part > 0).sum())} of {len(part)} clusters]")
    even = float(effective_number(shares))
    return (f"**Largest cluster {percent(shares.max())}, smallest {percent(shares.min())}** "
            f":gray[as even as {even:.1f} clusters of one size]")


def share_strip(taxonomy: Taxonomy, *, selected: int | None, dark: bool, part: Counts | None = None) -> go.Figure:
    """Draw the shares; every piece carries the number of its cluster."""
    figure = go.Figure()
    end, total = 0.0, 1 if part is None else max(int(part.sum()), 1)
    for parent in taxonomy.parents:
        wide = 100 * sum(taxonomy.cluster(number).share_documents for number in parent.children)
        if wide * CHARACTERS >= 6:
            figure.add_annotation(x=end, y=-0.5, yanchor="top", xanchor="left", showarrow=False, font={"size": 12},
                                  text=plain(short(parent.label, int(wide * CHARACTERS))), xshift=-2)
        end += wide
        for number in parent.children:
            cluster = taxonomy.cluster(number)
            lengths, said = [100 * cluster.share_documents], ["of all documents"]
            if part is not None:
                lengths.append(100 * float(part[taxonomy.place(number)]) / total)
                said.append("of the selected")
            opacity = 1.0 if selected is None or selected == number else 0.25
            figure.add_bar(
                x=lengths, y=[""] if part is None else [ALL, SELECTED], orientation="h", showlegend=False,
                customdata=[[number, words] for words in said], name=plain(short(cluster.label, 60)),
                marker={"color": cluster.colour, "opacity": opacity,
                        "line": {"width": 1, "color": "#0e1420" if dark else "#ffffff"}},
                selected={"marker": {"opacity": 1.0}}, unselected={"marker": {"opacity": opacity}},
                hovertemplate="%{fullData.name}<br>%{x:.1f}% %{customdata[1]}<extra></extra>")
    figure.update_layout(barmode="stack", height=HEIGHT if part is None else HEIGHT + MORE,
                         margin={"l": 0 if part is None else 62, "r": 0, "t": 2, "b": 22}, showlegend=False,
                         bargap=0.15, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
                         xaxis={"visible": False, "range": [0, 100], "fixedrange": True},
                         yaxis={"visible": part is not None, "fixedrange": True, "showgrid": False, "ticklen": 0},
                         hoverlabel={"align": "left"})
    return figure
