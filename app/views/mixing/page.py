"""Mixing view: cluster weights by strategy, their effect, and the proxy runs behind some strategies."""

import streamlit as st

from app.data import mixing
from app.shell import deep_links
from app.state.session import Session, current_session
from app.ui.errors import guarded, refusal
from app.views.mixing.controls import mix_of, save_settings, show_controls
from app.views.mixing.downloads import show_downloads
from app.views.mixing.jobs import ACTIVE, show_active_jobs
from app.views.mixing.loss_preview import show_loss_preview
from app.views.mixing.mix_settings import available_strategies, mix_weights
from app.views.mixing.results import show_findings, show_summary, show_table, weights_chart
from app.views.mixing.run_cards import show_runs
from app.views.mixing.saved_mixes import show_mix_bar, show_mix_notice
from app.views.mixing.side_by_side import show_side_by_side
from gem_core.errors import InputError

WEIGHTS, RUNS = "Weights", "Runs"


def screen(session: Session) -> None:
    """Show the Weights or the Runs tab."""
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
            show_runs(session)
            deep_links.keep(session)
        else:
            show_active_jobs(session, ACTIVE)
            show_weights()


@st.fragment
def show_weights() -> None:
    """Show the controls on the left and the resulting weights on the right."""
    session = current_session()
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    mix, available = mix_of(session), available_strategies(workspace, taxonomy)
    with st.container(horizontal=True, wrap=False, gap="large", key="gem-columns-mixing"):
        left, right = st.container(width=264), st.container(width="stretch")
    with left, guarded():
        show_controls(session, mix, available)
    show_mix_notice(session, mix)
    with right, guarded():
        domains, bar_slot = mixing.domains(workspace, taxonomy), st.container()
        mix.record()  # Settings that cannot be met are a step as well: undo is a way out.
        mix.weights = None
        try:
            weights = mix.weights = mix_weights(workspace, taxonomy, mix)
        except InputError as error:
            with bar_slot:
                show_mix_bar(session, mix)
            refusal("These limits cannot be met", str(error))
            st.caption("Change the settings on the left.")
            return
        changed = save_settings(session, mix, weights)
        deep_links.keep(session, mix=mix.link_settings(domains) if changed else None)
        with bar_slot:
            show_mix_bar(session, mix)
        show_findings(session, weights)
        summary_slot = st.container()  # The summary needs the losses, which are computed below it.
        grid = st.grid(2, min_column_width=400, gap="medium", key="mixing_figures")
        with grid.cell():
            weights_chart(session, weights)
        with grid.cell():
            losses = show_loss_preview(session, weights)
        with summary_slot:
            show_summary(domains, weights, losses)
        with st.container(key="mixing-numbers"):
            show_table(session, weights, losses)
        show_side_by_side(session, mix, available)
        show_downloads(session, mix, weights)


with guarded():
    screen(current_session())
