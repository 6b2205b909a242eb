"""Taxonomy of a workspace: fit, clusters, groups, names and scores."""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from gem_core._types import Int32, frozen
from gem_core.clustering.mixture import MixtureFit
from gem_core.clustering.path import BalancePath
from gem_core.errors import WorkspaceError
from gem_core.workspace.atomic_files import write_json, write_parquet
from gem_core.workspace.fit_arrays import read_fit, read_path, write_fit, write_path
from gem_core.workspace.integrity import HASHES, hash_folder, reading_part
from gem_core.workspace.manifest import StepCost
from gem_core.workspace.settings import Settings

LabelSource = Literal["keywords", "vocabulary", "llm", "person"]
#: Automatic labels: a refit or an edit may replace them.
AUTOMATIC = ("keywords", "vocabulary")


@dataclass(frozen=True)
class Cluster:
    """Cluster with its label, keywords, shares and documents.

    Attributes
    ----------
    number : int
        Id of the cluster, 0 to K - 1; kept across refits by matching.
    label, label_source : str
        Name and where it came from.
    group : int
        Number of its cluster group.
    keywords : tuple of (term, score)
    color : str
        "#rrggbb".
    documents, tokens : int
        Documents and tokens assigned to the cluster (hard assignment).
    mass : float
        Soft mass of the fit, a fraction.
    concentration, within_cosine : float
        vMF concentration; mean cosine of its documents to its center.
    exemplars, borderline, atypical : tuple of int
        Document rows, best first.
    pinned : bool
        Whether a refit must keep the cluster as it is.
    excluded : bool
        Whether its documents are left out of shares and weights.
    checked : bool
        Whether a person marked it as checked.
    note : str
        What a person wrote about it.
    coverage : float
        Part of its documents that have the subject of its label; 0 when the vocabulary did not name it.
    kind : str
        Its commonest kind of text ("Recipes"), or "".
    """

    number: int
    label: str
    label_source: LabelSource
    group: int
    keywords: tuple[tuple[str, float], ...]
    color: str
    documents: int
    tokens: int
    share_documents: float
    share_tokens: float
    mass: float
    concentration: float
    within_cosine: float
    exemplars: tuple[int, ...]
    borderline: tuple[int, ...]
    atypical: tuple[int, ...]
    pinned: bool = False
    excluded: bool = False
    checked: bool = False
    note: str = ""
    coverage: float = 0.0
    kind: str = ""


@dataclass(frozen=True)
class Group:
    """A cluster group, the upper level of the taxonomy; `children` are numbers of clusters."""

    number: int
    label: str
    label_source: LabelSource
    color: str
    children: tuple[int, ...]


@dataclass(frozen=True)
class Taxonomy:
    """A fit with its names, scores and tree.

    Attributes
    ----------
    key : str
        Name of its folder: hash of corpus, settings and edits.
    base : str
        Key of the fit it was made from; its own key when it is unedited.
    settings : Settings
        Of that fit.
    clusters : tuple
        In order of their numbers. Numbers are kept by edits and refits, so they may have gaps.
    groups : tuple of Group
        In order of the tree.
    costs : tuple of StepCost
    folder : Path or None
        Where it is kept; None for a taxonomy that was never written.
    """

    key: str
    base: str
    settings: Settings
    clusters: tuple[Cluster, ...]
    groups: tuple[Group, ...]
    costs: tuple[StepCost, ...]
    data_hash: str
    taxonomy_hash: str
    folder: Path

    @cached_property
    def fit(self) -> MixtureFit:
        """The mixture: centers, concentrations, bias, trace; row k is `clusters[k]`."""
        with reading_part(self.root, self._part("mixture.npz")):
            return read_fit(self.folder / "mixture.npz")

    @property
    def root(self) -> Path:
        """Folder of the workspace."""
        return self.folder.parent.parent

    def _part(self, name: str, key: str = "") -> str:
        return f"fits/{key or self.key}/{name}"

    @property
    def edited(self) -> bool:
        """Whether it is more than a fit: edited by a person, or numbered and named after an earlier one."""
        return self.key != self.base

    @cached_property
    def documents(self) -> pd.DataFrame:
        """One row per document: cluster_id, second, margin, cosine, gis, confidence, centrality, density."""
        with reading_part(self.root, self._part("documents.parquet")):
            table = pd.read_parquet(self.folder / "documents.parquet")
            if "cluster_id" not in table:
                raise ValueError("no column cluster_id")
        return table

    @cached_property
    def positions(self) -> Int32:
        """Index into `clusters` of each document's cluster, (n,): for counting, colors and rows of `fit`."""
        numbers = np.array([cluster.number for cluster in self.clusters])
        return frozen(np.searchsorted(numbers, self.documents["cluster_id"].to_numpy()).astype(np.int32))

    @cached_property
    def _index(self) -> dict[int, int]:
        return {cluster.number: index for index, cluster in enumerate(self.clusters)}

    def has(self, number: int | None) -> bool:
        """Whether a cluster of this number is there."""
        return number in self._index

    def index_of(self, number: int | None) -> int | None:
        """Index into `clusters` of the cluster of this number; None when it is not there."""
        return None if number is None else self._index.get(number)

    def cluster(self, number: int) -> Cluster:
        """Return the cluster of this number.

        Raises
        ------
        WorkspaceError
            If there is none.
        """
        if number not in self._index:
            raise WorkspaceError(
                "The taxonomy must hold the cluster",
                f"no cluster {number}",
                "See the numbers with: gem-explorer info DIR",
            )
        return self.clusters[self._index[number]]

    def group(self, number: int) -> Group:
        """Return the group of this number.

        Raises
        ------
        WorkspaceError
            If there is none.
        """
        for group in self.groups:
            if group.number == number:
                return group
        raise WorkspaceError(
            "The taxonomy must hold the group", f"no group {number}", "See the groups with: gem-explorer info DIR"
        )

    @property
    def has_path(self) -> bool:
        """Whether the balance path of its fit has been computed."""
        return self._path_file.exists()

    @cached_property
    def path(self) -> BalancePath:
        """The balance path around the fit it was made from, before any edit."""
        with reading_part(self.root, self._part("path.npz", self.base)):
            return read_path(self._path_file)

    def save_path(self, balance: BalancePath) -> None:
        """Write the balance path beside the fit."""
        write_path(self._path_file, balance)

    @property
    def _path_file(self) -> Path:
        return self.folder.parent / self.base / "path.npz"


PARTS = ("mixture.npz", "documents.parquet")
#: Names of fields in taxonomy.json that differ from those of the classes: files of older versions stay readable.
_FILE_NAMES = {"groups": "parents", "group": "parent", "color": "colour"}
_FIELD_NAMES = {written: field for field, written in _FILE_NAMES.items()}


def write_taxonomy(folder: Path, taxonomy: Taxonomy, parts: tuple[MixtureFit, pd.DataFrame] | Path) -> None:
    """Fill `folder` (a temporary one) with a taxonomy.

    `parts` are its mixture and its documents, or the folder of a taxonomy that has the same ones.
    """
    if isinstance(parts, Path):
        for name in PARTS:
            _share(parts / name, folder / name)
    else:
        write_fit(folder / PARTS[0], parts[0])
        write_parquet(folder / PARTS[1], parts[1])
    value = _renamed_keys(asdict(taxonomy), _FILE_NAMES)
    value["clusters"] = [_renamed_keys(cluster, _FILE_NAMES) for cluster in value["clusters"]]
    value["parents"] = [_renamed_keys(group, _FILE_NAMES) for group in value["parents"]]
    value["settings"] = taxonomy.settings.to_json()
    del value["folder"]
    write_json(folder / "taxonomy.json", value)
    write_json(folder / HASHES, hash_folder(folder))


def _renamed_keys(value: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(key, key): item for key, item in value.items()}


def _share(old: Path, new: Path) -> None:
    try:
        os.link(old, new)  # never written again, so two names for one file are safe
    except OSError:  # a file system without links
        shutil.copyfile(old, new)


def read_taxonomy(folder: Path) -> Taxonomy:
    """Read what `write_taxonomy` wrote."""
    root, part = folder.parent.parent, f"fits/{folder.name}/taxonomy.json"
    with reading_part(root, part):
        return _parse_taxonomy(folder, json.loads((folder / "taxonomy.json").read_text(encoding="utf-8")))


def _parse_taxonomy(folder: Path, value: dict[str, Any]) -> Taxonomy:
    clusters = tuple(
        Cluster(
            **{
                **_renamed_keys(c, _FIELD_NAMES),
                "keywords": tuple((t, s) for t, s in c["keywords"]),
                "exemplars": tuple(c["exemplars"]),
                "borderline": tuple(c["borderline"]),
                "atypical": tuple(c["atypical"]),
            }
        )
        for c in value.pop("clusters")
    )
    groups = tuple(
        Group(**{**_renamed_keys(g, _FIELD_NAMES), "children": tuple(g["children"])}) for g in value.pop("parents")
    )
    return Taxonomy(
        clusters=clusters,
        groups=groups,
        folder=folder,
        settings=Settings.from_json(value.pop("settings")),
        costs=tuple(StepCost(**c) for c in value.pop("costs")),
        **value,
    )
