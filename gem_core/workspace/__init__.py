"""Workspaces on disk: one folder per corpus, every part of it complete or absent."""

from gem_core.workspace.history import Edit, History, Step, edits_text
from gem_core.workspace.manifest import Manifest, StepCost
from gem_core.workspace.settings import Settings
from gem_core.workspace.store import Workspace, writing
from gem_core.workspace.taxonomy import Cluster, Group, Taxonomy

__all__ = [
    "Cluster",
    "Edit",
    "Group",
    "History",
    "Manifest",
    "Settings",
    "Step",
    "StepCost",
    "Taxonomy",
    "Workspace",
    "edits_text",
    "writing",
]
