"""Near-duplicates in Explore: look for them, how many there are, their groups, one group's documents, a file."""

import numpy as np
import pandas as pd
import streamlit as st

from app.data import cached_results
from app.documents.document_list import document_list
from app.jobs import runner
from app.jobs.panel import job_panel
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.downloads import kept
from gem_core._formatting import count, percent
from gem_core._types import Progress
from gem_core.embedding.near_duplicates import Duplicates
from gem_core.export import csv_text
from gem_core.export.selected import duplicates_table
from gem_core.pipeline.search.near_duplicates import THRESHOLD, find_duplicates

THRESHOLDS = (0.85, 0.9, 0.95, 0.97, 0.99)
AT_ONCE = 8_000  # documents that are compared while a person waits; more are a job
LISTED = 500  # groups that a list shows


def twins_button(session: Session) -> None:
    """Open or leave the near-duplicates."""

    def turn() -> None:
        session.clear_selection()
        on = session.duplicate_threshold is None
        session.clear_query()
        session.duplicate_threshold = THRESHOLD if on else None

    st.button(
        "Near-duplicates",
        key="explore_twins",
        icon=":material/content_copy:",
        on_click=turn,
        type="primary" if session.duplicate_threshold is not None else "secondary",
        help="Documents whose vectors are almost the same",
    )


def twins_panel(session: Session) -> None:
    """Show the near-duplicates at the chosen threshold."""
    threshold = session.duplicate_threshold or THRESHOLD

    def chosen() -> None:
        session.duplicate_threshold, session.duplicate_group = float(widget("twins_threshold")), None

    preset("twins_threshold", threshold)
    st.select_slider(
        "Cosine from which two documents count as near-duplicates",
        sorted({*THRESHOLDS, threshold}),
        key="twins_threshold",
        on_change=chosen,
        format_func=lambda t: f"{t:g}",
    )
    found = cached_results.twins(session.root, threshold)
    if found is None:
        _look(session, threshold)
    elif session.duplicate_group is not None and session.duplicate_group < len(found.sizes):
        _group(session, found, session.duplicate_group)
    else:
        _groups(session, found)


def _look(session: Session, threshold: float) -> None:
    workspace = cached_results.workspace(session.root)
    job = next(
        (
            job
            for job in runner.listed()
            if job.kind == "duplicates" and job.workspace == str(session.root) and f"{threshold:g}" in job.arguments
        ),
        None,
    )
    if job is not None:
        job_panel(session, job, place="twins")
        if not runner.status(job).ended:
            return
    st.markdown(f"**Nobody has looked for near-duplicates at {threshold:g} yet**")
    st.caption(f"All pairs of {count(len(workspace))} documents are compared, exactly.")
    if not st.button("Find near-duplicates", key="twins_find", type="primary"):
        return
    if len(workspace) > AT_ONCE:
        runner.start(
            f"Near-duplicates of {workspace.manifest.name}",
            ["duplicates", str(session.root), "--threshold", f"{threshold:g}"],
            session.root,
        )
    else:
        bar = st.progress(0.0, "Comparing")
        find_duplicates(workspace, threshold, progress=_shown(bar))
    st.rerun()


def _shown(bar: "st.delta_generator.DeltaGenerator") -> Progress:
    return lambda step, done, total: bar.progress(min(1.0, done / max(total, 1)), "Comparing") and None


def _groups(session: Session, found: Duplicates) -> None:
    sizes = found.sizes
    if not len(sizes):
        st.markdown(f"**No two documents have a cosine of {found.threshold:g} or more**")
        return
    st.markdown(
        f"**{count(found.extra)} documents would go if each of {count(len(sizes))} groups kept one** "
        f":gray[{percent(found.extra / found.documents)} of the corpus]"
    )
    workspace = cached_results.workspace(session.root)
    file = kept(lambda: csv_text(duplicates_table(workspace, found)).encode(), "duplicates.csv", "text/csv")
    st.download_button(
        "Download groups",
        file,
        "duplicates.csv",
        "text/csv",
        key="twins_download",
        icon=":material/download:",
        on_click="ignore",
    )
    shown = found.representatives[:LISTED]
    last = np.searchsorted(found.group, np.arange(len(shown)), side="right") - 1
    table = pd.DataFrame(
        {
            "Documents": sizes[:LISTED],
            "Lowest cosine": found.cosine[last].astype(float),
            "Kept document": cached_results.workspace(session.root).openings([int(row) for row in shown]),
        }
    )

    def chosen() -> None:
        cells = widget("twins_groups")["selection"]["cells"]
        if cells:
            session.duplicate_group = int(cells[0][0])

    st.dataframe(
        table,
        key="twins_groups",
        hide_index=True,
        row_height=32,
        selection_mode="single-cell",
        height=min(len(table), 13) * 32 + 38,
        on_select=chosen,
        alt="Groups of near-duplicates; choose one to see its documents",
        column_config={
            "Documents": st.column_config.NumberColumn(format="localized", width=82),
            "Lowest cosine": st.column_config.NumberColumn(
                format="%.3f",
                width=96,
                help="To the kept document. Groups are joined pair by pair, so it may lie below the threshold.",
            ),
            "Kept document": st.column_config.TextColumn(width=300),
        },
    )
    st.caption(
        (f"Listed: the {LISTED} largest groups. " if len(sizes) > LISTED else "")
        + "The kept document is the one with the highest GIS."
    )


def _group(session: Session, found: Duplicates, group: int) -> None:
    rows, cosine = found.members(group)

    def back() -> None:
        session.duplicate_group = None

    st.button("All groups", icon=":material/arrow_back:", type="tertiary", key="panel_back", on_click=back)
    st.markdown(f"**{count(len(rows))} near-duplicates, the first is kept**")
    document_list(
        session,
        [int(row) for row in rows[:LISTED]],
        key="twins_documents",
        show=("gis",),
        clusters=True,
        values={"Cosine": [float(c) for c in cosine[:LISTED]]},
        height=min(len(rows), 13) * 32 + 38,
    )
    if len(rows) > LISTED:
        st.caption(f"Listed: {LISTED} of {count(len(rows))}.")
