"""Plotly figures that compare two groupings: flows and overlap. Names are escaped by `plain`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.style import mix_colors, sheer
from app.ui.text import plain, short
from gem_core._formatting import count, percent
from gem_core.pipeline.compare.comparison import Comparison, Partition

SMALL_FLOW = 0.01  # part of the documents below which a flow is folded
MAX_GROUPS = 40  # groups of a side that are drawn one by one
GRAY = "#8a94a3"
OTHER = "Small flows"
LABEL_HEIGHT = 14.0  # pixels that a label of a node needs


@dataclass(frozen=True)
class FoldedSide:
    """Groups of one side as drawn, from the top; the last may combine all small groups."""

    names: tuple[str, ...]
    colors: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]


def fold_side(partition: Partition, order: NDArray[np.integer]) -> FoldedSide:
    """Order the groups of a side; beyond `MAX_GROUPS` the smallest are combined."""
    sizes = partition.sizes
    drawn_groups = set(
        np.argsort(-sizes, kind="stable")[: MAX_GROUPS if len(sizes) <= MAX_GROUPS else MAX_GROUPS - 1].tolist()
    )
    group_order = [int(k) for k in order if int(k) in drawn_groups and sizes[k] > 0]
    rest = tuple(int(k) for k in order if int(k) not in drawn_groups and sizes[k] > 0)
    names = [partition.names[k] for k in group_order] + ([f"{len(rest)} smaller groups"] if rest else [])
    colors = [partition.colors[k] for k in group_order] + ([GRAY] if rest else [])
    return FoldedSide(tuple(names), tuple(colors), tuple((k,) for k in group_order) + ((rest,) if rest else ()))


def fold_small_flows(comparison: Comparison) -> tuple[FoldedSide, FoldedSide, NDArray[np.float64]]:
    """Return both sides as drawn, and the number of documents between their groups."""
    a, b = fold_side(comparison.a, comparison.order_a), fold_side(comparison.b, comparison.order_b)
    table = np.array(
        [[comparison.table[np.ix_(left, right)].sum() for right in b.groups] for left in a.groups], dtype=np.float64
    )
    return a, b, table


def small_flow_share(comparison: Comparison) -> float:
    """Return the share of documents in flows too small to be drawn."""
    _, _, table = fold_small_flows(comparison)
    return float(table[table < SMALL_FLOW * table.sum()].sum() / table.sum())


def sankey_chart(comparison: Comparison, *, dark: bool, height: int = 560) -> go.Figure:
    """Draw the flows of documents from the groups of `a` on the left to those of `b` on the right.

    Flows below 1% of the documents are combined through one gray node in the middle, so that every group keeps its
    height.
    """
    a, b, table = fold_small_flows(comparison)
    n = float(table.sum())
    is_small = (table > 0) & (table < SMALL_FLOW * n)
    middle = len(a.names) + len(b.names)
    sources, targets, values, colors, hover_texts = [], [], [], [], []

    def add_flow(source: int, target: int, value: float, color: str, words: str) -> None:
        sources.append(source)
        targets.append(target)
        values.append(value)
        colors.append(sheer(color, 0.42 if color != GRAY else 0.22))
        hover_texts.append(f"{words}<br>{count(value)} documents, {percent(value / n)}")

    for i, j in np.argwhere((table > 0) & ~is_small):
        add_flow(
            int(i),
            len(a.names) + int(j),
            float(table[i, j]),
            a.colors[i],
            f"{_label(a.names[i])} → {_label(b.names[j])}",
        )
    for i in np.flatnonzero(is_small.any(axis=1)):
        add_flow(int(i), middle, float(table[i][is_small[i]].sum()), GRAY, f"{_label(a.names[i])} → small flows")
    for j in np.flatnonzero(is_small.any(axis=0)):
        add_flow(
            middle,
            len(a.names) + int(j),
            float(table[:, j][is_small[:, j]].sum()),
            GRAY,
            f"small flows → {_label(b.names[j])}",
        )
    ends = [
        *zip(a.names, a.colors, table.sum(axis=1), strict=True),
        *zip(b.names, b.colors, table.sum(axis=0), strict=True),
    ]
    node_positions = [*_node_positions(table.sum(axis=1), height), *_node_positions(table.sum(axis=0), height)]
    x = [0.001] * len(a.names) + [0.999] * len(b.names)
    if is_small.any():
        ends.append((OTHER, GRAY, float(table[is_small].sum())))
        node_positions.append(0.5)
        x.append(0.5)
    figure = go.Figure(
        go.Sankey(
            arrangement="fixed",
            valueformat=",.0f",
            node={
                "label": _node_labels(
                    [name for name, _, _ in ends], [size for *_, size in ends], x, node_positions, height
                ),
                "color": [color for _, color, _ in ends],
                "x": x,
                "y": node_positions,
                "pad": _pad(len(ends)),
                "thickness": 12,
                "line": {"width": 0},
                "customdata": [
                    f"{_label(name)}<br>{count(size)} documents, {percent(size / n)}" for name, _, size in ends
                ],
                "hovertemplate": "%{customdata}<extra></extra>",
            },
            link={
                "source": sources,
                "target": targets,
                "value": values,
                "color": colors,
                "customdata": hover_texts,
                "hovertemplate": "%{customdata}<extra></extra>",
            },
            textfont={"size": 12, "color": "#e5eaf1" if dark else "#1b2430", "shadow": "none"},
        )
    )
    return figure.update_layout(
        height=height,
        margin={"l": 4, "r": 4, "t": 6, "b": 6},
        hoverlabel={"align": "left"},
        paper_bgcolor="rgba(0,0,0,0)",
    )


def overlap_chart(comparison: Comparison, *, dark: bool, height: int = 560) -> go.Figure:
    """Draw the share of each group of `a` in each group of `b`, matched groups along the diagonal."""
    a, b, table = fold_small_flows(comparison)
    part = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    hover_texts = [
        [
            f"{_label(left)} in {_label(right)}<br>{count(table[i, j])} documents, {percent(part[i, j])} of the first, "
            f"{percent(table[i, j] / max(table[:, j].sum(), 1.0))} of the second"
            for j, right in enumerate(b.names)
        ]
        for i, left in enumerate(a.names)
    ]
    ground, ink = ("#131b29", "#4fd8c3") if dark else ("#f4f6f9", "#0b6e62")
    figure = go.Figure(
        go.Heatmap(
            z=part,
            customdata=hover_texts,
            hovertemplate="%{customdata}<extra></extra>",
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            colorscale=[[0, ground], [0.25, mix_colors(ground, ink, 0.42)], [1, ink]],
            colorbar={"tickformat": ".0%", "thickness": 8, "outlinewidth": 0, "len": 0.5, "y": 1, "yanchor": "top"},
        )
    )
    small = {"size": 11 if max(part.shape) <= 30 else 9}
    figure.update_yaxes(
        tickvals=np.arange(len(a.names)),
        ticktext=[plain(short(name, 22)) for name in a.names],
        autorange="reversed",
        fixedrange=True,
        showgrid=False,
        ticks="",
        automargin=True,
        tickfont=small,
    )
    figure.update_xaxes(
        tickvals=np.arange(len(b.names)),
        ticktext=[plain(short(name, 20)) for name in b.names],
        fixedrange=True,
        showgrid=False,
        ticks="",
        tickangle=-60,
        automargin=True,
        tickfont=small,
    )
    return figure.update_layout(
        height=height,
        margin={"l": 4, "r": 4, "t": 6, "b": 4},
        hoverlabel={"align": "left"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )


def _node_labels(
    names: Sequence[str], sizes: Sequence[float], x: Sequence[float], y: Sequence[float], height: int
) -> list[str]:
    """Return the labels of the nodes, largest first, without those that would overlap another on their side."""
    labeled_nodes: list[int] = []
    for node in sorted(range(len(names)), key=lambda k: -sizes[k]):
        if all(x[node] != x[other] or abs(y[node] - y[other]) * height >= LABEL_HEIGHT for other in labeled_nodes):
            labeled_nodes.append(node)
    return [plain(short(name, 24)) if node in labeled_nodes else "" for node, name in enumerate(names)]


def _label(name: str) -> str:
    return plain(short(name, 60))


def _pad(nodes: int) -> float:
    return 7.0 if nodes <= 60 else 3.0


def _node_positions(sizes: NDArray[np.float64], height: int) -> list[float]:
    """Middles of the nodes of one side, top to bottom, as parts of the height."""
    gap = _pad(2 * len(sizes)) / height
    heights = sizes / sizes.sum() * max(1.0 - gap * (len(sizes) - 1), 0.2)
    tops = np.concatenate([[0.0], np.cumsum(heights + gap)[:-1]])
    return [float(min(max(position, 0.001), 0.999)) for position in tops + heights / 2]
