"""Saved students, the taxonomies that they learned from, and the shards of a folder, cached."""

from pathlib import Path

import streamlit as st

from gem_core._storage import storage_path
from gem_core.errors import WorkspaceError
from gem_core.pipeline.labeling.shard_files import InputShard, find_shards
from gem_core.pipeline.student import registry
from gem_core.pipeline.student.report import FILE as REPORT_FILE
from gem_core.workspace import Taxonomy, Workspace


@st.cache_resource(max_entries=4, show_spinner=False)
def _students(root: str, stamps: tuple[tuple[str, int], ...]) -> tuple[registry.SavedStudent, ...]:
    return registry.saved_students(Workspace(root))


def students(workspace: Workspace) -> tuple[registry.SavedStudent, ...]:
    """Return the students of a workspace, the newest first."""
    reports = sorted((workspace.root / registry.FOLDER).glob(f"[!.]*/{REPORT_FILE}"))
    return _students(str(workspace.root), tuple((str(path), path.stat().st_mtime_ns) for path in reports))


@st.cache_resource(max_entries=4, show_spinner=False)
def _taxonomy_of_step(root: str, data_hash: str, key: str) -> Taxonomy | None:
    try:
        return Workspace(root).taxonomy(key)
    except WorkspaceError:
        return None


def taxonomy_of_step(workspace: Workspace, taxonomy: Taxonomy, key: str) -> Taxonomy | None:
    """Return the taxonomy of any step, such as a student's teacher; None where it is no longer stored."""
    if taxonomy.key == key:
        return taxonomy
    return _taxonomy_of_step(str(workspace.root), workspace.manifest.data_hash, key)


@st.cache_resource(max_entries=4, ttl=20, show_spinner=False)
def _shards(folder: str) -> tuple[InputShard, ...]:
    return find_shards(storage_path(folder))


def shards(folder: Path) -> tuple[InputShard, ...]:
    """Return the shards of a folder, at most 20 seconds old: a large one takes seconds to list."""
    return _shards(str(folder))
