"""Compare: how much two groupings agree, and how good each of them is."""

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


def figures(found: Comparison) -> None:
    """Five figures of agreement."""
    kept = int(np.sum(found.best("a")[1] >= 0.5))
    with st.grid(5, min_column_width=130, gap="small", key="compare_agreement"):
        st.metric("ARI", f"{found.ari:.3f}", help=HINTS["ari"])
        st.metric("NMI", f"{found.nmi:.3f}", help=HINTS["nmi"])
        st.metric("Stay together", percent(found.stay), help=HINTS["stay"])
        st.metric("Documents moved", count(len(found.moved)), help=HINTS["stay"])
        st.metric("Return", f"{kept} of {len(found.a.names)}", help=HINTS["returns"])


@dataclass(frozen=True)
class Line:
    """A measure: its field, how its values are written, which way is better (0: neither), its hover."""

    field: str
    name: str
    form: str
    better: int
    hint: str
    same_size: bool = False  # whether only groupings of one size can be told apart by it


LINES = (
    Line("clusters", "Groups", ",.0f", 0, ""),
    Line("empty", "Empty groups", ",.0f", -1, ""),
    Line("effective", "Effective groups", ".1f", 0, "effective"),
    Line("entropy", "Evenness", ".3f", 0, "entropy"),
    Line("largest", "Largest share", ".1%", 0, "share"),
    Line("smallest", "Smallest share", ".1%", 0, "share"),
    Line("silhouette", "Silhouette", ".3f", 1, "silhouette"),
    Line("within_cosine", "Within cosine", ".3f", 1, "within", same_size=True),
    Line("cosine_margin", "Cosine margin", ".3f", 1, "cosine_margin", same_size=True),
    Line("ari", "ARI to the label", ".3f", 1, "ari"),
    Line("nmi", "NMI to the label", ".3f", 1, "nmi", same_size=True),
)


def qualities(session: Session, found: Comparison) -> None:
    """Both groupings measured, side by side; the better value is marked where one is."""
    sides = (found.a, found.b)
    measured = [groupings.quality(session.root, side.spec) for side in sides]
    names = [escape(short(side.title, 30)) for side in sides]
    said = (
        f"{names[0]} is as even as {measured[0].effective:.1f} groups of one size, {names[1]} as "
        f"{measured[1].effective:.1f}"
    )
    unit = measured[0].weighting
    drawn = measured[0].sample
    sample = f"; silhouette of a sample of {count(drawn)}" if drawn < len(found.a.labels) else ""
    st.markdown(
        f"**{said}**  \n:small[:gray[Measured on the vectors, never on the map. Shares in {unit}{sample}. "
        "Marked: the better value where one way is better. Another seed may turn a small lead.]]"
    )
    with st.container(key="compare_quality", gap=None, border=True, width=760):
        _row("", "", f"**{names[0]}**", f"**{names[1]}**")
        for line in LINES:
            values = [getattr(one, line.field) for one in measured]
            if any(value is not None for value in values):
                best = better(line, *measured)
                _row(
                    line.name,
                    HINTS.get(line.hint, ""),
                    *(_value(line, value, marked=best == at) for at, value in enumerate(values)),
                )


def better(line: Line, one: Quality, two: Quality) -> int | None:
    """Which side is better, 0 or 1; None where that cannot be said, or both show the same within the error."""
    values = [getattr(one, line.field), getattr(two, line.field)]
    if not line.better or any(value is None or not math.isfinite(value) for value in values):
        return None
    if line.same_size and one.clusters != two.clusters:
        return None
    if format(values[0], line.form) == format(values[1], line.form):
        return None
    error = math.hypot(one.silhouette_error, two.silhouette_error) if line.field == "silhouette" else 0.0
    if abs(values[0] - values[1]) <= 2 * error:
        return None
    return int(line.better * values[1] > line.better * values[0])


def _value(line: Line, value: float | None, *, marked: bool) -> str:
    if value is None or not math.isfinite(value):
        return ":gray[none]"
    text = format(value, line.form)
    return f":primary[**{text}** :material/check:]" if marked else text


def _row(name: str, hint: str, one: str, two: str) -> None:
    columns = st.columns([1.4, 1, 1], gap="small", vertical_alignment="center")
    columns[0].markdown(name or "&nbsp;", help=hint or None)
    columns[1].markdown(one)
    columns[2].markdown(two)
