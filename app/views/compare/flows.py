"""Flows of Compare: where the documents of each group go, as a Sankey chart, a heat map and a table."""

import numpy as np
import pandas as pd
import streamlit as st

from app.charts.chart import show_chart
from app.charts.comparison import MAX_GROUPS, SMALL_FLOW, overlap_chart, sankey_chart, small_flow_share
from app.ui.clusters import circle, dot_column
from app.ui.figures import finding
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from gem_core._formatting import percent
from gem_core.pipeline.compare.comparison import Comparison


def show_flows(comparison: Comparison) -> None:
    """Show the flows beside the overlap, and a table of both."""
    rows = min(max(len(comparison.a.names), len(comparison.b.names)), MAX_GROUPS)
    height = int(np.clip(24 * rows + 60, 420, 760))
    titles = [escape(short(side.title, 40)) for side in (comparison.a, comparison.b)]
    grid = st.grid(2, min_column_width=440, gap="medium", key="compare_figures")
    with grid.cell():
        small_share = small_flow_share(comparison)
        finding(
            _describe_largest_flow(comparison),
            f"{titles[0]} on the left, {titles[1]} on the right."
            + (
                f" Flows under {percent(SMALL_FLOW)} are combined in the middle ({percent(small_share)})."
                if small_share > 0
                else ""
            ),
        )
        show_chart(
            lambda is_dark: sankey_chart(comparison, dark=is_dark, height=height),
            key="compare_sankey",
            alt="Flows of documents between the groups of both sides; the table below lists them",
        )
    with grid.cell():
        jaccard = comparison.best("a")[1]
        finding(
            f"Best match: {_group_name(comparison, int(jaccard.argmax()))} ({jaccard.max():.2f}), weakest: "
            f"{_group_name(comparison, int(jaccard.argmin()))} ({jaccard.min():.2f})",
            f"Share of each group of {titles[0]} (rows) in each group of {titles[1]} (columns). "
            "In brackets: overlap (Jaccard).",
        )
        show_chart(
            lambda is_dark: overlap_chart(comparison, dark=is_dark, height=height),
            key="compare_overlap",
            alt="Overlap of every pair of groups; the table below lists it",
        )
    table = st.expander("Show as table", icon=":material/table_rows:", key="compare_table", on_change="rerun")
    if table.open:
        with table:
            _show_table(comparison)


def _describe_largest_flow(comparison: Comparison) -> str:
    share = comparison.table.max() / comparison.table.sum()
    i, j = np.unravel_index(int(comparison.table.argmax()), comparison.table.shape)
    return (
        f"Largest flow: {percent(share)}, {escape(short(comparison.a.names[int(i)], 30))} → "
        f"{escape(short(comparison.b.names[int(j)], 30))}"
    )


def _group_name(comparison: Comparison, group: int) -> str:
    return escape(short(comparison.a.names[group], 30))


def _show_table(comparison: Comparison) -> None:
    left, right = comparison.a, comparison.b
    pairs = np.argwhere(comparison.table > 0)
    pairs = pairs[np.argsort(-comparison.table[pairs[:, 0], pairs[:, 1]], kind="stable")]
    counts, sizes = comparison.table[pairs[:, 0], pairs[:, 1]], left.sizes
    st.dataframe(
        pd.DataFrame(
            {
                " ": [circle(left.colors[i]) for i, _ in pairs],
                "From": [left.names[i] for i, _ in pairs],
                "  ": [circle(right.colors[j]) for _, j in pairs],
                "To": [right.names[j] for _, j in pairs],
                "Documents": counts,
                "Share of first": 100 * counts / sizes[pairs[:, 0]],
                "Share of second": 100 * counts / right.sizes[pairs[:, 1]],
                "Overlap": comparison.jaccard[pairs[:, 0], pairs[:, 1]],
            }
        ),
        key="compare_flows",
        hide_index=True,
        row_height=30,
        height=340,
        alt="All flows, largest first",
        column_config={
            " ": dot_column(),
            "  ": dot_column("  "),
            "From": st.column_config.TextColumn(width="medium"),
            "To": st.column_config.TextColumn(width="medium"),
            "Documents": st.column_config.NumberColumn(format="localized", width=88),
            "Share of first": st.column_config.NumberColumn(format="%.1f%%", width=112),
            "Share of second": st.column_config.NumberColumn(format="%.1f%%", width=124),
            "Overlap": st.column_config.NumberColumn(format="%.2f", width=72, help=HINTS["jaccard"]),
        },
    )
