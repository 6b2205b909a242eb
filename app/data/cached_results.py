"""Results shared between sessions and never changed: only the modules `cached*` hold st.cache_* wrappers."""

from collections import OrderedDict
from importlib import import_module
from pathlib import Path
from threading import Thread

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.data import filter_options, map_data
from app.state.widget_state import preset, widget
from gem_core._types import Progress, silent
from gem_core.embedding.near_duplicates import Duplicates
from gem_core.pipeline import Moves, Preview, explain_moves, natural_shares, preview
from gem_core.pipeline.labels.llm_labels import NamingPlan, naming_plan
from gem_core.pipeline.labels.subtopics import Subtopic, split_parts
from gem_core.pipeline.labels.subtopics import subtopics as subtopics_of
from gem_core.pipeline.search.filters import NEAREST, Filter, Selected, select
from gem_core.pipeline.search.near_duplicates import duplicates_file, kept_duplicates
from gem_core.pipeline.search.semantic import encoder_of, vector_of
from gem_core.workspace import Settings, Taxonomy, Workspace
from gem_core.workspace.selections import SelectionLine, Selections

SHOWN = "taxonomy_shown"
WARM = ("scipy.interpolate", "scipy.optimize", "scipy.sparse", "torch")


@st.cache_resource(show_spinner=False)
def warm_up() -> Thread:
    """Load what fits and edits need beside a person's first look, so that their first move does not wait for it."""
    thread = Thread(target=lambda: [import_module(name) for name in WARM], daemon=True)
    thread.start()
    return thread


@st.cache_resource(max_entries=4, show_spinner=False)
def _workspace(root: str, stamp: int) -> Workspace:
    return Workspace(root)


def workspace(root: Path) -> Workspace:
    """Open a workspace once; again only when its manifest has changed."""
    manifest = root / "manifest.json"
    return _workspace(str(root), manifest.stat().st_mtime_ns if manifest.exists() else 0)


@st.cache_resource(max_entries=8, show_spinner=False)
def _taxonomy(root: str, data_hash: str, stamp: tuple[str, int]) -> Taxonomy:
    return Workspace(root).taxonomy()


def taxonomy(root: Path) -> Taxonomy:
    """Return the present taxonomy with people's labels; every session sees the others' edits on its next run."""
    opened = workspace(root)
    stamp = opened.database.stamp()
    preset(SHOWN, (str(root), stamp))
    return _taxonomy(str(root), opened.manifest.data_hash, stamp)


def last_shown() -> tuple[str, tuple[str, int]] | None:
    """Return the workspace and the stamp of the taxonomy that this session read last."""
    found: tuple[str, tuple[str, int]] | None = widget(SHOWN)
    return found


PREVIEWS = 32


@st.cache_resource
def _previews() -> OrderedDict[tuple[str, str, Settings], Preview]:
    """Previews by workspace, present taxonomy and settings; st.cache cannot hold them, for they show progress."""
    return OrderedDict()


def tried(root: Path, settings: Settings) -> bool:
    """Whether the answer of `try_settings` is at hand."""
    return (str(root), taxonomy(root).key, settings) in _previews()


def try_settings(root: Path, settings: Settings, progress: Progress = silent) -> Preview:
    """Fit under other settings without saving; the same question is answered once."""
    present, shelf = taxonomy(root), _previews()
    key = (str(root), present.key, settings)
    found = shelf.get(key)
    if found is None:
        found = preview(workspace(root), present, settings, progress=progress)
        shelf[key] = found
        while len(shelf) > PREVIEWS:
            shelf.popitem(last=False)
    return found


@st.cache_resource(max_entries=16, show_spinner=False)
def _moves(root: str, key: str, settings: str, _found: Preview) -> Moves:
    return explain_moves(workspace(Path(root)), taxonomy(Path(root)), _found)


def moves(root: Path, found: Preview) -> Moves:
    """Return why the documents of a preview would move."""
    return _moves(str(root), taxonomy(root).key, repr(found.settings), found)


@st.cache_resource(max_entries=8, show_spinner=False)
def _natural(root: str, key: str, has_path: bool) -> NDArray[np.float64] | None:
    return natural_shares(workspace(Path(root)), taxonomy(Path(root)))


def natural(root: Path) -> NDArray[np.float64] | None:
    """Return the natural shares of the present clusters; None while there is no balance path."""
    present = taxonomy(root)
    return _natural(str(root), present.key, present.has_path)


@st.cache_resource(max_entries=16, show_spinner=False)
def _colouring(root: str, stamp: tuple[str, int], choice: str) -> map_data.Colouring:
    return map_data.colour_by(choice, workspace(Path(root)), taxonomy(Path(root)))


def colouring(root: Path, choice: str) -> map_data.Colouring:
    """Return the colours of all documents by one of `maps.choices`."""
    return _colouring(str(root), workspace(root).database.stamp(), choice)


@st.cache_resource(max_entries=16, show_spinner=False)
def _names(root: str, stamp: tuple[str, int], choice: str, flat: bool) -> NDArray[np.float64]:
    groups = colouring(Path(root), choice)
    place = map_data.middles if flat else map_data.anchors
    opened = workspace(Path(root))
    return place(np.asarray(opened.flat if flat else opened.sphere), groups.groups, len(groups.names))


def names(root: Path, choice: str, *, flat: bool) -> NDArray[np.float64]:
    """Return where the names of the groups stand on the globe or on the flat map."""
    return _names(str(root), workspace(root).database.stamp(), choice, flat)


@st.cache_resource(max_entries=4, show_spinner=False)
def _drawn(root: str, key: str) -> NDArray[np.int32]:
    return map_data.thin(taxonomy(Path(root)).positions)


def drawn(root: Path) -> NDArray[np.int32]:
    """Return the documents a map draws: all, or of a large corpus a sample that keeps its small clusters."""
    return _drawn(str(root), taxonomy(root).key)


@st.cache_resource(max_entries=4, show_spinner=False)
def _choices(root: str, data_hash: str) -> list[str]:
    return map_data.choices(workspace(Path(root)))


def choices(root: Path) -> list[str]:
    """Return what the documents of a workspace can be coloured by."""
    return _choices(str(root), workspace(root).manifest.data_hash)


@st.cache_resource(max_entries=64, show_spinner=False)
def _selected(
    root: str,
    key: str,
    wanted: Filter,
    at: str,
    near: tuple[str, str | int] | None,
    limit: int,
    _vector: NDArray[np.float32] | None,
) -> Selected:
    opened = workspace(Path(root))
    return select(opened, opened.taxonomy(key), wanted, near=_vector, limit=limit)


def selected(
    root: Path,
    wanted: Filter,
    *,
    words: str = "",
    like: int | None = None,
    limit: int = NEAREST,
    progress: Progress = silent,
) -> Selected:
    """Return the documents that pass a filter, best first; by meaning when words or a document to be like are given."""
    at = next((line.at for line in selections(root) if line.name == wanted.saved), "") if wanted.saved else ""
    near: tuple[str, str | int] | None = None
    vector = None
    if like is not None:
        near, vector = ("like", like), np.asarray(workspace(root).embeddings[like])
    elif words.strip():
        near, vector = ("words", words), _vector(root, words, progress)
    return _selected(str(root), taxonomy(root).key, wanted, at, near, limit, vector)


WORDS = 256


@st.cache_resource
def _vectors() -> OrderedDict[tuple[str, str, str], NDArray[np.float32]]:
    """Vectors of searches by workspace and encoder; st.cache cannot hold them, for loading shows progress."""
    return OrderedDict()


def _vector(root: Path, words: str, progress: Progress) -> NDArray[np.float32]:
    shelf, opened = _vectors(), workspace(root)
    key = (str(root), encoder_of(opened) or "", words)
    if key not in shelf:
        shelf[key] = vector_of(opened, words, progress=progress)
        while len(shelf) > WORDS:
            shelf.popitem(last=False)
    return shelf[key]


def selections(root: Path) -> tuple[SelectionLine, ...]:
    """Return the saved selections, the newest first; read anew each time, for every session may change them."""
    return Selections(workspace(root)).listed()


@st.cache_resource(max_entries=8, show_spinner=False)
def _twins(root: str, threshold: float, stamp: int) -> Duplicates | None:
    return kept_duplicates(workspace(Path(root)), threshold)


def twins(root: Path, threshold: float) -> Duplicates | None:
    """Return the near-duplicates at a threshold, or None while nobody has looked for them."""
    file = duplicates_file(workspace(root), threshold)
    return _twins(str(root), threshold, file.stat().st_mtime_ns) if file.exists() else None


@st.cache_resource(max_entries=4, show_spinner=False)
def _offered(root: str, key: str) -> tuple[filter_options.Offer, ...]:
    return filter_options.offers(workspace(Path(root)), taxonomy(Path(root)))


def offered(root: Path) -> tuple[filter_options.Offer, ...]:
    """Return what the documents of a workspace can be filtered by."""
    return _offered(str(root), taxonomy(root).key)


@st.cache_resource(max_entries=32, show_spinner=False)
def _parts(root: str, key: str, number: int, into: int) -> tuple[Subtopic, ...]:
    opened = workspace(Path(root))
    return split_parts(opened, opened.taxonomy(key), number, into)


def parts(root: Path, number: int, into: int) -> tuple[Subtopic, ...]:
    """Return the parts that a cluster of the present taxonomy would split into."""
    return _parts(str(root), taxonomy(root).key, number, into)


@st.cache_resource(max_entries=64, show_spinner=False)
def _subtopics(root: str, key: str, number: int) -> tuple[Subtopic, ...]:
    opened = workspace(Path(root))
    return subtopics_of(opened, opened.taxonomy(key), number)


def subtopics(root: Path, number: int) -> tuple[Subtopic, ...]:
    """Return what a cluster of the present taxonomy is made of."""
    return _subtopics(str(root), taxonomy(root).key, number)


@st.cache_resource(max_entries=4, show_spinner=False)
def _naming(root: str, key: str, again: bool) -> NamingPlan:
    return naming_plan(workspace(Path(root)), again=again)


def naming(root: Path, *, again: bool) -> NamingPlan:
    """Return the requests for labels that would be sent to a language model."""
    return _naming(str(root), taxonomy(root).key, again)


@st.cache_resource(max_entries=64, show_spinner=False)
def _similar(root: str, stamp: int, row: int, limit: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    vectors = workspace(Path(root)).embeddings
    cosine = vectors @ np.asarray(vectors[row])
    cosine[row] = -np.inf  # a document is no neighbour of itself
    near = np.argsort(-cosine, kind="stable")[: min(limit, len(cosine) - 1)]
    return tuple(int(r) for r in near), tuple(float(cosine[r]) for r in near)


def similar(root: Path, row: int, limit: int = 12) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the documents nearest in meaning to one, and their cosine to it."""
    return _similar(str(root), (root / "embeddings.npy").stat().st_mtime_ns, row, limit)
