"""gem-explorer edit: edit the taxonomy, undo, redo, and replay recorded edits."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gem_core._progress import Console
from gem_core.commands._options import (
    Json,
    WorkspaceArg,
    clean,
    input_path,
    print_facts,
    workspace_facts,
)
from gem_core.errors import InputError

if TYPE_CHECKING:
    from gem_core.pipeline.editing.operations import Op
    from gem_core.workspace import Workspace

Cluster = Annotated[int, typer.Argument(metavar="CLUSTER", help="number of a cluster, as info shows it")]
Clusters = Annotated[list[int], typer.Argument(metavar="CLUSTER...", help="numbers of clusters, as info shows them")]


def _do(workspace: Path, *ops: "Op", as_json: bool) -> None:
    from gem_core.pipeline import edit
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    console = Console()
    edit(opened, *ops, made_on=opened.taxonomy().key, progress=console)
    console.end()
    _print_result(opened, as_json)


def _print_result(workspace: "Workspace", as_json: bool) -> None:
    if as_json:
        print_facts(workspace_facts(workspace, workspace.taxonomy()), as_json)
        return
    present = workspace.history().present
    typer.echo(clean(present.sentence if present else "Nothing has been fitted yet"))


def rename(
    workspace: WorkspaceArg,
    cluster: Cluster,
    label: Annotated[str, typer.Argument(metavar="LABEL")],
    group: Annotated[bool, typer.Option("--group", help="CLUSTER is the number of a group")] = False,
    as_json: Json = False,
) -> None:
    """Give a cluster, or a group, another label."""
    from gem_core.pipeline import Rename

    _do(workspace, Rename("parent" if group else "cluster", cluster, label), as_json=as_json)


def merge(workspace: WorkspaceArg, clusters: Clusters, as_json: Json = False) -> None:
    """Merge clusters; the result has the number of the largest and is pinned."""
    from gem_core.pipeline import Merge

    _do(workspace, Merge(tuple(clusters)), as_json=as_json)


def split(
    workspace: WorkspaceArg,
    cluster: Cluster,
    into: Annotated[
        int | None,
        typer.Option(help="number of parts; as many as the cluster has subtopics, or 2, when left out", min=2),
    ] = None,
    seed: Annotated[int, typer.Option(help="seed of the fit inside the cluster")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the parts and change nothing")] = False,
    as_json: Json = False,
) -> None:
    """Split a cluster by a fit of its documents; the parts are pinned."""
    from gem_core.pipeline import propose_split
    from gem_core.pipeline.labels.subtopics import count_subtopics, split_parts
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    taxonomy = opened.taxonomy()
    into = into or count_subtopics(opened, taxonomy, cluster) or 2
    if not dry_run:
        _do(workspace, propose_split(opened, taxonomy, cluster, into, seed=seed), as_json=as_json)
        return
    parts = [
        {"label": part.label, "documents": part.documents, "share": part.share, "keywords": list(part.keywords)}
        for part in split_parts(opened, taxonomy, cluster, into, seed=seed)
    ]
    if as_json:
        typer.echo(json.dumps(parts, indent=1))
        return
    for part in parts:
        typer.echo(clean(f"{part['share']:>7.1%}  {part['label']}"))


def move(
    workspace: WorkspaceArg,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="document ids")],
    to: Annotated[int | None, typer.Option(help="number of the cluster; a new one when left out")] = None,
    as_json: Json = False,
) -> None:
    """Move documents to another cluster, which is pinned, or to a new one."""
    from gem_core.pipeline import Move
    from gem_core.pipeline.search.document_ids import rows_of_ids
    from gem_core.workspace import Workspace

    rows = rows_of_ids(Workspace(workspace), ids)
    _do(workspace, Move(tuple(rows), to), as_json=as_json)


def regroup(
    workspace: WorkspaceArg,
    cluster: Cluster,
    group: Annotated[int | None, typer.Option(help="number of the group; a new one when left out")] = None,
    as_json: Json = False,
) -> None:
    """Move a cluster to another group, or to a new one."""
    from gem_core.pipeline import Regroup

    _do(workspace, Regroup(cluster, group), as_json=as_json)


def pin(
    workspace: WorkspaceArg,
    cluster: Cluster,
    off: Annotated[bool, typer.Option("--off", help="unpin it")] = False,
    as_json: Json = False,
) -> None:
    """Pin a cluster: a refit keeps its documents together."""
    from gem_core.pipeline import Pin

    _do(workspace, Pin(cluster, not off), as_json=as_json)


def exclude(
    workspace: WorkspaceArg,
    clusters: Clusters,
    off: Annotated[bool, typer.Option("--off", help="include them again")] = False,
    as_json: Json = False,
) -> None:
    """Leave clusters out of shares and weights; they are pinned."""
    from gem_core.pipeline import Exclude

    _do(workspace, Exclude(tuple(clusters), not off), as_json=as_json)


def note(
    workspace: WorkspaceArg,
    cluster: Cluster,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="what to write; empty removes the note")],
    as_json: Json = False,
) -> None:
    """Write a note on a cluster; it goes into exports and the report."""
    from gem_core.pipeline import Note

    _do(workspace, Note(cluster, text), as_json=as_json)


def check(
    workspace: WorkspaceArg,
    cluster: Cluster,
    off: Annotated[bool, typer.Option("--off", help="remove the mark")] = False,
    as_json: Json = False,
) -> None:
    """Mark a cluster as checked by a person."""
    from gem_core.pipeline import Check

    _do(workspace, Check(cluster, not off), as_json=as_json)


def undo(workspace: WorkspaceArg, as_json: Json = False) -> None:
    """Undo the last step."""
    _walk(workspace, back=True, as_json=as_json)


def redo(workspace: WorkspaceArg, as_json: Json = False) -> None:
    """Redo the step that was undone."""
    _walk(workspace, back=False, as_json=as_json)


def _walk(workspace: Path, *, back: bool, as_json: bool) -> None:
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    if not (opened.undo() if back else opened.redo()):
        raise InputError(
            f"There must be something to {'undo' if back else 'redo'}",
            "nothing",
            "See the steps with: gem-explorer edit history DIR",
        )
    _print_result(opened, as_json)


def history(workspace: WorkspaceArg, as_json: Json = False) -> None:
    """List the steps of the history, with the current one."""
    from gem_core.workspace import Workspace

    edit_history = Workspace(workspace).history()
    if as_json:
        rows: list[dict[str, Any]] = [
            {"key": s.key, "at": s.at, "sentence": s.sentence, "edits": list(s.edits)} for s in edit_history.steps
        ]
        typer.echo(json.dumps({"position": edit_history.position, "steps": rows}, indent=1))
        return
    for index, step in enumerate(edit_history.steps):
        typer.echo(clean(f"{'>' if index == edit_history.position else ' '} {step.at[:19]}  {step.sentence}"))


def replay(
    workspace: WorkspaceArg,
    file: Annotated[Path, typer.Argument(parser=input_path, metavar="EDITS", help="edits.jsonl of an export")],
    as_json: Json = False,
) -> None:
    """Replay the steps of an edits.jsonl on a workspace of the same corpus."""
    from gem_core.pipeline import replay_steps
    from gem_core.workspace import Workspace

    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "EDITS must be a file of JSON lines", f"{file}: {error}", "Take edits.jsonl from gem-explorer export"
        ) from error
    opened = Workspace(workspace)
    console = Console()
    replay_steps(opened, lines, progress=console)
    console.end()
    _print_result(opened, as_json)


COMMANDS = (
    (
        rename,
        'gem-explorer edit rename news 3 "River floods"    A group: gem-explorer edit rename news 1 Weather --group',
    ),
    (merge, "gem-explorer edit merge news 3 5"),
    (split, "gem-explorer edit split news 3 --into 2 --dry-run"),
    (move, "gem-explorer edit move news doc-17 doc-40 --to 3"),
    (regroup, "gem-explorer edit regroup news 3 --group 1"),
    (pin, "gem-explorer edit pin news 3    Unpin: gem-explorer edit pin news 3 --off"),
    (exclude, "gem-explorer edit exclude news 4 9"),
    (note, 'gem-explorer edit note news 3 "Only from 2019 on"'),
    (check, "gem-explorer edit check news 3    Remove the mark: gem-explorer edit check news 3 --off"),
    (undo, "gem-explorer edit undo news"),
    (redo, "gem-explorer edit redo news"),
    (history, "gem-explorer edit history news --json"),
    (replay, "gem-explorer edit replay news edits.jsonl"),
)
