"""gem-explorer app: start the app and open it in the browser."""

import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from gem_core._bundled import bundled
from gem_core._progress import Console
from gem_core.commands._options import workspace_path
from gem_core.errors import InputError


def open_app(
    workspace: Annotated[
        Path | None, typer.Option(parser=workspace_path, metavar="DIR", help="workspace; the sample if left out")
    ] = None,
    port: Annotated[int | None, typer.Option(help="port; the first free one from 8501", min=1, max=65535)] = None,
    headless: Annotated[bool, typer.Option("--headless", help="do not open a browser")] = False,
    host: Annotated[str, typer.Option(help="address to listen on; 0.0.0.0 lets other machines connect")] = "127.0.0.1",
    base_path: Annotated[str, typer.Option(help="path of the app behind a proxy, such as gem")] = "",
    read_only: Annotated[bool, typer.Option("--read-only", help="read-only: no workspace can be changed")] = False,
) -> None:
    """Open the app in the browser, on the built-in sample or on a workspace.

    Only the printed address opens it: its token keeps out the other accounts of this machine. The token is new at
    every start; set GEM_EXPLORER_TOKEN to choose it.
    """
    from gem_core.pipeline import open_sample
    from gem_core.workspace import Workspace
    from gem_core.workspace.store import READ_ONLY

    free_port = _free_port(port, host)
    script = bundled("app/main.py")
    if workspace is None and read_only:  # Otherwise the app builds the sample itself, while the browser starts.
        console = Console()
        workspace = open_sample(progress=console).root
        console.end()
    chosen_workspace = ["--workspace", str(Workspace(workspace).root)] if workspace else []
    environment = {
        **os.environ,
        "GEM_EXPLORER_PORT": str(free_port),
        "GEM_EXPLORER_HOST": host,
        "GEM_EXPLORER_BASE_PATH": base_path.strip("/"),
        "GEM_EXPLORER_TOKEN": os.environ.get("GEM_EXPLORER_TOKEN") or secrets.token_urlsafe(24),
        "GEM_EXPLORER_BROWSER": "" if headless or not sys.stdout.isatty() else "1",
    }
    if read_only:
        environment[READ_ONLY] = "1"
    command = [sys.executable, str(script.with_name("server.py")), *chosen_workspace]
    os.chdir(script.parent.parent)  # Streamlit reads its configuration from the folder that holds .streamlit.
    sys.stdout.flush()
    # The server replaces this process: a signal reaches it, and no child process is left behind.
    os.execve(command[0], command, environment)


def _free_port(requested_port: int | None, host: str) -> int:
    for port in [requested_port] if requested_port else range(8501, 8600):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise InputError(
        "The port must be free for the app",
        f"{requested_port or '8501 to 8599'}, in use or not allowed",
        "Choose another one: gem-explorer app --port 8700",
    )
