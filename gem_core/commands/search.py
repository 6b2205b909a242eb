"""gem-explorer search, select, selections: search documents, save a selection, export it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gem_core._progress import Console
from gem_core.commands._options import (
    Json,
    ProgressFile,
    WorkspaceArg,
    clean,
    write_path,
)
from gem_core.errors import InputError

if TYPE_CHECKING:
    from gem_core._types import Float32
    from gem_core.pipeline.search.filters import Column, Filter, Selected
    from gem_core.workspace import Taxonomy, Workspace

OPENING = 100  # characters of a document on a line
Encoder = Annotated[
    str | None,
    typer.Option(help="encoder of your own embeddings; checked, then stored: 'packaged', a folder or a hub name"),
]
Like = Annotated[str | None, typer.Option(metavar="ID", help="similar documents to the one with this id")]
Minimum = Annotated[float | None, typer.Option(help="minimum; also --max-…")]
Maximum = Annotated[float | None, typer.Option(hidden=True)]
Pairs = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="may be given again: one of the values")]


def search(
    workspace: WorkspaceArg,
    words: Annotated[str, typer.Argument(help="search words")],
    meaning: Annotated[bool, typer.Option("--meaning", help="search by meaning (embeddings) instead of words")] = False,
    encoder: Encoder = None,
    limit: Annotated[int, typer.Option(help="max results", min=1)] = 20,
    as_json: Json = False,
) -> None:
    """Search documents by words or by meaning, best first."""
    from gem_core.pipeline.search.filters import Filter, select
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    taxonomy = opened.taxonomy()
    near = _near(opened, words, None, encoder) if meaning else None
    selection = select(opened, taxonomy, Filter() if meaning else Filter(text=words), near=near, limit=limit)
    _say_documents(opened, taxonomy, selection, limit, as_json)


def select(
    workspace: WorkspaceArg,
    name: Annotated[str, typer.Option(help="save the documents under this name")] = "",
    out: Annotated[
        Path | None, typer.Option(parser=write_path, metavar="FILE", help="write them to a .csv file")
    ] = None,
    with_text: Annotated[bool, typer.Option("--with-text", help="with their texts")] = False,
    query: Annotated[str, typer.Option(help="words that the text holds")] = "",
    meaning: Annotated[str, typer.Option(help="documents most similar in meaning to these words")] = "",
    like: Like = None,
    encoder: Encoder = None,
    limit: Annotated[int, typer.Option(help="documents kept by --meaning and --like", min=1)] = 200,
    cluster: Annotated[list[int] | None, typer.Option(help="number of a cluster; may be given again")] = None,
    column: Pairs = None,
    contains: Pairs = None,
    min_tokens: Minimum = None,
    max_tokens: Maximum = None,
    min_margin: Minimum = None,
    max_margin: Maximum = None,
    min_gis: Minimum = None,
    max_gis: Maximum = None,
    saved: Annotated[str, typer.Option(help="only documents of this saved selection")] = "",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Select documents by words, meaning, columns, lengths, scores and clusters; save them, or write a file."""
    from gem_core.pipeline.search.filters import Filter
    from gem_core.workspace import Workspace

    criteria = Filter(
        text=query,
        columns=_columns(column or [], contains or []),
        tokens=(min_tokens, max_tokens),
        margin=(min_margin, max_margin),
        gis=(min_gis, max_gis),
        clusters=tuple(cluster or ()),
        saved=saved,
    )
    opened = Workspace(workspace)
    near = _near(opened, meaning, like, encoder, progress_file) if meaning or like is not None else None
    facts = _settle(
        opened, criteria, near, limit, meaning or (f"like {like}" if like is not None else ""), name, out, with_text
    )
    typer.echo(
        json.dumps(facts, indent=1)
        if as_json
        else clean(
            f"{facts['documents']:,} documents: {facts['made']}"
            + (f"; saved as {name}" if name else "")
            + (f"; written to {out}" if out else "")
        )
    )


def _settle(
    opened: "Workspace",
    criteria: "Filter",
    near: "Float32 | None",
    limit: int,
    question: str,
    name: str,
    out: Path | None,
    with_text: bool,
) -> dict[str, Any]:
    from gem_core.export.safe_csv import write_csv
    from gem_core.export.selected import documents_table
    from gem_core.pipeline.search.filters import describe, select
    from gem_core.workspace.selections import Selections

    taxonomy = opened.taxonomy()
    for number in criteria.clusters:
        taxonomy.cluster(number)  # an unknown number is refused, not ignored
    selection = select(opened, taxonomy, criteria, near=near, limit=limit)
    description = describe(criteria, {c.number: c.label for c in taxonomy.clusters})
    if near is not None:
        description = f"nearest to {question!r}" + (f"; {description}" if criteria else "")
    if name:
        Selections(opened).save(name, selection.rows, description)
    if out is not None:
        write_csv(out, documents_table(opened, taxonomy, selection.rows, cosine=selection.cosine, text=with_text))
    return {"documents": len(selection), "made": description, "name": name or None, "file": str(out) if out else None}


def selections(
    workspace: WorkspaceArg,
    delete: Annotated[str, typer.Option(metavar="NAME", help="delete this selection")] = "",
    rename: Annotated[str, typer.Option(metavar="NAME", help="give this one another name …")] = "",
    to: Annotated[str, typer.Option(metavar="NEW", help="… this one")] = "",
    as_json: Json = False,
) -> None:
    """List the saved selections, rename or delete one."""
    from dataclasses import asdict

    from gem_core.workspace import Workspace
    from gem_core.workspace.selections import Selections

    store = Selections(Workspace(workspace))
    if rename:
        store.rename(rename, to)
    if delete:
        store.delete(delete)
    lines = store.list_all()
    if as_json:
        facts = [asdict(line) for line in lines]
        typer.echo(json.dumps([{**line, "made": line.pop("origin")} for line in facts], indent=1))
        return
    for line in lines:
        typer.echo(clean(f"{line.documents:>9,}  {line.name}  ({line.origin}; {line.at[:16].replace('T', ' ')})"))
    if not lines:
        typer.echo("No selection is saved. Save one: gem-explorer select DIR --query WORDS --name NAME")


def _near(
    workspace: "Workspace", words: str, like: str | None, encoder: str | None, progress_file: Path | None = None
) -> "Float32":
    import numpy as np

    from gem_core.pipeline.search.semantic import name_encoder, vector_of

    if like is not None:
        ids = workspace.documents["id"].astype(str).to_numpy()
        rows = np.flatnonzero(ids == like)
        if not len(rows):
            raise InputError("--like must be the id of a document", repr(like), f"Ids look like {ids[0]!r}")
        return np.asarray(workspace.embeddings[int(rows[0])])
    console = Console(progress_file)
    if encoder is not None:
        name_encoder(workspace, encoder, progress=console)
    vector = vector_of(workspace, words, progress=console)
    console.end()
    return vector


def _columns(values: list[str], contains: list[str]) -> "tuple[Column, ...]":
    from gem_core.pipeline.search.filters import Column

    def pair(option: str, text: str) -> tuple[str, str]:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise InputError(f"{option} must be NAME=VALUE", repr(text), f"Write for example {option} source=web")
        return name, value

    values_by_column: dict[str, list[str]] = {}
    for text in values:
        name, value = pair("--column", text)
        values_by_column.setdefault(name, []).append(value)
    return (
        *(Column(name, values=tuple(column_values)) for name, column_values in values_by_column.items()),
        *(Column(name, contains=value) for name, value in (pair("--contains", text) for text in contains)),
    )


def _say_documents(
    workspace: "Workspace", taxonomy: "Taxonomy", selection: "Selected", limit: int, as_json: bool
) -> None:
    from gem_core.export.selected import documents_table

    rows = selection.rows[:limit]
    cosine = None if selection.cosine is None else selection.cosine[:limit]
    table = documents_table(workspace, taxonomy, rows, cosine=cosine)
    table["opening"] = [" ".join(text[: 3 * OPENING].split())[:OPENING] for text in workspace.texts(rows.tolist())]
    if as_json:
        typer.echo(
            json.dumps({"found": len(selection), "documents": json.loads(table.to_json(orient="records"))}, indent=1)
        )
        return
    for line in table.itertuples():
        score = f"{line.cosine:.3f}" if cosine is not None else f"{line.gis:6.2f}"
        typer.echo(clean(f"{score}  {line.id}  [{line.label}]  {line.opening}"))
    typer.echo(
        f"{len(rows):,} of {len(selection):,} documents"
        if len(selection) > len(rows)
        else f"{len(selection):,} documents"
    )
