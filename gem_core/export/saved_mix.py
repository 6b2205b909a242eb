"""The current mix of a workspace: saved weights that every export of weights carries."""

import json
from typing import Any

import numpy as np

from gem_core._types import frozen
from gem_core.errors import WorkspaceError
from gem_core.mixing import Limits, Weights
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import write_json
from gem_core.workspace.mixing_runs import Mixes

FILE = "current-mix.json"


def save_mix(workspace: Workspace, weights: Weights, settings: dict[str, Any]) -> None:
    """Write weights and the settings of the view that gave them; they replace the saved mix of their taxonomy.

    Raises
    ------
    WorkspaceError
        If the workspace cannot be written.
    """
    limits = weights.limits
    write_json(
        Mixes(workspace.root, weights.taxonomy_hash).folder / FILE,
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


def saved_mix(workspace: Workspace, taxonomy: Taxonomy) -> Weights | None:
    """Return the saved mix of a taxonomy; None if none was saved.

    Raises
    ------
    WorkspaceError
        If the saved mix is damaged.
    """
    saved = _read(workspace, taxonomy)
    return None if saved is None else saved[0]


def saved_settings(workspace: Workspace, taxonomy: Taxonomy) -> dict[str, Any]:
    """Return the settings of the view that gave the saved mix; empty if none was saved.

    Raises
    ------
    WorkspaceError
        If the saved mix is damaged.
    """
    saved = _read(workspace, taxonomy)
    return {} if saved is None else saved[1]


def _read(workspace: Workspace, taxonomy: Taxonomy) -> tuple[Weights, dict[str, Any]] | None:
    path = Mixes(workspace.root, taxonomy.taxonomy_hash).folder / FILE
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        limits = value["limits"]
        pool = None if limits["pool"] is None else tuple(map(int, limits["pool"]))
        weights = Weights(
            str(value["strategy"]),
            str(value["taxonomy_hash"]),
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
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(
            "The saved mix must be whole",
            f"{path}: {error!r}",
            "Set the mix again on Mixing, or remove the file to export balanced weights",
        ) from error
