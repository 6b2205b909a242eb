"""gem-explorer export: a taxonomy as files."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gem_core.commands._options import Json, WorkspaceArg, clean


def export(workspace: WorkspaceArg,
           out: Annotated[Path, typer.Option(metavar="OUT", help="folder for the files, made if absent")],
           as_json: Json = False) -> None:
    """Write taxonomy.csv, assignments.csv and .parquet, weights.csv and receipt.json."""
    from gem_core.export import export as write
    from gem_core.workspace import Workspace

    files = [str(written) for written in write(Workspace(workspace), out)]
    typer.echo(json.dumps({"files": files}, indent=1) if as_json else "\n".join(map(clean, files)))
