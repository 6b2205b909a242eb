"""Mixing controls: strategy, token budget, limits and custom weights."""

from contextlib import suppress

import streamlit as st

from app.data import cached_results, mixing
from app.shell import deep_links
from app.state.session import Session
from app.ui.glossary import HINTS
from app.ui.text import escape
from app.views.mixing.custom_weights import show_custom_weights
from app.views.mixing.goal_editor import show_goal
from app.views.mixing.jobs import running, start_run
from app.views.mixing.mix_settings import ABOUT, NAMES, Mix
from gem_core._content_key import content_key
from gem_core._formatting import count
from gem_core.errors import InputError, WorkspaceError
from gem_core.export.saved_mix import save_mix, saved_settings
from gem_core.mixing import Weights
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.strategies import RUNS, STRATEGIES, Strategy
from gem_core.pipeline.mixing.token_pool import parse_tokens, pool_tokens


def mix_of(session: Session) -> Mix:
    """Return the mixing settings; custom weights are reset when the taxonomy has changed."""
    taxonomy, domains = cached_results.taxonomy(session.root), mixing.domains(session.root)
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
                mix.restore(saved_settings(cached_results.workspace(session.root), taxonomy))
    link_settings = deep_links.take_link_mix(session)
    if link_settings is not None:
        mix.record()  # The mix before the link can be brought back.
        mix.load_link(link_settings, domains)
    return mix


def save_settings(session: Session, mix: Mix, weights: Weights) -> bool:
    """Save the mix to the workspace if it differs from the saved one; return whether it differs from the default."""
    workspace, taxonomy = cached_results.workspace(session.root), cached_results.taxonomy(session.root)
    settings = mix.to_settings()
    try:
        saved = saved_settings(workspace, taxonomy)
    except WorkspaceError as error:
        saved = {}  # A changed mix replaces the damaged file.
        st.caption(f":orange[:material/warning: {escape(str(error))}]")
    default = Mix(mix.key, budget=float(mixing.domains(session.root).tokens.sum()))
    default.start(tuple(mixing.domains(session.root).natural.tolist()), set())
    if settings != (saved or default.to_settings()):
        save_mix(workspace, weights, settings)
    return settings != default.to_settings()


def show_controls(session: Session, mix: Mix, available: tuple[Strategy, ...]) -> None:
    """Show the controls and store their values in `mix`."""
    domains = mixing.domains(session.root)
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
    _limits(mix, domains)
    if mix.strategy in ("goal", "mixmin"):
        with goal_slot:
            show_goal(session, mix)


def _limits(mix: Mix, domains: Domains) -> None:
    total = int(domains.tokens.sum())
    budget = st.text_input(
        "Token budget",
        value=_amount_text(mix.initial.get("budget", float(total))),
        key=mix.field_key(f"mixing-budget-{total}"),
        max_chars=30,
        help=HINTS["budget"],
    )
    pool = st.text_input(
        "Pool size",
        value=mix.initial.get("pool", ""),
        placeholder=f"this sample: {token_size(total)}",
        key=mix.field_key("mixing-pool"),
        max_chars=300,
        help="Tokens of the pool that this workspace is a sample of: 5e12, a factor such as x1000, or the path of "
        "a labeled folder.",
    )
    try:
        mix.budget = parse_tokens(budget) if budget else float(total)
        mix.pool, mix.pool_tokens = pool, pool_tokens(domains, pool) if pool else None
    except InputError as error:
        st.caption(f":orange[:material/warning: {escape(str(error))}]")
    mix.max_epochs = st.number_input(
        "Max epochs",
        min_value=0.01,
        value=mix.initial.get("max_epochs"),
        step=1.0,
        format="%g",
        placeholder="no limit",
        key=mix.field_key("mixing-epochs"),
        persist_state="session",
        help=HINTS["epochs"],
    )
    left, right = st.columns(2, gap="small")
    floor = left.number_input(
        "Minimum weight (%)",
        0.0,
        100.0,
        100 * mix.initial.get("floor", 0.0),
        0.5,
        format="%g",
        key=mix.field_key("mixing-floor"),
        persist_state="session",
        help="Smallest weight of any cluster.",
    )
    fold = right.number_input(
        "Group clusters below (%)",
        0.0,
        100.0,
        100 * mix.initial.get("fold", 0.0),
        0.5,
        format="%g",
        key=mix.field_key("mixing-fold"),
        persist_state="session",
        help=HINTS["fold"],
    )
    mix.floor, mix.fold = (round((value or 0.0) / 100, 12) for value in (floor, fold))


def _amount_text(tokens: float) -> str:
    """Format a budget so that it is read back exactly."""
    return f"{tokens:.0f}" if tokens < 1e7 else f"{tokens!r}"


def token_size(tokens: int, total: int = 0) -> str:
    """Format a number of tokens with a unit, such as 83.2k; `total` is named as the entire corpus."""
    name = next(
        (
            f"{tokens / unit:.3g}{sign}"
            for unit, sign in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
            if tokens >= unit
        ),
        count(tokens),
    )
    return f"{name}, entire corpus" if tokens == total else name


def _missing_strategies(session: Session, available: tuple[Strategy, ...]) -> None:
    lacking = [strategy for strategy in STRATEGIES if strategy not in available]
    if not lacking:
        return
    names = ", ".join(NAMES[strategy] for strategy in lacking)
    with st.expander(f"No runs yet: {names}", key="mixing-missing"):
        busy = running(session) is not None
        for strategy in lacking:
            command = RUNS[strategy]
            if st.button(
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
