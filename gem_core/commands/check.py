"""gem-explorer check: find and rebuild damaged parts of a workspace."""

import json
from typing import Annotated

import typer

from gem_core._progress import Console
from gem_core.commands._options import Json, WorkspaceArg, clean


def check(
    workspace: WorkspaceArg,
    mend: Annotated[bool, typer.Option("--mend", help="rebuild damaged parts")] = False,
    as_json: Json = False,
) -> None:
    """Compare every part of a workspace with its recorded hash; exit status 1 if one is damaged and not rebuilt."""
    from gem_core.pipeline import mend_workspace
    from gem_core.workspace.faults import find_faults

    if mend:
        console = Console()
        faults = mend_workspace(workspace, progress=console)
        console.end()
        remaining_faults = find_faults(workspace) if faults else ()
    else:
        faults = remaining_faults = find_faults(workspace)
    if as_json:
        parts = [{"part": f.part, "reason": f.reason, "rebuilt": f not in remaining_faults} for f in faults]
        typer.echo(json.dumps({"workspace": str(workspace), "damaged": parts}, indent=1))
    else:
        for fault in faults:
            typer.echo(clean(f"{'damaged' if fault in remaining_faults else 'rebuilt'}: {fault.part}: {fault.reason}"))
        if not faults:
            typer.echo("All parts are whole.")
        elif not mend:
            typer.echo(clean(f"Rebuild them: gem-explorer check {workspace} --mend"))
    if remaining_faults:
        raise typer.Exit(1)
