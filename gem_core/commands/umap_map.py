"""gem-explorer umap: a UMAP map of the documents."""

import json

import typer

from gem_core._progress import Console
from gem_core.commands._options import Json, ProgressFile, WorkspaceArg, clean


def umap_map(workspace: WorkspaceArg, as_json: Json = False, progress_file: ProgressFile = None) -> None:
    """Compute a UMAP map of the documents; it is kept in the workspace and shown in Explore."""
    from gem_core.pipeline.building.umap_map import ensure_umap
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    console = Console(progress_file)
    result = ensure_umap(opened, progress=console)
    console.end()
    if as_json:
        facts = {
            "workspace": str(opened.root),
            "documents": len(result.positions),
            "trustworthiness": round(result.trustworthiness, 4),
            "flat_trustworthiness": round(result.flat_trustworthiness, 4),
        }
        typer.echo(json.dumps(facts, indent=1))
        return
    typer.echo(clean(f"UMAP map of {len(result.positions):,} documents in {opened.root}"))
    typer.echo(f"  trustworthiness {result.trustworthiness:.3f}; flat map {result.flat_trustworthiness:.3f}")
