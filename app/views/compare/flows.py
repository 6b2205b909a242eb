"""Compare: where the documents of each group go, as flows, as a table of overlaps, and as a list."""

import numpy as np
import pandas as pd
import streamlit as st

from app.charts.comparison import MOST, THIN, overlap, sankey, thin_share
from app.charts.style import CONFIG
from app.ui.clusters import circle, dot_column
from app.ui.figures import dark
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from gem_core._formatting import percent
from gem_core.pipeline.compare.comparison import Comparison


def flows(found: Comparison) -> None:
    """Flows beside the overlap, and all of it as a table."""
    rows = min(max(len(found.a.names), len(found.b.names)), MOST)
    height = int(np.clip(24 * rows + 60, 420, 760))
    titles = [escape(short(side.title, 40)) for side in (found.a, found.b)]
    grid = st.grid(2, min_column_width=440, gap="medium", key="compare_figures")
    with grid.cell():
        thin = thin_share(found)
        _title(
            _largest(found),
            f"{titles[0]} on the left, {titles[1]} on the right."
            + (
                f" Flows under {percent(THIN)} run through the grey middle: {percent(thin)} of the documents."
                if thin > 0
                else ""
            ),
        )
        st.plotly_chart(
            sankey(found, dark=dark(), height=height),
            key="compare_sankey",
            config=CONFIG,
            alt="Flows of documents between the groups of both sides; the table below holds them all",
        )
    with grid.cell():
        how = found.best("a")[1]
        _title(
            f"Kept best: {_name(found, int(how.argmax()))} ({how.max():.2f}), least: "
            f"{_name(found, int(how.argmin()))} ({how.min():.2f})",
            f"Part of each group of {titles[0]} (rows) that lies in each of {titles[1]} (columns). "
            "In brackets: Jaccard.",
        )
        st.plotly_chart(
            overlap(found, dark=dark(), height=height),
            key="compare_overlap",
            config=CONFIG,
            alt="Overlap of every pair of groups; the table below holds the same",
        )
    table = st.expander("Show as table", icon=":material/table_rows:", key="compare_table", on_change="rerun")
    if table.open:
        with table:
            _table(found)


def _largest(found: Comparison) -> str:
    share = found.table.max() / found.table.sum()
    i, j = np.unravel_index(int(found.table.argmax()), found.table.shape)
    return (
        f"Largest flow: {percent(share)}, {escape(short(found.a.names[int(i)], 30))} → "
        f"{escape(short(found.b.names[int(j)], 30))}"
    )


def _name(found: Comparison, group: int) -> str:
    return escape(short(found.a.names[group], 30))


def _title(title: str, how: str) -> None:
    st.markdown(f"**{title}**  \n:small[:gray[{how}]]")


def _table(found: Comparison) -> None:
    left, right = found.a, found.b
    pairs = np.argwhere(found.table > 0)
    pairs = pairs[np.argsort(-found.table[pairs[:, 0], pairs[:, 1]], kind="stable")]
    counts, sizes = found.table[pairs[:, 0], pairs[:, 1]], left.sizes
    st.dataframe(
        pd.DataFrame(
            {
                " ": [circle(left.colours[i]) for i, _ in pairs],
                "From": [left.names[i] for i, _ in pairs],
                "  ": [circle(right.colours[j]) for _, j in pairs],
                "To": [right.names[j] for _, j in pairs],
                "Documents": counts,
                "Part of the first": 100 * counts / sizes[pairs[:, 0]],
                "Part of the second": 100 * counts / right.sizes[pairs[:, 1]],
                "Jaccard": found.jaccard[pairs[:, 0], pairs[:, 1]],
            }
        ),
        key="compare_flows",
        hide_index=True,
        row_height=30,
        height=340,
        alt="All flows, the largest first",
        column_config={
            " ": dot_column(),
            "  ": dot_column("  "),
            "From": st.column_config.TextColumn(width="medium"),
            "To": st.column_config.TextColumn(width="medium"),
            "Documents": st.column_config.NumberColumn(format="localized", width=88),
            "Part of the first": st.column_config.NumberColumn(format="%.1f%%", width=112),
            "Part of the second": st.column_config.NumberColumn(format="%.1f%%", width=124),
            "Jaccard": st.column_config.NumberColumn(format="%.2f", width=72, help=HINTS["jaccard"]),
        },
    )
