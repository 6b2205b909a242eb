"""Manifest of a workspace: contents, source, settings, hashes of its parts, versions."""

import json
import platform
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gem_core._version import __version__
from gem_core.errors import WorkspaceError
from gem_core.workspace.atomic_files import write_json
from gem_core.workspace.integrity import PARTS, damaged, hash_file

FORMAT = 3
READABLE = (2, 3)  # format 2 has no hashes; it becomes 3 when it is written next
BACKUP = "manifest.backup.json"  # what a damaged manifest.json is restored from
FILE = "manifest.json"
LIBRARIES = (
    "numpy",
    "scipy",
    "torch",
    "scikit-learn",
    "faiss-cpu",
    "umap-learn",
    "pandas",
    "pyarrow",
    "sentence-transformers",
    "streamlit",
    "plotly",
)


@dataclass(frozen=True)
class StepCost:
    """Cost of one step: wall seconds, passes over the documents, peak memory in MiB while it ran (`CostBook`)."""

    step: str
    seconds: float
    passes: int
    peak_memory_mib: float


@dataclass(frozen=True)
class Manifest:
    """What a workspace holds.

    Attributes
    ----------
    name : str
        What the app calls the corpus.
    source : str
        Path of the corpus file as given.
    data_hash : str
        sha256 over ids and texts in order.
    documents, tokens, dimension : int
        Sizes; `dimension` is 0 until the documents have vectors.
    tokens_from : str
        Where token counts come from: a column, the encoder's tokenizer, or words x 1.3.
    columns : dict
        Which source column plays which part.
    encoder : str
        What made the vectors.
    refused : dict
        Reason code to number of refused rows.
    costs : tuple of StepCost
        Cost of each step that belongs to the corpus (fits carry their own).
    notes : tuple of str
        What reading the corpus found: empty and skipped files, an id column that was not unique; and that the map of a
        large corpus was laid out from a sample.
    options : dict
        Options of reading and embedding that are not the usual ones, by their names on the command line with
        underscores: min_words, split, encoding, no_header, longest_row, prompt, query_prompt, max_tokens; id_guessed
        where a guessed id column gave way to file and row.
    additions : tuple of dict
        What `pipeline.add_documents` appended, oldest first: source, vectors (a file or None), columns, options,
        documents, and data_hash as it was before.
    hashes : dict
        Part to the sha256 of its file (`integrity.PARTS`).
    """

    name: str
    source: str
    data_hash: str
    documents: int
    tokens: int
    tokens_from: str
    columns: dict[str, str | None]
    refused: dict[str, int]
    encoder: str = ""
    dimension: int = 0
    costs: tuple[StepCost, ...] = ()
    notes: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=lambda: versions())
    additions: tuple[dict[str, Any], ...] = ()
    hashes: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def vectors_from(self) -> str:
        """Encoder settings of the vectors: encoder, prompts and input length where they differ from its own."""
        options = {name: self.options[name] for name in ("prompt", "max_tokens") if name in self.options}
        return f"{self.encoder} {json.dumps(options, sort_keys=True)}" if options else self.encoder

    @property
    def first_hash(self) -> str:
        """`data_hash` of the corpus that the workspace was made from, before documents were added."""
        return str(self.additions[0]["data_hash"]) if self.additions else self.data_hash

    def with_cost(self, cost: StepCost) -> "Manifest":
        """Return a copy in which `cost` replaces any earlier cost of the same step."""
        other_costs = tuple(c for c in self.costs if c.step != cost.step)
        return replace(self, costs=(*other_costs, cost))

    def save(self, root: Path) -> None:
        """Write the manifest and its backup into a workspace folder; parts without a hash get one."""
        present = [part for part in PARTS if (root / part).is_file()]
        hashes = {part: self.hashes.get(part) or hash_file(root / part) for part in present}
        value = asdict(replace(self, hashes=hashes))
        write_json(root / BACKUP, value)
        write_json(root / FILE, value)

    def without_hashes(self, *parts: str) -> "Manifest":
        """Return a copy that has no hash for parts that are written again; `save` records the new ones."""
        return replace(self, hashes={part: value for part, value in self.hashes.items() if part not in parts})


def versions() -> dict[str, str]:
    """Versions of Python, gem-explorer and the libraries that touch the numbers."""
    version_of = {"python": platform.python_version()}
    for name in ("gem-explorer", *LIBRARIES):
        try:
            version_of[name] = version(name)
        except ModuleNotFoundError:  # run from a source tree that was never installed
            version_of[name] = "not installed"
    return version_of


def read_manifest(root: Path) -> Manifest:
    """Read the manifest of a workspace.

    Raises
    ------
    WorkspaceError
        If the folder holds no workspace, a damaged one, or one of a newer format.
    """
    path = root / FILE
    if not path.is_file():
        if (root / BACKUP).is_file():
            raise damaged(root, FILE, "missing")
        raise WorkspaceError(
            "A workspace is a folder with a manifest.json",
            f"{root}, which has none",
            "Make one with: gem-explorer fit CORPUS --workspace DIR",
        )
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        number = int(value["format"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise damaged(root, FILE, f"not the JSON that gem-explorer wrote ({error})") from error
    if number not in READABLE:
        hint = (
            "Open it with the newer gem-explorer that wrote it: pip install --upgrade gem-explorer"
            if number > FORMAT
            else "Build it again: gem-explorer fit CORPUS --workspace NEWDIR"
        )
        written_by = dict(value.get("versions") or {}).get("gem-explorer", "an unknown version")
        raise WorkspaceError(
            f"gem-explorer {__version__} reads workspaces of format {' or '.join(map(str, READABLE))}",
            f"format {number}, written by gem-explorer {written_by}, at {root}",
            hint,
        )
    try:
        value["notes"], value["additions"] = tuple(value.get("notes", ())), tuple(value.get("additions", ()))
        value["costs"] = tuple(StepCost(**cost) for cost in value["costs"])
        return Manifest(**{**value, "format": FORMAT})
    except (TypeError, KeyError) as error:
        raise damaged(root, FILE, error) from error
