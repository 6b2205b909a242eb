"""Mixing results: headline, warnings, charts and tables for the current weights."""

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
from app.views.mixing.controls import token_size
from app.views.mixing.loss_preview import PreviewLosses
from app.views.mixing.mix_settings import NAMES, Mix, mix_weights
from gem_core._formatting import count, percent
from gem_core.errors import InputError
from gem_core.geometry import effective_number
from gem_core.mixing import Weights
from gem_core.mixing.weights import MANY_EPOCHS
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.strategies import RUNS, Strategy, indistinguishable_pairs

SAME = 5e-4  # fraction; smaller changes are not visible in the digits shown


def headline(domains: Domains, weights: Weights) -> str:
    """Return the largest changes of the weights as a sentence, escaped for Markdown."""
    change = weights.weights - domains.natural
    repeated = int((weights.epochs > MANY_EPOCHS * (1 + 1e-12)).sum())
    read = (
        ""
        if not repeated
        else f"{count(repeated)} cluster{'s are' if repeated > 1 else ' is'} repeated more than {MANY_EPOCHS:g} epochs."
    )
    if np.abs(change).max() < SAME:
        times = float(weights.limits.budget or 0) / float(domains.tokens.sum())
        return f"Natural mix: each cluster is seen {'once' if times == 1 else f'{times:,.3g} times'}."
    up, down = int(np.argmax(change)), int(np.argmin(change))
    parts = [
        f"Up: {escape(short(domains.names[up], 50))} +{100 * change[up]:.1f} points",
        f"down: {escape(short(domains.names[down], 50))} \\-{-100 * change[down]:.1f}",
    ]
    return "; ".join(parts) + (f". {read}" if read else ".")


def show_findings(session: Session, weights: Weights) -> None:
    """Show the headline and the warnings."""
    domains = mixing.domains(session.root)
    st.markdown(f"### {headline(domains, weights)}")
    if weights.carried_from:
        st.caption(
            f":material/sync_alt: The taxonomy has changed since the {NAMES[_strategy_of(weights)]} runs. Their "
            f"weights were carried over by the tokens that old and new clusters share (from taxonomy "
            f"{weights.carried_from[:12]})."
        )
    repeated = [at for at in np.argsort(-weights.epochs) if weights.epochs[at] > MANY_EPOCHS * (1 + 1e-12)]
    if repeated:
        repeated_names = ", ".join(
            f"{escape(short(domains.names[at], 40))} ({weights.epochs[at]:.1f})" for at in repeated[:4]
        )
        st.caption(
            f":orange[:material/warning: Repeated more than {MANY_EPOCHS:g} epochs: {repeated_names}"
            f"{f', and {len(repeated) - 4} more' if len(repeated) > 4 else ''}]",
            help=HINTS["epochs"],
        )
    for number, warning in zip(weights.numbers, weights.warnings, strict=True):
        if warning and "more than" not in warning:  # Repeated clusters are listed above.
            name = domains.names[domains.numbers.index(number)]
            st.caption(f":orange[:material/warning: {escape(short(name, 60))}: {escape(warning)}]")
    if weights.strategy in RUNS:
        for pair in indistinguishable_pairs(cached_results.workspace(session.root), weights)[:3]:
            st.caption(
                f":orange[:material/warning: The runs cannot separate {escape(short(pair.first, 50))} from "
                f"{escape(short(pair.second, 50))}: only the sum of the two is reliable.]"
            )


def _strategy_of(weights: Weights) -> Strategy:
    return next(strategy for strategy in NAMES if strategy == weights.strategy)


def show_summary(domains: Domains, weights: Weights, losses: PreviewLosses | None) -> None:
    """Show the summary figures with their difference from natural shares."""
    natural = effective_number(domains.natural)
    figures = [
        ("Effective clusters", f"{weights.effective:.1f}", f"{weights.effective - natural:+.1f}", "effective"),
        (
            "Largest weight",
            percent(weights.weights.max()),
            _points(weights.weights.max() - domains.natural.max()),
            "weight",
        ),
        (
            "Smallest weight",
            percent(weights.weights.min()),
            _points(weights.weights.min() - domains.natural.min()),
            "weight",
        ),
        (
            "Most epochs",
            f"{np.nanmax(weights.epochs):,.2f}",
            f"{token_size(int(weights.limits.budget or 0))} tokens",
            "epochs",
        ),
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
    """Return the cluster indices, largest natural share first."""
    return [int(at) for at in np.argsort(-domains.natural, kind="stable")]


def weights_chart(session: Session, weights: Weights) -> None:
    """Show natural share and weight of each cluster as paired bars."""
    domains, taxonomy = mixing.domains(session.root), cached_results.taxonomy(session.root)
    rows = [
        ShareRow(
            domains.names[at],
            taxonomy.cluster(domains.numbers[at]).color,
            float(domains.natural[at]),
            float(weights.weights[at]),
            None,
            domains.numbers[at],
        )
        for at in order_of(domains)
    ]
    changed = bool(np.abs(weights.weights - domains.natural).max() >= SAME)
    finding(
        f"Equivalent to {weights.effective:.1f} equal clusters of {len(rows)}",
        f"Pale: natural share of the tokens. Solid: weight, {NAMES[_strategy_of(weights)]}.",
    )
    st.plotly_chart(
        balance.shares(rows, changed=changed, names=("Natural", "Weight")),
        key="mixing-weights",
        config=CONFIG,
        alt="Natural share and weight of each cluster; the table below holds the numbers",
    )


def show_table(session: Session, weights: Weights, losses: PreviewLosses | None) -> None:
    """Show the table of clusters with weights and measures."""
    domains, taxonomy = mixing.domains(session.root), cached_results.taxonomy(session.root)
    order = order_of(domains)
    columns: dict[str, object] = {
        " ": [circle(taxonomy.cluster(domains.numbers[at]).color) for at in order],
        "Cluster": [domains.names[at] for at in order],
        "Natural share": 100 * domains.natural[order],
        "Weight": 100 * weights.weights[order],
        "Ratio": weights.ratio[order],
        "Available tokens": domains.tokens[order],
        "Epochs": weights.epochs[order],
    }
    if losses is not None:
        columns |= {"Loss": losses.proposed[order], "Loss change": (losses.proposed - losses.natural)[order]}
    if any(weights.warnings):
        columns["Warning"] = [weights.warnings[at] for at in order]
    digits = {
        "Ratio": "%.2f",
        "Epochs": "%.2f",
        "Loss": "%.3f",
        "Loss change": "%+.3f",
        "Natural share": "%.1f%%",
        "Weight": "%.1f%%",
        "Available tokens": "localized",
    }
    hints = {
        "Natural share": "natural_share",
        "Weight": "weight",
        "Ratio": "ratio",
        "Epochs": "epochs",
        "Loss": "ngram",
        "Available tokens": "token",
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
                    help=HINTS[hints[name]] if name in hints else "Loss minus the loss with natural shares.",
                )
                for name, form in digits.items()
            },
        },
    )
    left_out = [c for c in taxonomy.clusters if c.excluded]
    if left_out:
        st.caption(f"Excluded, weight 0: {', '.join(escape(short(c.label, 40)) for c in left_out)}.")


def show_strategies_table(session: Session, mix: Mix, available: tuple[Strategy, ...]) -> None:
    """Show a table with one column per available strategy, all within the same limits."""
    panel = st.expander("Strategies side by side", key="mixing-compare", on_change="rerun")
    if not panel.open:
        return
    domains, proxy = mixing.domains(session.root), mixing.ngram(session.root).proxy
    by_strategy, refused = {}, []
    for strategy in available:
        try:
            by_strategy[NAMES[strategy]] = mix_weights(session.root, mix, strategy)
        except InputError:
            refused.append(NAMES[strategy])
    order = order_of(domains)
    measures = ["Effective clusters", "Most epochs"] + (["Predicted loss"] if proxy is not None else [])
    columns: dict[str, list[str]] = {"Cluster": [*measures, *(domains.names[at] for at in order)]}
    for name, weights in by_strategy.items():
        top = [f"{weights.effective:.1f}", f"{np.nanmax(weights.epochs):.2f}"]
        if proxy is not None:
            top.append(f"{float(proxy.losses(weights.weights) @ domains.natural):.3f}")
        columns[name] = [*top, *(percent(weights.weights[at]) for at in order)]
    with panel:
        st.dataframe(
            pd.DataFrame(columns),
            hide_index=True,
            key="mixing-strategies",
            row_height=30,
            height=min(len(order) + len(measures), 16) * 30 + 38,
            alt="Weight of each cluster by each strategy, below a few measures",
            column_config={
                "Cluster": st.column_config.TextColumn(width="medium", pinned=True),
                **{name: st.column_config.TextColumn(width=96, alignment="right") for name in by_strategy},
            },
        )
        if refused:
            st.caption(f":orange[:material/warning: Cannot meet these limits: {', '.join(refused)}.]")
