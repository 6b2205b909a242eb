"""Mixing controls: strategy, token budget, limits and custom weights."""

import math
from dataclasses import replace

import numpy as np
import streamlit as st

from app.components.share_editor import ShareLine, share_editor
from app.data import cached_results, mixing
from app.state.session import Session
from app.ui.glossary import HINTS
from app.ui.text import short
from app.views.mixing.jobs import running, start_run
from app.views.mixing.mix_settings import ABOUT, NAMES, Mix
from gem_core._formatting import count
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.strategies import RUNS, STRATEGIES, Strategy

STEPS = (1, 1.5, 2, 3, 5, 7)  # of a decade of the token budget
BELOW, ABOVE = 100, 1000  # smallest and largest budget, as a fraction and a multiple of the corpus


def mix_of(session: Session) -> Mix:
    """Return the mixing settings; custom weights are reset when the taxonomy has changed."""
    taxonomy, domains = cached_results.taxonomy(session.root), mixing.domains(session.root)
    key = f"{taxonomy.data_hash}/{taxonomy.key}"
    mix: Mix | None = session.drafts.get("mixing")
    if mix is None:
        mix = session.drafts["mixing"] = Mix(key, budget=int(domains.tokens.sum()))
    if mix.key != key or not mix.own.shares:
        note = "The clusters changed; custom weights were reset." if mix.touched else ""
        mix.key = key
        mix.start(tuple(domains.natural.tolist()), set())
        mix.own.note = note
    return mix


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
        key=f"mixing-strategy-{'-'.join(available[5:])}",
        help=HINTS["strategy"],
    )
    if mix.strategy == "temperature":
        mix.tau = float(st.slider("Tau", 0.0, 2.0, mix.tau, 0.05, key="mixing-tau", help=HINTS["tau"]))
    if mix.strategy == "custom":
        _custom_weights(session, mix, domains)
    _missing_strategies(session, available)
    _limits(mix, domains)


def _limits(mix: Mix, domains: Domains) -> None:
    total = int(domains.tokens.sum())
    options = budgets(total, mix.budget)
    mix.budget = int(
        st.select_slider(
            "Token budget",
            options,
            value=mix.budget,
            format_func=lambda n: token_size(n, total),
            key=f"mixing-budget-{total}",
            help=HINTS["budget"] + " Log scale.",
        )
    )
    mix.max_epochs = st.number_input(
        "Max epochs",
        min_value=0.01,
        value=None,
        step=1.0,
        format="%g",
        placeholder="no limit",
        key="mixing-epochs",
        persist_state="session",
        help=HINTS["epochs"],
    )
    left, right = st.columns(2, gap="small")
    floor = left.number_input(
        "Minimum weight (%)",
        0.0,
        100.0,
        0.0,
        0.5,
        format="%g",
        key="mixing-floor",
        persist_state="session",
        help="Smallest weight of any cluster.",
    )
    fold = right.number_input(
        "Group clusters below (%)",
        0.0,
        100.0,
        0.0,
        0.5,
        format="%g",
        key="mixing-fold",
        persist_state="session",
        help=HINTS["fold"],
    )
    mix.floor, mix.fold = (round((value or 0.0) / 100, 12) for value in (floor, fold))


def budgets(total: int, present: int) -> list[int]:
    """Return the token budgets of the slider: a log scale around the corpus size, which is one of them."""
    low, high = total / BELOW, total * ABOVE
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    grid = {round(step * 10**decade) for decade in decades for step in STEPS}
    near = {n for n in grid if low <= n <= high and abs(math.log(n / total)) > 0.1}
    return sorted(near | {total, present})


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


def _custom_weights(session: Session, mix: Mix, domains: Domains) -> None:
    taxonomy = cached_results.taxonomy(session.root)
    order = np.argsort(-domains.natural, kind="stable").tolist()  # as in the charts
    lines = [
        ShareLine(
            short(domains.names[at], 100),
            taxonomy.cluster(domains.numbers[at]).color,
            mix.own.shares[at],
            float(domains.natural[at]),
            mix.own.locked[at],
        )
        for at in order
    ]
    share_editor(
        lines,
        key=f"mixing-own-{mix.round}",
        height=300,
        what="Weight",
        on_change=lambda what: mix.change(replace(what, at=order[what.at])),
    )
    if mix.own.note:
        st.caption(f":orange[:material/info: {mix.own.note}]")
    else:
        st.caption("Other weights rescale proportionally. Tick = natural share.")
    equal = (1.0 / len(lines),) * len(lines)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "All equal",
            type="tertiary",
            key="mixing-own-equal",
            on_click=mix.start,
            args=(equal, set(range(len(lines)))),
        )
        st.button(
            "All natural",
            type="tertiary",
            key="mixing-own-natural",
            on_click=mix.start,
            args=(tuple(domains.natural.tolist()), set()),
        )


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
