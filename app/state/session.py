"""The state of one browser session: one typed object, the only user of st.session_state."""

import argparse
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import streamlit as st

from app.data.mixing_taxonomy import mixing_taxonomy_at
from app.data.workspace_cache import open_workspace, taxonomy_at
from app.state.drafts import Drafts
from app.ui.progress import progress_bar
from gem_core.pipeline import home, open_sample
from gem_core.pipeline.search.filters import NEAREST, Filter
from gem_core.workspace import Taxonomy, Workspace


@dataclass
class Session:
    """What one person has open and selected.

    Attributes
    ----------
    root : Path
        Folder of the open workspace.
    row, cluster, group : int or None
        The selected document, cluster and cluster group, the same in every view.
    query : str
        Words searched for.
    by_meaning : bool
        Whether they are searched for by meaning.
    similar_to : int or None
        The document to which similar ones are searched; the words are then ignored.
    nearest : int
        Number of documents that a search by meaning selects.
    filter : Filter
        Other conditions on the selected documents, a lasso included. Its words stay empty: `document_filter`.
    duplicate_threshold : float or None
        Cosine threshold of the near-duplicates that are shown.
    duplicate_group : int or None
        The group of near-duplicates that is open.
    compared : tuple of str
        The two groupings of Compare; "" is the default.
    drafts : Drafts
        What a view has not applied yet.
    document_list : tuple of int
        The list that the open document was chosen from: previous and next go through it.
    tour_step : int or None
        Card of the tour that is shown.
    tour_offered : bool
        Whether this tab has checked if the tour should start.
    link_notice : str
        What was ignored in the link that was opened last.
    missing_workspace : str
        Name of a link's workspace that does not exist; nothing is shown until the person opens another one.
    address_read : bool
        Whether the address this tab was opened with has been read.
    last_read : (str, (str, int))
        Folder and history stamp of the taxonomy that this session read last.
    """

    root: Path
    row: int | None = None
    cluster: int | None = None
    group: int | None = None
    query: str = ""
    by_meaning: bool = False
    similar_to: int | None = None
    nearest: int = NEAREST
    filter: Filter = field(default_factory=Filter)
    duplicate_threshold: float | None = None
    duplicate_group: int | None = None
    drafts: Drafts = field(default_factory=Drafts)
    document_list: tuple[int, ...] = ()
    tour_step: int | None = None
    tour_offered: bool = False
    link_notice: str = ""
    missing_workspace: str = ""
    compared: tuple[str, str] = ("", "")
    address_read: bool = False
    last_read: tuple[str, tuple[str, int]] = field(default=("", ("", -1)), compare=False)

    @property
    def workspace(self) -> Workspace:
        """The open workspace, shared by all sessions; opened again when its manifest has changed."""
        return open_workspace(self.root)

    @property
    def taxonomy(self) -> Taxonomy:
        """The present taxonomy with people's labels; edits of other sessions are in it from the next access on."""
        workspace = self.workspace
        stamp = workspace.database.stamp()
        self.last_read = str(self.root), stamp
        return taxonomy_at(workspace, stamp)

    @property
    def mixing_taxonomy(self) -> Taxonomy:
        """What mixtures weigh: the clusters of `taxonomy`, or their buckets where a second axis was set."""
        return mixing_taxonomy_at(self.workspace, self.taxonomy)

    def open_workspace(self, root: Path) -> None:
        """Open another workspace and drop what was selected in the old one; a tour of the old one ends."""
        self.root, self.drafts, self.compared, self.missing_workspace = root, Drafts(), ("", ""), ""
        self.tour_step = None
        self.clear_selection()
        self.clear_query()

    def clear_selection(self) -> None:
        """Select nothing; the query stays."""
        self.row, self.cluster, self.group, self.document_list = None, None, None, ()

    def clear_query(self) -> None:
        """Remove the query: words, filter, lasso and near-duplicates."""
        self.query, self.similar_to, self.filter, self.duplicate_threshold, self.duplicate_group = (
            "",
            None,
            Filter(),
            None,
            None,
        )

    @property
    def has_query(self) -> bool:
        """Whether a query selects documents."""
        return bool(
            self.query.strip() or self.similar_to is not None or self.filter or self.duplicate_threshold is not None
        )

    @property
    def is_semantic(self) -> bool:
        """Whether the query searches by meaning."""
        return self.similar_to is not None or (self.by_meaning and bool(self.query.strip()))

    @property
    def document_filter(self) -> Filter:
        """The filter with the words of the search, unless these are searched by meaning."""
        return replace(self.filter, text="" if self.is_semantic else self.query)

    def update_filter(self, **parts: Any) -> None:
        """Change parts of the filter; the list of what it selects is shown."""
        self.filter = replace(self.filter, **parts)
        self.clear_selection()

    def select(self, row: int | None, cluster: int | None) -> None:
        """Select a document with its cluster, or a cluster alone, on a map."""
        self.clear_selection()
        self.row, self.cluster = row, cluster

    def open_document(self, row: int | None, among: tuple[int, ...] = ()) -> None:
        """Open a document from a list, or close it; the list stays behind it."""
        self.row = row
        self.document_list = among


def current_session() -> Session:
    """Return the session of this browser tab; its first run creates it."""
    if "session" not in st.session_state:
        st.session_state["session"] = Session(root=_first_workspace())
    session: Session = st.session_state["session"]
    return session


def _first_workspace() -> Path:
    """Return the workspace named on the command line, or the sample, built now if this is the very first run."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--workspace", type=Path)
    path: Path | None = parser.parse_known_args(sys.argv[1:])[0].workspace
    if path is not None:
        return path.expanduser().resolve()
    with progress_bar("Preparing the sample corpus") as progress:
        return open_sample(progress=progress).root


def workspaces() -> list[Path]:
    """Workspaces in the home folder, by name."""
    return sorted((p.parent for p in home().glob("*/manifest.json")), key=lambda p: p.name)
