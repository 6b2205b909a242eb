"""gem-explorer mcp: tools for an agent, over standard input and output."""

import os
from pathlib import Path
from typing import Annotated

import typer

from gem_core.commands._options import WorkspaceArg, workspace_path
from gem_core.errors import InputError


def serve_agent(
    workspace: WorkspaceArg,
    allow_edits: Annotated[
        bool, typer.Option("--allow-edits", help="offer the tools that edit the taxonomy and save goals and mixes")
    ] = False,
    export_folder: Annotated[
        Path | None,
        typer.Option(
            parser=workspace_path, metavar="FOLDER", help="the only folder that files are exported to; none if left out"
        ),
    ] = None,
) -> None:
    """Let an agent read, search and compare a workspace over the Model Context Protocol (standard input and output).

    Without further options nothing can be changed. Each edit is one step of the history, marked as an agent's.
    """
    from gem_core.workspace.store import READ_ONLY

    try:
        import mcp  # noqa: F401  # Tested first, so that its absence has a message of its own.
    except ImportError as error:
        raise InputError(
            "gem-explorer mcp needs the package mcp", "none", 'Install it: pip install "gem-explorer[mcp]"'
        ) from error
    from gem_core.commands.agents.server import create_server
    from gem_core.commands.agents.session import AgentSession

    if not allow_edits:
        os.environ[READ_ONLY] = "1"  # The workspace itself refuses changes too.
    create_server(AgentSession(workspace, allow_edits=allow_edits, export_folder=export_folder)).run("stdio")
