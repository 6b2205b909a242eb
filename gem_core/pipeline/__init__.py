"""Use cases that combine the lower layers: build, edit, compare, search, mix, label. The CLI and the app call them."""

from gem_core.pipeline.adding.add_documents import AddedDocuments, add_documents
from gem_core.pipeline.adding.assign_documents import assign_documents, source_like
from gem_core.pipeline.building.balance_path import ensure_path, path_seconds
from gem_core.pipeline.building.build import build
from gem_core.pipeline.building.estimate import Estimate, estimate
from gem_core.pipeline.building.fit import fit_taxonomy
from gem_core.pipeline.building.ingest import Source, finish_workspace, prepare
from gem_core.pipeline.building.mend import mend_workspace
from gem_core.pipeline.building.replay_history import replay_steps
from gem_core.pipeline.building.sample import open_sample, sample_folder
from gem_core.pipeline.building.target_shares import align_target_shares, natural_shares
from gem_core.pipeline.editing.edit import edit
from gem_core.pipeline.editing.operations import Check, Exclude, Merge, Move, Note, Pin, Regroup, Rename, Split
from gem_core.pipeline.editing.split import propose_split
from gem_core.pipeline.labels.label_requests import NamingPlan, naming_plan
from gem_core.pipeline.labels.llm_labels import model_of, name_clusters
from gem_core.pipeline.labels.rename_auto import ProposedNames, propose_names, rename_automatically
from gem_core.pipeline.labels.subtopics import Subtopic, subtopics
from gem_core.pipeline.previews.moved_documents import Moves, explain_moves
from gem_core.pipeline.previews.preview import Preview, preview
from gem_core.workspace.home import home

__all__ = [
    "AddedDocuments",
    "Check",
    "Estimate",
    "Exclude",
    "Merge",
    "Move",
    "Moves",
    "NamingPlan",
    "Note",
    "Pin",
    "Preview",
    "ProposedNames",
    "Regroup",
    "Rename",
    "Source",
    "Split",
    "Subtopic",
    "add_documents",
    "align_target_shares",
    "assign_documents",
    "build",
    "edit",
    "ensure_path",
    "estimate",
    "explain_moves",
    "finish_workspace",
    "fit_taxonomy",
    "home",
    "mend_workspace",
    "model_of",
    "name_clusters",
    "naming_plan",
    "natural_shares",
    "open_sample",
    "path_seconds",
    "prepare",
    "preview",
    "propose_names",
    "propose_split",
    "rename_automatically",
    "replay_steps",
    "sample_folder",
    "source_like",
    "subtopics",
]
