"""gem-explorer distill: train a fast text classifier (student) on the clusters."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gem_core._progress import Console
from gem_core.commands._options import (
    Json,
    ProgressFile,
    WorkspaceArg,
    clean,
    write_path,
)

if TYPE_CHECKING:
    from gem_core.pipeline.student.report import DistilReport


def distill(
    workspace: WorkspaceArg,
    out: Annotated[
        Path,
        typer.Option(parser=write_path, metavar="STUDENT", help="folder for the student and its report, new or empty"),
    ],
    seed: Annotated[int, typer.Option(help="seed of the split and of the training", min=0)] = 0,
    test_share: Annotated[float, typer.Option(help="fraction of every cluster held out for the test")] = 0.2,
    drop: Annotated[
        float, typer.Option(help="fraction of every cluster's training documents dropped, lowest influence score first")
    ] = 0.0,
    soft: Annotated[
        bool,
        typer.Option(
            "--soft/--hard",
            help="train on soft memberships, or only on the cluster of each document",
        ),
    ] = True,
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Train a small bag-of-words classifier (student) on the current clusters, and test it on held-out documents."""
    from gem_core.pipeline.student.distil import DistilSettings, distil
    from gem_core.workspace import Workspace

    settings = DistilSettings(seed=seed, test_share=test_share, drop=drop, soft=soft)
    opened = Workspace(workspace)
    console = Console(progress_file)
    report = distil(opened, opened.taxonomy(), out, settings, progress=console)
    console.end()
    if as_json:
        typer.echo(json.dumps({"student": str(out), **report.to_json()}, indent=1))
        return
    _say(report, out)


def _say(report: "DistilReport", out: Path) -> None:
    low, high = report.agreement_interval
    typer.echo(
        f"agrees with the taxonomy on {report.agreement:.1%} of {report.test:,} held-out documents "
        f"({low:.1%} to {high:.1%})"
    )
    typer.echo(
        f"shares of the clusters are off by {report.mass_error:.1%} in all, by {report.mass_error_tokens:.1%} "
        f"in estimated tokens; their sum by {report.token_error:+.1%}"
    )
    typer.echo(clean(f"{report.documents_per_second:,.0f} documents per second, one thread of {report.machine}"))
    typer.echo(f"{'recall':>8}{'precision':>11}{'share':>8}{'predicted':>11}  cluster")
    for score in sorted(report.clusters, key=lambda score: -score.mass):
        recall, precision = (f"{rate:.1%}" if rate is not None else "-" for rate in (score.recall, score.precision))
        few = f"  (only {score.test} tested)" if score.number in report.few else ""
        typer.echo(
            clean(
                f"{recall:>8}{precision:>11}{score.mass:>8.1%}{score.predicted_mass:>11.1%}  {score.number:>4}  "
                f"{score.label}{few}"
            )
        )
    if report.absent:
        typer.echo(f"unknown to the student, for they hold no documents: {', '.join(map(str, report.absent))}")
    typer.echo(clean(f"label a folder with: gem-explorer label {out} IN_FOLDER OUT_FOLDER"))
