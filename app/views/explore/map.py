"""Map of Explore: controls, globe and flat map."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.flat_names import show_flat_names
from app.components.globe import GlobePick, globe
from app.data import cached_results, map_data
from app.data.map_data import Coloring
from app.data.map_requests import MAP_REQUESTS
from app.state.session import Session
from app.state.widget_state import picked_points, preset, read_chart_selection, widget
from app.ui.figures import dark
from app.views.explore.figure_menu import show_figure_button
from app.views.explore.filter_menu import show_filter_button
from app.views.explore.near_duplicates import show_near_duplicates_button
from app.views.explore.saved_selections import show_selections_button
from app.views.explore.umap_offer import show_umap_offer
from gem_core._formatting import count
from gem_core.pipeline.search.filters import Outline, Selected
from gem_core.workspace import Workspace

SPHERE, FLAT, UMAP = "Sphere", "Flat map", "UMAP"
KEYWORD, MEANING = "Words", "Meaning"
HEIGHT = 560
MIN_RESULTANT = 0.6  # mean resultant length of selected documents that the globe turns to
MAX_CORNERS = 300  # of a line on the flat map


@dataclass(frozen=True)
class MapChoices:
    """Choices made in the controls above the map."""

    view: str
    choice: str
    value_range: tuple[float, float] | None = None


def show_controls(session: Session) -> MapChoices:
    """Show the controls above the map: projection, color, filter, selections, near-duplicates and search."""
    workspace, taxonomy = session.workspace, session.taxonomy
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="explore_controls"):
        view = st.segmented_control(
            "View",
            (SPHERE, FLAT, UMAP),
            default=SPHERE,
            required=True,
            key="explore_view",
            persist_state="session",
            label_visibility="collapsed",
        )
        choice = st.selectbox(
            "Color by",
            cached_results.color_choices(workspace, taxonomy),
            key=f"explore_colour_{session.root}",
            persist_state="session",
            label_visibility="collapsed",
            icon=":material/palette:",
            format_func=_choice_name,
            help="Color of the documents on the map",
            width=150,
        )
        show_filter_button(session)
        show_selections_button(session)
        show_near_duplicates_button(session)
    show_search(session)
    choices = cached_results.color_choices(session.workspace, session.taxonomy)
    choice = choice if choice in choices else map_data.CLUSTER
    return MapChoices(str(view or SPHERE), choice, _show_range(session, choice))


def _show_range(session: Session, choice: str) -> tuple[float, float] | None:
    """Show the slider for the ends of a numeric color scale; None for colors of groups, and before it was moved."""
    steps = cached_results.color_steps(session.workspace, session.taxonomy, choice)
    if len(steps) < 3:
        return None
    key = f"explore_range_{session.root}_{choice}"
    if widget(key) is None:
        inner = max(1, len(steps) // 60)
        preset(key, (steps[inner], steps[-1 - inner]))
    with st.container(key="gem-range"):
        low, high = st.select_slider(
            "Color range",
            steps,
            (steps[0], steps[-1]),
            key=key,
            persist_state="session",
            label_visibility="collapsed",
            format_func=lambda value: f"{value:,.6g}",
        )
    return (low, high) if low < high else None


def show_search(session: Session) -> None:
    """Show the search box with its switch between words and meaning."""

    def on_typed() -> None:
        session.query, session.similar_to, session.duplicate_threshold = str(widget("explore_query") or ""), None, None
        session.clear_selection()

    def on_switched() -> None:
        session.by_meaning = widget("explore_meaning") == MEANING
        session.clear_selection()

    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False, key="gem-search"):
        st.text_input(
            "Search",
            session.query,
            type="search",
            key="explore_query",
            on_change=on_typed,
            live="400ms",
            placeholder="Describe what you are looking for" if session.by_meaning else "Search document text",
            label_visibility="collapsed",
            icon=":material/search:",
            max_chars=200,
        )
        preset("explore_meaning", MEANING if session.by_meaning else KEYWORD)
        st.segmented_control(
            "Search by",
            (KEYWORD, MEANING),
            required=True,
            key="explore_meaning",
            on_change=on_switched,
            label_visibility="collapsed",
            help="Words: documents that contain all of them. Meaning: documents whose meaning is closest to the query.",
        )
        show_figure_button(session)


def _choice_name(choice: str) -> str:
    return choice.removeprefix(map_data.COLUMN)


def show_map(session: Session, choices: MapChoices, selection: Selected | None) -> None:
    """Show the chosen map, and note when it draws a sample of the documents."""
    workspace, taxonomy = session.workspace, session.taxonomy
    rows = cached_results.displayed_rows(workspace, taxonomy)
    if selection is not None:
        rows = map_data.with_matches(taxonomy.positions, rows, selection.mask)
    if session.row is not None and session.row not in rows:
        rows = np.union1d(rows, np.asarray([session.row], dtype=np.int32))
    (_show_globe if choices.view == SPHERE else _show_flat_map)(session, choices, rows, selection)
    if len(rows) < len(workspace):
        st.caption(
            f"The map shows a sample of {count(len(rows))} of {count(len(workspace))} documents that keeps "
            "small clusters visible. Lists and figures use all documents."
        )


def _clear_selection(session: Session) -> None:
    """Clear the selected item; when nothing is selected, remove the lasso from the filter."""
    if session.row is not None or session.cluster is not None:
        session.clear_selection()
    elif session.filter.outline is not None:
        session.update_filter(outline=None)


def _show_globe(session: Session, choices: MapChoices, rows: NDArray[np.int32], selection: Selected | None) -> None:
    workspace, taxonomy = session.workspace, session.taxonomy
    coloring = cached_results.coloring(workspace, taxonomy, choices.choice, choices.value_range)
    name_positions = cached_results.label_positions(workspace, taxonomy, choices.choice, kind="sphere")
    groups = coloring.groups[rows]
    values = coloring.values[rows] if coloring.values is not None else None
    sizes = None
    if selection is not None:
        matches = selection.mask[rows]
        groups = np.where(matches, groups, -1)
        values = np.where(matches, values, np.nan) if values is not None else None
        sizes = np.where(matches, 1.8 if matches.mean() < 0.03 else 1.3 if matches.mean() < 0.3 else 1.0, 0.5)
    cluster_of_row = taxonomy.documents["cluster_id"].to_numpy()
    excerpts, subtopics = MAP_REQUESTS.addresses(workspace, taxonomy)

    def on_pick(pick: GlobePick) -> None:
        if pick.event == "row" and pick.row is not None:
            session.select(pick.row, int(cluster_of_row[pick.row]))
        elif pick.event == "cluster" and pick.cluster is not None and coloring.clusters:
            session.select(None, taxonomy.clusters[pick.cluster].number)
        elif pick.event == "lasso":
            session.update_filter(outline=Outline(pick.outline, pick.turn))
        elif pick.event == "clear":
            _clear_selection(session)

    globe(
        xyz=np.asarray(workspace.sphere)[rows],
        rows=rows,
        cluster=groups,
        colors=coloring.colors,
        labels=[
            (name, name_positions[k], k)
            for k, name in enumerate(coloring.names)
            if np.isfinite(name_positions[k]).all()
        ],
        values=values,
        legend=coloring.legend,
        sizes=sizes,
        selected_row=session.row,
        selected_cluster=taxonomy.index_of(session.cluster) if coloring.clusters else None,
        note="" if selection is None else f"{count(len(selection))} selected",
        look=_mean_direction(workspace, selection),
        dark=dark(),
        height=HEIGHT,
        key=f"globe_{workspace.manifest.data_hash[:12]}",
        excerpts=excerpts,
        subtopics=subtopics if coloring.clusters else "",
        outlines=_outlines(session, coloring, "sphere"),
        numbers=[cluster.number for cluster in taxonomy.clusters],
        on_pick=on_pick,
    )


def _mean_direction(workspace: Workspace, selection: Selected | None) -> tuple[float, ...] | None:
    """Return the mean direction of the selected documents if they lie close together."""
    if selection is None or not len(selection):
        return None
    mean = np.asarray(workspace.sphere)[selection.mask].mean(axis=0)
    return tuple(float(v) for v in mean) if np.linalg.norm(mean) > MIN_RESULTANT else None


def _show_flat_map(session: Session, choices: MapChoices, rows: NDArray[np.int32], selection: Selected | None) -> None:
    from app.charts.flat_map import flat_map

    workspace, taxonomy = session.workspace, session.taxonomy
    umap = cached_results.umap_map(workspace, taxonomy) if choices.view == UMAP else None
    if choices.view == UMAP and umap is None:
        show_umap_offer(session)
        return
    coloring = cached_results.coloring(workspace, taxonomy, choices.choice, choices.value_range)
    cluster_of_row = taxonomy.documents["cluster_id"].to_numpy(np.int32)
    key = f"{'flat' if umap is None else 'umap'}_{workspace.manifest.data_hash[:12]}"

    def on_pick() -> None:
        outline = outline_of(read_chart_selection(key)) if umap is None else None
        points = [int(row) for (row,) in picked_points(key)] if outline is None else []
        if outline is not None:
            session.update_filter(outline=outline)
        elif len(points) == 1:  # No point: the chart also sends an empty selection when it leaves the page.
            session.select(points[0], int(cluster_of_row[points[0]]))

    figure = flat_map(
        np.asarray(workspace.flat) if umap is None else umap.positions,
        rows,
        coloring,
        selected=taxonomy.index_of(session.cluster) if coloring.clusters else None,
        row=session.row,
        matches=None if selection is None else selection.mask,
        revision=f"{session.row} {session.cluster} {hash(session.document_filter)} {session.query}",
        dark=dark(),
        height=HEIGHT,
    )
    unused = ["zoom2d", "autoScale2d", "toImage", "zoomIn2d", "zoomOut2d"]
    with st.container(key="gem-flat"):
        st.plotly_chart(
            figure,
            key=key,
            on_select=on_pick,
            # A lasso is kept by its corners on the map of the workspace: it has none on another map.
            selection_mode=("points", "box", "lasso") if umap is None else "points",
            theme="streamlit",
            width="stretch",
            height="stretch",
            config={"scrollZoom": True, "displaylogo": False, "modeBarButtonsToRemove": unused},
            alt=f"{choices.view} of {len(rows):,} documents; similar documents lie close together",
        )
        _show_flat_names(session, choices, rows, selection)
    if coloring.legend:
        name, low, high = coloring.legend
        st.caption(f"{name}: dark = {low}, light = {high}")
    if umap is not None:
        st.caption(
            f"Trustworthiness {umap.trustworthiness:.3f}; flat map {umap.flat_trustworthiness:.3f}. "
            "1 = neighbors on the map are neighbors by embedding."
        )


def _outlines(
    session: Session, coloring: Coloring, kind: Literal["sphere", "flat", "umap"]
) -> list[tuple[str, list[NDArray[np.float64]]]]:
    """Return the outlines of the groups, without those whose clusters are all hidden; none for other colors."""
    if not coloring.clusters or coloring.values is not None:
        return []
    outlines = cached_results.group_outlines(session.workspace, session.taxonomy, kind)
    alone = set(session.filter.clusters)
    groups = session.taxonomy.groups
    return [o for o, group in zip(outlines, groups, strict=True) if not alone or alone & set(group.children)]


def _show_flat_names(
    session: Session, choices: MapChoices, rows: NDArray[np.int32], selection: Selected | None
) -> None:
    """Show names, outlines and excerpts over the chart; a filter leaves the names of its groups alone."""
    workspace, taxonomy = session.workspace, session.taxonomy
    kind: Literal["flat", "umap"] = "umap" if choices.view == UMAP else "flat"
    umap = cached_results.umap_map(workspace, taxonomy) if kind == "umap" else None
    plane = np.asarray(workspace.flat) if umap is None else umap.positions
    coloring = cached_results.coloring(workspace, taxonomy, choices.choice, choices.value_range)
    visible_rows = rows if selection is None else rows[selection.mask[rows]]
    groups = coloring.groups[visible_rows]
    excerpts, subtopics = MAP_REQUESTS.addresses(workspace, taxonomy)
    show_flat_names(
        "gem-flat",
        names=coloring.names,
        positions=cached_results.label_positions(workspace, taxonomy, choices.choice, kind=kind),
        counts=np.bincount(groups[groups >= 0], minlength=len(coloring.names)),
        numbers=[cluster.number for cluster in taxonomy.clusters],
        selected=taxonomy.index_of(session.cluster) if coloring.clusters else None,
        outlines=_outlines(session, coloring, kind),
        span=1.08 * float(np.ptp(plane[:, 0])),
        excerpts=excerpts,
        subtopics=subtopics if coloring.clusters and kind == "flat" else "",
        key="flat_names",
    )


def outline_of(selection: dict[str, Any]) -> Outline | None:
    """Return the box or lasso drawn last on the flat map, or None if there is none."""
    for shape in (*reversed(selection.get("lasso") or []), *reversed(selection.get("box") or [])):
        x, y = ([float(v) for v in shape.get(name) or []] for name in "xy")
        if len(x) == 2:  # a box comes as two opposite corners
            x, y = [x[0], x[1], x[1], x[0]], [y[0], y[0], y[1], y[1]]
        step = max(1, -(-len(x) // MAX_CORNERS))
        if len(x) == len(y) >= 3 and np.isfinite([*x, *y]).all():
            return Outline(tuple(zip(x[::step], y[::step], strict=True)))
    return None
