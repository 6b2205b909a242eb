"""Balance, below the charts: documents that would move, the numbers, and the objective."""

import cached
import charts
import numpy as np
import pandas as pd
import streamlit as st
from state import Session
from views.balance_result import finding, share_rows
from widgets import HINTS, count, percent, reader

from gem_core.pipeline import Preview
from gem_core.workspace import Taxonomy

LISTED = 500  # moved documents in the table


def details(here: Session, taxonomy: Taxonomy, found: Preview | None) -> None:
    """Documents that would move, the numbers behind the charts, and the objective."""
    if found is not None:
        _moved(here, taxonomy, found)
    fit = found.fit if found else taxonomy.fit
    numbers = st.expander("Numbers behind the charts", key="balance-numbers", on_change="rerun")
    if numbers.open:
        rows = share_rows(taxonomy, found)
        numbers.dataframe(
            pd.DataFrame({"Cluster": [row.name for row in rows], "Applied": [row.before for row in rows],
                          "Draft": [row.after for row in rows], "Target": [row.target for row in rows]}),
            hide_index=True, key="balance-table",
            column_config={name: st.column_config.NumberColumn(format="percent")
                           for name in ("Applied", "Draft", "Target")})
    objective = st.expander("Objective of the fit", key="balance-objective", on_change="rerun")
    if objective.open:
        with objective:
            _objective(np.asarray(fit.trace), converged=bool(fit.converged))


def _moved(here: Session, taxonomy: Taxonomy, found: Preview) -> None:
    total = len(found.moved)
    if total == 0:
        st.caption("No document would change its cluster.")
        return
    rows = found.moved[:LISTED]
    shown = "" if total <= LISTED else f" The {count(LISTED)} least sure are listed."
    finding(f"{count(total)} documents would move ({percent(total / len(taxonomy.documents))})",
            f"Least sure first. Choose one to read it.{shown}")
    labels = {cluster.number: cluster.label for cluster in taxonomy.clusters}
    old = taxonomy.documents["cluster_id"].to_numpy()[rows]
    new = found.origin[np.searchsorted(found.numbers, found.labels[rows])]
    table = pd.DataFrame({
        "Document": cached.workspace(here.root).documents["id"].astype(str).to_numpy()[rows],
        "From": [labels[k] for k in old], "To": [labels[k] if k >= 0 else "a new cluster" for k in new],
        "Margin": found.assignment.margin[rows]})
    place = st.grid(2, min_column_width=400, gap="medium", key="balance-moving")
    with place.cell():
        event = st.dataframe(
            table, hide_index=True, key="balance-moved", on_select="rerun", selection_mode="single-row", height=320,
            column_config={"Margin": st.column_config.NumberColumn(format="%.2f", help=HINTS["margin"], width=80)},
            alt="Documents that would move, with the cluster they leave and the one they join")
    picked = [i for i in event["selection"]["rows"] if i < len(rows)]
    with place.cell():
        if picked:
            here.pick(int(rows[picked[0]]), None)
            reader(cached.workspace(here.root), taxonomy, int(rows[picked[0]]), height=200)
        else:
            st.caption("The document you choose is shown here.")


def _objective(values: np.ndarray, *, converged: bool) -> None:
    falls = int(np.sum(np.diff(values) < -1e-9 * np.abs(values[1:]))) if len(values) > 1 else 0
    end = "" if converged else " It stopped at the limit of iterations."
    title = (f"The objective fell in {falls} of {len(values)} iterations: please report this" if falls else
             f"The objective rises to {values[-1]:,.4f} nats in {count(len(values))} iterations and never falls")
    finding(title, "What a fit maximises, for each document: how well the clusters describe it, less the pull to the "
            f"target.{end}")
    st.plotly_chart(charts.trace(values), key="balance-trace", config=charts.CONFIG,
                    alt="Objective of the fit after each iteration")
