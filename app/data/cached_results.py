"""Results shared between sessions and never changed; app/data holds the only users of st.cache_*."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from importlib import import_module
from threading import Thread
from typing import Generic, Literal, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.data import filter_options as options_of
from app.data import map_data
from app.data.mixing_taxonomy import mixing_taxonomy_at
from app.data.outlines import outline_groups
from app.data.workspace_cache import per_taxonomy
from gem_core._types import Progress, silent
from gem_core.embedding.duplicate_groups import Duplicates
from gem_core.export.figures import figure_svg
from gem_core.export.saved_mix import mix_stamp, saved_mix
from gem_core.pipeline import Moves, Preview, explain_moves, preview
from gem_core.pipeline import natural_shares as natural_shares_of
from gem_core.pipeline.building.fit import reference_concentration_of
from gem_core.pipeline.building.umap_map import UmapMap, saved_umap, umap_file
from gem_core.pipeline.labels import label_requests
from gem_core.pipeline.labels import subtopics as cluster_subtopics
from gem_core.pipeline.labels.areas import group_areas as areas_of_groups
from gem_core.pipeline.search.cluster_profile import cluster_profile
from gem_core.pipeline.search.cluster_profile import label_purity as cluster_label_purity
from gem_core.pipeline.search.filters import NEAREST, Filter, Selected, select
from gem_core.pipeline.search.near_duplicates import duplicates_file, kept_duplicates
from gem_core.pipeline.search.semantic import encoder_of, vector_of
from gem_core.workspace import Settings, Taxonomy, Workspace
from gem_core.workspace.selections import SelectionLine, Selections

Result = TypeVar("Result")

WARM = ("scipy.interpolate", "scipy.optimize", "scipy.sparse", "torch")
PREVIEWS = 32
QUERY_VECTORS = 256


@st.cache_resource(show_spinner=False)
def warm_up() -> Thread:
    """Import the libraries of fits and edits in the background, so that the first edit does not wait for them."""
    thread = Thread(target=lambda: [import_module(name) for name in WARM], daemon=True)
    thread.start()
    return thread


class RecentResults(Generic[Result]):
    """The newest results of long work; st.cache_* cannot hold them, for computing them shows progress."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._results: OrderedDict[Hashable, Result] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._results

    def get(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return the result of a key, computed now where it is not held."""
        result = self._results.get(key)
        if result is None:
            result = self._results[key] = compute()
            while len(self._results) > self._size:
                self._results.popitem(last=False)
        return result


@st.cache_resource
def _previews() -> RecentResults[Preview]:
    return RecentResults(PREVIEWS)


@st.cache_resource
def _query_vectors() -> RecentResults[NDArray[np.float32]]:
    return RecentResults(QUERY_VECTORS)


def has_preview(workspace: Workspace, taxonomy: Taxonomy, settings: Settings) -> bool:
    """Whether `preview_settings` would answer at once."""
    return (str(workspace.root), taxonomy.key, settings) in _previews()


def preview_settings(
    workspace: Workspace, taxonomy: Taxonomy, settings: Settings, progress: Progress = silent
) -> Preview:
    """Fit under other settings without saving; the same question is answered once."""
    return _previews().get(
        (str(workspace.root), taxonomy.key, settings),
        lambda: preview(workspace, taxonomy, settings, progress=progress),
    )


def _explain_moves(workspace: Workspace, taxonomy: Taxonomy, settings: Settings, *, _preview: Preview) -> Moves:
    return explain_moves(workspace, taxonomy, _preview)


_moves = per_taxonomy(_explain_moves, max_entries=16)


def moves(workspace: Workspace, taxonomy: Taxonomy, preview: Preview) -> Moves:
    """Return why the documents of a preview would move."""
    return _moves(workspace, taxonomy, preview.settings, _preview=preview)


def _natural_shares(workspace: Workspace, taxonomy: Taxonomy, has_path: bool) -> NDArray[np.float64] | None:
    return natural_shares_of(workspace, taxonomy)


def _reference_concentration(
    workspace: Workspace,
    taxonomy: Taxonomy,
    n_clusters: int,
    concentration: Literal["per_cluster", "shared"] | float,
    weighting: Literal["documents", "tokens"],
) -> float:
    settings = replace(
        taxonomy.settings, n_clusters=n_clusters, concentration=concentration, weighting=weighting, target="uniform"
    )
    return reference_concentration_of(workspace, settings)


reference_concentration = per_taxonomy(_reference_concentration, max_entries=32)
_natural = per_taxonomy(_natural_shares, max_entries=8)


def natural_shares(workspace: Workspace, taxonomy: Taxonomy) -> NDArray[np.float64] | None:
    """Return the natural shares of the present clusters; None while there is no balance path."""
    return _natural(workspace, taxonomy, taxonomy.has_path)


def _coloring(
    workspace: Workspace, taxonomy: Taxonomy, choice: str, value_range: tuple[float, float] | None, stamp: int
) -> map_data.Coloring:
    return map_data.color_by(choice, workspace, taxonomy, value_range)


_cached_coloring = per_taxonomy(_coloring, max_entries=16)


def coloring(
    workspace: Workspace, taxonomy: Taxonomy, choice: str, value_range: tuple[float, float] | None = None
) -> map_data.Coloring:
    """Return the colors of the documents, numbers over a range; those of the mix follow its changes."""
    stamp = mix_stamp(workspace, mixing_taxonomy_at(workspace, taxonomy)) if choice in map_data.MIX_VALUES else 0
    return _cached_coloring(workspace, taxonomy, choice, value_range, stamp)


def _mix_of_clusters(workspace: Workspace, taxonomy: Taxonomy, stamp: int) -> dict[int, tuple[float, float, float]]:
    weights = saved_mix(workspace, taxonomy)
    if weights is None:
        return {}
    figures = np.stack([weights.natural, weights.weights, weights.epochs], axis=1)
    return {n: (float(a), float(b), float(c)) for n, (a, b, c) in zip(weights.numbers, figures, strict=True)}


_cached_mix_of_clusters = per_taxonomy(_mix_of_clusters, max_entries=8)


def mix_of_cluster(workspace: Workspace, taxonomy: Taxonomy, number: int) -> tuple[float, float, float] | None:
    """Return natural share, weight and epochs of a cluster in the mix set on Mixing; None without one of clusters."""
    if mixing_taxonomy_at(workspace, taxonomy) is not taxonomy:
        return None
    stamp = mix_stamp(workspace, taxonomy)
    return _cached_mix_of_clusters(workspace, taxonomy, stamp).get(number) if stamp else None


def _umap_map(workspace: Workspace, taxonomy: Taxonomy, stamp: int) -> UmapMap | None:
    return saved_umap(workspace)


_cached_umap = per_taxonomy(_umap_map, max_entries=4)


def umap_map(workspace: Workspace, taxonomy: Taxonomy) -> UmapMap | None:
    """Return the UMAP map of the workspace, or None while none has been computed."""
    file = umap_file(workspace)
    return _cached_umap(workspace, taxonomy, file.stat().st_mtime_ns) if file.exists() else None


def _label_positions(
    workspace: Workspace, taxonomy: Taxonomy, choice: str, *, kind: Literal["sphere", "flat", "umap"]
) -> NDArray[np.float64]:
    groups = coloring(workspace, taxonomy, choice)
    if kind == "sphere":
        return map_data.anchors(np.asarray(workspace.sphere), groups.groups, len(groups.names))
    umap = umap_map(workspace, taxonomy) if kind == "umap" else None
    plane = np.asarray(workspace.flat) if umap is None else umap.positions
    return map_data.middles(plane, groups.groups, len(groups.names))


label_positions = per_taxonomy(_label_positions, max_entries=16)


def _group_outlines(
    workspace: Workspace, taxonomy: Taxonomy, kind: Literal["sphere", "flat", "umap"]
) -> list[tuple[str, list[NDArray[np.float64]]]]:
    umap = umap_map(workspace, taxonomy) if kind == "umap" else None
    positions = {"sphere": workspace.sphere, "flat": workspace.flat}[kind] if umap is None else umap.positions
    index_of_group = {group.number: index for index, group in enumerate(taxonomy.groups)}
    group_of_cluster = np.array([index_of_group[c.group] for c in taxonomy.clusters], dtype=np.int32)
    lines = outline_groups(np.asarray(positions), group_of_cluster[taxonomy.positions], len(taxonomy.groups))
    return [(group.color, group_lines) for group, group_lines in zip(taxonomy.groups, lines, strict=True)]


group_outlines = per_taxonomy(_group_outlines, max_entries=8)


def _displayed_rows(workspace: Workspace, taxonomy: Taxonomy) -> NDArray[np.int32]:
    return map_data.thin(taxonomy.positions)


displayed_rows = per_taxonomy(_displayed_rows, max_entries=4)


def _color_choices(workspace: Workspace, taxonomy: Taxonomy) -> list[str]:
    return map_data.choices(workspace)


_cached_color_choices = per_taxonomy(_color_choices, max_entries=4)


def color_choices(workspace: Workspace, taxonomy: Taxonomy) -> list[str]:
    """Return what the documents can be colored by; the mix where one was set on Mixing."""
    mix_choices = map_data.MIX_VALUES if mix_stamp(workspace, mixing_taxonomy_at(workspace, taxonomy)) else ()
    return [*_cached_color_choices(workspace, taxonomy), *mix_choices]


def _select_documents(
    workspace: Workspace,
    taxonomy: Taxonomy,
    document_filter: Filter,
    saved_at: str,
    near: tuple[str, str | int] | None,
    limit: int,
    *,
    _vector: NDArray[np.float32] | None,
) -> Selected:
    return select(workspace, taxonomy, document_filter, near=_vector, limit=limit)


_selected = per_taxonomy(_select_documents, max_entries=64)


def select_documents(
    workspace: Workspace,
    taxonomy: Taxonomy,
    document_filter: Filter,
    *,
    words: str = "",
    like: int | None = None,
    limit: int = NEAREST,
    progress: Progress = silent,
) -> Selected:
    """Return the documents that pass a filter, best first; by meaning when words or a document to be like are given."""
    saved_at = (
        next((line.at for line in selections(workspace) if line.name == document_filter.saved), "")
        if document_filter.saved
        else ""
    )
    near: tuple[str, str | int] | None = None
    vector = None
    if like is not None:
        near, vector = ("like", like), np.asarray(workspace.embeddings[like])
    elif words.strip():
        near, vector = ("words", words), _query_vector(workspace, words, progress)
    return _selected(workspace, taxonomy, document_filter, saved_at, near, limit, _vector=vector)


def _query_vector(workspace: Workspace, words: str, progress: Progress) -> NDArray[np.float32]:
    key = (str(workspace.root), encoder_of(workspace) or "", words)
    return _query_vectors().get(key, lambda: vector_of(workspace, words, progress=progress))


def selections(workspace: Workspace) -> tuple[SelectionLine, ...]:
    """Return the saved selections, the newest first; read again each time, for every session may change them."""
    return Selections(workspace).list_all()


def _near_duplicates(workspace: Workspace, taxonomy: Taxonomy, threshold: float, stamp: int) -> Duplicates | None:
    return kept_duplicates(workspace, threshold)


_duplicates = per_taxonomy(_near_duplicates, max_entries=8)


def near_duplicates(workspace: Workspace, taxonomy: Taxonomy, threshold: float) -> Duplicates | None:
    """Return the near-duplicates at a threshold, or None where no search at it has been made."""
    file = duplicates_file(workspace, threshold)
    return _duplicates(workspace, taxonomy, threshold, file.stat().st_mtime_ns) if file.exists() else None


filter_options = per_taxonomy(options_of.offers, max_entries=4)


def color_steps(workspace: Workspace, taxonomy: Taxonomy, choice: str) -> tuple[float, ...]:
    """Return the values between which the range of a numeric coloring can be set; none for colors of groups."""
    name = map_data.VALUES.get(choice, choice.removeprefix(map_data.COLUMN))
    if choice not in map_data.VALUES and name not in map_data.number_columns(workspace):
        return ()
    return next((offer.steps for offer in filter_options(workspace, taxonomy) if offer.name == name), ())


split_parts = per_taxonomy(cluster_subtopics.split_parts, max_entries=32)
subtopics = per_taxonomy(cluster_subtopics.subtopics, max_entries=64)
profile_of_cluster = per_taxonomy(cluster_profile, max_entries=64)
label_purity = per_taxonomy(cluster_label_purity, max_entries=8)
areas = per_taxonomy(areas_of_groups, max_entries=8)
figure = per_taxonomy(figure_svg, max_entries=8)


def _naming_plan(workspace: Workspace, taxonomy: Taxonomy, *, again: bool, groups: bool) -> label_requests.NamingPlan:
    return label_requests.naming_plan(workspace, again=again, groups=groups)


naming_plan = per_taxonomy(_naming_plan, max_entries=4)


def _similar_documents(
    workspace: Workspace, taxonomy: Taxonomy, row: int, limit: int, stamp: int
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    vectors = workspace.embeddings
    cosine = vectors @ np.asarray(vectors[row])
    cosine[row] = -np.inf  # a document is no neighbor of itself
    near = np.argsort(-cosine, kind="stable")[: min(limit, len(cosine) - 1)]
    return tuple(int(r) for r in near), tuple(float(cosine[r]) for r in near)


_similar = per_taxonomy(_similar_documents, max_entries=64)


def similar_documents(
    workspace: Workspace, taxonomy: Taxonomy, row: int, limit: int = 12
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the documents nearest in meaning to one, and their cosine to it."""
    return _similar(workspace, taxonomy, row, limit, (workspace.root / "embeddings.npy").stat().st_mtime_ns)
