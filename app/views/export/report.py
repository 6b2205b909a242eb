"""The report on the Export screen: one press makes it, says how far it is, and saves it."""

import time
from dataclasses import dataclass

import streamlit as st

from app.components.poll import pulse
from app.ui.downloads import kept
from app.ui.errors import refusal
from gem_core.errors import GemError
from gem_core.export import report_html
from gem_core.workspace import Taxonomy, Workspace

EVERY = 1.0  # seconds between two looks at how far it is
LATE = 1.0  # seconds before a progress bar is worth showing
PARTS = 6


@dataclass
class Making:
    """How the making of one report stands; the button's own thread writes it, the page reads it."""

    started: float
    done: int = 0
    total: int = PARTS
    seconds: float | None = None
    size: int = 0
    refused: str = ""


_making: dict[tuple[str, str], Making] = {}  # by workspace and taxonomy


def make(workspace: Workspace, taxonomy: Taxonomy) -> bytes:
    """Make the report, and leave word of how far it is."""
    mark = _making[str(workspace.root), taxonomy.key] = Making(time.monotonic())

    def tell(step: str, done: int, total: int) -> None:
        mark.done, mark.total = done, total

    try:
        page = report_html(workspace, taxonomy, progress=tell).encode()
    except GemError as error:
        mark.refused = str(error)
        raise
    finally:
        mark.seconds = time.monotonic() - mark.started
    mark.size = len(page)
    return page


def report_card(workspace: Workspace, taxonomy: Taxonomy) -> None:
    """Show the report with its button."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
            st.markdown(
                "**report.html**  \n:small[:gray[one page that opens offline: map, tree, clusters with "
                "exemplars, balance path, receipt]]",
                width="stretch",
            )
            st.download_button(
                "Download report",
                kept(lambda: make(workspace, taxonomy), "report.html", "text/html"),
                "report.html",
                "text/html",
                key="export-report",
                type="primary",
                icon=":material/public:",
                on_click="ignore",
                help="Make the page now and save it. It holds positions and the openings of a few "
                "documents, never whole texts.",
            )
        # The press itself runs nothing again: a page drawn anew would forget what it is about to save.
        st.fragment(_standing, key="export-report-standing")((str(workspace.root), taxonomy.key))


def _standing(name: tuple[str, str]) -> None:
    """Say how far a report is that is being made, and how the last one ended."""
    pulse(EVERY, "report")
    mark = _making.get(name)
    if mark is None:
        return
    if mark.seconds is None:
        if time.monotonic() - mark.started > LATE:
            st.progress(mark.done / mark.total, f"Making the report: {mark.done} of {mark.total} parts")
    elif mark.refused:
        refusal("The report cannot be made", mark.refused)
    else:
        st.caption(f"Made in {mark.seconds:.1f} s, {mark.size / 1e6:.1f} MB.")
