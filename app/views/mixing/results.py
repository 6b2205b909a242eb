"""Mixing results: headline, warnings, charts and tables for the current weights."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.charts import balance
from app.charts.balance import ShareRow
from app.charts.chart import show_chart
from app.data import mixing
from app.state.session import Session
from app.ui.clusters import circle, dot_column
from app.ui.figures import finding, heading
from app.ui.glossary import HINTS
from app.ui.levels import choose_group, has_many
from app.ui.text import escape, short
from app.views.mixing.budget import token_size
from app.views.mixing.custom_weights import CLUSTERS, GROUPS, group_members
from app.views.mixing.loss_preview import PreviewLosses
from app.views.mixing.mix_settings import NAMES
from gem_core._formatting import count, percent
from gem_core.geometry import effective_number
from gem_core.mixing import Weights
from gem_core.mixing.weights import MANY_EPOCHS
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.strategies import RUNS, Strategy, indistinguishable_pairs
from gem_core.workspace import Taxonomy

TOTAL = "Total"
NO_MARK = "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'/>"
DIGITS = {
    "Ratio": "%.2f",
    "Epochs": "%.2f",
    "Loss": "%.3f",
    "Loss change": "%+.3f",
    "Natural share": "%.1f%%",
    "Weight": "%.1f%%",
    "Available tokens": "compact",
    "Mix tokens": "compact",
}
TABLE_HINTS = {
    "Natural share": "natural_share",
    "Weight": "weight",
    "Ratio": "ratio",
    "Epochs": "epochs",
    "Loss": "ngram",
    "Available tokens": "token",
}
WIDE = {"Natural share": 104, "Available tokens": 120, "Mix tokens": 88, "Loss change": 94}  # pixels, for the headings
COLUMN_HELP = {
    "Loss change": "Loss minus the loss with natural shares.",
    "Mix tokens": "Tokens of the cluster in the mix: budget x weight.",
}
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
    workspace = session.workspace
    domains = mixing.domains(workspace, session.mixing_taxonomy)
    heading(headline(domains, weights))
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
        for pair in indistinguishable_pairs(workspace, weights)[:3]:
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
    taxonomy = session.mixing_taxonomy
    domains = mixing.domains(session.workspace, taxonomy)
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
    if has_many(taxonomy):
        rows = balance.rows_at_level(rows, taxonomy, choose_group(taxonomy, "mixing-level-of-chart"))
    show_chart(
        balance.shares(rows, changed=changed, names=("Natural", "Weight")),
        key="mixing-weights",
        alt="Natural share and weight of each cluster; the table below holds the numbers",
    )


def show_table(session: Session, weights: Weights, losses: PreviewLosses | None) -> None:
    """Show the table of clusters, or of groups with their clusters, with weights, measures and a total."""
    taxonomy = session.mixing_taxonomy
    domains = mixing.domains(session.workspace, taxonomy)
    members = group_members(taxonomy, domains)
    level = CLUSTERS
    if len(members) > 1:
        level = st.segmented_control(
            "Rows",
            (CLUSTERS, GROUPS),
            default=CLUSTERS,
            required=True,
            key="mixing-rows",
            label_visibility="collapsed",
            help="Groups: each group with its clusters below it.",
        )
    rows = _rows(taxonomy, domains, members if level == GROUPS else {})
    table = table_columns(domains, weights, losses, [indices for _, _, indices in rows])
    st.dataframe(
        pd.DataFrame({" ": [mark for mark, _, _ in rows], "Cluster": [name for _, name, _ in rows], **table}),
        hide_index=True,
        key=f"mixing-table-{level}",
        row_height=30,
        height=min(len(rows), 14) * 30 + 38,
        alt="Share, weight, ratio, tokens, epochs and predicted loss of each cluster and in total",
        column_config={
            " ": dot_column(),
            "Cluster": st.column_config.TextColumn(width="medium"),
            "Warning": st.column_config.TextColumn(width="medium"),
            **{
                name: st.column_config.NumberColumn(
                    format=form,
                    width=WIDE.get(name, 74),
                    help=HINTS[TABLE_HINTS[name]] if name in TABLE_HINTS else COLUMN_HELP[name],
                )
                for name, form in DIGITS.items()
            },
        },
    )
    left_out = [c for c in taxonomy.clusters if c.excluded]
    if left_out:
        st.caption(f"Excluded, weight 0: {', '.join(escape(short(c.label, 40)) for c in left_out)}.")


def _rows(taxonomy: Taxonomy, domains: Domains, members: dict[int, list[int]]) -> list[tuple[str, str, list[int]]]:
    """Return color mark, name and domain indices of each row; the total stands last."""
    cluster_rows = {
        at: (circle(taxonomy.cluster(number).color), name, [at])
        for at, (number, name) in enumerate(zip(domains.numbers, domains.names, strict=True))
    }
    rows: list[tuple[str, str, list[int]]] = []
    for group in taxonomy.groups:
        if group.number in members:
            indices = members[group.number]
            rows.append((circle(group.color, filled=False), group.label, indices))
            rows += [(mark, f"\u2003{name}", index) for mark, name, index in map(cluster_rows.__getitem__, indices)]
    rows = rows or [cluster_rows[at] for at in order_of(domains)]
    return [*rows, (NO_MARK, TOTAL, list(range(len(domains.numbers))))]


def table_columns(
    domains: Domains, weights: Weights, losses: PreviewLosses | None, rows: Sequence[Sequence[int]]
) -> dict[str, NDArray[np.float64] | list[str]]:
    """Return the columns of the table for sets of clusters; losses of a set are means by natural shares."""
    sums = np.zeros((len(rows), len(domains.numbers)))
    for row, indices in zip(sums, rows, strict=True):
        row[list(indices)] = 1.0
    natural, weight, tokens = sums @ weights.natural, sums @ weights.weights, sums @ weights.tokens
    budget = np.nan if weights.limits.budget is None else float(weights.limits.budget)
    has_tokens = np.where(tokens > 0, tokens, np.nan)
    columns: dict[str, NDArray[np.float64] | list[str]] = {
        "Natural share": 100 * natural,
        "Weight": 100 * weight,
        "Ratio": weight / np.where(natural > 0, natural, np.nan),
        "Available tokens": tokens,
        "Mix tokens": budget * weight,
        "Epochs": budget * weight / has_tokens,
    }
    if losses is not None:
        by_share = sums * domains.natural
        by_share /= np.maximum(by_share.sum(axis=1, keepdims=True), 1e-300)
        columns |= {
            "Loss": by_share @ losses.proposed,
            "Loss change": _no_minus_zero(by_share @ (losses.proposed - losses.natural)),
        }
    if any(weights.warnings):
        columns["Warning"] = [weights.warnings[indices[0]] if len(indices) == 1 else "" for indices in rows]
    return columns


def _no_minus_zero(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values with 0 where three digits show nothing but a sign."""
    return np.where(np.abs(values) < SAME, 0.0, values)
