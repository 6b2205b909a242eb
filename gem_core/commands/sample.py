"""gem-explorer sample: sample corpora to start with."""

from pathlib import Path
from typing import Annotated

import typer

from gem_core._progress import Console
from gem_core.commands._options import (
    Json,
    clean,
    print_facts,
    workspace_facts,
    workspace_path,
    write_path,
)


def build(
    workspace: Annotated[Path, typer.Option("--workspace", parser=workspace_path, metavar="DIR", help="new folder")],
    as_json: Json = False,
) -> None:
    """Make a workspace of the built-in sample corpus, fitted and named."""
    from gem_core.pipeline import open_sample

    console = Console()
    opened = open_sample(workspace, progress=console)
    console.end()
    print_facts(workspace_facts(opened, opened.taxonomy()), as_json)


def docstrings(
    out: Annotated[Path, typer.Option(parser=write_path, metavar="FILE", help=".jsonl or .parquet to write")] = Path(
        "docstrings.parquet"
    ),
    limit: Annotated[int, typer.Option(help="max documents", min=1)] = 6000,
) -> None:
    """Build a larger real corpus from the docstrings of the packages installed here."""
    from gem_core.corpus import write_docstrings
    from gem_core.workspace.atomic_files import check_output

    check_output(out)

    console = Console()
    count = write_docstrings(out, limit=limit, progress=console)
    console.end()
    typer.echo(clean(f"{count:,} documents in {out}"))
