"""Mixes of a workspace: the current one, which every export of weights carries, and those saved by name."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from gem_core._types import frozen
from gem_core.errors import InputError, WorkspaceError
from gem_core.mixing import Limits, Weights
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import write_json
from gem_core.workspace.mixing_runs import Mixes, same_clusters

FILE = "current-mix.json"
FOLDER = "mixes"  # of the named mixes of a taxonomy
_NAME = re.compile(r"\w[\w. -]{0,59}")


def save_mix(workspace: Workspace, weights: Weights, settings: dict[str, Any], name: str = "") -> Path:
    """Write weights and the settings that gave them, as the current mix or under a name; the old one is replaced.

    Parameters
    ----------
    workspace : Workspace
    weights : Weights
        Of a taxonomy of this workspace.
    settings : dict
        Of the Mixing view, as JSON values.
    name : str
        Up to 60 letters, digits, spaces, dots and dashes; the current mix when empty.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If the name cannot be the name of a file.
    WorkspaceError
        If the workspace cannot be written.
    """
    limits = weights.limits
    path = _path(workspace, weights.taxonomy_hash, name)
    write_json(
        path,
        {
            "strategy": weights.strategy,
            "taxonomy_hash": weights.taxonomy_hash,
            "numbers": list(weights.numbers),
            "tokens": weights.tokens.tolist(),
            "weights": weights.weights.tolist(),
            "folded": weights.folded.tolist(),
            "unsupported": weights.unsupported.tolist(),
            "carried_from": weights.carried_from,
            "limits": {**vars(limits), "pool": None if limits.pool is None else list(limits.pool)},
            "settings": settings,
        },
    )
    return path


def mix_stamp(workspace: Workspace, taxonomy: Taxonomy) -> int:
    """Return a number that changes with the current mix of a taxonomy; 0 if none was saved."""
    path = next(filter(Path.exists, _paths(workspace, taxonomy, "")), None)
    return 0 if path is None else path.stat().st_mtime_ns


def mix_names(workspace: Workspace, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Return the names of the saved mixes of a taxonomy, in alphabetical order; a rename of clusters keeps them."""
    hashes = same_clusters(workspace, taxonomy.taxonomy_hash)
    folders = [Mixes(workspace.root, taxonomy_hash).folder / FOLDER for taxonomy_hash in hashes]
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.json")}))


def remove_mix(workspace: Workspace, taxonomy: Taxonomy, name: str) -> None:
    """Remove a named mix; one that does not exist is no error."""
    for taxonomy_hash in same_clusters(workspace, taxonomy.taxonomy_hash) if name else ():
        _path(workspace, taxonomy_hash, name).unlink(missing_ok=True)


def saved_mix(workspace: Workspace, taxonomy: Taxonomy, name: str = "") -> Weights | None:
    """Return the current mix of a taxonomy, or a named one; None if no current mix was saved.

    Raises
    ------
    InputError
        If there is no mix of that name.
    WorkspaceError
        If the saved mix is damaged.
    """
    saved = _read(workspace, taxonomy, name)
    return None if saved is None else saved[0]


def saved_settings(workspace: Workspace, taxonomy: Taxonomy, name: str = "") -> dict[str, Any]:
    """Return the settings that gave the current mix, or a named one; empty if no current mix was saved.

    Raises
    ------
    InputError
        If there is no mix of that name.
    WorkspaceError
        If the saved mix is damaged.
    """
    saved = _read(workspace, taxonomy, name)
    return {} if saved is None else saved[1]


def _path(workspace: Workspace, taxonomy_hash: str, name: str) -> Path:
    folder = Mixes(workspace.root, taxonomy_hash).folder
    if name and not _NAME.fullmatch(name):
        raise InputError(
            "The name of a mix has up to 60 letters, digits, spaces, dots and dashes",
            repr(name)[:80],
            "Use science, for example",
        )
    return folder / FOLDER / f"{name}.json" if name else folder / FILE


def _paths(workspace: Workspace, taxonomy: Taxonomy, name: str) -> list[Path]:
    """Return where a mix may lie: under this taxonomy, or under the same clusters with earlier names."""
    hashes = same_clusters(workspace, taxonomy.taxonomy_hash)
    return [_path(workspace, taxonomy_hash, name) for taxonomy_hash in hashes]


def _read(workspace: Workspace, taxonomy: Taxonomy, name: str = "") -> tuple[Weights, dict[str, Any]] | None:
    paths = _paths(workspace, taxonomy, name)
    path = next((path for path in paths if path.exists()), paths[0])
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        limits = value["limits"]
        pool = None if limits["pool"] is None else tuple(map(int, limits["pool"]))
        weights = Weights(
            str(value["strategy"]),
            taxonomy.taxonomy_hash,  # The file may be of the same clusters under earlier names.
            tuple(map(int, value["numbers"])),
            frozen(np.array(value["tokens"], dtype=np.int64)),
            frozen(np.array(value["weights"], dtype=np.float64)),
            frozen(np.array(value["folded"], dtype=bool)),
            Limits(limits["budget"], limits["max_epochs"], limits["floor"], limits["fold"], pool),
            str(value["carried_from"]),
            frozen(np.array(value["unsupported"], dtype=bool)),
        )
        return weights, dict(value["settings"])
    except FileNotFoundError:
        if not name:
            return None
        names = ", ".join(mix_names(workspace, taxonomy)) or "none"
        raise InputError(
            "The mix must be saved for this taxonomy",
            repr(name)[:80],
            f"Saved mixes: {names}. Save it on Mixing, or with gem-explorer mix weights DIR --save {name}",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(
            "The saved mix must be whole",
            f"{path}: {error!r}",
            "Set the mix again on Mixing, or remove the file to export balanced weights",
        ) from error
