"""JavaScript modules of the globe that the app and the HTML report share: geometry, pixels and label text."""

import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["SHARED_MODULES", "join_modules"]

_FOLDER = Path(__file__).parent
SHARED_MODULES = tuple(_FOLDER / name for name in ("geometry.js", "pixels.js", "label_text.js"))
_IMPORT = re.compile(r"^import\s[^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:class|const|function) (?!default))", re.MULTILINE)


def join_modules(paths: Sequence[Path]) -> str:
    """Join ES modules into one script: imports of each other are dropped, and only a default export stays.

    Parameters
    ----------
    paths : sequence of Path
        Modules in the order of their dependencies. Their top-level names must differ.
    """
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", path.read_text(encoding="utf-8"))) for path in paths)
