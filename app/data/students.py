"""Students and their teachers, shared between sessions like what `cached` holds."""

from pathlib import Path

import streamlit as st

from app.data import cached_results
from gem_core.errors import WorkspaceError
from gem_core.pipeline.labeling.shard_files import InputShard, find_shards
from gem_core.pipeline.student import registry as kept
from gem_core.workspace import Taxonomy, Workspace


@st.cache_resource(max_entries=4, show_spinner=False)
def _students(root: str, stamps: tuple[tuple[str, int], ...]) -> tuple[kept.SavedStudent, ...]:
    return kept.saved_students(Workspace(root))


def students(root: Path) -> tuple[kept.SavedStudent, ...]:
    """Return the students of a workspace, those made last first."""
    reports = sorted((root / kept.FOLDER).glob(f"[!.]*/{kept.FILE}"))
    return _students(str(root), tuple((str(path), path.stat().st_mtime_ns) for path in reports))


@st.cache_resource(max_entries=4, show_spinner=False)
def _step(root: str, data_hash: str, key: str) -> Taxonomy | None:
    try:
        return Workspace(root).taxonomy(key)
    except WorkspaceError:
        return None


def step(root: Path, key: str) -> Taxonomy | None:
    """Return the taxonomy of any step, such as a student's teacher; None where it is kept no more."""
    present = cached_results.taxonomy(root)
    return present if present.key == key else _step(str(root), cached_results.workspace(root).manifest.data_hash, key)


@st.cache_resource(max_entries=4, ttl=20, show_spinner=False)
def shards(folder: Path) -> tuple[InputShard, ...]:
    """Return the shards of a folder, at most 20 seconds old: a large one takes seconds to list."""
    return find_shards(folder)
