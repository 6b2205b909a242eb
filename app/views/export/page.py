"""Export view: download the report, taxonomy, assignments, weights and edits."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app.shell import deep_links
from app.state.session import current_session
from app.ui.downloads import retained_download
from app.ui.errors import guarded
from app.views.export.files import FILES, everything
from app.views.export.report import report_card
from gem_core._formatting import count
from gem_core.export import command, neutral_table
from gem_core.export.saved_mix import saved_mix
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.second_axis import mixing_taxonomy

SHOWN = 8  # rows of a preview


@st.fragment
def screen() -> None:
    """Show the files with download buttons on the left, a preview on the right."""
    session = current_session()
    workspace, taxonomy = session.workspace, session.taxonomy
    grid = st.grid(2, min_column_width=420, gap="large", key="export-grid")
    with grid.cell():
        _files(workspace, taxonomy)
    with grid.cell():
        _preview(workspace, taxonomy)
    _reproduce(workspace, taxonomy)


def _files(workspace: Workspace, taxonomy: Taxonomy) -> None:
    st.markdown(
        "**Export report and data files**  \n"
        f":small[:gray[{count(len(taxonomy.clusters))} clusters of {count(len(workspace))} documents]]"
    )
    report_card(workspace, taxonomy)
    excel = st.toggle(
        "CSV for Excel",
        key="export-excel",
        help="Adds a byte-order mark, and an apostrophe before IDs that look like formulas.",
    )
    with st.container(border=True, gap="small"):
        for file in FILES:
            with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
                st.markdown(f"**{file.name}**  \n:small[:gray[{file.about}]]", width="stretch")
                make = retained_download(partial(file.content, workspace, taxonomy, excel), file.name, file.mime)
                st.download_button(
                    "Download",
                    make,
                    file.name,
                    file.mime,
                    key=f"export-{file.name.replace('.', '-')}",
                    on_click="ignore",
                    icon=":material/download:",
                    help=f"Create and download {file.name}.",
                )
    make = retained_download(partial(everything, workspace, excel), "gem-export.zip", "application/zip")
    st.download_button(
        "Download all as zip",
        make,
        "gem-export.zip",
        "application/zip",
        key="export-all",
        on_click="ignore",
        icon=":material/folder_zip:",
        help="All files in one archive, the same as gem-explorer export.",
    )
    st.caption(
        "Text that a spreadsheet could run as a formula is prefixed with an apostrophe. IDs are not changed: import "
        "the ID columns as text, or a spreadsheet turns 00123 into 123 and 3-4 into a date."
    )


def _preview(workspace: Workspace, taxonomy: Taxonomy) -> None:
    tables = [file for file in FILES if file.table is not None]
    file_name = st.segmented_control(
        "Preview",
        [file.name for file in tables],
        default=tables[0].name,
        required=True,
        key="export-look",
        label_visibility="collapsed",
    )
    table = next(file.table for file in tables if file.name == file_name)
    assert table is not None
    rows = table(workspace, taxonomy)
    st.markdown(
        f"**{file_name.split('.')[0].capitalize()}: {count(len(rows))} {'row' if len(rows) == 1 else 'rows'}, "
        f"{len(rows.columns)} columns**"
    )
    first_rows = neutral_table(rows.head(SHOWN))
    st.dataframe(
        first_rows,
        hide_index=True,
        key=f"export-table-{file_name}",
        column_config=_formats(first_rows),
        alt=f"First rows of {file_name}",
    )
    if len(rows) > SHOWN:
        st.caption(f"First {SHOWN} rows.")
    if file_name == "weights.csv":
        source = (
            "soft mass of the cluster (no mix was set on Mixing)"
            if saved_mix(workspace, mixing_taxonomy(workspace, taxonomy)) is None
            else "that of the current mix on Mixing"
        )
        st.caption(
            f"Weight: {source}. Natural share: its share of tokens. Ratio: weight / natural share; above 1, the "
            "cluster is upweighted."
        )


def _formats(table: pd.DataFrame) -> dict[str, Any]:
    return {
        str(name): st.column_config.NumberColumn(format="%.4f")
        for name in table.columns
        if pd.api.types.is_float_dtype(table[name])
    }


def _reproduce(workspace: Workspace, taxonomy: Taxonomy) -> None:
    steps = len(workspace.history().to(taxonomy.key))
    if steps > 1:
        st.markdown(f"**Reproduce this taxonomy: this command, then the {count(steps)} steps in edits.jsonl**")
    else:
        st.markdown("**Reproduce this taxonomy**")
    st.code(command(workspace, taxonomy), language=None, wrap_lines=True)
    st.caption(
        "DIR is the folder of the new workspace. The receipt contains this command, all parameters, versions and costs."
    )
    with st.expander("Hashes", key="export-hashes"):
        st.caption("Hashes of IDs and texts (data) and of assignments and labels (taxonomy).")
        st.code(f"data      {taxonomy.data_hash}\ntaxonomy  {taxonomy.taxonomy_hash}", language=None, wrap_lines=True)


with guarded():
    screen()
deep_links.keep(current_session())
