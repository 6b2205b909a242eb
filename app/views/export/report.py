"""Export view: create and download the report, with progress."""

import time
from dataclasses import dataclass

import streamlit as st

from app.components.poll import pulse
from app.ui.downloads import retained_download
from app.ui.errors import refusal
from gem_core.errors import GemError
from gem_core.export import report_html
from gem_core.workspace import Taxonomy, Workspace

REFRESH = 1.0  # seconds between two looks at how far it is
BAR_DELAY = 1.0  # seconds before a progress bar is worth showing
PARTS = 6


@dataclass
class ReportStatus:
    """Progress of one report; the download's thread writes it, the page reads it."""

    started: float
    completed: int = 0
    total: int = PARTS
    seconds: float | None = None
    size: int = 0
    refused: str = ""


_making: dict[tuple[str, str], ReportStatus] = {}  # by workspace and taxonomy


def make(workspace: Workspace, taxonomy: Taxonomy) -> bytes:
    """Create the report and record its progress."""
    status = _making[str(workspace.root), taxonomy.key] = ReportStatus(time.monotonic())

    def tell(step: str, completed: int, total: int) -> None:
        status.completed, status.total = completed, total

    try:
        page = report_html(workspace, taxonomy, progress=tell).encode()
    except GemError as error:
        status.refused = str(error)
        raise
    finally:
        status.seconds = time.monotonic() - status.started
    status.size = len(page)
    return page


def report_card(workspace: Workspace, taxonomy: Taxonomy) -> None:
    """Show the report with its download button."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
            st.markdown(
                "**report.html**  \n:small[:gray[one page that works offline: map, tree, clusters with "
                "exemplars, balance path, mix, labels, comparison, figures, receipt]]",
                width="stretch",
            )
            st.download_button(
                "Download report",
                retained_download(lambda: make(workspace, taxonomy), "report.html", "text/html"),
                "report.html",
                "text/html",
                key="export-report",
                type="primary",
                icon=":material/public:",
                on_click="ignore",
                help="Create and download the report. It contains positions and excerpts of a few "
                "documents, no full texts.",
            )
        # The press itself runs nothing again: a page drawn again would forget what it is about to save.
        st.fragment(_standing, key="export-report-standing")((str(workspace.root), taxonomy.key))


def _standing(name: tuple[str, str]) -> None:
    """Show the progress of a running report, and how the last one ended."""
    pulse(REFRESH, "report")
    status = _making.get(name)
    if status is None:
        return
    if status.seconds is None:
        if time.monotonic() - status.started > BAR_DELAY:
            st.progress(
                status.completed / status.total, f"Creating the report: {status.completed} of {status.total} parts"
            )
    elif status.refused:
        refusal("Cannot create the report", status.refused)
    else:
        st.caption(f"Created in {status.seconds:.1f} s, {status.size / 1e6:.1f} MB.")
