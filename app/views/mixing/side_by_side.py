"""Mixes and strategies side by side: a chart and a table with a column for each."""

import numpy as np
import pandas as pd
import streamlit as st

from app.charts.chart import show_chart
from app.charts.weights import MixColumn, mixes_chart
from app.data import mixing
from app.state.session import Session
from app.ui.text import escape, short
from app.views.mixing.mix_settings import CORPUS, NAMES, Mix, mix_weights
from app.views.mixing.results import order_of
from gem_core._formatting import percent
from gem_core.errors import GemError
from gem_core.export.saved_mix import mix_names, saved_mix
from gem_core.mixing import Weights
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.goal_store import read_goal
from gem_core.pipeline.mixing.strategies import Strategy

CURRENT = "Mix on screen"
MOST = 6  # mixes in the chart


def show_side_by_side(session: Session, mix: Mix, available: tuple[Strategy, ...]) -> None:
    """Show chosen saved mixes and strategies beside each other; strategies are within the limits on screen."""
    panel = st.expander("Side by side", key="mixing-compare", on_change="rerun")
    if not panel.open:
        return
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    saved = mix_names(workspace, taxonomy)
    strategies = [NAMES[strategy] for strategy in available]
    with panel:
        selected = st.multiselect(
            "Mixes and strategies",
            [CURRENT, *saved, *strategies],
            default=[CURRENT, *saved][: MOST - 1] + strategies[:1] if saved else strategies,
            key=f"mixing-side-{'-'.join(saved)}-{len(strategies)}",
            label_visibility="collapsed",
            placeholder="Choose mixes to compare",
        )
        columns, refused = {}, []
        for name in selected:
            try:
                columns[name] = _weights(session, mix, name, available)
            except GemError as error:
                refused.append(f"{name}: {short(str(error), 160)}")
        _show_columns(session, mix, columns)
        for reason in refused:
            st.caption(f":orange[:material/warning: {escape(reason)}]")


def _weights(session: Session, mix: Mix, name: str, available: tuple[Strategy, ...]) -> Weights:
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    if name == CURRENT:
        return mix_weights(workspace, taxonomy, mix)
    if name in mix_names(workspace, taxonomy):
        weights = saved_mix(workspace, taxonomy, name)
        assert weights is not None  # A name that is not saved is refused.
        return weights
    return mix_weights(workspace, taxonomy, mix, next(strategy for strategy in available if NAMES[strategy] == name))


def _show_columns(session: Session, mix: Mix, mixes: dict[str, Weights]) -> None:
    domains = mixing.domains(session.workspace, session.mixing_taxonomy)
    order = order_of(domains)
    if len(mixes) > 1:
        show_chart(
            mixes_chart(
                [domains.names[at] for at in order],
                domains.natural[order],
                [MixColumn(name, weights.weights[order]) for name, weights in list(mixes.items())[:MOST]],
            ),
            key="mixing-side-chart",
            alt="Weight of each cluster in each mix; the table below holds the numbers",
        )
    measures = _measures(session, mix, domains, mixes)
    table = {"Cluster": [*measures, *(domains.names[at] for at in order)]}
    for name, weights in mixes.items():
        table[name] = [*(measures[row][name] for row in measures), *(percent(weights.weights[at]) for at in order)]
    st.dataframe(
        pd.DataFrame(table),
        hide_index=True,
        key="mixing-strategies",
        row_height=30,
        height=min(len(order) + len(measures), 16) * 30 + 38,
        alt="Weight of each cluster in each mix, below a few measures",
        column_config={
            "Cluster": st.column_config.TextColumn(width="medium", pinned=True),
            **{name: st.column_config.TextColumn(width=96, alignment="right") for name in mixes},
        },
    )


def _measures(session: Session, mix: Mix, domains: Domains, mixes: dict[str, Weights]) -> dict[str, dict[str, str]]:
    """Return the rows above the weights: {measure: {mix: value}}."""
    workspace = session.workspace
    proxy = mixing.ngram(workspace, session.mixing_taxonomy).proxy
    rows = {
        "Effective clusters": {name: f"{weights.effective:.1f}" for name, weights in mixes.items()},
        "Most epochs": {name: _most_epochs(weights) for name, weights in mixes.items()},
    }
    if proxy is None:
        return rows
    rows["Predicted loss"] = {
        name: f"{float(proxy.losses(weights.weights) @ domains.natural):.3f}" for name, weights in mixes.items()
    }
    goal = read_goal(workspace, domains, mix.goal) if mix.goal != CORPUS else None
    if goal is not None and not goal.files:
        shares = goal.shares(domains.numbers, domains.natural)
        rows[f"Predicted loss, {goal.name}"] = {
            name: f"{float(proxy.losses(weights.weights) @ shares):.3f}" for name, weights in mixes.items()
        }
    return rows


def _most_epochs(weights: Weights) -> str:
    """Return the largest number of epochs; a dash for a mix without a budget."""
    epochs = weights.epochs[np.isfinite(weights.epochs)]
    return f"{epochs.max():.2f}" if epochs.size else "-"
