"""gem-explorer mix regmix: regression on proxy runs from files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gem_core.commands._options import (
    AnySeed,
    Json,
    clean,
    input_path,
    write_path,
)
from gem_core.errors import InputError

if TYPE_CHECKING:
    from gem_core.mixing import Runs


def regmix(
    target: Annotated[
        str, typer.Option(metavar="COLUMN", help="target loss, or a part of its name; or several: 'mmlu_*=2,arc=1'")
    ],
    mixtures: Annotated[
        Path | None, typer.Option(parser=input_path, metavar="M.csv", help="weights of the runs, one run per row")
    ] = None,
    losses: Annotated[
        Path | None, typer.Option(parser=input_path, metavar="L.csv | PATTERN", help="losses of the same runs")
    ] = None,
    runs_file: Annotated[
        Path | None,
        typer.Option(
            "--runs",
            parser=input_path,
            metavar="FILE.csv",
            help="one table with weights and losses; needs --weights and --losses",
        ),
    ] = None,
    weights: Annotated[str, typer.Option(metavar="PATTERN", help="columns of weights, such as ratio_*")] = "*",
    higher: Annotated[bool, typer.Option("--higher", help="higher values of the target are better")] = False,
    prior: Annotated[
        Path | None,
        typer.Option(parser=input_path, metavar="P.csv", help="one row of natural shares by domain; for the search"),
    ] = None,
    max_weight: Annotated[float, typer.Option(help="largest weight of a domain", min=0, max=1)] = 1.0,
    out: Annotated[
        Path | None, typer.Option(parser=write_path, metavar="FILE.csv", help="write the mixture here")
    ] = None,
    test_mixtures: Annotated[
        Path | None, typer.Option(parser=input_path, metavar="TM.csv", help="runs to report on")
    ] = None,
    test_losses: Annotated[Path | None, typer.Option(parser=input_path, metavar="TL.csv", help="their losses")] = None,
    regressor: Annotated[str, typer.Option(help="auto, lightgbm, linear, effective or exponential")] = "auto",
    limit: Annotated[int | None, typer.Option(help="number of runs to use, from the first", min=1)] = None,
    resamples: Annotated[int, typer.Option(help="refits for intervals of the weights", min=0)] = 0,
    seed: AnySeed = 0,
    as_json: Json = False,
) -> None:
    """Fit a regressor to proxy runs and search for the mixture of least predicted loss."""
    from gem_core.mixing import read_runs
    from gem_core.mixing import regmix as fit_regmix

    if (test_mixtures is None) != (test_losses is None):
        raise InputError("Test runs are two files", "one of --test-mixtures and --test-losses", "Give both, or none")
    if runs_file is not None:
        if mixtures is not None:
            raise InputError("Runs are one table or two", "--runs beside --mixtures", "Leave one out")
        patterns = ("*",) if losses is None else tuple(str(losses).split(","))
        runs = read_runs(runs_file, weights=weights.split(","), targets=patterns, higher=higher)
    elif mixtures is not None and losses is not None:
        runs = read_runs(mixtures, losses, weights=weights.split(","), higher=higher)
    else:
        raise InputError(
            "Proxy runs need --mixtures and --losses, or --runs", "neither", "Use --mixtures M.csv --losses L.csv"
        )
    test = read_runs(test_mixtures, test_losses, higher=higher) if test_mixtures and test_losses else None
    for note in runs.notes:
        typer.echo(clean(f"note: {note}"), err=True)
    if prior is None:
        typer.echo("note: without --prior the search starts from the mean mixture of the runs", err=True)
    result = fit_regmix(
        runs.head(limit) if limit else runs,
        target,
        regressor=regressor,  # type: ignore[arg-type]
        test=test,
        prior=None if prior is None else _read_prior(prior, runs),
        caps=[max_weight] * len(runs.domains) if max_weight < 1 else None,
        resamples=resamples,
        seed=seed,
    )
    facts: dict[str, Any] = {
        "regressor": result.regressor,
        "n_runs": result.n_runs,
        "target": result.target,
        "out_of_fold_spearman": result.out_of_fold_spearman,
        "scores": result.scores,
        "test_spearman": result.test_spearman,
        "predicted_loss": result.predicted_loss,
        "best_mixture": dict(zip(result.domains, map(float, result.best_mixture), strict=True)),
    }
    if resamples:
        facts["interval"] = {
            name: [float(low), float(high)]
            for name, low, high in zip(result.domains, result.low, result.high, strict=True)
        }
    if out is not None:
        import pandas as pd

        from gem_core.export import write_csv

        write_csv(out, pd.DataFrame(facts["best_mixture"].items(), columns=["domain", "weight"]))
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    typer.echo(
        clean(
            f"{result.regressor} on {result.n_runs:,} runs: rank correlation {result.out_of_fold_spearman:.4f} "
            "out of fold" + (f", {result.test_spearman:.4f} on the test runs" if test else "")
        )
    )
    for name, weight in sorted(facts["best_mixture"].items(), key=lambda item: -item[1]):
        typer.echo(clean(f"{weight:>8.2%}  {name}"))


def _read_prior(path: Path, runs: "Runs") -> list[float]:
    """Read one row of shares by domain."""
    from gem_core.mixing.run_tables import read_run_table

    table = read_run_table(path)
    missing = [name for name in runs.domains if name not in table.names]
    if missing or len(table.runs) != 1:
        raise InputError(
            "--prior is a table with one row and a column for each domain",
            f"no column {missing[0]!r}" if missing else f"{len(table.runs)} rows",
            "Use the column names of the mixtures",
        )
    shares = [float(table.values[0, table.names.index(name)]) for name in runs.domains]
    total = sum(shares)
    if not (total > 0 and min(shares) >= 0):
        raise InputError("Prior shares must be numbers from 0", f"{shares}"[:80], "Correct them")
    return [share / total for share in shares]
