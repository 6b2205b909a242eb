"""gem-explorer mix perfre, mix probe and mix predict: what small proxies of the corpus say of its clusters."""

import json
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gem_core._progress import Console
from gem_core.commands._options import Json, ProgressFile, WorkspaceArg, clean
from gem_core.commands.mixing.runs import Device, HeldTokens, Regressor, Seed, Steps, Width, sizes

if TYPE_CHECKING:
    from gem_core.pipeline.mixing.perfre_grip import ClusterFinding
    from gem_core.pipeline.mixing.predictability import Prediction


def perfre(
    workspace: WorkspaceArg,
    target: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="cluster whose loss is to fall; the whole corpus when left out")
    ] = None,
    factor: Annotated[float, typer.Option(help="up-sample each cluster by this")] = 3.0,
    lift: Annotated[float, typer.Option(help="what the most helpful cluster's weight is multiplied by")] = 3.0,
    steps: Steps = None,
    width: Width = None,
    held_tokens: HeldTokens = None,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Train a proxy with each cluster up-sampled: which of them help the corpus, and which do harm?"""
    from gem_core.mixing.proxies import ProxyConfig
    from gem_core.pipeline.mixing.perfre_grip import perfre_study
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    config, split = sizes(ProxyConfig(), steps, width, held_tokens, seed, device)
    console = Console(progress_file)
    found = perfre_study(
        opened,
        opened.taxonomy(),
        config,
        split,
        factor=factor,
        lift=lift,
        target=target,
        device=device,
        progress=console,
    )
    console.end()
    _say_clusters(found, "perfre", "benefit", as_json)


def probe(
    workspace: WorkspaceArg,
    probes: Annotated[int, typer.Option(help="probes of a cluster on average", min=2)] = 8,
    alpha: Annotated[float, typer.Option(help="pull of the gain on the weights; 0 for none")] = 0.5,
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

    opened = Workspace(workspace)
    config, split = sizes(ProxyConfig(), steps, width, held_tokens, seed, device)
    console = Console(progress_file)
    found = grip_study(
        opened, opened.taxonomy(), config, split, probes=probes, alpha=alpha, device=device, progress=console
    )
    console.end()
    _say_clusters(found, "grip", "gain", as_json)


def predict(
    workspace: WorkspaceArg,
    partition: Annotated[str, typer.Option(help="gem, kmeans, spherical, random or column:NAME")] = "gem",
    runs: Annotated[int, typer.Option(help="mixtures, a proxy each", min=20)] = 64,
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
    """Train proxies on random mixtures of a grouping: do its weights predict the loss?"""
    from gem_core.mixing.proxies import ProxyConfig
    from gem_core.pipeline.mixing.predictability import predict as study
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    config, split = sizes(ProxyConfig(), steps, width, held_tokens, seed, device)
    console = Console(progress_file)
    found = study(
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
    facts = prediction_facts(found)
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    typer.echo(clean(f"{partition}, {len(found.groups.names)} domains: {found.found.verdict}"))
    if found.groups.folded or found.groups.left_out:
        typer.echo(f"  {found.groups.folded} small groups count as one; {found.groups.left_out:,} documents in none")


def prediction_facts(found: "Prediction") -> dict[str, Any]:
    """What `mix predict --json` says."""
    low, high = found.found.quartiles
    return {
        "partition": found.spec,
        "domains": list(found.groups.names),
        "natural": found.groups.natural.tolist(),
        "folded": found.groups.folded,
        "left_out": found.groups.left_out,
        "n_runs": found.found.runs,
        "held": found.found.held,
        "scores": found.found.scores.tolist(),
        "regressors": list(found.found.regressors),
        "median": found.found.median,
        "quartiles": [low, high],
        "chance": found.found.chance,
        "verdict": found.found.verdict,
    }


def cluster_facts(found: "ClusterFinding", strategy: str, measure: str) -> dict[str, Any]:
    """What `mix perfre --json` and `mix probe --json` say."""
    columns = (found.numbers, found.names, found.natural, found.values, found.errors, found.weights)
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


def _say_clusters(found: "ClusterFinding", strategy: str, measure: str, as_json: bool) -> None:
    facts = cluster_facts(found, strategy, measure)
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    typer.echo(f"{measure:>9}{'+-':>8}{'weight':>9}{'natural':>9}  cluster")
    for one in sorted(facts["clusters"], key=lambda one: -one[measure]):
        error = f"{one['error']:>8.4f}" if one["error"] is not None else f"{'-':>8}"
        typer.echo(
            clean(
                f"{one[measure]:>9.4f}{error}{one['weight']:>9.2%}{one['natural_share']:>9.2%}  "
                f"{one['cluster_id']:>4}  {one['label']}"
            )
        )
    typer.echo(f"take the weights away with: gem-explorer mix weights DIR --strategy {strategy} --out weights.csv")
