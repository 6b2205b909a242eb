"""Find the app and the sample corpus: inside the installed package, or beside it in a source tree."""

from pathlib import Path

from gem_core.errors import WorkspaceError


def bundled(name: str) -> Path:
    """Return the path of a file or folder that ships with the package, for example ``app/main.py``.

    The wheel carries ``app``, ``sample_data`` and ``.streamlit`` under ``gem_core/_bundle``; a source tree has them
    beside ``gem_core``.

    Raises
    ------
    WorkspaceError
        If the installation lacks it.
    """
    package = Path(__file__).parent
    for root in (package / "_bundle", package.parent):
        if (root / name).exists():
            return root / name
    raise WorkspaceError(
        f"The installed package must contain {name}", f"none under {package}", "Install gem-explorer again"
    )
