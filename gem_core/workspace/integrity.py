"""Damage in a workspace: hashes of its parts, and one wording for a part that cannot be read."""

import hashlib
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import pyarrow as pa

from gem_core.errors import DamageError, WorkspaceError

#: Files of the corpus and of what is computed from it once; `manifest.json` holds their hashes.
PARTS = (
    "documents.parquet",
    "refused.parquet",
    "embeddings.npy",
    "terms/terms.json",
    "terms/terms.npz",
    "openings.arrow",
    "sphere.npy",
    "flat.npy",
)
HASHES = "hashes.json"  # beside the files of a taxonomy
#: Errors of reading a damaged file; zipfile raises RuntimeError where flipped bits ask for a version or a password.
DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    RuntimeError,
    BadZipFile,
    zlib.error,
    pa.lib.ArrowException,
)


@dataclass(frozen=True)
class Fault:
    """One damaged part of a workspace: its path inside the workspace, and what is wrong with it."""

    part: str
    reason: str


def damaged(root: Path, part: str, reason: object) -> DamageError:
    """Return the refusal of a part that is missing or cannot be read; it names the command that rebuilds it."""
    words = " ".join(str(reason).split())[:200] or type(reason).__name__
    return DamageError(
        "Every part of a workspace must be whole",
        f"{root / part}: {words}",
        f"Rebuild it: gem-explorer check {root} --mend",
    )


@contextmanager
def reading_part(root: Path, part: str) -> Iterator[None]:
    """Turn every error of reading a part into a refusal that names the part and the way out.

    Raises
    ------
    WorkspaceError
        If the part is missing, empty or damaged.
    """
    try:
        yield
    except WorkspaceError:
        raise
    except FileNotFoundError:
        raise damaged(root, part, "missing") from None
    except DAMAGE as error:
        empty = (root / part).is_file() and not (root / part).stat().st_size
        raise damaged(root, part, "empty" if empty else error) from error


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_folder(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file of a folder by name; `hashes.json` itself and temporary files are left out."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: hash_file(path) for path in files if path.name != HASHES and not path.name.startswith(".")}


def find_changed(folder: Path, hashes: dict[str, str]) -> tuple[Fault, ...]:
    """Return the files of a folder that are missing, empty or differ from their recorded hash."""
    faults = []
    for part, recorded in hashes.items():
        path = folder / part
        if not path.is_file():
            faults.append(Fault(part, "missing"))
        elif not path.stat().st_size:
            faults.append(Fault(part, "empty"))
        elif hash_file(path) != recorded:
            faults.append(Fault(part, "its content differs from what was written"))
    return tuple(faults)


def read_hashes(folder: Path) -> dict[str, str] | None:
    """Return the hashes recorded beside the files of a taxonomy; None when there are none, as before version 0.3."""
    try:
        value = json.loads((folder / HASHES).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {HASHES: ""}  # A damaged list of hashes is itself a fault.
    return {str(name): str(recorded) for name, recorded in value.items()} if isinstance(value, dict) else {HASHES: ""}
