"""The map of Explore: its controls, the globe and the flat map."""

from dataclasses import dataclass

import cached
import maps
import numpy as np
import streamlit as st
from globe import GlobePick, globe
from numpy.typing import NDArray
from state import Session, marked, widget
from widgets import count, dark

SPHERE, FLAT = "Sphere", "Flat map"
HEIGHT = 584


@dataclass(frozen=True)
class Shown:
    """What the controls above the map say."""

    view: str
    choice: str


def controls(session: Session) -> Shown:
    """Show the control row: view, colour, search."""
    left, middle, right = st.columns([1.4, 1.15, 1.5], vertical_alignment="bottom")
    view = left.segmented_control("View", (SPHERE, FLAT), default=SPHERE, required=True, key="explore_view",
                                  persist_state="session", label_visibility="collapsed", width="stretch")
    choice = middle.selectbox("Colour by", cached.choices(session.root), key=f"explore_colour_{session.root}",
                              persist_state="session", label_visibility="collapsed", icon=":material/palette:",
                              format_func=_named, help="Colour of the documents on the map")

    def search() -> None:
        session.query = str(widget("explore_query") or "")
        session.clear()

    right.text_input("Search", session.query, type="search", key="explore_query", on_change=search, live="400ms",
                     placeholder="Search the text", label_visibility="collapsed", icon=":material/search:",
                     max_chars=200)
    return Shown(str(view or SPHERE), choice if choice in cached.choices(session.root) else maps.CLUSTER)


def _named(choice: str) -> str:
    return choice.removeprefix(maps.COLUMN)


def draw(session: Session, shown: Shown) -> None:
    """Draw the map that the controls ask for and say what it leaves out."""
    workspace = cached.workspace(session.root)
    rows = cached.drawn(session.root)
    match = cached.found(session.root, session.query)
    hits: NDArray[np.bool_] | None = None
    if session.query.strip():
        hits = np.zeros(len(workspace), dtype=np.bool_)
        hits[list(match)] = True
        rows = np.union1d(rows, np.asarray(match, dtype=np.int32))
    if session.row is not None and session.row not in rows:
        rows = np.union1d(rows, np.asarray([session.row], dtype=np.int32))
    (_flat if shown.view == FLAT else _sphere)(session, shown.choice, rows, hits)
    if len(rows) < len(workspace):
        st.caption(f"The map draws {count(len(rows))} of {count(len(workspace))} documents, "
                   "chosen so that small clusters stay visible. Lists and figures count all.")


def _sphere(session: Session, choice: str, rows: NDArray[np.int32], hits: NDArray[np.bool_] | None) -> None:
    workspace, taxonomy = cached.workspace(session.root), cached.taxonomy(session.root)
    colouring = cached.colouring(session.root, choice)
    places = cached.names(session.root, choice, flat=False)
    groups = colouring.groups[rows]
    values = colouring.values[rows] if colouring.values is not None else None
    sizes = None
    if hits is not None:
        hit = hits[rows]
        groups = np.where(hit, groups, -1)
        values = np.where(hit, values, np.nan) if values is not None else None
        sizes = np.where(hit, 1.8, 0.5)
    of = taxonomy.documents["cluster_id"].to_numpy()

    def picked(pick: GlobePick) -> None:
        if pick.event == "row" and pick.row is not None:
            session.pick(pick.row, int(of[pick.row]))
        elif pick.event == "cluster" and pick.cluster is not None and colouring.clusters:
            session.pick(None, taxonomy.clusters[pick.cluster].number)
        elif pick.event == "lasso":
            session.surround(pick.lasso, pick.lasso_total)
        elif pick.event == "clear":
            session.clear()

    globe(xyz=np.asarray(workspace.sphere)[rows], rows=rows, cluster=groups, colours=colouring.colours,
          labels=[(name, places[k], k) for k, name in enumerate(colouring.names) if np.isfinite(places[k]).all()],
          values=values, legend=colouring.legend, sizes=sizes, selected_row=session.row,
          selected_cluster=taxonomy.place(session.cluster) if colouring.clusters else None,
          keep_lasso=bool(session.lasso), dark=dark(), height=HEIGHT, key=f"globe_{workspace.manifest.data_hash[:12]}", on_pick=picked)


def _flat(session: Session, choice: str, rows: NDArray[np.int32], hits: NDArray[np.bool_] | None) -> None:
    from flatmap import flat_map

    workspace, taxonomy = cached.workspace(session.root), cached.taxonomy(session.root)
    colouring = cached.colouring(session.root, choice)
    of = taxonomy.documents["cluster_id"].to_numpy(np.int32)
    key = f"flat_{workspace.manifest.data_hash[:12]}"

    def picked() -> None:
        chosen = [int(row) for row, _ in marked(key)]
        if len(chosen) == 1:
            session.pick(chosen[0], int(of[chosen[0]]))
        elif chosen:
            session.surround(tuple(chosen[:maps.LISTED]), len(chosen))
        else:
            session.clear()

    if session.lasso:
        hits = np.zeros(len(of), dtype=np.bool_)
        hits[list(session.lasso)] = True
    figure = flat_map(np.asarray(workspace.flat), rows, colouring, of,
                      cached.names(session.root, choice, flat=True),
                      selected=taxonomy.place(session.cluster) if colouring.clusters else None, row=session.row,
                      found=hits,
                      revision=f"{session.row} {session.cluster} {session.lasso[:3]} {session.query}",
                      dark=dark(), height=HEIGHT)
    st.plotly_chart(figure, key=key, on_select=picked, theme="streamlit", width="stretch",
                    config={"scrollZoom": True, "displaylogo": False,
                            "modeBarButtonsToRemove": ["zoom2d", "autoScale2d", "toImage", "zoomIn2d", "zoomOut2d"]},
                    alt=f"Flat map of {len(rows):,} documents; similar documents lie close together")
    if colouring.legend:
        name, low, high = colouring.legend
        st.caption(f"{name}: dark {low}, light {high}")
