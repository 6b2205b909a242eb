"""gem-explorer rename-auto: names of clusters and groups from a vocabulary."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from gem_core._formatting import percent
from gem_core._progress import Console
from gem_core.commands._options import Json, ProgressFile, Vocabulary, WorkspaceArg, clean


def rename_auto(
    workspace: WorkspaceArg,
    vocabulary: Vocabulary = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the names, change nothing")] = False,
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Name clusters and groups by a vocabulary; names of persons and models stay.

    The vocabulary that is shipped is English. One step of the history: undo takes the names back.
    """
    from gem_core.pipeline import propose_names, rename_automatically
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    console = Console(progress_file)
    names = (propose_names if dry_run else rename_automatically)(opened, vocabulary, progress=console)
    console.end()
    if as_json:
        typer.echo(json.dumps({"workspace": str(opened.root), "dry_run": dry_run, **asdict(names)}, indent=1))
        return
    for number, before, name in names.clusters:
        why = f"{percent(name.coverage)} of its documents" if name.coverage else "from its keywords"
        typer.echo(clean(f"  {number:>4}  {before} -> {name.label} ({'mixed' if name.is_mixed else why})"))
    for number, before, label in names.groups:
        typer.echo(clean(f"  group {number}  {before} -> {label}"))
    for number, label in names.kept_names:
        typer.echo(clean(f"  {number:>4}  {label} kept: named by a person or a model"))
    changed = "would change" if dry_run else "changed"
    typer.echo(clean(f"{names.renames:,} names {changed}, by the vocabulary {names.vocabulary}"))
