"""Student view: confused cluster pairs, with their documents beside exemplars."""

from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from app.charts.student import color_lookup
from app.components.row_list import ListColumn, show_row_list
from app.documents.reader import MAX_CHARACTERS
from app.state.session import Session
from app.ui.clusters import title
from app.ui.figures import facts
from gem_core._formatting import count, decimal, percent
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
        pair = _choose(session, report, taxonomy, names)
        if report.data_hash != session.workspace.manifest.data_hash:
            st.caption("The corpus has changed since training, so these documents cannot be shown.")
            return
        grid = st.grid(2, min_column_width=360, gap="medium", key="student-reading")
        with grid.cell():
            _disagreed(session, pair, taxonomy, names)
        with grid.cell():
            _typical(session, pair, taxonomy, names)


@dataclass
class PairSelection:
    """Index of the pair that is shown."""

    index: int = 0


def _choose(session: Session, report: DistilReport, taxonomy: Taxonomy | None, names: dict[int, str]) -> ConfusedPair:
    confused_pairs, selection = report.pairs, session.drafts.get(PairSelection)
    shade = color_lookup(taxonomy)

    def on_open(index: int) -> None:
        selection.index = index

    show_row_list(
        [
            ListColumn("", [shade(pair.teacher) for pair in confused_pairs], "dot", width=30),
            ListColumn("Taxonomy", [names[pair.teacher] for pair in confused_pairs]),
            ListColumn("", [shade(pair.student) for pair in confused_pairs], "dot", width=30),
            ListColumn("Student", [names[pair.student] for pair in confused_pairs]),
            ListColumn(
                "Documents",
                [pair.documents for pair in confused_pairs],
                "number",
                [count(pair.documents) for pair in confused_pairs],
                width=96,
            ),
            ListColumn(
                "Share of cluster",
                [pair.share for pair in confused_pairs],
                "number",
                [percent(pair.share) for pair in confused_pairs],
                "Share of the cluster's test documents.",
                width=140,
            ),
        ],
        key="student-pair-table",
        label="Confused pairs; a row shows its documents",
        on_open=on_open,
        height=250,
    )
    return confused_pairs[min(selection.index, len(confused_pairs) - 1)]


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
