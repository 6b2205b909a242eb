"""Mixing controls: strategy, goal and custom weights; the settings in the session and in the workspace."""

from contextlib import suppress

import streamlit as st

from app.components.reliable_button import reliable_button
from app.data import mixing
from app.shell import deep_links
from app.state.session import Session
from app.ui.glossary import HINTS
from app.ui.text import escape
from app.views.mixing.budget import show_budget
from app.views.mixing.custom_weights import show_custom_weights
from app.views.mixing.goal_editor import show_goal
from app.views.mixing.jobs import running, start_run
from app.views.mixing.mix_settings import ABOUT, NAMES, Mix
from app.views.mixing.second_axis import show_second_axis
from gem_core._content_key import content_key
from gem_core.errors import WorkspaceError
from gem_core.export.saved_mix import save_mix, saved_settings
from gem_core.mixing import Weights
from gem_core.pipeline.mixing.strategies import RUNS, STRATEGIES, Strategy


def mix_of(session: Session) -> Mix:
    """Return the mixing settings; custom weights are reset when the taxonomy has changed."""
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    domains = mixing.domains(workspace, taxonomy)
    key = f"{taxonomy.data_hash}/{content_key([domains.numbers, domains.tokens.tolist(), domains.documents.tolist()])}"
    mix = session.drafts.find(Mix)
    if mix is None:
        mix = Mix(key, budget=float(domains.tokens.sum()))
        session.drafts.put(mix)
    if mix.key != key or not mix.own.shares:
        note = "The clusters changed; custom weights were reset." if mix.touched else ""
        mix.key = key
        mix.start(tuple(domains.natural.tolist()), set())
        mix.own.note = note
        if not note:
            with suppress(WorkspaceError):  # `save_settings` shows a damaged mix on every run until it is replaced.
                mix.restore(saved_settings(workspace, taxonomy))
    link_settings = deep_links.take_link_mix(session)
    if link_settings is not None:
        mix.record()  # The mix before the link can be brought back.
        mix.load_link(link_settings, domains)
    return mix


def save_settings(session: Session, mix: Mix, weights: Weights) -> bool:
    """Save the mix to the workspace if it differs from the saved one; return whether it differs from the default."""
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    settings = mix.to_settings()
    try:
        saved = saved_settings(workspace, taxonomy)
    except WorkspaceError as error:
        saved = {}  # A changed mix replaces the damaged file.
        st.caption(f":orange[:material/warning: {escape(str(error))}]")
    domains = mixing.domains(workspace, taxonomy)
    default = Mix(mix.key, budget=float(domains.tokens.sum()))
    default.start(tuple(domains.natural.tolist()), set())
    if settings != (saved or default.to_settings()):
        save_mix(workspace, weights, settings)
    return settings != default.to_settings()


def show_controls(session: Session, mix: Mix, available: tuple[Strategy, ...]) -> None:
    """Show the controls and store their values in `mix`."""
    domains = mixing.domains(session.workspace, session.mixing_taxonomy)
    if mix.strategy not in available:
        mix.strategy = "natural"
    mix.strategy = st.radio(
        "Strategy",
        available,
        index=available.index(mix.strategy),
        format_func=NAMES.__getitem__,
        captions=[ABOUT[strategy] for strategy in available],
        key=mix.field_key(f"mixing-strategy-{'-'.join(available[6:])}"),
        help=HINTS["strategy"],
    )
    if mix.strategy == "temperature":
        mix.tau = float(st.slider("Tau", 0.0, 2.0, mix.tau, 0.05, key=mix.field_key("mixing-tau"), help=HINTS["tau"]))
    if mix.strategy == "custom":
        show_custom_weights(session, mix)
    goal_slot = st.container()  # The gain toward a goal depends on the limits, which stand below it.
    _missing_strategies(session, available)
    show_budget(mix, domains)
    show_second_axis(session)
    if mix.strategy in ("goal", "mixmin"):
        with goal_slot:
            show_goal(session, mix)


def _missing_strategies(session: Session, available: tuple[Strategy, ...]) -> None:
    lacking = [strategy for strategy in STRATEGIES if strategy not in available]
    if not lacking:
        return
    names = ", ".join(NAMES[strategy] for strategy in lacking)
    with st.expander(f"No runs yet: {names}", key="mixing-missing"):
        busy = running(session) is not None
        for strategy in lacking:
            command = RUNS[strategy]
            if reliable_button(
                session,
                f"Run {NAMES[strategy]}",
                key=f"mixing-start-{command}",
                disabled=busy,
                width="stretch",
                help=f"{HINTS[strategy]} Starts gem-explorer mix {command} in the background.",
            ):
                start_run(session, command)
        st.caption(
            "Another run is in progress."
            if busy
            else "These train proxy models in the background for minutes to an hour. See Runs for details."
        )
