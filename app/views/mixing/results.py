"""Mixing, right side: what the weights mean, in words, bars and numbers."""

import numpy as np
import pandas as pd
import streamlit as st

from app.charts import balance
from app.charts.balance import ShareRow
from app.charts.style import CONFIG
from app.data import cached_results, mixing
from app.state.session import Session
from app.ui.clusters import circle, dot_column
from app.ui.figures import finding
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from app.views.mixing.controls import size
from app.views.mixing.loss_preview import Losses
from app.views.mixing.strategies import NAMES, Mix, found_weights
from gem_core._formatting import count, percent
from gem_core.errors import InputError
from gem_core.geometry import effective_number
from gem_core.mixing import Weights
from gem_core.mixing.weights import MANY_EPOCHS
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.strategies import RUNS, Strategy, doubts

SAME = 5e-4  # a weight that changes less is as it was, to the digits shown


def headline(domains: Domains, found: Weights) -> str:
    """Say what the weights change, safe in Markdown."""
    change = found.weights - domains.natural
    often = int((found.epochs > MANY_EPOCHS * (1 + 1e-12)).sum())
    read = (
        ""
        if not often
        else f"{count(often)} cluster{'s are' if often > 1 else ' is'} read more than {MANY_EPOCHS:g} times."
    )
    if np.abs(change).max() < SAME:
        times = float(found.limits.budget or 0) / float(domains.tokens.sum())
        return f"As natural: every cluster is read {'once' if times == 1 else f'{times:,.3g} times'}."
    up, down = int(np.argmax(change)), int(np.argmin(change))
    parts = [
        f"Up: {escape(short(domains.names[up], 50))} +{100 * change[up]:.1f} points",
        f"down: {escape(short(domains.names[down], 50))} \\-{-100 * change[down]:.1f}",
    ]
    return "; ".join(parts) + (f". {read}" if read else ".")


def told(session: Session, found: Weights) -> None:
    """The finding, and what speaks against it."""
    domains = mixing.domains(session.root)
    st.markdown(f"### {headline(domains, found)}")
    if found.carried_from:
        st.caption(
            f":material/sync_alt: The taxonomy has changed since the runs of {NAMES[_known(found)]}: the "
            f"weights were carried over along the tokens that old and new clusters share (from taxonomy "
            f"{found.carried_from[:12]})."
        )
    often = [at for at in np.argsort(-found.epochs) if found.epochs[at] > MANY_EPOCHS * (1 + 1e-12)]
    if often:
        named = ", ".join(f"{escape(short(domains.names[at], 40))} ({found.epochs[at]:.1f})" for at in often[:4])
        st.caption(
            f":orange[:material/warning: Read more than {MANY_EPOCHS:g} times: {named}"
            f"{f', and {len(often) - 4} more' if len(often) > 4 else ''}]",
            help=HINTS["epochs"],
        )
    for number, words in zip(found.numbers, found.warnings, strict=True):
        if words and "more than" not in words:  # how often is said above
            name = domains.names[domains.numbers.index(number)]
            st.caption(f":orange[:material/warning: {escape(short(name, 60))}: {escape(words)}]")
    if found.strategy in RUNS:
        for doubt in doubts(cached_results.workspace(session.root), found)[:3]:
            st.caption(
                f":orange[:material/warning: The runs cannot tell {escape(short(doubt.first, 50))} from "
                f"{escape(short(doubt.second, 50))}: trust the sum of the two.]"
            )


def _known(found: Weights) -> Strategy:
    return next(strategy for strategy in NAMES if strategy == found.strategy)


def summary(domains: Domains, found: Weights, losses: Losses | None) -> None:
    """Four or five figures beside those of the natural shares."""
    natural = effective_number(domains.natural)
    figures = [
        ("Effective clusters", f"{found.effective:.1f}", f"{found.effective - natural:+.1f}", "effective"),
        (
            "Largest weight",
            percent(found.weights.max()),
            _points(found.weights.max() - domains.natural.max()),
            "weight",
        ),
        (
            "Smallest weight",
            percent(found.weights.min()),
            _points(found.weights.min() - domains.natural.min()),
            "weight",
        ),
        ("Most epochs", f"{np.nanmax(found.epochs):,.2f}", f"{size(int(found.limits.budget or 0))} tokens", "epochs"),
    ]
    if losses is not None:
        change = f"{losses.whole - losses.whole_natural:+.3f}"
        figures.append(("Predicted loss", f"{losses.whole:.3f}", change, "ngram"))
    with st.grid(5, min_column_width=118, gap="small", key="mixing_measures"):
        for name, value, delta, hint in figures:
            same = not any(c in "123456789" for c in delta)
            st.metric(
                name,
                value,
                None if same else delta,
                delta_color="inverse" if hint == "ngram" else "off",
                delta_arrow="auto" if hint == "ngram" else "off",
                help=HINTS[hint],
            )


def _points(change: float) -> str:
    return f"{100 * change:+.1f} points"


def order_of(domains: Domains) -> list[int]:
    """Places of the clusters, the largest natural share first."""
    return [int(at) for at in np.argsort(-domains.natural, kind="stable")]


def weights_chart(session: Session, found: Weights) -> None:
    """Paired bars: natural share and weight of each cluster."""
    domains, taxonomy = mixing.domains(session.root), cached_results.taxonomy(session.root)
    rows = [
        ShareRow(
            domains.names[at],
            taxonomy.cluster(domains.numbers[at]).color,
            float(domains.natural[at]),
            float(found.weights[at]),
            None,
            domains.numbers[at],
        )
        for at in order_of(domains)
    ]
    changed = bool(np.abs(found.weights - domains.natural).max() >= SAME)
    finding(
        f"As even as {found.effective:.1f} of {len(rows)} clusters",
        f"Pale: natural share of the tokens. Solid: weight, {NAMES[_known(found)]}.",
    )
    st.plotly_chart(
        balance.shares(rows, changed=changed, names=("Natural", "Weight")),
        key="mixing-weights",
        config=CONFIG,
        alt="Natural share and weight of each cluster; the table below holds the numbers",
    )


def table(session: Session, found: Weights, losses: Losses | None) -> None:
    """Every cluster with its numbers."""
    domains, taxonomy = mixing.domains(session.root), cached_results.taxonomy(session.root)
    order = order_of(domains)
    columns: dict[str, object] = {
        " ": [circle(taxonomy.cluster(domains.numbers[at]).color) for at in order],
        "Cluster": [domains.names[at] for at in order],
        "Share": 100 * domains.natural[order],
        "Weight": 100 * found.weights[order],
        "Ratio": found.ratio[order],
        "Tokens": domains.tokens[order],
        "Epochs": found.epochs[order],
    }
    if losses is not None:
        columns |= {"Loss": losses.proposed[order], "Change": (losses.proposed - losses.natural)[order]}
    if any(found.warnings):
        columns["Warning"] = [found.warnings[at] for at in order]
    digits = {
        "Ratio": "%.2f",
        "Epochs": "%.2f",
        "Loss": "%.3f",
        "Change": "%+.3f",
        "Share": "%.1f%%",
        "Weight": "%.1f%%",
        "Tokens": "localized",
    }
    hints = {
        "Share": "natural_share",
        "Weight": "weight",
        "Ratio": "ratio",
        "Epochs": "epochs",
        "Loss": "ngram",
        "Tokens": "token",
    }
    st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        key="mixing-table",
        row_height=30,
        height=min(len(order), 14) * 30 + 38,
        alt="Share, weight, ratio, tokens, epochs and predicted loss of each cluster",
        column_config={
            " ": dot_column(),
            "Cluster": st.column_config.TextColumn(width="medium"),
            "Warning": st.column_config.TextColumn(width="medium"),
            **{
                name: st.column_config.NumberColumn(
                    format=form,
                    width=74,
                    help=HINTS[hints[name]] if name in hints else "Loss less that of the natural shares.",
                )
                for name, form in digits.items()
            },
        },
    )
    left_out = [c for c in taxonomy.clusters if c.excluded]
    if left_out:
        st.caption(f"Excluded, so without weight: {', '.join(escape(short(c.label, 40)) for c in left_out)}.")


def compared(session: Session, mix: Mix, hand: tuple[Strategy, ...]) -> None:
    """One column a strategy that is at hand, all within the same limits."""
    place = st.expander("Strategies side by side", key="mixing-compare", on_change="rerun")
    if not place.open:
        return
    domains, proxy = mixing.domains(session.root), mixing.ngram(session.root).proxy
    made, refused = {}, []
    for strategy in hand:
        try:
            made[NAMES[strategy]] = found_weights(session.root, mix, strategy)
        except InputError:
            refused.append(NAMES[strategy])
    order = order_of(domains)
    measures = ["Effective clusters", "Most epochs"] + (["Predicted loss"] if proxy is not None else [])
    columns: dict[str, list[str]] = {"Cluster": [*measures, *(domains.names[at] for at in order)]}
    for name, found in made.items():
        top = [f"{found.effective:.1f}", f"{np.nanmax(found.epochs):.2f}"]
        if proxy is not None:
            top.append(f"{float(proxy.losses(found.weights) @ domains.natural):.3f}")
        columns[name] = [*top, *(percent(found.weights[at]) for at in order)]
    with place:
        st.dataframe(
            pd.DataFrame(columns),
            hide_index=True,
            key="mixing-strategies",
            row_height=30,
            height=min(len(order) + len(measures), 16) * 30 + 38,
            alt="Weight of each cluster by each strategy, below a few measures",
            column_config={
                "Cluster": st.column_config.TextColumn(width="medium", pinned=True),
                **{name: st.column_config.TextColumn(width=96, alignment="right") for name in made},
            },
        )
        if refused:
            st.caption(f":orange[:material/warning: Not within these limits: {', '.join(refused)}.]")
