"""Home folder of the app: uploads and new workspaces, always inside it."""

import hashlib
import re
import unicodedata
from pathlib import Path

from gem_core.errors import InputError
from gem_core.pipeline import home
from gem_core.workspace.atomic_files import write_whole

RESERVED = ("sample", "jobs", "uploads")
LONGEST = 60


def safe_name(text: str) -> str:
    """Return a file name that stays inside its folder on every system: letters, digits, '-', '_', '.', blanks.

    Examples
    --------
    >>> safe_name("../../etc/passwd"), safe_name("news 2024.csv"), safe_name("<b>.csv")
    ('etc-passwd', 'news 2024.csv', 'b-.csv')
    """
    flat = re.sub(r"[^\w. -]+", "-", unicodedata.normalize("NFC", text)).strip("-. ")
    suffix = "".join(Path(flat).suffixes[-2:])
    if len(flat) <= LONGEST or len(suffix) > 20:
        return flat[:LONGEST].rstrip("-. ")
    return flat[: LONGEST - len(suffix)].rstrip("-. ") + suffix


def suggested_name(path: Path) -> str:
    """Return a name for a workspace of this corpus that no workspace has yet."""
    stem = safe_name(path.name.split(".")[0]) or "corpus"
    names = [stem, *(f"{stem}-{number}" for number in range(2, 1000))]
    return next((name for name in names if name not in RESERVED and not (home() / name).exists()), stem)


def new_workspace(name: str) -> Path:
    """Return the folder for a workspace of this name.

    Raises
    ------
    InputError
        If the name is empty, would leave the home folder, or is taken.
    """
    name = name.strip()
    if not name or safe_name(name) != name:
        raise InputError(
            f"A workspace's name holds 1 to {LONGEST} letters, digits, blanks, '-', '_' or '.'",
            repr(name),
            f"For example {safe_name(name) or 'my corpus'}",
        )
    root = (home() / name).resolve()
    if root.parent != home().resolve():
        raise InputError("A workspace lies inside the home folder", repr(name), "Choose a name without a path")
    if name.lower() in RESERVED or root.exists():
        raise InputError("Every workspace has a name of its own", f"{name!r}, which is taken", "Choose another name")
    return root


def keep_upload(name: str, data: memoryview | bytes) -> Path:
    """Write an upload under the home folder and return its path; the same bytes are kept once.

    Raises
    ------
    WorkspaceError
        If the folder cannot be written or the disk is full.
    """
    digest = hashlib.sha256(data).hexdigest()[:12]
    path = home() / "uploads" / digest / (safe_name(name) or "upload")
    if not path.exists():
        write_whole(path, lambda temporary: _write(temporary, data))
    return path


def _write(path: Path, data: memoryview | bytes) -> None:
    path.write_bytes(data)
