"""Mixing, what the runs on the present taxonomy have found: in words, with the numbers they rest on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.charts.mixing import curve
from app.charts.style import CONFIG
from app.components.poll import pulse
from app.data import cached_results
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
EVERY = 3.0  # seconds between two looks at a curve that grows


def evidence(session: Session, kind: str) -> Mapping[str, Any] | None:
    """Return what the last run of a kind found for the present taxonomy."""
    return Mixes(session.root, cached_results.taxonomy(session.root).taxonomy_hash).read_evidence(kind)


def name_of(session: Session, number: int | str) -> str:
    """Name of a cluster, safe in Markdown."""
    taxonomy = cached_results.taxonomy(session.root)
    known = taxonomy.has(int(number))
    return escape(short(taxonomy.cluster(int(number)).label, 50)) if known else f"cluster {int(number)}"


def doremi(session: Session) -> bool:
    """The curve of the run that goes on or ended last."""
    live = running(session, "doremi") is not None
    if doremi_curve(cached_results.workspace(session.root), cached_results.taxonomy(session.root)) is None and not live:
        return False
    st.fragment(_doremi)(session, live)
    return True


def _doremi(session: Session, live: bool) -> None:
    taxonomy = cached_results.taxonomy(session.root)
    found = doremi_curve(cached_results.workspace(session.root), taxonomy)
    if found is not None and found["curve"]:
        table = np.asarray(found["curve"], dtype=np.float64)
        clusters = [taxonomy.cluster(n) for n in found["numbers"]]
        ended = "weights" in found
        last = np.array([found["weights"][str(n)] for n in found["numbers"]]) if ended else table.mean(axis=0)
        words = "on average" if ended else "so far"
        mean = np.cumsum(table, axis=0) / np.arange(1, len(table) + 1)[:, None]
        finding(
            f"As even as {effective_number(last):.1f} of {len(last)} clusters {words}",
            f"Weight of each cluster, averaged up to each of {count(found['curve_steps'][-1])} steps. At single "
            f"steps one had up to {percent(table.max())}.",
        )
        st.plotly_chart(
            curve(found["curve_steps"], mean, [c.label for c in clusters], [c.color for c in clusters]),
            key="mixing-curve",
            config=CONFIG,
            alt="Mean weight of each cluster over the steps of DoReMi",
        )
        if found.get("collapsed"):
            st.caption(
                ":orange[:material/warning: It has collapsed: one cluster has more than 90% of the weight. Do "
                "not use these weights.]"
            )
    if live:
        pulse(EVERY, "mixing-curve")


def regmix(session: Session) -> bool:
    """How well regression on the proxies ranks mixtures it has not seen, and what it proposes."""
    found = evidence(session, "regmix")
    if found is None:
        return False
    score = float(found["out_of_fold_spearman"])
    word = (
        "ranks mixtures well"
        if score >= STRONG
        else "ranks mixtures partly"
        if score >= WEAK
        else "cannot rank mixtures"
    )
    aim = "the whole corpus" if found["target"] == ALL else escape(short(str(found["target"]), 60))
    finding(
        f"Regression {word}: {score:.2f} out of fold on {count(found['n_runs'])} runs",
        f"Rank correlation with the loss of {aim}, by {LAWS.get(found['regressor'], 'regression')}; predicted "
        f"{float(found['predicted_loss']):.3f} nats a token.",
    )
    if score < WEAK:
        st.caption(":orange[:material/warning: These weights are hardly better than a guess.]")
    _most(session, {n: float(w) for n, w in found["weights"].items()}, "Largest weights", percent)
    return True


def perfre(session: Session) -> bool:
    """Which clusters help when there is more of them."""
    found = evidence(session, "perfre")
    if found is None:
        return False
    benefits = {n: float(value) for n, value in found["benefits"].items()}
    helpful = sum(value > 0 for value in benefits.values())
    finding(
        f"More of it lowers the loss for {helpful} of {len(benefits)} clusters",
        "Fall of the loss, nats a token, when a cluster is up-sampled; one proxy each, so without errors.",
    )
    _most(session, benefits, "Most", lambda value: f"{value:+.4f}")
    return True


def grip(session: Session) -> bool:
    """Which clusters a proxy's last layer learns fast."""
    found = evidence(session, "grip")
    if found is None:
        return False
    gains = {n: float(value) for n, value in found["gains"].items()}
    first = max(gains, key=gains.__getitem__)
    finding(
        f"Learned fastest: {name_of(session, first)}, {percent(gains[first])} ± {percent(found['errors'][first])}",
        f"Fall of the loss in a probe with its standard error; {count(sum(found['probes'].values()))} probes.",
    )
    _most(session, gains, "Most", percent)
    return True


def _most(session: Session, values: Mapping[str, float], heading: str, form: Any) -> None:
    ranked = sorted(values, key=lambda n: -values[n])[:3]
    st.caption(f"{heading}: " + ", ".join(f"{name_of(session, n)} {escape(form(values[n]))}" for n in ranked) + ".")


def predictability(session: Session) -> bool:
    """One line for each grouping that was studied; the control is there to be held against."""
    rows = []
    for kind in ("gem", "kmeans", "spherical", "column", "random"):
        found = evidence(session, f"predict-{kind}")
        if found is not None and "median" in found:
            spec = str(found["settings"]["partition"])
            rows.append(
                (
                    spec.removeprefix("column:")
                    if kind == "column"
                    else "random (control)"
                    if kind == "random"
                    else spec,
                    float(found["median"]),
                    *map(float, found["quartiles"]),
                    str(found["verdict"]),
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
        st.caption(
            "Run the random groups too: clusters that predict no better than those tell nothing by their meaning."
        )
    return True
