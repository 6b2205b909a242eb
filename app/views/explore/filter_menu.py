"""Filter menu of Explore: by column, length, margin, GIS and cluster."""

from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.data import cached_results
from app.data.filter_options import Offer
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from app.views.explore.document_query import query_documents
from app.views.explore.histogram import show_histogram
from gem_core._formatting import count
from gem_core.pipeline.search.filters import ANY, Column, Span

TITLES = {"tokens": "Tokens", "margin": "Margin (nats)", "gis": "GIS"}
MAX_COLUMNS = 12  # columns that get a widget of their own; any other can be searched for a text
NEAREST_CHOICES = (50, 200, 1000)


def show_filter_button(session: Session) -> None:
    """Show the filter button with the number of active filters."""
    active = len(session.filter.columns) + sum(
        bool(part) for part in (session.filter.clusters, *(getattr(session.filter, n) != ANY for n in TITLES))
    )
    menu = st.popover(
        f"Filter: {active}" if active else "Filter",
        icon=":material/tune:",
        key="explore_filter",
        on_change="rerun",
        help="Filter documents by column, length, score or cluster",
    )
    if menu.open:
        with menu, st.container(width=380, gap="small"):
            _show_menu(session)


def _show_menu(session: Session) -> None:
    taxonomy = session.taxonomy
    labels = {cluster.number: cluster.label for cluster in taxonomy.clusters}

    def on_clusters() -> None:
        session.update_filter(clusters=tuple(widget("filter_clusters")))

    preset("filter_clusters", [number for number in session.filter.clusters if number in labels])
    st.multiselect(
        "Clusters",
        list(labels),
        key="filter_clusters",
        on_change=on_clusters,
        placeholder="All clusters",
        format_func=lambda number: short(labels.get(number, ""), 50),
    )
    selection = query_documents(session)
    mask = None if selection is None else selection.mask
    offers = cached_results.filter_options(session.workspace, taxonomy)
    for offer in offers[:3]:
        _show_range_filter(session, offer, TITLES[offer.name], getattr(session.filter, offer.name), mask)
    columns = [offer for offer in offers[3:] if offer.kind != "text"]
    for offer in columns[:MAX_COLUMNS]:
        column_test = _column_test(session, offer.name)
        if offer.kind == "values":
            _show_value_filter(session, offer, column_test)
        else:
            _show_range_filter(session, offer, offer.name, column_test.span, mask)
    _show_text_filter(
        session, [offer.name for offer in offers[3:] if offer.kind == "text" or offer in columns[MAX_COLUMNS:]]
    )
    if session.is_semantic:
        preset("filter_nearest", session.nearest)
        st.segmented_control(
            "Maximum results",
            NEAREST_CHOICES,
            key="filter_nearest",
            format_func=count,
            required=True,
            on_change=lambda: setattr(session, "nearest", int(widget("filter_nearest"))),
        )


def _column_test(session: Session, name: str) -> Column:
    return next((column for column in session.filter.columns if column.name == name), Column(name))


def _replace_test(session: Session, column_test: Column) -> None:
    others = tuple(column for column in session.filter.columns if column.name != column_test.name)
    session.update_filter(columns=(*others, column_test) if column_test != Column(column_test.name) else others)


def _show_value_filter(session: Session, offer: Offer, column_test: Column) -> None:
    key = f"filter_{offer.name}"
    counts = dict(zip(offer.values, offer.counts, strict=True))

    def on_values() -> None:
        _replace_test(session, replace(column_test, values=tuple(widget(key))))

    preset(key, [value for value in column_test.values if value in counts])
    st.multiselect(
        escape(short(offer.name, 40)),
        list(counts),
        key=key,
        on_change=on_values,
        placeholder="All values",
        format_func=lambda value: f"{short(value, 44) or 'empty'} ({count(counts.get(value, 0))})",
    )


def _show_range_filter(
    session: Session, offer: Offer, title: str, span: Span, selected: NDArray[np.bool_] | None
) -> None:
    if len(offer.steps) < 2:  # The column has one value only.
        return
    key = f"filter_{offer.name}"
    low, high = offer.steps[0], offer.steps[-1]
    # A bound set elsewhere, such as by a link, gets its own step on the slider.
    steps = sorted({*offer.steps, *(v for v in span if v is not None and low < v < high)})

    def on_range() -> None:
        start, end = widget(key)
        bounds = (None if start <= low else start, None if end >= high else end)
        if offer.name in TITLES:
            session.update_filter(**{offer.name: bounds})
        else:
            _replace_test(session, replace(_column_test(session, offer.name), span=bounds))

    current_range = [min(max(v if v is not None else end, low), high) for v, end in zip(span, (low, high), strict=True)]
    preset(key, (current_range[0], current_range[1]))
    table = session.taxonomy.documents if offer.name in ("margin", "gis") else session.workspace.documents
    st.markdown(f":small[{escape(short(title, 40))}]", help=HINTS.get(offer.name))
    show_histogram(table[offer.name].to_numpy(np.float64), selected)
    # A default of two values makes a range slider; its position comes from the preset above.
    st.select_slider(
        escape(short(title, 40)),
        steps,
        (low, high),
        key=key,
        on_change=on_range,
        label_visibility="collapsed",
        format_func=lambda value: f"{value:,.6g}",
    )


def _show_text_filter(session: Session, names: list[str]) -> None:
    if not names:
        return

    def on_text() -> None:
        name = str(widget("filter_text_column"))
        _replace_test(session, replace(_column_test(session, name), contains=str(widget("filter_text") or "").strip()))

    left, right = st.columns([1, 1.3], vertical_alignment="bottom", gap="small")
    left.selectbox("Column", names, key="filter_text_column", format_func=lambda name: short(name, 30))
    name = str(widget("filter_text_column"))
    preset("filter_text", _column_test(session, name).contains)
    right.text_input("Contains", key="filter_text", on_change=on_text, max_chars=200, placeholder="any text")
