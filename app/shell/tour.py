"""Tour: five cards at the real controls. Closed once, it stays closed: a file in the home folder records it."""

from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

from app.state.session import Session
from gem_core.pipeline import home

FILE = "first-visit-done"


@dataclass(frozen=True)
class TourStep:
    """One card: its view, its text, and the control that gets a ring (a CSS selector)."""

    title: str
    text: str
    view: str
    ring: str


STEPS = (
    TourStep(
        "Each point is a document",
        "Nearby points have similar meaning; color shows the cluster. Drag to rotate, scroll to zoom.",
        "explore",
        "[class*='st-key-globe_']",
    ),
    TourStep(
        "Select a document or a cluster",
        "Click a point on the globe or a row in a list. The panel shows details.",
        "explore",
        ".st-key-gem-panel",
    ),
    TourStep(
        "Adjust the balance",
        "Move the strength slider to preview the shares. Nothing is saved until you press Apply.",
        "balance",
        "[class*='st-key-balance-strength']",
    ),
    TourStep(
        "Edit the taxonomy",
        "Rename, merge and split clusters. Every change can be undone.",
        "taxonomy",
        ".st-key-gem-panel",
    ),
    TourStep(
        "Export the results",
        "Download the taxonomy, assignments and weights with the command that reproduces them. "
        "To use your own data, open Corpus.",
        "export",
        ".st-key-export-grid",
    ),
)


def start_tour(session: Session) -> None:
    """Show the first step."""
    session.tour_step = 0


def tour_card(session: Session, view: str) -> None:
    """Show the current card on its own view, with a ring around its control; a first visit to the sample starts it."""
    if session.tour_step is None and not session.tour_offered:
        session.tour_offered = True
        if session.root == (home() / "sample").resolve() and not (home() / FILE).exists():
            start_tour(session)
    if session.tour_step is None:
        return
    step = STEPS[session.tour_step]
    if step.view != view:
        return
    st.html(
        f"<style>{step.ring} {{ outline: 2px solid var(--st-primary-color, #14a08e); outline-offset: 4px; "
        "border-radius: 8px; }</style>"
    )
    with st.container(border=True, key="tour-card", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f":primary-badge[{session.tour_step + 1} of {len(STEPS)}] &nbsp; **{step.title}.** {step.text}",
            width="stretch",
        )
        _buttons(session, session.tour_step)


def _buttons(session: Session, at: int) -> None:
    if at and st.button("Back", key="tour_back"):
        _go(session, at - 1)
    last = at == len(STEPS) - 1
    if not last and st.button("Next", key="tour_next", type="primary"):
        _go(session, at + 1)
    st.button(
        "Done" if last else "Close",
        key="tour_close",
        type="primary" if last else "tertiary",
        on_click=_close,
        args=(session,),
        help="To show the tour again, open Help.",
    )


def _go(session: Session, to: int) -> None:
    session.tour_step = to
    st.switch_page(f"views/{STEPS[to].view}/page.py")


def _close(session: Session) -> None:
    session.tour_step = None
    with suppress(OSError):  # The tour starts again at the next visit where the home folder cannot be written.
        home().mkdir(parents=True, exist_ok=True)
        (home() / FILE).touch()
