"""gem-explorer mix goal, mix mixmin, mix search and mix verify: mixtures for a stated goal, checked by training."""

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
    input_path,
)
from gem_core.commands.mixing._options import Device, HeldTokens, Seed, Steps, Width
from gem_core.commands.mixing.budgets import Budget, MaxEpochs, Pool
from gem_core.commands.mixing.proxy_training import sizes
from gem_core.errors import InputError

if TYPE_CHECKING:
    from gem_core.pipeline.mixing.domains import Domains
    from gem_core.pipeline.mixing.goal_optimum import GoalOptimum
    from gem_core.pipeline.mixing.goal_study import GoalStudy

GoalName = Annotated[str, typer.Option(help="name of a goal that mix goal saved; corpus is the corpus as it is")]
Seeds = Annotated[int, typer.Option(help="number of fresh seeds of the check", min=2)]


def goal(
    workspace: WorkspaceArg,
    clusters: Annotated[str, typer.Option(metavar="N=W,...", help="weights of clusters, by number")] = "",
    groups: Annotated[str, typer.Option(metavar="G=W,...", help="weights of cluster groups, by number")] = "",
    natural: Annotated[
        float | None, typer.Option(metavar="P", help="part of the goal that is the whole corpus, 0 to 1", min=0, max=1)
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE=W", help="validation file: jsonl, parquet, csv or txt"),
    ] = None,
    name: Annotated[str, typer.Option(help="save the goal under this name")] = "",
    budget: Budget = None,
    max_epochs: MaxEpochs = None,
    pool: Pool = None,
    pull: Annotated[float, typer.Option(help="penalty on the KL divergence from natural shares, in nats", min=0)] = 0.0,
    as_json: Json = False,
) -> None:
    """Define a goal, and estimate by n-gram models how much the best mixture for it lowers the loss."""
    from gem_core.pipeline.mixing.domains import domains_of
    from gem_core.pipeline.mixing.goal_optimum import goal_proxy, optimize_goal
    from gem_core.pipeline.mixing.goal_store import compose_goal, save_goal
    from gem_core.pipeline.mixing.token_pool import read_limits
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    files = _pairs("--file", file or [], default=1.0)
    opened = Workspace(workspace)
    taxonomy = mixing_taxonomy(opened)
    domains = domains_of(opened, taxonomy)
    target = compose_goal(
        taxonomy,
        domains,
        name,
        _by_number("--clusters", clusters),
        _by_number("--groups", groups),
        natural,
        files,
    )
    shares = target.shares(domains.numbers, domains.natural)
    limits = read_limits(domains, budget, max_epochs, pool)
    optimum = optimize_goal(
        goal_proxy(opened, domains, target), shares, domains.natural, caps=limits.caps(domains.tokens), pull=pull
    )
    if name:
        save_goal(opened, domains, target)
    facts = optimum_facts(domains, target.name, optimum)
    if as_json:
        typer.echo(json.dumps({**facts, "saved": bool(name)}, indent=1))
        return
    typer.echo(clean(f"{target.name}: {optimum.certificate}"))
    _print_weights(domains, facts["clusters"])
    if name:
        typer.echo(
            clean(
                f"saved; weights: gem-explorer mix weights {workspace} --strategy goal --goal {name} --out weights.csv"
            )
        )


def mixmin(
    workspace: WorkspaceArg,
    goal: GoalName = "corpus",
    steps: Steps = None,
    width: Width = None,
    held_tokens: HeldTokens = None,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Train one proxy per cluster, and find the best mixture for any goal from their token probabilities (MixMin)."""
    from gem_core.mixing.proxies import ProxyConfig
    from gem_core.pipeline.mixing.domains import domains_of
    from gem_core.pipeline.mixing.goal_store import read_goal
    from gem_core.pipeline.mixing.mixmin_study import mixmin_study
    from gem_core.pipeline.mixing.strategies import goal_weights
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    opened = Workspace(workspace)
    domains = domains_of(opened, mixing_taxonomy(opened))
    target = read_goal(opened, domains, goal)
    config, split = sizes(ProxyConfig(), steps, width, held_tokens, seed, device)
    console = Console(progress_file)
    mixmin_study(opened, domains, target, config, split, device=device, progress=console)
    console.end()
    optimum = goal_weights(opened, domains, "mixmin", goal)
    facts = optimum_facts(domains, goal, optimum)
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    typer.echo(clean(f"{goal}: {optimum.certificate}"))
    _print_weights(domains, facts["clusters"])


def search(
    workspace: WorkspaceArg,
    goal: GoalName = "corpus",
    count: Annotated[int, typer.Option(help="runs, natural shares among them", min=10)] = 56,
    design: Annotated[
        str, typer.Option(help="mixtures of the runs: tilts of natural shares, or regmix as published")
    ] = "tilts",
    seeds: Seeds = 3,
    budget: Budget = None,
    max_epochs: MaxEpochs = None,
    pool: Pool = None,
    steps: Steps = None,
    width: Width = None,
    held_tokens: HeldTokens = None,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Search a mixture for a goal by proxies near natural shares; it is kept only if training confirms it."""
    from gem_core.mixing.proxies import ProxyConfig
    from gem_core.pipeline.mixing.domains import domains_of
    from gem_core.pipeline.mixing.goal_store import read_goal
    from gem_core.pipeline.mixing.goal_study import goal_study
    from gem_core.pipeline.mixing.token_pool import read_limits
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    opened = Workspace(workspace)
    taxonomy = mixing_taxonomy(opened)
    domains = domains_of(opened, taxonomy)
    target = read_goal(opened, domains, goal)
    caps = read_limits(domains, budget, max_epochs, pool).caps(domains.tokens)
    config, split = sizes(ProxyConfig(), steps, width, held_tokens, seed, device)
    console = Console(progress_file)
    study = goal_study(
        opened,
        taxonomy,
        target,
        config,
        split,
        count=count,
        design=design,  # type: ignore[arg-type]  # checked when used
        caps=caps,
        seeds=seeds,
        device=device,
        progress=console,
    )
    console.end()
    _print_study(study, as_json)


def verify(
    workspace: WorkspaceArg,
    weights: Annotated[Path, typer.Option(parser=input_path, metavar="FILE", help="weights of this taxonomy")],
    goal: GoalName = "corpus",
    seeds: Seeds = 3,
    steps: Steps = None,
    width: Width = None,
    held_tokens: HeldTokens = None,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Train weights beside natural shares with fresh seeds, and report the goal loss."""
    from gem_core.mixing.proxies import ProxyConfig
    from gem_core.pipeline.mixing.domains import domains_of
    from gem_core.pipeline.mixing.goal_store import read_goal
    from gem_core.pipeline.mixing.goal_study import verify_weights
    from gem_core.pipeline.mixing.weights_file import for_domains, read_weights
    from gem_core.workspace import Workspace
    from gem_core.workspace.mixing_runs import same_clusters
    from gem_core.workspace.second_axis import mixing_taxonomy

    opened = Workspace(workspace)
    taxonomy = mixing_taxonomy(opened)
    domains = domains_of(opened, taxonomy)
    target = read_goal(opened, domains, goal)
    file_weights = for_domains(read_weights(weights), domains, same_clusters(opened, domains.taxonomy_hash))
    config, split = sizes(ProxyConfig(), steps, width, held_tokens, seed, device)
    console = Console(progress_file)
    study = verify_weights(
        opened, taxonomy, target, file_weights, config, split, seeds=seeds, device=device, progress=console
    )
    console.end()
    _print_study(study, as_json)


def optimum_facts(domains: "Domains", goal: str, optimum: "GoalOptimum") -> dict[str, Any]:
    """Return what `mix goal --json` prints; all losses are predicted."""
    ratio = optimum.weights / domains.natural
    return {
        "goal": goal,
        "taxonomy_hash": domains.taxonomy_hash,
        "certificate": optimum.certificate,
        "predicted": {
            "natural_loss": optimum.natural_loss,
            "loss": optimum.loss,
            "gain": optimum.gain,
            "price": optimum.price,
            "gap": optimum.gap,
        },
        "largest_ratio": float(ratio.max()),
        "clusters": _cluster_rows(domains, optimum.weights),
    }


def _cluster_rows(domains: "Domains", weights: Any) -> list[dict[str, Any]]:
    return [
        {"cluster_id": number, "label": label, "weight": float(weight), "natural_share": float(natural)}
        for number, label, weight, natural in zip(domains.numbers, domains.names, weights, domains.natural, strict=True)
    ]


def _print_study(study: "GoalStudy", as_json: bool) -> None:
    rows = _cluster_rows(study.domains, study.verification.weights)
    if as_json:
        hidden = ("mixtures", "losses")
        facts = {name: value for name, value in study.evidence.items() if name not in hidden}
        typer.echo(json.dumps({**facts, "taxonomy_hash": study.domains.taxonomy_hash, "clusters": rows}, indent=1))
        return
    typer.echo(clean(f"{study.goal.name}: {study.verification.verdict} (trained)"))
    _print_weights(study.domains, rows)


def _print_weights(domains: "Domains", rows: list[dict[str, Any]]) -> None:
    typer.echo(f"{'weight':>8}{'natural':>9}{'ratio':>8}  cluster")
    for row in sorted(rows, key=lambda row: -row["weight"]):
        ratio = row["weight"] / row["natural_share"] if row["natural_share"] else 0.0
        typer.echo(
            clean(
                f"{row['weight']:>8.2%}{row['natural_share']:>9.2%}{ratio:>8.2f}  {row['cluster_id']:>4}  "
                f"{row['label']}"
            )
        )


def _by_number(option: str, text: str) -> dict[int, float]:
    """Read NUMBER=WEIGHT parts."""
    numbers: dict[int, float] = {}
    for key, weight in _pairs(option, text.split(",")).items():
        if not (key.isascii() and key.isdigit()):
            raise InputError(f"{option} must name them by number", repr(key), f"Use {option} 12=1,15=1")
        numbers[int(key)] = weight
    return numbers


def _pairs(option: str, parts: list[str], default: float | None = None) -> dict[str, float]:
    """Read NAME=WEIGHT parts; a part without a weight has `default`."""
    pairs: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in parts)):
        name, mark, text = part.rpartition("=")
        try:
            if not mark and default is not None:
                name, weight = part, default
            else:
                weight = float(text)
        except ValueError:
            name = ""
        if not name:
            raise InputError(f"{option} must be names with weights", repr(part), f"Use {option} NAME=1")
        if name in pairs:
            raise InputError(f"{option} must name each part once", f"{name!r} twice", "Remove one")
        pairs[name] = weight
    return pairs
