"""gem-explorer assign, add: documents that come after the fit."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gem_core._progress import Console
from gem_core.commands._options import (
    Embeddings,
    IdColumn,
    Json,
    ProgressFile,
    TextColumn,
    WorkspaceArg,
    clean,
    input_path,
    workspace_facts,
    write_path,
)
from gem_core.errors import InputError

SUFFIXES = (".parquet", ".csv")


def assign(
    workspace: WorkspaceArg,
    documents: Annotated[
        Path | None,
        typer.Argument(parser=input_path, metavar="[DOCUMENTS]", help="a file or folder of documents, as for fit"),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", parser=write_path, metavar="FILE", help="table to write: .parquet or .csv")
    ] = Path("assigned.parquet"),
    embeddings: Embeddings = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Assign new documents to the clusters of the present taxonomy, edits included; DIR is not changed.

    The table has one row per document: id, cluster_id, label, group, margin, posterior, cosine, second, excluded,
    fits_badly.
    """
    from gem_core.export.safe_csv import csv_text
    from gem_core.pipeline import assign_documents, source_like
    from gem_core.workspace import Workspace
    from gem_core.workspace.atomic_files import check_output, write_parquet, write_text

    if out.suffix not in SUFFIXES:
        raise InputError(f"--out must end in {' or '.join(SUFFIXES)}", out.name, "Choose another name")
    if documents is None and embeddings is None:
        raise InputError("assign takes documents or vectors", "neither", "Give a corpus file, or --embeddings FILE")
    check_output(out)
    opened = Workspace(workspace)
    source = None
    if documents is not None:
        source = source_like(opened, documents, text=text_column or "", id=id_column or "", vectors=embeddings)
    console = Console(progress_file)
    table = assign_documents(opened, source, vectors=None if source else embeddings, progress=console)
    console.end()
    if out.suffix == ".csv":
        write_text(out, csv_text(table))
    else:
        write_parquet(out, table)
    poor = int(table["fits_badly"].sum())
    if as_json:
        typer.echo(json.dumps({"out": str(out), "documents": len(table), "fits_badly": poor}, indent=1))
        return
    typer.echo(clean(f"{len(table):,} documents assigned, {poor:,} fit badly: {out}"))


def add(
    workspace: WorkspaceArg,
    documents: Annotated[
        Path, typer.Argument(parser=input_path, metavar="DOCUMENTS", help="a file or folder of documents, as for fit")
    ],
    embeddings: Embeddings = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Add documents to a workspace; texts that it holds are skipped, clusters, names and history stay.

    An addition cannot be undone: undo and redo change clusters, not documents.
    """
    from gem_core.pipeline import add_documents, source_like
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    source = source_like(opened, documents, text=text_column or "", id=id_column or "", vectors=embeddings)
    console = Console(progress_file)
    result = add_documents(opened, source, progress=console)
    console.end()
    opened = Workspace(workspace)
    if as_json:
        counts = {
            "documents": len(result.table),
            "skipped": result.skipped,
            "refused": result.refused,
            "fits_badly": result.poor,
            "suggests_refit": result.suggests_refit,
        }
        typer.echo(json.dumps({**workspace_facts(opened, opened.taxonomy()), "added": counts}, indent=1))
        return
    typer.echo(f"{len(result.table):,} documents added, {result.skipped:,} skipped as known; {len(opened):,} in all.")
    for reason, count in result.refused.items():
        typer.echo(clean(f"  refused: {count:,} {reason}"))
    if len(result.table):
        typer.echo(
            f"{result.poor:,} of the added documents fit badly: refit?"
            if result.suggests_refit
            else f"{result.poor:,} of the added documents fit badly; no refit is needed for them."
        )
