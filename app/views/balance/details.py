"""Balance view, below the charts: documents that would move, the data table and the objective."""

import numpy as np
import pandas as pd
import streamlit as st

from app.charts import balance
from app.charts.chart import show_chart
from app.state.session import Session
from app.ui.clusters import circle, dot_column
from app.ui.figures import finding
from app.views.balance.moved_documents import show_moved_documents
from app.views.balance.results import share_rows
from gem_core._formatting import count
from gem_core.pipeline import Preview
from gem_core.workspace import Taxonomy


def show_details(session: Session, taxonomy: Taxonomy, preview: Preview | None) -> None:
    """Documents that would move, the numbers behind the charts, and the objective."""
    with st.container():
        if preview is not None:
            show_moved_documents(session, taxonomy, preview)
    fit = preview.fit if preview else taxonomy.fit
    numbers = st.expander("Data table", key="balance-numbers", on_change="rerun")
    if numbers.open:
        rows = share_rows(taxonomy, preview)
        numbers.dataframe(
            pd.DataFrame(
                {
                    " ": [circle(row.color) for row in rows],
                    "Number": [row.number for row in rows],
                    "Cluster": [row.name for row in rows],
                    "Applied": [row.before for row in rows],
                    "Preview": [row.after for row in rows],
                    "Target": [row.target for row in rows],
                }
            ),
            hide_index=True,
            key="balance-table",
            alt="Share of each cluster: applied, preview and target",
            column_config={
                " ": dot_column(),
                "Number": st.column_config.NumberColumn(width=70, help="Kept through edits and refits."),
                **{name: st.column_config.NumberColumn(format="percent") for name in ("Applied", "Preview", "Target")},
            },
        )
    objective = st.expander("Objective of the fit", key="balance-objective", on_change="rerun")
    if objective.open:
        with objective:
            _objective(np.asarray(fit.trace), converged=bool(fit.converged))


def _objective(values: np.ndarray, *, converged: bool) -> None:
    falls = int(np.sum(np.diff(values) < -1e-9 * np.abs(values[1:]))) if len(values) > 1 else 0
    end = "" if converged else " Stopped at the iteration limit."
    title = (
        f"The objective decreased in {falls} of {len(values)} iterations: please report this"
        if falls
        else f"The objective converges to {values[-1]:,.4f} in {count(len(values))} iterations"
    )
    finding(
        title,
        f"Log-likelihood per document (nats) minus the penalty for deviating from the target.{end}",
    )
    show_chart(
        balance.trace(values),
        key="balance-trace",
        alt="Objective after each iteration",
    )
