"""gem-explorer export, report and figure: write a taxonomy as data files, as an HTML page, as an SVG figure."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gem_core._progress import Console
from gem_core.commands._options import (
    Json,
    ProgressFile,
    WorkspaceArg,
    clean,
    write_path,
)


def export(
    workspace: WorkspaceArg,
    out: Annotated[
        Path, typer.Option(parser=write_path, metavar="OUT", help="folder for the files, created if missing")
    ],
    excel: Annotated[
        bool,
        typer.Option(
            "--excel",
            help="CSV for Excel: with a byte-order mark, and an apostrophe before ids that look like formulas",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write taxonomy.csv, assignments.csv and .parquet, weights.csv, edits.jsonl and receipt.json."""
    from gem_core.export import export as write
    from gem_core.workspace import Workspace

    files = [str(written) for written in write(Workspace(workspace), out, excel=excel)]
    typer.echo(json.dumps({"files": files}, indent=1) if as_json else "\n".join(map(clean, files)))


def report(
    workspace: WorkspaceArg,
    out: Annotated[Path, typer.Option(parser=write_path, metavar="FILE", help="the page to write")] = Path(
        "report.html"
    ),
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Write one HTML file that opens offline: map, tree, clusters with exemplars, mix, figures, receipt."""
    from gem_core.export import write_report
    from gem_core.workspace import Workspace

    console = Console(progress_file)
    written = write_report(Workspace(workspace), out, progress=console)
    console.end()
    size = written.stat().st_size
    typer.echo(
        json.dumps({"file": str(written), "bytes": size}, indent=1)
        if as_json
        else clean(f"{written}, {size / 1e6:.1f} MB")
    )


def figure(
    workspace: WorkspaceArg,
    what: Annotated[str, typer.Option(metavar="WHAT", help="globe, map, treemap, path or shares")],
    out: Annotated[Path, typer.Option(parser=write_path, metavar="FILE", help="the SVG to write")] = Path("figure.svg"),
    as_json: Json = False,
) -> None:
    """Write one figure of the taxonomy as SVG for a paper: light, with title and legend, no document text."""
    from gem_core.export.figures import write_figure
    from gem_core.workspace import Workspace

    written = write_figure(Workspace(workspace), what, out)
    typer.echo(json.dumps({"file": str(written)}, indent=1) if as_json else clean(str(written)))
