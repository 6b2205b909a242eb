"""Student view: agreement with the taxonomy on held-out documents, as figures, a matrix and a table."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.charts import student as student_charts
from app.charts.chart import show_chart
from app.charts.student import color_lookup
from app.data import students
from app.state.session import Session, current_session
from app.ui.clusters import circle, dot_column
from app.ui.errors import guarded
from app.ui.figures import finding, heading
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from app.views.student.confused_pairs import pairs
from app.views.student.downloads import show_downloads
from app.views.student.train import standing
from gem_core._formatting import count, percent
from gem_core.pipeline.student.registry import SavedStudent
from gem_core.pipeline.student.report import DistilReport
from gem_core.workspace import Taxonomy


@st.fragment
def agreement(session: Session, student: SavedStudent) -> None:
    """Show the results first, then the figures behind them."""
    session = current_session()
    report = student.report
    taxonomy = students.taxonomy_of_step(session.workspace, session.taxonomy, report.taxonomy_key)
    with guarded():
        heading(headline(report), HINTS["agreement"])
        if report.agreement_sure is not None and report.agreement_unsure is not None:
            st.caption(
                f"{percent(report.agreement_sure)} on the half with larger "
                f"margins, {percent(report.agreement_unsure)} on the other half.",
                help=HINTS["margin"],
            )
        standing(session, student)
        summary(report)
        grid = st.grid(2, min_column_width=440, gap="medium", key="student-figures")
        order = ordered(report, taxonomy)
        with grid.cell():
            _matrix(report, order)
        with grid.cell():
            _table(report, order, taxonomy)
        pairs(session, report, taxonomy)
        show_downloads(session, student)


def headline(report: DistilReport) -> str:
    """Return the agreement in words."""
    low, high = report.agreement_interval
    return (
        f"Agrees with the taxonomy on {percent(report.agreement)} of {count(report.test)} held-out documents "
        f"({percent(low)} to {percent(high)})"
    )


def summary(report: DistilReport) -> None:
    """Six figures."""
    recalls = [
        cluster.recall for cluster in report.clusters if cluster.recall is not None and cluster.number not in report.few
    ]
    figures = [
        ("Lowest recall", percent(min(recalls)) if recalls else "unknown", "recall"),
        ("Share error", percent(report.mass_error), "mass_error"),
        ("Share error, tokens", percent(report.mass_error_tokens), "mass_error_tokens"),
        ("Token estimate", f"{100 * report.token_error:+.1f}%", "token_estimate"),
        ("Documents per second", count(report.documents_per_second), "throughput"),
        ("Training documents", count(report.training), "student"),
    ]
    with st.grid(6, min_column_width=118, gap="small", key="student_measures"):
        for name, value, hint in figures:
            st.metric(name, value, help=HINTS[hint])


def ordered(report: DistilReport, taxonomy: Taxonomy | None) -> list[int]:
    """Places of the clusters in the order of the tree, so that neighbors of a group stand together."""
    places = {cluster.number: position for position, cluster in enumerate(report.clusters)}
    tree = [number for group in taxonomy.groups for number in group.children] if taxonomy else []
    first = [places[number] for number in tree if number in places]
    return first + [position for position in range(len(report.clusters)) if position not in set(first)]


def _matrix(report: DistilReport, order: list[int]) -> None:
    names = [cluster.label for cluster in report.clusters]
    wrong = report.test - int(np.trace(report.confusion))
    title = "No disagreements"
    if report.pairs:
        top = report.pairs[0]
        labels = {cluster.number: cluster.label for cluster in report.clusters}
        title = (
            f"Most confused: {escape(short(labels[top.teacher], 34))} → {escape(short(labels[top.student], 34))}, "
            f"{count(top.documents)} of {count(wrong)}"
        )
    finding(title, "Share of each cluster (rows) that the student assigns to each cluster (columns). Ordered by group.")
    table = report.confusion[np.ix_(order, order)]
    show_chart(
        lambda is_dark: student_charts.matrix(table, [names[at] for at in order], dark=is_dark),
        key="student-matrix",
        alt="Test documents by the taxonomy's and the student's cluster; the table beside it and the pairs "
        "below hold the numbers",
    )


def _table(report: DistilReport, order: list[int], taxonomy: Taxonomy | None) -> None:
    scores = [report.clusters[at] for at in order]
    off = max(report.clusters, key=lambda cluster: abs(cluster.predicted_mass - cluster.mass))
    change = off.predicted_mass - off.mass
    finding(
        f"Shares differ most for {escape(short(off.label, 34))}: {percent(off.mass)} → {percent(off.predicted_mass)}"
        if change
        else "All shares match the taxonomy",
        "Share of the test documents in the taxonomy and by the student.",
    )
    shade = color_lookup(taxonomy)
    st.dataframe(
        pd.DataFrame(
            {
                " ": [circle(shade(cluster.number)) for cluster in scores],
                "Cluster": [cluster.label for cluster in scores],
                "Recall": [None if cluster.recall is None else 100 * cluster.recall for cluster in scores],
                "Precision": [None if cluster.precision is None else 100 * cluster.precision for cluster in scores],
                "Share": [100 * cluster.mass for cluster in scores],
                "Student": [100 * cluster.predicted_mass for cluster in scores],
                "Change": [round(100 * (cluster.predicted_mass - cluster.mass), 1) + 0.0 for cluster in scores],
                "Test documents": [cluster.test for cluster in scores],
            }
        ),
        key="student-clusters",
        hide_index=True,
        row_height=30,
        height=min(len(scores), 20) * 30 + 38,
        alt="Recall, precision and share of every cluster",
        column_config={
            " ": dot_column(),
            "Cluster": st.column_config.TextColumn(width=178),
            "Recall": _rate_column("recall"),
            "Precision": _rate_column("precision"),
            "Share": st.column_config.NumberColumn(format="%.1f%%", width=64, help=HINTS["share_documents"]),
            "Student": st.column_config.NumberColumn(format="%.1f%%", width=72, help=HINTS["predicted_mass"]),
            "Change": st.column_config.NumberColumn(format="%+.1f", width=68, help="Percentage points."),
            "Test documents": st.column_config.NumberColumn(format="localized", width=66),
        },
    )


def _rate_column(term: str) -> Any:
    return st.column_config.ProgressColumn(help=HINTS[term], format="%.0f%%", min_value=0, max_value=100, width=88)
