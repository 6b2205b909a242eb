"""Undo, redo and the edit history."""

import streamlit as st

from app.cluster_card import edit_actions
from app.state.session import Session
from app.ui.text import escape, short
from gem_core._formatting import count
from gem_core.workspace.store import is_read_only

MAX_STEPS = 60  # steps listed


def show_history_bar(session: Session) -> None:
    """Show the undo and redo buttons and the history."""
    history = session.workspace.history()
    steps, at = history.steps, history.position
    undo_sentence = steps[at].sentence if at > 0 else ""
    redo_sentence = steps[at + 1].sentence if at < len(steps) - 1 else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="taxonomy_history"):
        st.button(
            "Undo",
            icon=":material/undo:",
            key="taxonomy_undo",
            disabled=not undo_sentence or is_read_only(),
            on_click=edit_actions.step_history,
            args=(session, -1),
            help=f"Undo: {escape(short(undo_sentence, 120))}" if undo_sentence else "Nothing to undo.",
        )
        st.button(
            "Redo",
            icon=":material/redo:",
            key="taxonomy_redo",
            disabled=not redo_sentence or is_read_only(),
            on_click=edit_actions.step_history,
            args=(session, 1),
            help=f"Redo: {escape(short(redo_sentence, 120))}" if redo_sentence else "Nothing to redo.",
        )
        with st.popover(
            f"History ({count(len(steps))})", icon=":material/history:", type="tertiary", key="taxonomy_steps"
        ):
            _show_steps(session)


def _show_steps(session: Session) -> None:
    history = session.workspace.history()
    steps, at = history.steps, history.position
    st.markdown("**History**")
    st.caption("Return to any step. A new edit discards later steps.")
    first = max(0, min(at - MAX_STEPS // 2, len(steps) - MAX_STEPS))
    with st.container(height=min(360, 46 * min(len(steps), 8) + 20), border=False, gap="xsmall", key="history_list"):
        for step_index in reversed(range(first, min(first + MAX_STEPS, len(steps)))):
            step = steps[step_index]
            with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
                emphasis = "**" if step_index == at else ""
                muted = ":gray[" if step_index > at else ""
                st.markdown(
                    f"{muted}{emphasis}{escape(short(step.sentence, 90))}{emphasis}{']' if muted else ''}  \n"
                    f":small[:gray[{step.at[:16].replace('T', ' ')} UTC]]",
                    width="stretch",
                )
                if step_index == at:
                    st.markdown(":small[:gray[current]]", width="content")
                else:
                    st.button(
                        "Restore",
                        key=f"history_{step_index}",
                        type="tertiary",
                        on_click=edit_actions.step_history,
                        args=(session, step_index - at),
                        disabled=is_read_only(),
                        help="Undo or redo to this step.",
                    )
    if len(steps) > MAX_STEPS:
        st.caption(f"{MAX_STEPS} of {count(len(steps))} steps, around the current one.")
