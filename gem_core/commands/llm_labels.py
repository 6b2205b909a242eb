"""gem-explorer name: name clusters with a language model."""

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gem_core._progress import Console
from gem_core.commands._options import Json, ProgressFile, WorkspaceArg, clean
from gem_core.errors import InputError

if TYPE_CHECKING:
    from gem_core.llm.endpoint import Endpoint
    from gem_core.pipeline import NamingPlan
    from gem_core.pipeline.labels.llm_labels import LabelOutcome


def name(
    workspace: WorkspaceArg,
    base_url: Annotated[
        str, typer.Option(metavar="URL", help="such as http://localhost:11434/v1; default $GEM_LLM_BASE_URL")
    ] = "",
    model: Annotated[str, typer.Option(metavar="NAME", help="model name on the server; default $GEM_LLM_MODEL")] = "",
    clusters: Annotated[
        str, typer.Option(metavar="NUMBERS", help="only these clusters, such as 1,2; default: all")
    ] = "",
    again: Annotated[bool, typer.Option("--again", help="also clusters that a model named before")] = False,
    groups: Annotated[bool, typer.Option("--groups", help="also the groups of several clusters")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="dry run: show the requests, send nothing")] = False,
    max_tokens: Annotated[int, typer.Option(help="max tokens per answer; a reasoning model needs more", min=1)] = 200,
    timeout: Annotated[float, typer.Option(help="timeout of one answer, in seconds", min=1)] = 120.0,
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Name clusters with a language model (LLM); the API key is read from $GEM_LLM_API_KEY only.

    Any endpoint that speaks the OpenAI protocol will do. A label that a person gave is never asked for. One step of
    the history: undo takes the labels back.
    """
    from gem_core.llm.endpoint import BASE_URL, MODEL, Endpoint
    from gem_core.pipeline import name_clusters, naming_plan
    from gem_core.workspace import Workspace

    numbers = _numbers(clusters)
    opened = Workspace(workspace)
    if dry_run:  # also before an endpoint is chosen
        endpoint_is_set = (base_url or os.environ.get(BASE_URL)) and (model or os.environ.get(MODEL))
        planned_endpoint = (
            Endpoint.from_environment(base_url, model, max_tokens=max_tokens, timeout=timeout)
            if endpoint_is_set
            else None
        )
        _show(naming_plan(opened, numbers, again=again, groups=groups), planned_endpoint, as_json)
        return
    endpoint = Endpoint.from_environment(base_url, model, max_tokens=max_tokens, timeout=timeout)
    if endpoint.exposes_key:
        typer.echo(clean(f"The key travels unencrypted to {endpoint.host}: its address begins with http."), err=True)
    console = Console(progress_file)
    naming = name_clusters(opened, endpoint, numbers, again=again, groups=groups, progress=console)
    console.end()
    if as_json:
        typer.echo(json.dumps({"workspace": str(opened.root), **asdict(naming)}, indent=1))
        return
    for label in naming.labels:
        typer.echo(
            clean(
                f"  {_item(label)}  {label.before} -> {label.after}"
                if label.outcome == "named"
                else f"  {_item(label)}  {label.before} kept: {label.note}"
            )
        )
    for number, reason in naming.skipped:
        typer.echo(clean(f"  {number:>4}  not asked: {reason}"))
    typer.echo(clean(f"{naming.requests:,} answers from {naming.model} at {naming.host}"))


def _item(label: "LabelOutcome") -> str:
    return f"group {label.number}" if label.kind == "parent" else f"{label.number:>4}"


def _numbers(text: str) -> list[int] | None:
    try:
        return [int(part) for part in text.split(",")] if text.strip() else None
    except ValueError:
        raise InputError("--clusters must be numbers separated by commas", repr(text), "Write them as 1,2,3") from None


def _show(plan: "NamingPlan", endpoint: "Endpoint | None", as_json: bool) -> None:
    """Print every request; nothing is sent."""
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "url": endpoint.url if endpoint else None,
                    "requests": plan.requests,
                    "characters": plan.characters,
                    "questions": [
                        {**asdict(question), "body": endpoint.body(question.messages) if endpoint else None}
                        for question in plan.questions
                    ],
                    "skipped": plan.skipped,
                },
                indent=1,
            )
        )
        return
    for question in plan.questions:
        what = "group" if question.kind == "parent" else "cluster"
        typer.echo(clean(f"--- {what} {question.number}: {question.label}"))
        for line in question.text.split("\n"):
            typer.echo(clean(line))
    for number, reason in plan.skipped:
        typer.echo(clean(f"--- cluster {number} is skipped: {reason}"))
    where = f"to {endpoint.url}" if endpoint else "to the base URL you give"
    typer.echo(
        clean(
            f"{plan.requests:,} requests with {plan.characters:,} characters would be sent {where}. Nothing was sent."
        )
    )
