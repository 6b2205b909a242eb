"""The only st.cache_* wrappers: results are shared between sessions and never changed."""

from pathlib import Path

import streamlit as st

from gem_core.pipeline import Preview, preview
from gem_core.workspace import Settings, Taxonomy, Workspace


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
    return _taxonomy(str(root), opened.manifest.data_hash, opened.database.stamp())


@st.cache_resource(max_entries=32, show_spinner=False)
def _preview(root: str, key: str, settings: Settings) -> Preview:
    path = Path(root)
    return preview(workspace(path), taxonomy(path), settings)


def try_settings(root: Path, settings: Settings) -> Preview:
    """Fit under other settings without saving; the same question is answered once."""
    return _preview(str(root), taxonomy(root).key, settings)
