"""gem-explorer app: the app in the browser."""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from gem_core._bundled import bundled
from gem_core._progress import Console
from gem_core.errors import InputError


def open_app(
    workspace: Annotated[Path | None, typer.Option(metavar="DIR", help="workspace; the sample if left out")] = None,
    port: Annotated[
        int | None, typer.Option(help="port on this machine; the first free one from 8501", min=1, max=65535)
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="do not open a browser")] = False,
) -> None:
    """Open the app in the browser, on the built-in sample or on a workspace."""
    from gem_core.pipeline import open_sample
    from gem_core.workspace import Workspace

    chosen = _free_port(port)
    script = bundled("app/main.py")
    console = Console()
    root = Workspace(workspace).root if workspace else open_sample(progress=console).root
    console.end()
    command = [
        sys.executable,
        str(script.with_name("server.py")),
        "run",
        str(script),
        "--server.port",
        str(chosen),
        "--server.headless",
        str(headless or not sys.stdout.isatty()).lower(),
        "--",
        "--workspace",
        str(root),
    ]
    os.chdir(script.parent.parent)  # Streamlit reads its configuration from the folder that holds .streamlit.
    sys.stdout.flush()
    os.execv(command[0], command)  # the server takes this process's place: a signal reaches it, nothing is orphaned


def _free_port(wanted: int | None) -> int:
    for port in [wanted] if wanted else range(8501, 8600):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise InputError(
        "The port must be free for the app",
        f"{wanted or '8501 to 8599'}, in use or not allowed",
        "Choose another one: gem-explorer app --port 8700",
    )
