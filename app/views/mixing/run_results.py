"""Results of the proxy runs on the current taxonomy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.charts.chart import show_chart
from app.charts.weights import curve
from app.components.poll import pulse
from app.state.session import Session
from app.ui.figures import finding
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from app.views.mixing.jobs import running
from gem_core._formatting import count, percent
from gem_core.geometry import effective_number
from gem_core.mixing.predictability import STRONG, WEAK
from gem_core.pipeline.mixing.doremi_study import doremi_curve
from gem_core.pipeline.mixing.regmix_study import ALL
from gem_core.workspace.mixing_runs import Mixes

LAWS = {
    "effective": "the effective-data law",
    "exponential": "the exponential law",
    "linear": "a linear fit",
    "lightgbm": "boosted trees",
    "ensemble": "an ensemble",
}
EVERY = 3.0  # seconds between two updates of a running curve


def evidence(session: Session, kind: str) -> Mapping[str, Any] | None:
    """Return the evidence of the last run of a kind for the current taxonomy."""
    taxonomy = session.taxonomy if kind.startswith("predict-") else session.mixing_taxonomy
    return Mixes(session.root, taxonomy.taxonomy_hash).read_evidence(kind)


def cluster_name(session: Session, number: int | str) -> str:
    """Return the name of a cluster, escaped for Markdown."""
    taxonomy = session.mixing_taxonomy
    exists = taxonomy.has(int(number))
    return escape(short(taxonomy.cluster(int(number)).label, 50)) if exists else f"cluster {int(number)}"


def doremi(session: Session) -> bool:
    """Show the weight curve of the running or last DoReMi run; return whether there is one."""
    is_running = running(session, "doremi") is not None
    if doremi_curve(session.workspace, session.mixing_taxonomy) is None and not is_running:
        return False
    st.fragment(_doremi)(session, is_running)
    return True


def _doremi(session: Session, is_running: bool) -> None:
    taxonomy = session.mixing_taxonomy
    result = doremi_curve(session.workspace, taxonomy)
    if result is not None and result["curve"]:
        table = np.asarray(result["curve"], dtype=np.float64)
        clusters = [taxonomy.cluster(n) for n in result["numbers"]]
        ended = "weights" in result
        last = np.array([result["weights"][str(n)] for n in result["numbers"]]) if ended else table.mean(axis=0)
        words = "on average" if ended else "so far"
        mean = np.cumsum(table, axis=0) / np.arange(1, len(table) + 1)[:, None]
        finding(
            f"Equivalent to {effective_number(last):.1f} equal clusters of {len(last)} {words}",
            f"Mean weight of each cluster up to each of {count(result['curve_steps'][-1])} steps. The largest at "
            f"a single step was {percent(table.max())}.",
        )
        show_chart(
            curve(result["curve_steps"], mean, [c.label for c in clusters], [c.color for c in clusters]),
            key="mixing-curve",
            alt="Mean weight of each cluster over the steps of DoReMi",
        )
        if result.get("collapsed"):
            st.caption(
                ":orange[:material/warning: The run collapsed: one cluster has more than 90% of the weight. Do "
                "not use these weights.]"
            )
    if is_running:
        pulse(EVERY, "mixing-curve")


def regmix(session: Session) -> bool:
    """Show how well the regression ranks unseen mixtures, and its proposal; return whether there is one."""
    result = evidence(session, "regmix")
    if result is None:
        return False
    if "verdict" in result:  # A search for a goal ended last; its own card shows it.
        return False
    score = float(result["out_of_fold_spearman"])
    verdict = (
        "ranks mixtures well"
        if score >= STRONG
        else "ranks mixtures partly"
        if score >= WEAK
        else "cannot rank mixtures"
    )
    target_text = "the whole corpus" if result["target"] == ALL else escape(short(str(result["target"]), 60))
    finding(
        f"Regression {verdict}: {score:.2f} out of fold on {count(result['n_runs'])} runs",
        f"Rank correlation with the loss of {target_text}, by {LAWS.get(result['regressor'], 'regression')}; predicted "
        f"{float(result['predicted_loss']):.3f} nats per token.",
    )
    if score < WEAK:
        st.caption(":orange[:material/warning: These weights are hardly better than chance.]")
    _list_largest(session, {n: float(w) for n, w in result["weights"].items()}, "Largest weights", percent)
    return True


def perfre(session: Session) -> bool:
    """Show which clusters lower the loss when upweighted; return whether there is a study."""
    result = evidence(session, "perfre")
    if result is None:
        return False
    benefits = {n: float(value) for n, value in result["benefits"].items()}
    helpful = sum(value > 0 for value in benefits.values())
    finding(
        f"Upweighting lowers the loss for {helpful} of {len(benefits)} clusters",
        f"Fall of the loss of {_aim(result)} in nats per token when a cluster is upweighted; one proxy per cluster.",
    )
    _list_largest(session, benefits, "Most", lambda value: f"{value:+.4f}")
    return True


def _aim(result: Mapping[str, Any]) -> str:
    """Return the goal of a study in words, escaped for Markdown."""
    goal = str(result.get("goal", "corpus"))
    return "the corpus" if goal == "corpus" else f"the goal {escape(short(goal, 60))}"


def grip(session: Session) -> bool:
    """Show which clusters the last layer of a proxy learns fastest; return whether there is a study."""
    result = evidence(session, "grip")
    if result is None:
        return False
    gains = {n: float(value) for n, value in result["gains"].items()}
    first = max(gains, key=gains.__getitem__)
    error = percent(result["errors"][first])
    finding(
        f"Learned fastest: {cluster_name(session, first)}, {percent(gains[first])} ± {error}",
        f"Relative fall of the loss in a probe, with standard error; {count(sum(result['probes'].values()))} probes.",
    )
    _list_largest(session, gains, "Most", percent)
    return True


def _list_largest(session: Session, values: Mapping[str, float], heading: str, form: Any) -> None:
    ranked = sorted(values, key=lambda n: -values[n])[:3]
    st.caption(
        f"{heading}: " + ", ".join(f"{cluster_name(session, n)} {escape(form(values[n]))}" for n in ranked) + "."
    )


def predictability(session: Session) -> bool:
    """Show the predictability of each studied grouping; return whether there is one."""
    rows: list[tuple[str, float, float, float, str]] = []
    for kind in ("gem", "kmeans", "spherical", "column", "random"):
        result = evidence(session, f"predict-{kind}")
        if result is not None and "median" in result:
            spec = str(result["settings"]["partition"])
            rows.append(
                (
                    spec.removeprefix("column:")
                    if kind == "column"
                    else "random (control)"
                    if kind == "random"
                    else spec,
                    float(result["median"]),
                    float(result["quartiles"][0]),
                    float(result["quartiles"][1]),
                    str(result["verdict"]),
                )
            )
    if not rows:
        return False
    own = next((row for row in rows if row[0] == "gem"), rows[0])
    st.markdown(f"**{escape(own[0])}: {escape(own[4])}**")
    st.dataframe(
        pd.DataFrame([row[:4] for row in rows], columns=["Grouping", "Median", "From", "To"]),
        hide_index=True,
        key="mixing-predict",
        row_height=30,
        alt="Rank correlation on held-out mixtures by grouping",
        column_config={
            name: st.column_config.NumberColumn(format="%.2f", width=80, help=HINTS["out_of_fold"])
            for name in ("Median", "From", "To")
        },
    )
    if len(rows) == 1:
        st.caption("Also run the random groups: clusters that predict no better than those say nothing about the loss.")
    return True
