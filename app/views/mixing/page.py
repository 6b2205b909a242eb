"""Mixing: weights of the clusters by several strategies, what they mean, and the runs that some of them rest on."""

import streamlit as st

from app.data import mixing
from app.shell import deep_links
from app.state.session import Session, current_session
from app.ui.errors import guarded, refusal
from app.views.mixing.controls import controls, mix_of
from app.views.mixing.downloads import take_away
from app.views.mixing.jobs import ACTIVE, active
from app.views.mixing.loss_preview import preview
from app.views.mixing.results import compared, summary, table, told, weights_chart
from app.views.mixing.runs import runs
from app.views.mixing.strategies import at_hand, found_weights
from gem_core.errors import InputError

WEIGHTS, RUNS = "Weights", "Runs"


def screen(session: Session) -> None:
    """Two questions, one at a time."""
    view = st.segmented_control(
        "Question",
        (WEIGHTS, RUNS),
        default=WEIGHTS,
        required=True,
        key="mixing_view",
        persist_state="session",
        label_visibility="collapsed",
    )
    with guarded():
        if view == RUNS:
            runs(session)
        else:
            active(session, ACTIVE)
            weights()


@st.fragment
def weights() -> None:
    """Controls on the left, what they mean on the right."""
    session = current_session()
    mix, hand = mix_of(session), at_hand(session.root)
    with st.container(horizontal=True, wrap=False, gap="large"):
        left, right = st.container(width=264), st.container(width="stretch")
    with left, guarded():
        controls(session, mix, hand)
    with right, guarded():
        domains = mixing.domains(session.root)
        try:
            found = found_weights(session.root, mix)
        except InputError as error:
            refusal("There are no such weights", str(error))
            st.caption("Change the controls; nothing is kept until you download a file.")
            return
        told(session, found)
        place = st.container()  # the figures need the preview's losses
        grid = st.grid(2, min_column_width=400, gap="medium", key="mixing_figures")
        with grid.cell():
            weights_chart(session, found)
        with grid.cell():
            losses = preview(session, found)
        with place:
            summary(domains, found, losses)
        with st.container(key="mixing-numbers"):
            table(session, found, losses)
        compared(session, mix, hand)
        take_away(session, mix, found)


with guarded():
    screen(current_session())
deep_links.keep(current_session())
