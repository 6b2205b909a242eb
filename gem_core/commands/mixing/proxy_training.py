"""gem-explorer mix proxies, mix doremi and mix import: weights from trained proxies."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gem_core._progress import Console
from gem_core.commands._options import (
    Json,
    ProgressFile,
    WorkspaceArg,
    check_one_of,
    clean,
    input_path,
)
from gem_core.commands.mixing._options import (
    Device,
    HeldTokens,
    Regressor,
    Resamples,
    Seed,
    Steps,
    TargetCluster,
    Width,
)
from gem_core.errors import InputError

if TYPE_CHECKING:
    from gem_core.mixing.proxies import ProxyConfig
    from gem_core.pipeline.mixing.proxy_data import SplitSettings
    from gem_core.pipeline.mixing.regmix_study import Proposal


def proxies(
    workspace: WorkspaceArg,
    count: Annotated[int, typer.Option(help="number of proxies, one per mixture", min=10)] = 64,
    target: TargetCluster = None,
    regressor: Regressor = "auto",
    resamples: Resamples = 0,
    steps: Steps = None,
    width: Width = None,
    held_tokens: HeldTokens = None,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Train proxies on random mixtures of the clusters, and propose the mixture of least predicted loss (RegMix)."""
    from gem_core.mixing.proxies import ProxyConfig
    from gem_core.pipeline.mixing.regmix_study import proxy_study
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    opened = Workspace(workspace)
    config, split = sizes(ProxyConfig(), steps, width, held_tokens, seed, device)
    console = Console(progress_file)
    result = proxy_study(
        opened,
        mixing_taxonomy(opened),
        config,
        split,
        count=count,
        target=target,
        regressor=regressor,  # type: ignore[arg-type]  # checked when used
        resamples=resamples,
        device=device,
        progress=console,
    )
    console.end()
    _print_proposal(result, as_json)


def import_(
    workspace: WorkspaceArg,
    mixtures: Annotated[
        Path,
        typer.Option(
            parser=input_path, metavar="M.csv", help="weights of the runs: first column the run, then one per cluster"
        ),
    ],
    losses: Annotated[Path, typer.Option(parser=input_path, metavar="L.csv", help="losses of the same runs")],
    target: Annotated[
        str,
        typer.Option(
            metavar="COLUMN",
            help="target loss, or a part of its name; optional if there is only one, or one called all",
        ),
    ] = "all",
    regressor: Regressor = "auto",
    resamples: Resamples = 0,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Import proxy runs that were trained elsewhere, and propose a mixture."""
    from gem_core.pipeline.mixing.regmix_study import import_runs
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    opened = Workspace(workspace)
    result = import_runs(
        opened,
        mixing_taxonomy(opened),
        mixtures,
        losses,
        target=target,
        regressor=regressor,  # type: ignore[arg-type]  # checked when used
        resamples=resamples,
        seed=seed,
    )
    _print_proposal(result, as_json)


def doremi(
    workspace: WorkspaceArg,
    normalizer: Annotated[
        str, typer.Option("--normaliser", help="how the proxy's loss is averaged: token or domain")
    ] = "token",
    steps: Steps = None,
    width: Width = None,
    held_tokens: HeldTokens = None,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Train a reference and a proxy whose weights follow its excess loss (DoReMi)."""
    from gem_core.mixing.doremi import DEFAULT
    from gem_core.pipeline.mixing.doremi_study import doremi_study
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    check_one_of("--normaliser", normalizer, ("token", "domain"))
    opened = Workspace(workspace)
    taxonomy = mixing_taxonomy(opened)
    config, split = sizes(DEFAULT, steps, width, held_tokens, seed, device)
    console = Console(progress_file)
    result = doremi_study(
        opened,
        taxonomy,
        config,
        split,
        normalizer=normalizer,  # type: ignore[arg-type]
        device=device,
        progress=console,
    )
    console.end()
    if as_json:
        typer.echo(json.dumps({"strategy": "doremi", "taxonomy_hash": taxonomy.taxonomy_hash, **result}, indent=1))
        return
    typer.echo(
        f"as even as {result['effective_domains']:.1f} of {len(result['numbers'])} clusters"
        + (": collapsed, one cluster has more than 90%; do not use these weights" if result["collapsed"] else "")
    )
    for number, weight in sorted(result["weights"].items(), key=lambda item: -item[1]):
        cluster = taxonomy.cluster(int(number))
        typer.echo(clean(f"{weight:>8.2%}{cluster.share_tokens:>9.2%}  {number:>4}  {cluster.label}"))
    typer.echo("export the weights with: gem-explorer mix weights DIR --strategy doremi --out weights.csv")


def proposal_facts(result: "Proposal") -> dict[str, Any]:
    """Return the JSON of `mix proxies --json` and `mix import --json`."""
    evidence = result.evidence
    interval = evidence["interval"] or {}
    return {
        "strategy": "regmix",
        "taxonomy_hash": result.domains.taxonomy_hash,
        **{
            name: evidence[name]
            for name in ("target", "regressor", "n_runs", "out_of_fold_spearman", "scores", "predicted_loss")
        },
        "clusters": [
            {
                "cluster_id": number,
                "label": name,
                "weight": float(weight),
                "natural_share": float(natural),
                "interval": interval.get(str(number)),
            }
            for number, name, weight, natural in zip(
                result.domains.numbers, result.domains.names, result.weights, result.domains.natural, strict=True
            )
        ],
    }


def _print_proposal(result: "Proposal", as_json: bool) -> None:
    facts = proposal_facts(result)
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    typer.echo(
        clean(
            f"{facts['regressor']} on {facts['n_runs']:,} runs, loss of {facts['target']}: rank correlation "
            f"{facts['out_of_fold_spearman']:.3f} out of fold"
        )
    )
    typer.echo(f"{'weight':>8}{'natural':>9}  cluster")
    for row in sorted(facts["clusters"], key=lambda row: -row["weight"]):
        interval_text = f"  ({row['interval'][0]:.2%} to {row['interval'][1]:.2%})" if row["interval"] else ""
        typer.echo(
            clean(
                f"{row['weight']:>8.2%}{row['natural_share']:>9.2%}  {row['cluster_id']:>4}  "
                f"{row['label']}{interval_text}"
            )
        )
    typer.echo("export the weights with: gem-explorer mix weights DIR --strategy regmix --out weights.csv")


def sizes(
    default: "ProxyConfig", steps: int | None, width: int | None, held_tokens: int | None, seed: int, device: str
) -> "tuple[ProxyConfig, SplitSettings]":
    """Return the sizes that the options name, and the defaults for the others."""
    import torch

    from gem_core.pipeline.mixing.proxy_data import SplitSettings

    check_one_of("--device", device, ("cpu", "cuda"))
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda needs a GPU that torch can use", "none", "Use --device cpu")
    config = replace(default, steps=steps or default.steps, width=width or default.width, seed=seed)
    if config.width % config.heads:
        raise InputError(
            f"--width must be a multiple of {config.heads}, the heads of attention",
            f"{config.width}",
            f"Use {config.width - config.width % config.heads + config.heads}",
        )
    split = SplitSettings(seed=seed)
    return config, split if held_tokens is None else replace(split, least=held_tokens)
