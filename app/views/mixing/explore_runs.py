"""Explorer of proxy runs: slopes of each target by cluster, two targets against each other, range and distance."""

import numpy as np
import streamlit as st

from app.charts.chart import show_chart
from app.charts.runs import front_chart, slopes_chart
from app.data import mixing
from app.state.session import Session
from app.ui.figures import finding
from app.ui.text import escape, short
from gem_core._formatting import count
from gem_core.export.saved_mix import saved_mix
from gem_core.mixing.run_explorer import Slopes, distance_notes
from gem_core.pipeline.mixing.regmix_study import StoredRuns

MOST_TARGETS = 40  # rows of the chart


def show_run_explorer(session: Session) -> None:
    """Show the runs that were trained or imported last, if there are any."""
    stored = mixing.runs(session.workspace, session.mixing_taxonomy)
    if stored is None:
        return
    panel = st.expander("Explore runs", key="mixing-explore-runs", on_change="rerun")
    if not panel.open:
        return
    with panel:
        notes = f" {'; '.join(stored.notes)}." if stored.notes else ""
        better = "higher" if stored.higher else "lower"
        st.caption(
            escape(
                f"{count(len(stored.runs))} runs, {count(len(stored.runs.targets))} targets in {stored.unit}, {better} "
                f"is better.{notes}"
            )
        )
        left, right = st.container(key="mixing-run-slopes"), st.container(key="mixing-run-front")
        with left:
            _show_slopes(session, stored)
        with right:
            _show_front(session, stored)
        _show_distance(session, stored)


def _show_slopes(session: Session, stored: StoredRuns) -> None:
    slopes, sign = mixing.slopes(session.workspace, session.mixing_taxonomy), -1.0 if stored.higher else 1.0
    chart_slopes = Slopes(
        slopes.targets[:MOST_TARGETS], slopes.domains, slopes.values[:MOST_TARGETS], slopes.errors[:MOST_TARGETS]
    )
    row, column = np.unravel_index(int(np.argmax(np.abs(chart_slopes.values))), chart_slopes.values.shape)
    cluster, target = short(chart_slopes.domains[column], 40), short(chart_slopes.targets[row], 40)
    finding(
        f"Strongest: {escape(cluster)} on {escape(target)}, {sign * chart_slopes.values[row, column]:+.3g}",
        f"Change in {escape(stored.unit)} when a tenth of the mixture is replaced by the cluster. Empty: within two "
        "standard errors of zero.",
    )
    show_chart(
        slopes_chart(chart_slopes, unit=stored.unit, sign=sign),
        key="mixing-slopes",
        alt="Slope of each target by cluster over the runs",
    )


def _show_front(session: Session, stored: StoredRuns) -> None:
    targets = stored.runs.targets
    if len(targets) < 2 or len(stored.runs) < 10:
        return
    with st.container(horizontal=True, gap="small"):
        first = st.selectbox("First target", targets, index=0, key=f"mixing-front-a-{len(targets)}")
        second = st.selectbox("Second target", targets, index=1, key=f"mixing-front-b-{len(targets)}")
    if first == second:
        st.caption("Choose two different targets.")
        return
    front = mixing.front(session.workspace, session.mixing_taxonomy, str(first), str(second))
    best = int(front.is_best.sum())
    finding(
        f"{best} of {len(front.losses)} runs are not beaten in both targets",
        "Dotted: mixtures of least predicted weighted mean, from one target to the other.",
    )
    show_chart(
        front_chart(front, str(first), str(second), unit=stored.unit, sign=-1.0 if stored.higher else 1.0),
        key="mixing-front",
        alt="Runs by two targets, with the predicted line between the best mixtures for each",
    )


def _show_distance(session: Session, stored: StoredRuns) -> None:
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    weights = saved_mix(workspace, taxonomy)
    mixture = mixing.domains(workspace, taxonomy).natural if weights is None else weights.weights
    name = "Natural shares" if weights is None else "The mix on screen"
    notes = distance_notes(stored.runs, mixture)
    for note in notes:
        st.caption(f":orange[:material/warning: {escape(name)}: {escape(note)}.]")
    if not notes:
        st.caption(f"{name}: inside the range of the runs.")
