"""gem-explorer label and sample shards: folders of shards, however large."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gem_core._progress import Console
from gem_core.commands._options import Json, ProgressFile, check_one_of, clean

if TYPE_CHECKING:
    from gem_core.pipeline.web.totals import Totals

InFolder = Annotated[Path, typer.Argument(metavar="IN_FOLDER", help="folder of parquet or jsonl(.gz, .zst) shards")]
Text = Annotated[str, typer.Option("--text-column", help="column with the text")]
EngineName = Annotated[str, typer.Option("--engine", help="local (processes of this machine) or ray (the cluster at "
                                                          "RAY_ADDRESS, else this machine)")]
WorkerCount = Annotated[int | None, typer.Option("--workers", metavar="N", min=1,
                                                 help="at work at a time; all processors when left out")]


def label(
    student: Annotated[Path, typer.Argument(metavar="STUDENT", help="folder that distill wrote")],
    in_folder: InFolder,
    out_folder: Annotated[Path, typer.Argument(metavar="OUT_FOLDER", help="new folder for the labelled shards")],
    text_column: Text = "text", engine: EngineName = "local", workers: WorkerCount = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on where the same work was stopped")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="end at the first row that cannot be labelled")] = False,
    as_json: Json = False, progress_file: ProgressFile = None,
) -> None:
    """Label every row of a folder of shards: the same shards with gem_cluster, gem_label, gem_margin, gem_tokens."""
    from gem_core.pipeline.web.label import label_folder
    from gem_core.pipeline.web.label_engines import ENGINES

    check_one_of("--engine", engine, ENGINES)
    console = Console(progress_file)
    totals = label_folder(student, in_folder, out_folder, text=text_column,
                          engine=engine,  # type: ignore[arg-type]  # checked above
                          workers=workers, resume=resume, strict=strict, progress=console)
    console.end()
    if as_json:
        typer.echo(json.dumps({"folder": str(out_folder), **totals.facts()}, indent=1))
    else:
        _say(out_folder, totals)


def _say(folder: Path, totals: "Totals") -> None:
    typer.echo(clean(f"{totals.labelled:,} shards in {folder}: {int(totals.documents.sum()):,} documents, about "
                     f"{int(totals.tokens.sum()):,} tokens"))
    for reason, count in sorted(totals.refused.items()):
        typer.echo(clean(f"  set aside: {count:,} {reason}"))
    for number, words, documents, share in zip(totals.numbers, totals.labels, totals.documents.tolist(),
                                               totals.share_tokens.tolist(), strict=True):
        typer.echo(clean(f"  {number:>4}  {share:>6.1%} of tokens  {documents:>12,} documents  {words}"))
