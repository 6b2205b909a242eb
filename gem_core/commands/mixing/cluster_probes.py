"""gem-explorer mix perfre, mix probe and mix predict: studies of clusters with small proxies."""

import json
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gem_core._progress import Console
from gem_core.commands._options import Json, ProgressFile, WorkspaceArg, clean
from gem_core.commands.mixing._options import Device, HeldTokens, Regressor, Seed, Steps, TargetCluster, Width
from gem_core.commands.mixing.proxy_training import sizes

if TYPE_CHECKING:
    from gem_core.pipeline.mixing.perfre_grip import ClusterFinding
    from gem_core.pipeline.mixing.predictability_study import GroupingPredictability


def perfre(
    workspace: WorkspaceArg,
    target: TargetCluster = None,
    goal: Annotated[str, typer.Option(help="saved goal whose loss is to fall, instead of one cluster")] = "",
    factor: Annotated[float, typer.Option(help="factor of the up-sampling")] = 3.0,
    lift: Annotated[float, typer.Option(help="what the most helpful cluster's weight is multiplied by")] = 3.0,
    steps: Steps = None,
    width: Width = None,
    held_tokens: HeldTokens = None,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Train a proxy with each cluster up-sampled, to find which clusters lower or raise the corpus's loss."""
    from gem_core.mixing.proxies import ProxyConfig
    from gem_core.pipeline.mixing.domains import domains_of
    from gem_core.pipeline.mixing.goal_store import read_goal
    from gem_core.pipeline.mixing.perfre_grip import perfre_study
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    opened = Workspace(workspace)
    taxonomy = mixing_taxonomy(opened)
    config, split = sizes(ProxyConfig(), steps, width, held_tokens, seed, device)
    console = Console(progress_file)
    result = perfre_study(
        opened,
        taxonomy,
        config,
        split,
        factor=factor,
        lift=lift,
        target=target,
        goal=read_goal(opened, domains_of(opened, taxonomy), goal) if goal else None,
        device=device,
        progress=console,
    )
    console.end()
    _print_clusters(result, "perfre", "benefit", as_json)


def probe(
    workspace: WorkspaceArg,
    probes: Annotated[int, typer.Option(help="probes of a cluster on average", min=2)] = 8,
    alpha: Annotated[float, typer.Option(help="strength of the gain in the weights; 0 for none")] = 0.5,
    steps: Steps = None,
    width: Width = None,
    held_tokens: HeldTokens = None,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Probe how fast a proxy's last layer learns each cluster, for weights by GRIP."""
    from gem_core.mixing.proxies import ProxyConfig
    from gem_core.pipeline.mixing.perfre_grip import grip_study
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    opened = Workspace(workspace)
    config, split = sizes(ProxyConfig(), steps, width, held_tokens, seed, device)
    console = Console(progress_file)
    result = grip_study(
        opened, mixing_taxonomy(opened), config, split, probes=probes, alpha=alpha, device=device, progress=console
    )
    console.end()
    _print_clusters(result, "grip", "gain", as_json)


def predict(
    workspace: WorkspaceArg,
    partition: Annotated[str, typer.Option(help="gem, kmeans, spherical, random or column:NAME")] = "gem",
    runs: Annotated[int, typer.Option(help="number of mixtures, one proxy per mixture", min=20)] = 64,
    regressor: Regressor = "auto",
    splits: Annotated[int, typer.Option(help="random splits of the runs", min=1)] = 10,
    steps: Steps = None,
    width: Width = None,
    held_tokens: HeldTokens = None,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Train proxies on random mixtures of a grouping, to test whether its weights predict the loss."""
    from gem_core.mixing.proxies import ProxyConfig
    from gem_core.pipeline.mixing.predictability_study import study_predictability
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    config, split = sizes(ProxyConfig(), steps, width, held_tokens, seed, device)
    console = Console(progress_file)
    result = study_predictability(
        opened,
        opened.taxonomy(),
        partition,
        config,
        split,
        runs=runs,
        seed=seed,
        regressor=regressor,  # type: ignore[arg-type]  # checked when used
        splits=splits,
        device=device,
        progress=console,
    )
    console.end()
    facts = prediction_facts(result)
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    typer.echo(clean(f"{partition}, {len(result.groups.names)} domains: {result.predictability.verdict}"))
    if result.groups.folded or result.groups.left_out:
        typer.echo(f"  {result.groups.folded} small groups count as one; {result.groups.left_out:,} documents in none")


def prediction_facts(result: "GroupingPredictability") -> dict[str, Any]:
    """Return the JSON of `mix predict --json`."""
    low, high = result.predictability.quartiles
    return {
        "partition": result.spec,
        "domains": list(result.groups.names),
        "natural": result.groups.natural.tolist(),
        "folded": result.groups.folded,
        "left_out": result.groups.left_out,
        "n_runs": result.predictability.runs,
        "held": result.predictability.held_out,
        "scores": result.predictability.scores.tolist(),
        "regressors": list(result.predictability.regressors),
        "median": result.predictability.median,
        "quartiles": [low, high],
        "chance": result.predictability.chance,
        "verdict": result.predictability.verdict,
    }


def cluster_facts(result: "ClusterFinding", strategy: str, measure: str) -> dict[str, Any]:
    """Return the JSON of `mix perfre --json` and `mix probe --json`."""
    columns = (result.numbers, result.names, result.natural, result.values, result.errors, result.weights)
    return {
        "strategy": strategy,
        "clusters": [
            {
                "cluster_id": number,
                "label": name,
                "natural_share": float(natural),
                measure: float(value),
                "error": float(error) if math.isfinite(error) else None,
                "weight": float(weight),
            }
            for number, name, natural, value, error, weight in zip(*columns, strict=True)
        ],
    }


def _print_clusters(result: "ClusterFinding", strategy: str, measure: str, as_json: bool) -> None:
    facts = cluster_facts(result, strategy, measure)
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    typer.echo(f"{measure:>9}{'+-':>8}{'weight':>9}{'natural':>9}  cluster")
    for row in sorted(facts["clusters"], key=lambda row: -row[measure]):
        error = f"{row['error']:>8.4f}" if row["error"] is not None else f"{'-':>8}"
        typer.echo(
            clean(
                f"{row[measure]:>9.4f}{error}{row['weight']:>9.2%}{row['natural_share']:>9.2%}  "
                f"{row['cluster_id']:>4}  {row['label']}"
            )
        )
    typer.echo(f"export the weights with: gem-explorer mix weights DIR --strategy {strategy} --out weights.csv")
