"""Undo, redo, and what was done so far."""

import streamlit as st

from app.data import cached_results
from app.state.session import Session
from app.ui.text import escape, short
from app.views.taxonomy import edit_actions
from gem_core._formatting import count

MOST = 60  # steps listed


def bar(session: Session) -> None:
    """Show the buttons, with what each would do, and the list of steps."""
    history = cached_results.workspace(session.root).history()
    steps, at = history.steps, history.position
    back = steps[at].sentence if at > 0 else ""
    on = steps[at + 1].sentence if at < len(steps) - 1 else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="taxonomy_history"):
        st.button(
            "Undo",
            icon=":material/undo:",
            key="taxonomy_undo",
            disabled=not back,
            on_click=edit_actions.walk,
            args=(session, -1),
            help=f"Undo: {escape(short(back, 120))}" if back else "Nothing to undo.",
        )
        st.button(
            "Redo",
            icon=":material/redo:",
            key="taxonomy_redo",
            disabled=not on,
            on_click=edit_actions.walk,
            args=(session, 1),
            help=f"Redo: {escape(short(on, 120))}" if on else "Nothing to redo.",
        )
        with st.popover(
            f"History ({count(len(steps))})", icon=":material/history:", type="tertiary", key="taxonomy_steps"
        ):
            _steps(session)


def _steps(session: Session) -> None:
    history = cached_results.workspace(session.root).history()
    steps, at = history.steps, history.position
    st.markdown("**Every step since the first fit**")
    st.caption("Go to any of them; nothing is lost until you edit from there.")
    first = max(0, min(at - MOST // 2, len(steps) - MOST))
    with st.container(height=min(360, 46 * min(len(steps), 8) + 20), border=False, gap="xsmall", key="history_list"):
        for place in reversed(range(first, min(first + MOST, len(steps)))):
            step = steps[place]
            with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
                mark = "**" if place == at else ""
                quiet = ":gray[" if place > at else ""
                st.markdown(
                    f"{quiet}{mark}{escape(short(step.sentence, 90))}{mark}{']' if quiet else ''}  \n"
                    f":small[:gray[{step.at[:16].replace('T', ' ')} UTC]]",
                    width="stretch",
                )
                if place == at:
                    st.markdown(":small[:gray[now]]", width="content")
                else:
                    st.button(
                        "Go",
                        key=f"history_{place}",
                        type="tertiary",
                        on_click=edit_actions.walk,
                        args=(session, place - at),
                        help="Undo or redo up to this step.",
                    )
    if len(steps) > MOST:
        st.caption(f"{MOST} of {count(len(steps))} steps, around the present one.")
