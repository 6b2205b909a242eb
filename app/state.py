"""The state of one browser session: one typed object, the only user of st.session_state."""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from gem_core.pipeline import home, open_sample


@dataclass
class Session:
    """What one person has open and selected.

    Attributes
    ----------
    root : Path
        The open workspace.
    row, cluster : int or None
        The selected document and cluster, the same in every view.
    parent : int or None
        The selected group of clusters.
    lasso : tuple of int
        Rows drawn around on a map.
    lasso_total : int
        How many documents the lasso held; a large one is listed in part.
    query : str
        Words searched for.
    drafts : dict
        Settings tried on a screen and not applied yet, by name.
    reading : tuple of int
        The list the open document was chosen from: previous and next go through it.
    tour : int or None
        Step of the first visit that is shown.
    toured : bool
        Whether this tab has asked if it is a first visit.
    notice : str
        What was ignored in the link that was followed last.
    followed : bool
        Whether the address this tab was opened with has been read.
    """

    root: Path
    row: int | None = None
    cluster: int | None = None
    parent: int | None = None
    lasso: tuple[int, ...] = ()
    lasso_total: int = 0
    query: str = ""
    drafts: dict[str, Any] = field(default_factory=dict)
    reading: tuple[int, ...] = ()
    tour: int | None = None
    toured: bool = False
    notice: str = ""
    followed: bool = False

    def open(self, root: Path) -> None:
        """Open another workspace; what was selected in the old one is dropped."""
        self.root, self.drafts, self.query = root, {}, ""
        self.clear()

    def clear(self) -> None:
        """Select nothing."""
        self.row, self.cluster, self.parent, self.lasso, self.lasso_total = None, None, None, (), 0
        self.reading = ()

    def pick(self, row: int | None, cluster: int | None) -> None:
        """Select a document with its cluster, or a cluster alone, on a map."""
        self.clear()
        self.row, self.cluster = row, cluster

    def surround(self, rows: tuple[int, ...], total: int) -> None:
        """Select the documents inside a lasso."""
        self.clear()
        self.lasso, self.lasso_total = rows, total

    def read(self, row: int | None, among: tuple[int, ...] = ()) -> None:
        """Open a document from a list, or close it; the list stays behind it."""
        self.row = row
        self.reading = among


def session() -> Session:
    """Return the session of this browser tab, made on its first run."""
    if "session" not in st.session_state:
        st.session_state["session"] = Session(root=_first_workspace())
    found: Session = st.session_state["session"]
    return found


def _first_workspace() -> Path:
    """Return the workspace named on the command line, or the sample, built now if this is the very first run."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--workspace", type=Path)
    named: Path | None = parser.parse_known_args(sys.argv[1:])[0].workspace
    if named is not None:
        return named.expanduser().resolve()
    place = st.empty()
    with place.container():
        bar = st.progress(0.0, "Preparing the sample corpus")
    root = open_sample(progress=lambda step, done, total: bar.progress(
        min(1.0, done / max(total, 1)), f"Preparing the sample corpus: {step}")).root
    place.empty()
    return root


def workspaces() -> list[Path]:
    """Workspaces in the home folder, by name."""
    return sorted((p.parent for p in home().glob("*/manifest.json")), key=lambda p: p.name)


def widget(key: str) -> Any:
    """Return what a widget holds, for its callback."""
    return st.session_state.get(key)


def preset(key: str, value: Any) -> None:
    """Give a widget a value before it is drawn."""
    st.session_state[key] = value


def marked(key: str) -> list[tuple[Any, ...]]:
    """Return the custom data of the points that were picked on a Plotly chart, for its callback.

    A numeric array comes back from the browser as {"0": ..., "1": ...}, a list as a list.
    """
    points = (widget(key) or {}).get("selection", {}).get("points", [])
    carried = [point["customdata"] for point in points if point.get("customdata") is not None]
    return [tuple(each.values()) if isinstance(each, dict) else tuple(each) for each in carried]
