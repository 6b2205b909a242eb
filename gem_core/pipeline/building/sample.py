"""The built-in sample corpus: vectors and layout are shipped, so it opens without a model."""

import json
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from gem_core._bundled import bundled
from gem_core._shared_files import temporary_folder
from gem_core._types import Progress, silent
from gem_core.corpus import Columns
from gem_core.errors import WorkspaceError
from gem_core.pipeline.building.fit import fit_taxonomy
from gem_core.pipeline.building.ingest import Source, finish_workspace, prepare
from gem_core.workspace import Settings, Workspace
from gem_core.workspace.fit_arrays import read_path
from gem_core.workspace.home import home
from gem_core.workspace.manifest import FORMAT

SETTINGS = Settings(n_clusters=12, strength=1.0)
PATH = "balance_path.npz"  # of the fit with SETTINGS; tests/sample computes it again


def sample_folder() -> Path:
    """Return the folder of the sample corpus."""
    return bundled("sample_data")


def open_sample(root: Path | None = None, *, progress: Progress = silent) -> Workspace:
    """Open the sample's workspace, making it on the first call (a few seconds).

    It is made beside its place and renamed into it, so two processes may call this at once.
    """
    root = (root or home() / "sample").expanduser().resolve()
    _set_aside(root)
    if not (root / "manifest.json").exists():
        try:
            root.parent.mkdir(parents=True, exist_ok=True)
            making = temporary_folder(root.with_name("sample"))
        except OSError as error:
            raise WorkspaceError(
                "The sample needs a folder it can write to",
                f"{root.parent}: {error.strerror}",
                "Set GEM_EXPLORER_HOME to a folder of your own",
            ) from error
        try:
            _make(making, progress)
            os.replace(making, root)
        except OSError:  # another process was first: its sample is as good as ours
            if not (root / "manifest.json").exists():
                raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return Workspace(root)


def _set_aside(root: Path) -> None:
    """Rename a sample that an earlier version made, so that a new one takes its place and nothing is lost."""
    try:
        old_format = json.loads((root / "manifest.json").read_text(encoding="utf-8"))["format"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if old_format < FORMAT:
        with suppress(OSError):  # another process was first, or the folder is read-only: opening it will say so
            os.replace(root, root.with_name(f"{root.name}-{old_format}-{int(time.time())}"))


def _make(root: Path, progress: Progress) -> None:
    folder = sample_folder()
    columns = Columns(text="text", id="id", label="subject", tokens="tokens", weight=None)
    source = Source(folder / "sample.csv", columns=columns, vectors=folder / "embeddings.npy", name="Sample corpus")
    workspace = prepare(source, root, progress=progress)
    layout = np.load(folder / "layout.npz", allow_pickle=False)
    workspace.save_layout(layout["sphere"], layout["flat"])
    finish_workspace(workspace, progress=progress)
    taxonomy = fit_taxonomy(workspace, SETTINGS, progress=progress)
    with workspace.writing():
        taxonomy.save_path(read_path(folder / PATH))
