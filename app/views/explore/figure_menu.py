"""Figure menu of Explore: save the globe, the flat map, the treemap, the balance path or the shares as a picture."""

import streamlit as st

from app.components.figure_download import show_figure_download
from app.data import cached_results
from app.state.session import Session
from app.ui.errors import guarded

NAMES = {
    "globe": "Globe",
    "map": "Flat map",
    "treemap": "Treemap",
    "shares": "Cluster shares",
    "path": "Balance path",
}


def show_figure_button(session: Session) -> None:
    """Show the button that opens the figures."""
    taxonomy = session.taxonomy
    menu = st.popover(
        "Figure",
        icon=":material/image:",
        key="explore_figure",
        on_change="rerun",
        help="Save a figure for a paper: light, with title and legend, no document text",
    )
    if not menu.open:
        return
    with menu, st.container(width=440, gap="small"), guarded():
        what = str(st.selectbox("Figure", list(NAMES), key="figure_what", format_func=NAMES.__getitem__))
        if what == "path" and not taxonomy.has_path:
            st.caption("Balance path not computed yet. Compute it in Balance.")
            return
        svg = cached_results.figure(session.workspace, taxonomy, what)
        show_figure_download(svg, f"{session.root.name}-{what}", NAMES[what], key="figure_download")
