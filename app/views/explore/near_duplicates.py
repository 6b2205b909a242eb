"""Near-duplicates in Explore: run the search, list the groups and their documents, download them."""

import numpy as np
import streamlit as st

from app.components.reliable_button import reliable_button
from app.components.row_list import ListColumn, show_row_list
from app.data import cached_results
from app.documents.document_list import show_document_list
from app.jobs import runner
from app.jobs.panel import job_panel
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.downloads import retained_download
from app.ui.progress import progress_bar
from gem_core._formatting import count, percent
from gem_core.embedding.duplicate_groups import Duplicates
from gem_core.export import csv_text
from gem_core.export.selected import duplicates_table
from gem_core.pipeline.search.near_duplicates import THRESHOLD, find_duplicates

THRESHOLDS = (0.85, 0.9, 0.95, 0.97, 0.99)
MAX_INTERACTIVE = 8_000  # documents that are compared while a person waits; more are a job
MAX_LISTED = 500  # groups that a list shows


def show_near_duplicates_button(session: Session) -> None:
    """Show the button that opens and closes the near-duplicates."""

    def on_toggle() -> None:
        session.clear_selection()
        opening = session.duplicate_threshold is None
        session.clear_query()
        session.duplicate_threshold = THRESHOLD if opening else None

    st.button(
        "Near-duplicates",
        key="explore_twins",
        icon=":material/content_copy:",
        on_click=on_toggle,
        type="primary" if session.duplicate_threshold is not None else "secondary",
        help="Documents with almost the same text",
    )


def show_near_duplicates(session: Session) -> None:
    """Show the near-duplicate groups at the chosen threshold."""
    threshold = session.duplicate_threshold or THRESHOLD

    def on_threshold() -> None:
        session.duplicate_threshold, session.duplicate_group = float(widget("twins_threshold")), None

    preset("twins_threshold", threshold)
    st.select_slider(
        "Minimum similarity (cosine) of near-duplicates",
        sorted({*THRESHOLDS, threshold}),
        key="twins_threshold",
        on_change=on_threshold,
        format_func=lambda t: f"{t:g}",
    )
    duplicates = cached_results.near_duplicates(session.workspace, session.taxonomy, threshold)
    if duplicates is None:
        _offer_search(session, threshold)
    elif session.duplicate_group is not None and session.duplicate_group < len(duplicates.sizes):
        _show_group(session, duplicates, session.duplicate_group)
    else:
        _show_groups(session, duplicates)


def _offer_search(session: Session, threshold: float) -> None:
    workspace = session.workspace
    job = next(
        (
            job
            for job in runner.list_jobs()
            if job.kind == "duplicates" and job.workspace == str(session.root) and f"{threshold:g}" in job.arguments
        ),
        None,
    )
    if job is not None:
        job_panel(session, job, key_prefix="twins")
        if not runner.status(job).ended:
            return
    st.markdown(f"**No near-duplicate search at {threshold:g} yet**")
    st.caption(f"Compares all pairs of {count(len(workspace))} documents.")
    if not reliable_button(session, "Find near-duplicates", key="twins_find", type="primary"):
        return
    if len(workspace) > MAX_INTERACTIVE:
        runner.start(
            f"Near-duplicates of {workspace.manifest.name}",
            ["duplicates", str(session.root), "--threshold", f"{threshold:g}"],
            session.root,
        )
    else:
        with progress_bar("Comparing documents") as progress:
            find_duplicates(workspace, threshold, progress=progress)
    st.rerun()


def _show_groups(session: Session, duplicates: Duplicates) -> None:
    sizes = duplicates.sizes
    if not len(sizes):
        st.markdown(f"**No near-duplicates at {duplicates.threshold:g} or more**")
        return
    st.markdown(
        f"**Removing duplicates would drop {count(duplicates.extra)} "
        f"{'document' if duplicates.extra == 1 else 'documents'} "
        f"({count(len(sizes))} {'group' if len(sizes) == 1 else 'groups'})** "
        f":gray[{percent(duplicates.extra / duplicates.documents)} of the corpus]"
    )
    workspace = session.workspace
    file = retained_download(
        lambda: csv_text(duplicates_table(workspace, duplicates)).encode(), "duplicates.csv", "text/csv"
    )
    st.download_button(
        "Download groups",
        file,
        "duplicates.csv",
        "text/csv",
        key="twins_download",
        icon=":material/download:",
        on_click="ignore",
    )
    representatives = duplicates.representatives[:MAX_LISTED]
    last = np.searchsorted(duplicates.group, np.arange(len(representatives)), side="right") - 1
    kept_documents = workspace.openings([int(row) for row in representatives])
    lowest = [round(float(cosine), 4) for cosine in duplicates.cosine[last]]

    def on_open(index: int) -> None:
        session.duplicate_group = index

    show_row_list(
        [
            ListColumn("Documents", [int(size) for size in sizes[:MAX_LISTED]], "number", width=88),
            ListColumn("Kept document", kept_documents, lines=2),
            ListColumn(
                "Lowest cosine",
                lowest,
                "number",
                [f"{cosine:.3f}" for cosine in lowest],
                "Lowest similarity to the kept document. Groups chain pairs, so it can lie below the threshold.",
                width=110,
            ),
        ],
        key="twins_groups",
        label="Groups of near-duplicates",
        on_open=on_open,
        height=450,
    )
    st.caption(
        (f"Showing the {MAX_LISTED} largest groups. " if len(sizes) > MAX_LISTED else "")
        + "The document with the highest GIS is kept."
    )


def _show_group(session: Session, duplicates: Duplicates, group: int) -> None:
    rows, cosine = duplicates.members(group)

    def back() -> None:
        session.duplicate_group = None

    st.button("All groups", icon=":material/arrow_back:", type="tertiary", key="panel_back", on_click=back)
    st.markdown(f"**{count(len(rows))} near-duplicates; the first is kept**")
    show_document_list(
        session,
        [int(row) for row in rows[:MAX_LISTED]],
        key="twins_documents",
        show=("gis",),
        clusters=True,
        values={"Cosine": [float(c) for c in cosine[:MAX_LISTED]]},
        height=min(len(rows), 13) * 32 + 38,
    )
    if len(rows) > MAX_LISTED:
        st.caption(f"Showing {MAX_LISTED} of {count(len(rows))}.")
