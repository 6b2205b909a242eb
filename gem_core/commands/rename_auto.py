"""gem-explorer rename-auto, group and stop-words: automatic names from a vocabulary, regrouping, stop words."""

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
    """Name clusters and groups from a vocabulary; names given by a person or a model are kept.

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


def group(
    workspace: WorkspaceArg,
    count: Annotated[int, typer.Option(help="number of groups; default: chosen automatically", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Regroup the clusters; a group with unchanged clusters keeps its name.

    One step of the history: undo takes the groups back.
    """
    from gem_core.pipeline import edit
    from gem_core.pipeline.labels.group_again import propose_groups
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    console = Console()
    taxonomy = edit(opened, propose_groups(opened, count, progress=console), progress=console)
    console.end()
    if as_json:
        groups = [{"number": g.number, "label": g.label, "clusters": list(g.children)} for g in taxonomy.groups]
        typer.echo(json.dumps(groups, indent=1, ensure_ascii=False))
        return
    for parent in taxonomy.groups:
        typer.echo(clean(f"  group {parent.number}  {parent.label}"))
        for number in parent.children:
            typer.echo(clean(f"  {number:>10}  {taxonomy.cluster(number).label}"))


def stop_words(
    workspace: WorkspaceArg,
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORD]...", help="words to add")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="remove the words instead")] = False,
    as_json: Json = False,
) -> None:
    """List, add or remove stop words of keywords and of names made of keywords.

    When the list changes, clusters and groups that no person and no model named get new names.
    """
    from gem_core.pipeline.labels.rename_auto import change_stop_words
    from gem_core.workspace import Workspace

    console = Console()
    changes = {"remove" if remove else "add": words or []}
    present = change_stop_words(Workspace(workspace), **changes, progress=console)
    console.end()
    if as_json:
        typer.echo(json.dumps(list(present), ensure_ascii=False))
        return
    typer.echo(clean("\n".join(present) if present else "No own stop words"))
