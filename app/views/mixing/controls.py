"""Mixing, left side: strategy, token budget and limits."""

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
from app.views.mixing.strategies import ABOUT, NAMES, Mix
from gem_core._formatting import count
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.strategies import RUNS, STRATEGIES, Strategy

STEPS = (1, 1.5, 2, 3, 5, 7)  # of a decade of the token budget
BELOW, ABOVE = 100, 1000  # reach of the slider around the tokens there are


def mix_of(session: Session) -> Mix:
    """Return what is set; own weights start anew when the taxonomy has changed."""
    taxonomy, domains = cached_results.taxonomy(session.root), mixing.domains(session.root)
    key = f"{taxonomy.data_hash}/{taxonomy.key}"
    found: Mix | None = session.drafts.get("mixing")
    if found is None:
        found = session.drafts["mixing"] = Mix(key, budget=int(domains.tokens.sum()))
    if found.key != key or not found.own.shares:
        said = "The clusters have changed, so own weights start anew." if found.touched else ""
        found.key = key
        found.start(tuple(domains.natural.tolist()), set())
        found.own.note = said
    return found


def controls(session: Session, mix: Mix, hand: tuple[Strategy, ...]) -> None:
    """Show the controls and write what they hold into `mix`."""
    domains = mixing.domains(session.root)
    if mix.strategy not in hand:
        mix.strategy = "natural"
    mix.strategy = (
        st.radio(
            "Strategy",
            hand,
            index=hand.index(mix.strategy),
            format_func=NAMES.__getitem__,
            captions=[ABOUT[one] for one in hand],
            key=f"mixing-strategy-{'-'.join(hand[5:])}",
            help=HINTS["strategy"],
        )
        or mix.strategy
    )
    if mix.strategy == "temperature":
        mix.tau = float(st.slider("Tau", 0.0, 2.0, mix.tau, 0.05, key="mixing-tau", help=HINTS["tau"]))
    if mix.strategy == "custom":
        _own(session, mix, domains)
    _missing(session, hand)
    _limits(mix, domains)


def _limits(mix: Mix, domains: Domains) -> None:
    total = int(domains.tokens.sum())
    options = budgets(total, mix.budget)
    mix.budget = int(
        st.select_slider(
            "Token budget",
            options,
            value=mix.budget,
            format_func=lambda n: size(n, total),
            key=f"mixing-budget-{total}",
            help=HINTS["budget"] + " Log scale.",
        )
    )
    mix.max_epochs = st.number_input(
        "At most, epochs",
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
        "Floor, percent",
        0.0,
        100.0,
        0.0,
        0.5,
        format="%g",
        key="mixing-floor",
        persist_state="session",
        help="The least weight that a cluster gets.",
    )
    fold = right.number_input(
        "Fold below, percent",
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
    """Token budgets on the slider: a log scale around the tokens there are, which are on it themselves."""
    low, high = total / BELOW, total * ABOVE
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    grid = {round(step * 10**decade) for decade in decades for step in STEPS}
    near = {n for n in grid if low <= n <= high and abs(math.log(n / total)) > 0.1}
    return sorted(near | {total, present})


def size(tokens: int, total: int = 0) -> str:
    """83159 -> '83.2k'; the tokens there are say so."""
    name = next(
        (
            f"{tokens / unit:.3g}{sign}"
            for unit, sign in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
            if tokens >= unit
        ),
        count(tokens),
    )
    return f"{name}, all there are" if tokens == total else name


def _own(session: Session, mix: Mix, domains: Domains) -> None:
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
        st.caption("The others make room in proportion. The mark is the natural share.")
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


def _missing(session: Session, hand: tuple[Strategy, ...]) -> None:
    lacking = [strategy for strategy in STRATEGIES if strategy not in hand]
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
            "One run at a time is going."
            if busy
            else "They train proxies in the background, for minutes to an hour. Runs says more."
        )
