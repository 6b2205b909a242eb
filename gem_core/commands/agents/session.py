"""What every tool of an agent works with: one workspace, permissions, and one call at a time."""

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any

from gem_core._progress import Console
from gem_core.errors import GemError, InputError
from gem_core.workspace import Taxonomy, Workspace

MAX_DOCUMENTS = 50  # of one answer
MAX_TEXT = 4_000  # characters of one document in one answer
MAX_ANSWER = 20_000  # characters of all documents in one answer
_FILE_NAME = re.compile(r"[A-Za-z0-9][\w-]*(?:\.[\w-]+)*")


class AgentSession:
    """One workspace that an agent works on.

    Parameters
    ----------
    root : Path
        Folder of the workspace.
    allow_edits : bool
        Whether the tools that change the taxonomy, goals or mixes are offered.
    export_folder : Path, optional
        The only folder that files are written to; without it no tool writes files.

    Raises
    ------
    WorkspaceError
        If there is no workspace, or nothing has been fitted in it.
    """

    def __init__(self, root: Path, *, allow_edits: bool = False, export_folder: Path | None = None) -> None:
        self.workspace = Workspace(root)
        self.allow_edits = allow_edits
        self.export_folder = export_folder.expanduser().resolve() if export_folder else None
        self.progress = Console()
        self._calls = Lock()
        self._taxonomy = self.workspace.taxonomy()

    @property
    def taxonomy(self) -> Taxonomy:
        """The present taxonomy; read again after an edit of this or another process."""
        if self.workspace.database.stamp()[0] != self._taxonomy.key:
            self._taxonomy = self.workspace.taxonomy()
        return self._taxonomy

    def run_alone(self, tool: Callable[..., Any]) -> Callable[..., Any]:
        """Return a tool that waits for the calls before it and whose refusals the agent can read."""

        @wraps(tool)
        def call(*arguments: Any, **options: Any) -> Any:
            from mcp.server.mcpserver.exceptions import ToolError

            try:
                with self._calls:
                    return tool(*arguments, **options)
            except GemError as error:
                raise ToolError(str(error)) from error
            finally:
                self.progress.end()

        return call

    def export_path(self, name: str) -> Path:
        """Return the path of a new file or folder directly in the export folder.

        Raises
        ------
        InputError
            If the name could lead elsewhere, or something of that name is there.
        """
        if self.export_folder is None:
            raise InputError(
                "Files are written to the export folder alone",
                "a server without one",
                "Start it with --export-folder FOLDER",
            )
        if not _FILE_NAME.fullmatch(name) or len(name) > 80:
            raise InputError(
                "The name of an export has up to 80 letters, digits, dots, dashes and underscores, no folder",
                repr(name)[:80],
                "Use news-taxonomy or weights.csv, for example",
            )
        path = self.export_folder / name
        if path.is_symlink() or path.exists():
            raise InputError(
                "An export replaces nothing", f"{name}, which exists in the export folder", "Choose another name"
            )
        return path
