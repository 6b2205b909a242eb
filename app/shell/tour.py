"""The first visit: five steps at the real controls. Put away once, it stays away: a file in the home folder says so."""

from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

from app.state.session import Session
from gem_core.pipeline import home

FILE = "first-visit-done"


@dataclass(frozen=True)
class Step:
    """One step: the screen it is about, what it says, and the control there that gets a ring (a CSS selector)."""

    title: str
    says: str
    screen: str
    ring: str


STEPS = (
    Step(
        "Every point is a document",
        "Points that are close mean alike; a colour is a cluster. Drag the globe to turn it, scroll to zoom.",
        "explore",
        "[class*='st-key-globe_']",
    ),
    Step(
        "Pick a document or a cluster",
        "Click a point on the globe, or a line in the list. The panel says what it is and how typical.",
        "explore",
        ".st-key-gem-panel",
    ),
    Step(
        "Drag the balance",
        "Move the strength: you see at once how the shares would change. Nothing is kept until you press Apply.",
        "balance",
        "[class*='st-key-balance-strength']",
    ),
    Step(
        "Make the taxonomy yours",
        "Rename, merge and split clusters. Every change can be undone.",
        "taxonomy",
        ".st-key-gem-panel",
    ),
    Step(
        "Take it away",
        "Taxonomy, assignments and weights as files, each with the command that makes them again. "
        "Then open your own corpus under Corpus.",
        "export",
        ".st-key-export-grid",
    ),
)


def begin(session: Session) -> None:
    """Show the first step."""
    session.tour_step = 0


def card(session: Session) -> None:
    """Show the step that is due, with its control ringed; on a first visit it begins by itself."""
    if session.tour_step is None and not session.tour_offered:
        session.tour_offered = True
        if not (home() / FILE).exists():
            begin(session)
    if session.tour_step is None:
        return
    step = STEPS[session.tour_step]
    st.html(
        f"<style>{step.ring} {{ outline: 2px solid var(--st-primary-color, #14a08e); outline-offset: 4px; "
        "border-radius: 8px; }</style>"
    )
    with st.container(border=True, key="tour-card", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f":primary-badge[{session.tour_step + 1} of {len(STEPS)}] &nbsp; **{step.title}.** {step.says}",
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
        help="You find these steps again under Help.",
    )


def _go(session: Session, to: int) -> None:
    session.tour_step = to
    st.switch_page(f"views/{STEPS[to].screen}/page.py")


def _close(session: Session) -> None:
    session.tour_step = None
    with suppress(OSError):  # where nothing can be written they come again
        home().mkdir(parents=True, exist_ok=True)
        (home() / FILE).touch()
