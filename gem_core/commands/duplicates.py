"""gem-explorer duplicates: near-duplicate documents as groups."""

import json
import os
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


def duplicates(
    workspace: WorkspaceArg,
    threshold: Annotated[float, typer.Option(help="cosine from which two documents are joined")] = 0.95,
    out: Annotated[
        Path | None, typer.Option(parser=write_path, metavar="FILE", help="write the groups to a .csv file")
    ] = None,
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Find groups of near-duplicate documents; the result is saved in the workspace."""
    from gem_core.export.safe_csv import write_csv
    from gem_core.export.selected import duplicates_table
    from gem_core.pipeline.search.near_duplicates import find_duplicates
    from gem_core.workspace import Workspace
    from gem_core.workspace.atomic_files import check_output

    opened = Workspace(workspace)
    if out is not None:
        check_output(out)
    console = Console(progress_file)
    # A file can be written from a workspace that only others may write.
    keep = out is None or os.access(opened.root, os.W_OK)
    groups = find_duplicates(opened, threshold, keep=keep, progress=console)
    console.end()
    if out is not None:
        write_csv(out, duplicates_table(opened, groups))
    sizes = groups.sizes
    facts = {
        "workspace": str(opened.root),
        "threshold": threshold,
        "groups": len(sizes),
        "documents": len(groups.rows),
        "extra": groups.extra,
        "of": groups.documents,
        "largest": int(sizes[0]) if len(sizes) else 0,
        "file": str(out) if out else None,
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    typer.echo(clean(f"{len(sizes):,} groups of near-duplicates at cosine {threshold:g} or more in {opened.root}"))
    typer.echo(
        f"  {len(groups.rows):,} of {groups.documents:,} documents are in groups of at most {facts['largest']:,}; "
        f"removing duplicates would drop {groups.extra:,} documents"
    )
    if out is not None:
        typer.echo(clean(f"  written to {out}"))
    if not keep:
        typer.echo(clean(f"  not saved in {opened.root}, which cannot be written"))
