"""The map of Explore: its controls, the globe and the flat map."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.globe import GlobePick, globe
from app.data import cached_results, map_data
from app.state.session import Session
from app.state.widget_state import drawn, marked, preset, widget
from app.ui.figures import dark
from app.views.explore.filter_menu import filter_button
from app.views.explore.near_duplicates import twins_button
from app.views.explore.saved_selections import saved_button
from gem_core._formatting import count
from gem_core.pipeline.search.filters import Outline, Selected
from gem_core.workspace import Workspace

SPHERE, FLAT = "Sphere", "Flat map"
WORDS, MEANING = "Words", "Meaning"
HEIGHT = 560
TOGETHER = 0.6  # mean resultant length of selected documents that the globe turns to
CORNERS = 300  # of a line on the flat map


@dataclass(frozen=True)
class Shown:
    """What the controls above the map say."""

    view: str
    choice: str


def controls(session: Session) -> Shown:
    """Show the rows of controls: view, colour, filter, selections, near-duplicates; and the search."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="explore_controls"):
        view = st.segmented_control(
            "View",
            (SPHERE, FLAT),
            default=SPHERE,
            required=True,
            key="explore_view",
            persist_state="session",
            label_visibility="collapsed",
        )
        choice = st.selectbox(
            "Colour by",
            cached_results.choices(session.root),
            key=f"explore_colour_{session.root}",
            persist_state="session",
            label_visibility="collapsed",
            icon=":material/palette:",
            format_func=_named,
            help="Colour of the documents on the map",
            width=190,
        )
        filter_button(session)
        saved_button(session)
        twins_button(session)
    search(session)
    return Shown(str(view or SPHERE), choice if choice in cached_results.choices(session.root) else map_data.CLUSTER)


def search(session: Session) -> None:
    """Show the search box with its switch between words and meaning."""

    def typed() -> None:
        session.query, session.similar_to, session.duplicate_threshold = str(widget("explore_query") or ""), None, None
        session.clear_selection()

    def switched() -> None:
        session.by_meaning = widget("explore_meaning") == MEANING
        session.clear_selection()

    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.text_input(
            "Search",
            session.query,
            type="search",
            key="explore_query",
            on_change=typed,
            live="400ms",
            placeholder="Say what the documents are about" if session.by_meaning else "Search the text",
            label_visibility="collapsed",
            icon=":material/search:",
            max_chars=200,
        )
        preset("explore_meaning", MEANING if session.by_meaning else WORDS)
        st.segmented_control(
            "Search by",
            (WORDS, MEANING),
            required=True,
            key="explore_meaning",
            on_change=switched,
            label_visibility="collapsed",
            help="Words: the text holds all of them. Meaning: the documents nearest to what the words say.",
        )


def _named(choice: str) -> str:
    return choice.removeprefix(map_data.COLUMN)


def draw(session: Session, shown: Shown, found: Selected | None) -> None:
    """Draw the map that the controls ask for and say what it leaves out."""
    workspace, taxonomy = cached_results.workspace(session.root), cached_results.taxonomy(session.root)
    rows = cached_results.drawn(session.root)
    if found is not None:
        rows = map_data.with_matches(taxonomy.positions, rows, found.mask)
    if session.row is not None and session.row not in rows:
        rows = np.union1d(rows, np.asarray([session.row], dtype=np.int32))
    (_flat if shown.view == FLAT else _sphere)(session, shown.choice, rows, found)
    if len(rows) < len(workspace):
        st.caption(
            f"The map draws {count(len(rows))} of {count(len(workspace))} documents, "
            "chosen so that small clusters stay visible. Lists and figures count all."
        )


def _cleared(session: Session) -> None:
    """A click on nothing, or Escape: first the pick goes, then the line on the map."""
    if session.row is not None or session.cluster is not None:
        session.clear_selection()
    elif session.filter.outline is not None:
        session.update_filter(outline=None)


def _sphere(session: Session, choice: str, rows: NDArray[np.int32], found: Selected | None) -> None:
    workspace, taxonomy = cached_results.workspace(session.root), cached_results.taxonomy(session.root)
    colouring = cached_results.colouring(session.root, choice)
    places = cached_results.names(session.root, choice, flat=False)
    groups = colouring.groups[rows]
    values = colouring.values[rows] if colouring.values is not None else None
    sizes = None
    if found is not None:
        hit = found.mask[rows]
        groups = np.where(hit, groups, -1)
        values = np.where(hit, values, np.nan) if values is not None else None
        sizes = np.where(hit, 1.8 if hit.mean() < 0.03 else 1.3 if hit.mean() < 0.3 else 1.0, 0.5)
    of = taxonomy.documents["cluster_id"].to_numpy()

    def picked(pick: GlobePick) -> None:
        if pick.event == "row" and pick.row is not None:
            session.select(pick.row, int(of[pick.row]))
        elif pick.event == "cluster" and pick.cluster is not None and colouring.clusters:
            session.select(None, taxonomy.clusters[pick.cluster].number)
        elif pick.event == "lasso":
            session.update_filter(outline=Outline(pick.outline, pick.turn))
        elif pick.event == "clear":
            _cleared(session)

    globe(
        xyz=np.asarray(workspace.sphere)[rows],
        rows=rows,
        cluster=groups,
        colours=colouring.colours,
        labels=[(name, places[k], k) for k, name in enumerate(colouring.names) if np.isfinite(places[k]).all()],
        values=values,
        legend=colouring.legend,
        sizes=sizes,
        selected_row=session.row,
        selected_cluster=taxonomy.place(session.cluster) if colouring.clusters else None,
        note="" if found is None else f"{count(len(found))} selected",
        look=_middle(workspace, found),
        dark=dark(),
        height=HEIGHT,
        key=f"globe_{workspace.manifest.data_hash[:12]}",
        on_pick=picked,
    )


def _middle(workspace: Workspace, found: Selected | None) -> tuple[float, ...] | None:
    """Direction of the selected documents where they lie together."""
    if found is None or not len(found):
        return None
    mean = np.asarray(workspace.sphere)[found.mask].mean(axis=0)
    return tuple(float(v) for v in mean) if np.linalg.norm(mean) > TOGETHER else None


def _flat(session: Session, choice: str, rows: NDArray[np.int32], found: Selected | None) -> None:
    from app.charts.flat_map import flat_map

    workspace, taxonomy = cached_results.workspace(session.root), cached_results.taxonomy(session.root)
    colouring = cached_results.colouring(session.root, choice)
    of = taxonomy.documents["cluster_id"].to_numpy(np.int32)
    key = f"flat_{workspace.manifest.data_hash[:12]}"

    def picked() -> None:
        line = outline_of(drawn(key))
        points = [int(row) for (row,) in marked(key)] if line is None else []
        if line is not None:
            session.update_filter(outline=line)
        elif len(points) == 1:  # nothing is selected also when the chart leaves the page: that clears nothing
            session.select(points[0], int(of[points[0]]))

    figure = flat_map(
        np.asarray(workspace.flat),
        rows,
        colouring,
        cached_results.names(session.root, choice, flat=True),
        selected=taxonomy.place(session.cluster) if colouring.clusters else None,
        row=session.row,
        found=None if found is None else found.mask,
        revision=f"{session.row} {session.cluster} {hash(session.document_filter)} {session.query}",
        dark=dark(),
        height=HEIGHT,
    )
    st.plotly_chart(
        figure,
        key=key,
        on_select=picked,
        theme="streamlit",
        width="stretch",
        config={
            "scrollZoom": True,
            "displaylogo": False,
            "modeBarButtonsToRemove": ["zoom2d", "autoScale2d", "toImage", "zoomIn2d", "zoomOut2d"],
        },
        alt=f"Flat map of {len(rows):,} documents; similar documents lie close together",
    )
    if colouring.legend:
        name, low, high = colouring.legend
        st.caption(f"{name}: dark {low}, light {high}")


def outline_of(selection: dict[str, Any]) -> Outline | None:
    """Return the box or lasso drawn last on the flat map, or None when there is none."""
    for shape in (*reversed(selection.get("lasso") or []), *reversed(selection.get("box") or [])):
        x, y = ([float(v) for v in shape.get(name) or []] for name in "xy")
        if len(x) == 2:  # a box comes as two opposite corners
            x, y = [x[0], x[1], x[1], x[0]], [y[0], y[0], y[1], y[1]]
        step = max(1, -(-len(x) // CORNERS))
        if len(x) == len(y) >= 3 and np.isfinite([*x, *y]).all():
            return Outline(tuple(zip(x[::step], y[::step], strict=True)))
    return None
