"""gem-explorer mix regmix: regression on proxy runs from files."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gem_core.commands._options import Json, clean
from gem_core.errors import InputError

File = Annotated[Path | None, typer.Option(metavar="FILE")]


def regmix(
    mixtures: Annotated[Path, typer.Option(metavar="M.csv", help="weights of the runs: first column the run")],
    losses: Annotated[Path, typer.Option(metavar="L.csv", help="losses of the same runs")],
    target: Annotated[str, typer.Option(metavar="COLUMN", help="loss to lower, or a part of its name")],
    test_mixtures: Annotated[Path | None, typer.Option(metavar="TM.csv", help="runs to report on")] = None,
    test_losses: Annotated[Path | None, typer.Option(metavar="TL.csv", help="their losses")] = None,
    regressor: Annotated[str, typer.Option(help="auto, lightgbm, linear, effective or exponential")] = "auto",
    limit: Annotated[int | None, typer.Option(help="use the first so many runs", min=1)] = None,
    resamples: Annotated[int, typer.Option(help="refits for intervals of the weights", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="seed of everything random")] = 0,
    as_json: Json = False,
) -> None:
    """Fit a regressor to proxy runs and search for the mixture of least predicted loss."""
    from gem_core.mixing import read_runs
    from gem_core.mixing import regmix as fit_regmix

    if (test_mixtures is None) != (test_losses is None):
        raise InputError("Test runs are two files", "one of --test-mixtures and --test-losses", "Give both, or none")
    runs = read_runs(mixtures, losses)
    test = read_runs(test_mixtures, test_losses) if test_mixtures and test_losses else None
    result = fit_regmix(
        runs.head(limit) if limit else runs,
        target,
        regressor=regressor,  # type: ignore[arg-type]
        test=test,
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
