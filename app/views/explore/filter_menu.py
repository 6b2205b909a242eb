"""The filter of Explore: every column, length, margin, GIS and cluster; what is set stands in the session."""

from dataclasses import replace

import streamlit as st

from app.data import cached_results
from app.data.filter_options import Offer
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from gem_core._formatting import count
from gem_core.pipeline.search.filters import ANY, Column, Span

TITLES = {"tokens": "Tokens", "margin": "Margin, nats", "gis": "GIS"}
MOST_COLUMNS = 12  # columns that get a widget of their own; any other can be searched for a text
NEAREST = (50, 200, 1000)


def filter_button(session: Session) -> None:
    """Offer the filter; the button says how many tests are on."""
    on = len(session.filter.columns) + sum(
        bool(part) for part in (session.filter.clusters, *(getattr(session.filter, n) != ANY for n in TITLES))
    )
    menu = st.popover(
        f"Filter: {on}" if on else "Filter",
        icon=":material/tune:",
        key="explore_filter",
        on_change="rerun",
        help="Choose documents by their columns, length, scores and clusters",
    )
    if menu.open:
        with menu, st.container(width=380, gap="small"):
            _menu(session)


def _menu(session: Session) -> None:
    taxonomy = cached_results.taxonomy(session.root)
    labels = {cluster.number: cluster.label for cluster in taxonomy.clusters}

    def clusters() -> None:
        session.update_filter(clusters=tuple(widget("filter_clusters")))

    preset("filter_clusters", [number for number in session.filter.clusters if number in labels])
    st.multiselect(
        "Clusters",
        list(labels),
        key="filter_clusters",
        on_change=clusters,
        placeholder="All clusters",
        format_func=lambda number: short(labels.get(number, ""), 50),
    )
    offers = cached_results.offered(session.root)
    for offer in offers[:3]:
        _slider(session, offer, TITLES[offer.name], getattr(session.filter, offer.name))
    columns = [offer for offer in offers[3:] if offer.kind != "text"]
    for offer in columns[:MOST_COLUMNS]:
        test = _test(session, offer.name)
        if offer.kind == "values":
            _values(session, offer, test)
        else:
            _slider(session, offer, offer.name, test.span)
    _text(session, [offer.name for offer in offers[3:] if offer.kind == "text" or offer in columns[MOST_COLUMNS:]])
    if session.is_semantic:
        preset("filter_nearest", session.nearest)
        st.segmented_control(
            "Nearest documents",
            NEAREST,
            key="filter_nearest",
            format_func=count,
            required=True,
            on_change=lambda: setattr(session, "nearest", int(widget("filter_nearest"))),
        )


def _test(session: Session, name: str) -> Column:
    return next((column for column in session.filter.columns if column.name == name), Column(name))


def _set(session: Session, test: Column) -> None:
    kept = tuple(column for column in session.filter.columns if column.name != test.name)
    session.update_filter(columns=(*kept, test) if test != Column(test.name) else kept)


def _values(session: Session, offer: Offer, test: Column) -> None:
    key = f"filter_{offer.name}"
    counts = dict(zip(offer.values, offer.counts, strict=True))

    def chosen() -> None:
        _set(session, replace(test, values=tuple(widget(key))))

    preset(key, [value for value in test.values if value in counts])
    st.multiselect(
        escape(short(offer.name, 40)),
        list(counts),
        key=key,
        on_change=chosen,
        placeholder="All values",
        format_func=lambda value: f"{short(value, 44) or 'empty'} ({count(counts.get(value, 0))})",
    )


def _slider(session: Session, offer: Offer, title: str, span: Span) -> None:
    if len(offer.steps) < 2:  # one number for all documents
        return
    key = f"filter_{offer.name}"
    low, high = offer.steps[0], offer.steps[-1]
    # a bound that came from elsewhere gets a place of its own on the slider
    steps = sorted({*offer.steps, *(v for v in span if v is not None and low < v < high)})

    def moved() -> None:
        start, end = widget(key)
        asked = (None if start <= low else start, None if end >= high else end)
        if offer.name in TITLES:
            session.update_filter(**{offer.name: asked})
        else:
            _set(session, replace(_test(session, offer.name), span=asked))

    inside = [min(max(v if v is not None else end, low), high) for v, end in zip(span, (low, high), strict=True)]
    preset(key, (inside[0], inside[1]))
    # the value makes it a slider of two ends; what it shows comes from the line above
    st.select_slider(
        escape(short(title, 40)),
        steps,
        (low, high),
        key=key,
        on_change=moved,
        help=HINTS.get(offer.name),
        format_func=lambda value: f"{value:,.6g}",
    )


def _text(session: Session, names: list[str]) -> None:
    if not names:
        return

    def typed() -> None:
        name = str(widget("filter_text_column"))
        _set(session, replace(_test(session, name), contains=str(widget("filter_text") or "").strip()))

    left, right = st.columns([1, 1.3], vertical_alignment="bottom", gap="small")
    left.selectbox("Column", names, key="filter_text_column", format_func=lambda name: short(name, 30))
    name = str(widget("filter_text_column"))
    preset("filter_text", _test(session, name).contains)
    right.text_input("contains", key="filter_text", on_change=typed, max_chars=200, placeholder="any text")
