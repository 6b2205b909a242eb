"""Opened workspaces and their present taxonomies, shared between sessions and never changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import streamlit as st

from gem_core.workspace import Taxonomy, Workspace

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@st.cache_resource(max_entries=4, show_spinner=False)
def _workspace(root: str, stamp: int) -> Workspace:
    return Workspace(root)


def open_workspace(root: Path) -> Workspace:
    """Open a workspace once; again only when its manifest has changed."""
    manifest = root / "manifest.json"
    return _workspace(str(root), manifest.stat().st_mtime_ns if manifest.exists() else 0)


@st.cache_resource(max_entries=8, show_spinner=False)
def _taxonomy(root: str, data_hash: str, stamp: tuple[str, int]) -> Taxonomy:
    return Workspace(root).taxonomy()


def taxonomy_at(workspace: Workspace, stamp: tuple[str, int]) -> Taxonomy:
    """Return the present taxonomy with people's labels, read once for each state of the history.

    Parameters
    ----------
    workspace : Workspace
    stamp : tuple
        `workspace.database.stamp()` of now.
    """
    return _taxonomy(str(workspace.root), workspace.manifest.data_hash, stamp)


def per_taxonomy(
    compute: Callable[Concatenate[Workspace, Taxonomy, Arguments], Result], *, max_entries: int
) -> Callable[Concatenate[Workspace, Taxonomy, Arguments], Result]:
    """Return the same function with its results cached by folder, data, taxonomy and arguments.

    An argument that is passed by a keyword with a leading underscore is no part of the key.

    Parameters
    ----------
    compute : callable
        Takes a workspace, its taxonomy and hashable arguments.
    max_entries : int
        Results that are cached, over all workspaces; the oldest is dropped.
    """

    def cached(
        root: str, data_hash: str, key: str, _workspace: Workspace, _taxonomy: Taxonomy, *args: Any, **kwargs: Any
    ) -> Result:
        return compute(_workspace, _taxonomy, *args, **kwargs)

    # Streamlit tells caches apart by module, qualified name and source; the source is the same for all of them.
    cached.__qualname__ = f"per_taxonomy.{compute.__module__}.{compute.__qualname__}"
    remembered = st.cache_resource(max_entries=max_entries, show_spinner=False)(cached)

    def cached_compute(
        workspace: Workspace, taxonomy: Taxonomy, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        data_hash = workspace.manifest.data_hash
        return remembered(str(workspace.root), data_hash, taxonomy.key, workspace, taxonomy, *args, **kwargs)

    cached_compute.__doc__ = compute.__doc__
    return cached_compute
