"""Stored results of mixing runs, in one folder per taxonomy."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from gem_core._content_key import content_key
from gem_core.errors import WorkspaceError
from gem_core.workspace.atomic_files import write_json
from gem_core.workspace.store import Workspace
from gem_core.workspace.taxonomy import read_taxonomy

FOLDER = "mixing"
_SAME_CLUSTERS = {"rename", "renameautomatically", "regroup", "pin", "note", "check"}  # edits that move no document


class Mixes:
    """The folder ``mixing/<taxonomy hash>/`` of a workspace: every file complete or absent.

    Another taxonomy has another hash and finds nothing here: evidence is about clusters, and does not outlive them.

    Parameters
    ----------
    root : Path
        The workspace folder.
    taxonomy_hash : str
    """

    def __init__(self, root: Path, taxonomy_hash: str) -> None:
        self.taxonomy_hash = taxonomy_hash
        self.folder = root / FOLDER / taxonomy_hash

    def write_evidence(self, kind: str, settings: dict[str, Any], value: dict[str, Any]) -> Path:
        """Store the result of a run as ``<kind>-<hash of its settings>.json``; the same run replaces its own.

        Parameters
        ----------
        kind : str
            Such as "regmix", "doremi", "perfre", "grip".
        settings : dict
            Everything that decides the result, seed included, as JSON values.
        value : dict
            The result as JSON values; "weights" in it is {cluster number: weight}.

        Returns
        -------
        Path
            Of the file. It holds `value` with kind, settings and taxonomy_hash.

        Raises
        ------
        WorkspaceError
            If the workspace cannot be written.
        """
        path = self._path(kind, settings)
        write_json(path, {**value, "kind": kind, "settings": settings, "taxonomy_hash": self.taxonomy_hash})
        return path

    def read_evidence(self, kind: str, settings: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Return the evidence of a kind, or None when there is none.

        Parameters
        ----------
        kind : str
        settings : dict, optional
            Of the run; the run that ended last when left out.

        Raises
        ------
        WorkspaceError
            If the file is damaged, or names another taxonomy.
        """
        if settings is not None:
            path = self._path(kind, settings)
            return self._read(path) if path.exists() else None
        paths = self._evidence_paths(kind)
        return self._read(paths[-1]) if paths else None

    def all_evidence(self, kind: str) -> list[dict[str, Any]]:
        """Return the evidence of all runs of a kind, the run that ended last at the end.

        Raises
        ------
        WorkspaceError
            If a file is damaged, or names another taxonomy.
        """
        return [self._read(path) for path in self._evidence_paths(kind)]

    def _evidence_paths(self, kind: str) -> list[Path]:
        return sorted(
            self.folder.glob(f"{kind}-" + "[0-9a-f]" * 16 + ".json"),
            key=lambda path: (path.stat().st_mtime_ns, path.name),
        )

    def run_folder(self, kind: str, settings: dict[str, Any]) -> Path:
        """Return the folder in which an unfinished run stores its state; the run removes it at its end."""
        return self._path(kind, settings).with_suffix("")

    def _path(self, kind: str, settings: dict[str, Any]) -> Path:
        return self.folder / f"{kind}-{content_key([settings])}.json"

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            recorded_hash = value["taxonomy_hash"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WorkspaceError(
                "Evidence on disk must be whole", f"{path}: {error}", "Remove the file and run the same command again"
            ) from error
        if recorded_hash != self.taxonomy_hash:
            raise WorkspaceError(
                "Evidence must belong to this taxonomy",
                f"{path.name} of taxonomy {str(recorded_hash)[:12]}, here {self.taxonomy_hash[:12]}",
                "Remove the file and run the same command again",
            )
        return dict(value)


def same_clusters(workspace: Workspace, taxonomy_hash: str) -> tuple[str, ...]:
    """Return the hashes of a taxonomy and of earlier ones with the same documents in its clusters, the newest first.

    A new name gives a taxonomy another hash; what a person saved for its clusters is still about them.

    Parameters
    ----------
    workspace : Workspace
    taxonomy_hash : str
        Of the present taxonomy; another one has no earlier ones here.
    """
    history = workspace.history()
    steps = history.steps[: history.position + 1]
    hashes = [taxonomy_hash]
    if steps and _hash_of_step(workspace.root, steps[-1].key) == taxonomy_hash:
        for index in range(len(steps) - 1, 0, -1):
            if not all(edit.get("do") in _SAME_CLUSTERS for edit in steps[index].edits):
                break
            hashes.append(_hash_of_step(workspace.root, steps[index - 1].key))
    return tuple(dict.fromkeys(hashes))


@lru_cache(maxsize=1024)
def _hash_of_step(root: Path, key: str) -> str:
    """Return the hash of the taxonomy of a step; a key never gets another taxonomy."""
    return read_taxonomy(root / "fits" / key).taxonomy_hash
