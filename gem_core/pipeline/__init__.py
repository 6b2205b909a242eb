"""The use cases: the only place where steps are strung together. The command line and the app both call it."""

from gem_core.pipeline.draft import Preview, preview
from gem_core.pipeline.editing import edit, propose_split, replay_steps
from gem_core.pipeline.edits import Exclude, Merge, Move, Pin, Regroup, Rename, Split
from gem_core.pipeline.estimate import Estimate, estimate
from gem_core.pipeline.moves import Moves, explain_moves
from gem_core.pipeline.naming import NamingPlan, model_of, name_clusters, naming_plan
from gem_core.pipeline.own_shares import natural_shares, numbered
from gem_core.pipeline.sample import home, open_sample, sample_folder
from gem_core.pipeline.source import Source, build, finish, prepare
from gem_core.pipeline.subtopics import Subtopic, subtopics
from gem_core.pipeline.taxonomy import ensure_path, fit_taxonomy

__all__ = ["Estimate", "Exclude", "Merge", "Move", "Moves", "NamingPlan", "Pin", "Preview", "Regroup", "Rename",
           "Source", "Split", "Subtopic", "build", "edit", "ensure_path", "estimate", "explain_moves",
           "finish", "fit_taxonomy", "home", "model_of", "name_clusters", "naming_plan", "natural_shares", "numbered",
           "open_sample", "prepare", "preview", "propose_split", "replay_steps", "sample_folder", "subtopics"]
