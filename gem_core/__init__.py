"""GEM: balanced taxonomies of text corpora by geometric entropy mixing (arXiv 2605.26121).

The public names, loaded on first use so that importing the package stays light.

Examples
--------
>>> import numpy as np
>>> from gem_core import GEM
>>> X = np.random.default_rng(0).normal(size=(200, 8))
>>> GEM(n_clusters=4, random_state=0).fit(X).masses_.round(2)
array([0.25, 0.25, 0.25, 0.25])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gem_core._version import __version__ as __version__

if TYPE_CHECKING:
    from gem_core.clustering import MixtureConfig, MixtureFit, assign, balance_path, fit_mixture
    from gem_core.clustering.estimator import GEM
    from gem_core.corpus import read_corpus
    from gem_core.embedding import embed
    from gem_core.errors import GemError, InputError
    from gem_core.influence import exemplars, influence_scores
    from gem_core.pipeline import Source, build, fit_taxonomy, open_sample, preview
    from gem_core.pipeline.labeling.label_folder import label_folder
    from gem_core.pipeline.student.distil import distil
    from gem_core.projection import layout
    from gem_core.student import load_student
    from gem_core.workspace import Settings, Taxonomy, Workspace

_ROOMS = {
    "gem_core.clustering.estimator": ("GEM",),
    "gem_core.clustering": ("MixtureConfig", "MixtureFit", "assign", "balance_path", "fit_mixture"),
    "gem_core.corpus": ("read_corpus",),
    "gem_core.embedding": ("embed",),
    "gem_core.errors": ("GemError", "InputError"),
    "gem_core.influence": ("exemplars", "influence_scores"),
    "gem_core.pipeline": ("Source", "build", "fit_taxonomy", "open_sample", "preview"),
    "gem_core.pipeline.student.distil": ("distil",),
    "gem_core.pipeline.labeling.label_folder": ("label_folder",),
    "gem_core.projection": ("layout",),
    "gem_core.student": ("load_student",),
    "gem_core.workspace": ("Settings", "Taxonomy", "Workspace"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}
__all__ = [
    "GEM",
    "GemError",
    "InputError",
    "MixtureConfig",
    "MixtureFit",
    "Settings",
    "Source",
    "Taxonomy",
    "Workspace",
    "assign",
    "balance_path",
    "build",
    "distil",
    "embed",
    "exemplars",
    "fit_mixture",
    "fit_taxonomy",
    "influence_scores",
    "label_folder",
    "layout",
    "load_student",
    "open_sample",
    "preview",
    "read_corpus",
]


def __getattr__(name: str) -> Any:
    if name in _ROOM_OF:
        return getattr(import_module(_ROOM_OF[name]), name)
    raise AttributeError(f"module 'gem_core' has no attribute {name!r}")
