"""Agreement and quality measures of two groupings in Compare."""

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.data import groupings
from app.state.session import Session
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from gem_core._formatting import count, percent
from gem_core.pipeline.compare.comparison import Comparison
from gem_core.pipeline.compare.quality import Quality


def show_agreement(comparison: Comparison) -> None:
    """Show the five measures of agreement."""
    matched_count = int(np.sum(comparison.best("a")[1] >= 0.5))
    with st.grid(5, min_column_width=130, gap="small", key="compare_agreement"):
        st.metric("ARI", f"{comparison.ari:.3f}", help=HINTS["ari"])
        st.metric("NMI", f"{comparison.nmi:.3f}", help=HINTS["nmi"])
        labels = "column" in (comparison.a.kind, comparison.b.kind)
        unchanged_label, moved_label = (
            ("In matched groups", "Spread over others") if labels else ("Unchanged documents", "Documents moved")
        )
        st.metric(unchanged_label, percent(comparison.stay), help=HINTS["stay"])
        st.metric(moved_label, count(len(comparison.moved_rows)), help=HINTS["stay"])
        st.metric("Matched groups", f"{matched_count} of {len(comparison.a.names)}", help=HINTS["returns"])


@dataclass(frozen=True)
class MeasureRow:
    """A row of the quality table: field, format, direction (1 higher, -1 lower, 0 neither is better), hover text."""

    field: str
    name: str
    form: str
    direction: int
    hint: str
    same_size: bool = False  # Whether it only compares groupings with the same number of groups.


MEASURE_ROWS = (
    MeasureRow("clusters", "Groups", ",.0f", 0, ""),
    MeasureRow("empty", "Empty groups", ",.0f", -1, ""),
    MeasureRow("effective", "Effective groups", ".1f", 0, "effective"),
    MeasureRow("entropy", "Evenness", ".3f", 0, "entropy"),
    MeasureRow("largest", "Largest share", ".1%", 0, "share"),
    MeasureRow("smallest", "Smallest share", ".1%", 0, "share"),
    MeasureRow("silhouette", "Silhouette", ".3f", 1, "silhouette"),
    MeasureRow("within_cosine", "Cohesion (cosine)", ".3f", 1, "within", same_size=True),
    MeasureRow("cosine_margin", "Cosine margin", ".3f", 1, "cosine_margin", same_size=True),
    MeasureRow("ari", "ARI to the label", ".3f", 1, "ari"),
    MeasureRow("nmi", "NMI to the label", ".3f", 1, "nmi", same_size=True),
)


def show_quality(session: Session, comparison: Comparison) -> None:
    """Show the quality of both groupings side by side, with the better value marked."""
    sides = (comparison.a, comparison.b)
    measured = [groupings.quality(session.workspace, session.taxonomy, side.spec) for side in sides]
    names = [escape(short(side.title, 30)) for side in sides]
    heading = (
        f"{names[0]} is equivalent to {measured[0].effective:.1f} equal groups, {names[1]} to "
        f"{measured[1].effective:.1f}"
    )
    unit = measured[0].weighting
    sample_size = measured[0].sample
    sample = f"; silhouette of a sample of {count(sample_size)}" if sample_size < len(comparison.a.labels) else ""
    st.markdown(
        f"**{heading}**  \n:small[:gray[Measured on the embeddings, not on the map. Shares by {unit}{sample}. "
        "Check: better value. Small differences can change with the seed.]]"
    )
    with st.container(key="compare_quality", gap=None, border=True, width=760):
        _show_row("", "", f"**{names[0]}**", f"**{names[1]}**")
        for line in MEASURE_ROWS:
            values = [getattr(quality, line.field) for quality in measured]
            if any(value is not None for value in values):
                best = better_side(line, *measured)
                _show_row(
                    line.name,
                    HINTS.get(line.hint, ""),
                    *(_value(line, value, is_best=best == at) for at, value in enumerate(values)),
                )


def better_side(line: MeasureRow, first: Quality, second: Quality) -> int | None:
    """Return the better side, 0 or 1, or None if neither is better or the difference is within the error."""
    values = [getattr(first, line.field), getattr(second, line.field)]
    if not line.direction or any(value is None or not math.isfinite(value) for value in values):
        return None
    if line.same_size and first.clusters != second.clusters:
        return None
    if format(values[0], line.form) == format(values[1], line.form):
        return None
    error = math.hypot(first.silhouette_error, second.silhouette_error) if line.field == "silhouette" else 0.0
    if abs(values[0] - values[1]) <= 2 * error:
        return None
    return int(line.direction * values[1] > line.direction * values[0])


def _value(line: MeasureRow, value: float | None, *, is_best: bool) -> str:
    if value is None or not math.isfinite(value):
        return ":gray[none]"
    text = format(value, line.form)
    return f":primary[**{text}** :material/check:]" if is_best else text


def _show_row(name: str, hint: str, first: str, second: str) -> None:
    columns = st.columns([1.4, 1, 1], gap="small", vertical_alignment="center")
    columns[0].markdown(name or "&nbsp;", help=hint or None)
    columns[1].markdown(first)
    columns[2].markdown(second)
