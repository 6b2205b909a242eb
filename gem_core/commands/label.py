"""gem-explorer label and sample shards: label or sample folders of shards of any size."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gem_core._progress import Console
from gem_core.commands._options import (
    ENGINES,
    LONGEST_ROW,
    Encoding,
    EngineName,
    Json,
    LongestRow,
    NoHeader,
    ProgressFile,
    Split,
    WorkerCount,
    check_one_of,
    clean,
    input_path,
    print_notes,
    read_file_options,
    write_path,
)

if TYPE_CHECKING:
    from gem_core.pipeline.labeling.totals import Totals

InFolder = Annotated[
    Path,
    typer.Argument(
        parser=input_path, metavar="IN_FOLDER", help="folder of shards: parquet, arrow, jsonl, json, csv, tsv"
    ),
]
Text = Annotated[str | None, typer.Option("--text-column", help="column with the text; guessed when left out")]


def label(
    student: Annotated[Path, typer.Argument(parser=input_path, metavar="STUDENT", help="folder that distill wrote")],
    in_folder: InFolder,
    out_folder: Annotated[
        Path, typer.Argument(parser=write_path, metavar="OUT_FOLDER", help="new folder for the labeled shards")
    ],
    text_column: Text = None,
    split: Split = None,
    encoding: Encoding = "utf-8",
    no_header: NoHeader = False,
    longest_row: LongestRow = LONGEST_ROW,
    prefix: Annotated[str, typer.Option("--prefix", help="prefix of the new column names")] = "gem_",
    engine: EngineName = "local",
    workers: WorkerCount = None,
    resume: Annotated[bool, typer.Option("--resume", help="resume the same work after a stop")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="stop at the first row that cannot be labeled, or worker that dies")
    ] = False,
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Label every row of a folder of shards: the same shards with gem_cluster, gem_label, gem_margin, gem_tokens."""
    from gem_core.pipeline.labeling.label_folder import label_folder

    check_one_of("--engine", engine, ENGINES)
    console = Console(progress_file)
    totals = label_folder(
        student,
        in_folder,
        out_folder,
        text=text_column,
        prefix=prefix,
        options=read_file_options(split, encoding, no_header, longest_row),
        engine=engine,  # type: ignore[arg-type]  # checked above
        workers=workers,
        resume=resume,
        strict=strict,
        progress=console,
    )
    console.end()
    if as_json:
        typer.echo(json.dumps({"folder": str(out_folder), **totals.to_json()}, indent=1))
    else:
        _say(out_folder, totals)


def _say(folder: Path, totals: "Totals") -> None:
    typer.echo(
        clean(
            f"{totals.labeled:,} shards in {folder}: {int(totals.documents.sum()):,} documents, about "
            f"{int(totals.tokens.sum()):,} tokens"
        )
    )
    for reason, count in sorted(totals.refused.items()):
        typer.echo(clean(f"  skipped rows: {count:,} {reason}"))
    print_notes(totals.notes)
    for number, words, documents, share in zip(
        totals.numbers, totals.labels, totals.documents.tolist(), totals.share_tokens.tolist(), strict=True
    ):
        typer.echo(clean(f"  {number:>4}  {share:>6.1%} of tokens  {documents:>12,} documents  {words}"))


def sample_shards(
    in_folder: InFolder,
    documents: Annotated[int, typer.Option(metavar="N", help="number of documents", min=1)],
    out: Annotated[Path, typer.Option(parser=write_path, metavar="FILE", help="parquet file to write")],
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="give each value of this column its share")] = None,
    shares: Annotated[str, typer.Option(help="with --by: equal, or proportional (reads the shards twice)")] = "equal",
    seed: Annotated[int, typer.Option(help="seed of the draw")] = 0,
    text_column: Text = None,
    split: Split = None,
    encoding: Encoding = "utf-8",
    no_header: NoHeader = False,
    longest_row: LongestRow = LONGEST_ROW,
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Sample documents from a folder of shards to fit a taxonomy on; reproducible by seed."""
    from gem_core.pipeline.labeling.sample_shards import SHARES, sample_shards

    check_one_of("--shares", shares, SHARES)
    console = Console(progress_file)
    sample = sample_shards(
        in_folder,
        documents,
        out,
        by=by,
        shares=shares,  # type: ignore[arg-type]  # checked above
        seed=seed,
        text=text_column,
        options=read_file_options(split, encoding, no_header, longest_row),
        progress=console,
    )
    console.end()
    if as_json:
        facts = asdict(sample)
        facts["seen"] = facts.pop("rows_read")
        typer.echo(json.dumps({"file": str(out), **facts}, indent=1))
        return
    typer.echo(clean(f"{sample.documents:,} of {sample.rows_read:,} documents in {out}"))
    for reason, count in sorted(sample.refused.items()):
        typer.echo(clean(f"  skipped: {count:,} {reason}"))
    print_notes(sample.notes)
    for words in sample.failed.values():
        typer.echo(clean(f"  could not be read: {words}"), err=True)
    for value, (total, got) in sample.groups.items():
        typer.echo(clean(f"  {got:>8,} of {total:>12,}  {value}"))
