"""Student view: confused cluster pairs, with their documents beside exemplars."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import streamlit as st

from app.charts.student import color_lookup
from app.documents.reader import MAX_CHARACTERS
from app.state.session import Session
from app.state.widget_state import widget
from app.ui.clusters import circle, dot_column, title
from app.ui.figures import facts
from gem_core._formatting import count, decimal
from gem_core.pipeline.student.report import ConfusedPair, DistilReport
from gem_core.workspace import Taxonomy

STUDENT, TEACHER = "Student's choice", "Taxonomy's cluster"
HEIGHT = 300  # pixels of a text


def pairs(session: Session, report: DistilReport, taxonomy: Taxonomy | None) -> None:
    """Choose a pair; a document of it and a typical one stand beside each other."""
    if not report.pairs:
        return
    names = {cluster.number: cluster.label for cluster in report.clusters}
    wrong = report.test - int(np.trace(report.confusion))
    with st.container(border=True, gap="small", key="student-pairs"):
        st.markdown(
            f"**Most confused pairs: {count(sum(pair.documents for pair in report.pairs))} of {count(wrong)} "
            "disagreements**  \n:small[:gray[Select a pair to compare its documents.]]"
        )
        pair = _choose(report, taxonomy, names)
        if report.data_hash != session.workspace.manifest.data_hash:
            st.caption("The corpus has changed since training, so these documents cannot be shown.")
            return
        grid = st.grid(2, min_column_width=360, gap="medium", key="student-reading")
        with grid.cell():
            _disagreed(session, pair, taxonomy, names)
        with grid.cell():
            _typical(session, pair, taxonomy, names)


def _choose(report: DistilReport, taxonomy: Taxonomy | None, names: dict[int, str]) -> ConfusedPair:
    confused_pairs = report.pairs
    shade = color_lookup(taxonomy)
    st.dataframe(
        pd.DataFrame(
            {
                " ": [circle(shade(pair.teacher)) for pair in confused_pairs],
                "Taxonomy": [names[pair.teacher] for pair in confused_pairs],
                "  ": [circle(shade(pair.student)) for pair in confused_pairs],
                "Student": [names[pair.student] for pair in confused_pairs],
                "Documents": [pair.documents for pair in confused_pairs],
                "Share of cluster": [100 * pair.share for pair in confused_pairs],
            }
        ),
        key="student-pair-table",
        hide_index=True,
        width="content",
        row_height=30,
        height=min(len(confused_pairs), 7) * 30 + 38,
        on_select="rerun",
        selection_mode="single-cell",
        alt="Confused pairs; select one to read its documents",
        column_config={
            " ": dot_column(),
            "  ": dot_column("  "),
            "Taxonomy": st.column_config.TextColumn(width=250),
            "Student": st.column_config.TextColumn(width=250),
            "Documents": st.column_config.NumberColumn(format="localized", width=90),
            "Share of cluster": st.column_config.NumberColumn(
                format="%.1f%%", width=104, help="Share of the cluster's test documents."
            ),
        },
    )
    cells = (widget("student-pair-table") or {}).get("selection", {}).get("cells", [])
    return confused_pairs[int(cells[0][0])] if cells and int(cells[0][0]) < len(confused_pairs) else confused_pairs[0]


def _disagreed(session: Session, pair: ConfusedPair, taxonomy: Taxonomy | None, names: dict[int, str]) -> None:
    shade = color_lookup(taxonomy)
    title(names[pair.teacher], shade(pair.teacher), "in the taxonomy")
    title(names[pair.student], shade(pair.student), "student's choice")
    at = _step(session, f"{pair.teacher}-{pair.student}", len(pair.rows), "wrong")
    row = pair.rows[at]
    _text(session, row, "wrong")
    margin = decimal(taxonomy.documents["margin"].iloc[row]) if taxonomy is not None else "none"
    facts([("Student's margin", decimal(pair.margins[at]), "student_margin"), ("Taxonomy's margin", margin, "margin")])


def _typical(session: Session, pair: ConfusedPair, taxonomy: Taxonomy | None, names: dict[int, str]) -> None:
    whose = st.segmented_control(
        "Typical of",
        (STUDENT, TEACHER),
        default=STUDENT,
        required=True,
        key="student-whose",
        label_visibility="collapsed",
    )
    which = pair.teacher if whose == TEACHER else pair.student
    rows = taxonomy.cluster(which).exemplars if taxonomy is not None and taxonomy.has(which) else ()
    if not rows:
        st.caption("The taxonomy it was trained on has been deleted; its exemplars are unavailable.")
        return
    title(names[which], color_lookup(taxonomy)(which), "exemplar")
    at = _step(session, f"typical-{which}", len(rows), "typical")
    _text(session, rows[at], "typical")


@dataclass
class DocumentSteps:
    """Position in each list of documents that is walked through, with the name of what it lists."""

    by_list: dict[str, tuple[str, int]] = field(default_factory=dict)


def _step(session: Session, what: str, size: int, key: str) -> int:
    """Walk through documents; another pair begins at its first."""
    walk = session.drafts.get(DocumentSteps).by_list
    if walk.get(key, ("", 0))[0] != what:
        walk[key] = (what, 0)
    at = min(walk[key][1], size - 1)

    def go(to: int) -> None:
        walk[key] = (what, to)

    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"student-steps-{key}"):
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            type="tertiary",
            key=f"student-previous-{key}",
            disabled=at == 0,
            on_click=go,
            args=(at - 1,),
        )
        st.markdown(f":small[:gray[{count(at + 1)} of {count(size)}]]", width="content")
        st.button(
            "Next",
            icon=":material/chevron_right:",
            icon_position="right",
            type="tertiary",
            key=f"student-next-{key}",
            disabled=at == size - 1,
            on_click=go,
            args=(at + 1,),
        )
    return at


def _text(session: Session, row: int, key: str) -> None:
    text = session.workspace.texts([row])[0]
    with st.container(border=True, height=HEIGHT if len(text) > 2 * HEIGHT else "content", key=f"student-text-{key}"):
        st.text(text[:MAX_CHARACTERS])
