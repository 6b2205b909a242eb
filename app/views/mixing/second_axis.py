"""Second axis of the Mixing view: a numeric column cut into buckets, so that cluster x bucket is weighed."""

import streamlit as st

from app.components.reliable_button import reliable_button
from app.data import mixing
from app.state.session import Session
from app.ui.errors import refusal
from app.ui.text import escape
from gem_core.errors import GemError
from gem_core.workspace.second_axis import (
    MOST_BUCKETS,
    STRIDE,
    Axis,
    make_axis,
    numeric_columns,
    read_axis,
    remove_axis,
    save_axis,
)

NONE = ""


def show_second_axis(session: Session) -> None:
    """Show the axis that mixtures have beside the clusters, and the fields that set it; nothing without a column."""
    workspace = session.workspace
    columns, axis = numeric_columns(workspace), read_axis(workspace)
    if not columns:
        return
    title = "Second axis: none" if axis is None else f"Second axis: {axis.column}"
    with st.expander(title, key="mixing-axis"):
        if axis is not None:
            st.caption(_describe_axis(session, axis))
        choices = (NONE, *columns)
        column = st.selectbox(
            "Column",
            choices,
            index=choices.index(axis.column) if axis and axis.column in choices else 0,
            format_func=lambda name: name or "None",
            key="mixing-axis-column",
            help="A number of each document, such as a quality score. Each cluster is split by its buckets.",
        )
        buckets = st.number_input(
            "Buckets",
            2,
            MOST_BUCKETS,
            axis.bucket_count if axis and 2 <= axis.bucket_count <= MOST_BUCKETS else 5,
            key="mixing-axis-buckets",
            disabled=not column,
            help="Buckets of equal numbers of documents over the whole corpus.",
        )
        if reliable_button(session, "Set axis", key="mixing-axis-set", width="stretch"):
            try:
                if column:
                    save_axis(workspace, make_axis(workspace, column, int(buckets)))
                else:
                    remove_axis(workspace)
            except GemError as error:
                refusal("Cannot set this axis", str(error))
            else:
                st.rerun()


def _describe_axis(session: Session, axis: Axis) -> str:
    """Return the buckets and the smallest domain in words, escaped for Markdown."""
    domains = mixing.domains(session.workspace, session.mixing_taxonomy)
    present = sorted({number % STRIDE for number in domains.numbers})
    buckets = "; ".join(f"{bucket}: {axis.describe_bucket(bucket)}" if bucket else "no value" for bucket in present)
    return (
        f"{len(domains.numbers)} domains, cluster x bucket of {escape(axis.column)} ({escape(buckets)}). Buckets of a "
        f"cluster with under {axis.least:,} tokens join their neighbor; the smallest domain has "
        f"{int(domains.tokens.min()):,} tokens."
    )
