"""gem-explorer mix weights and mix sample: weights by strategy, and a training set drawn by them."""

import json
import math
import shlex
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
    write_path,
)
from gem_core.commands.mixing._options import ShardFormat, ShardTokens, TrainerData
from gem_core.commands.mixing.budgets import Budget, MaxEpochs, Pool
from gem_core.errors import InputError

if TYPE_CHECKING:
    from gem_core.mixing import Weights
    from gem_core.pipeline.mixing.strategies import IndistinguishablePair
    from gem_core.workspace import Taxonomy

STRATEGIES = "natural, uniform, temperature, balanced, custom, goal, mixmin, doremi, regmix, perfre or grip"


def weights(
    workspace: WorkspaceArg,
    strategy: Annotated[str | None, typer.Option(help=f"{STRATEGIES}; natural when left out")] = None,
    from_: Annotated[
        Path | None,
        typer.Option("--from", parser=input_path, metavar="FILE", help="weights of an earlier taxonomy, to carry over"),
    ] = None,
    tau: Annotated[float, typer.Option(help="temperature: weight ~ share^tau")] = 0.5,
    custom: Annotated[str, typer.Option(metavar="N=W,...", help="weights of single clusters, by number")] = "",
    budget: Budget = None,
    max_epochs: MaxEpochs = None,
    pool: Pool = None,
    floor: Annotated[float, typer.Option(metavar="F", help="smallest weight of a cluster, a fraction")] = 0.0,
    fold: Annotated[
        float,
        typer.Option(
            metavar="S", help="treat clusters with a smaller share of the tokens as one, in natural proportions"
        ),
    ] = 0.0,
    goal: Annotated[str, typer.Option(help="goal of the strategies goal and mixmin, saved by mix goal")] = "corpus",
    pull: Annotated[
        float, typer.Option(help="goal and mixmin: penalty on the KL divergence from natural shares, in nats", min=0)
    ] = 0.0,
    part: Annotated[
        float, typer.Option(help="part of the way from natural shares to the optimum of goal and mixmin", min=0, max=1)
    ] = 1.0,
    out: Annotated[
        Path | None, typer.Option(parser=write_path, metavar="FILE", help=".csv, .yaml (RegMix) or .json (DoReMi)")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="csv, regmix, doremi, weborganizer, megatron, nemo, olmo-core, nanotron, streaming, litdata, "
            "huggingface, levanter or torchtitan; by the ending when left out",
        ),
    ] = None,
    path: TrainerData = "",
    saved: Annotated[str, typer.Option("--mix", metavar="NAME", help="a mix that was saved by name")] = "",
    save: Annotated[str, typer.Option(metavar="NAME", help="save the mix in the workspace under this name")] = "",
    as_json: Json = False,
) -> None:
    """Mixing weights of the clusters by a strategy, beside natural share, ratio and epochs."""
    from gem_core.export.mixtures import format_of, write_weights
    from gem_core.export.saved_mix import save_mix, saved_mix, saved_settings
    from gem_core.pipeline.mixing.domains import domains_of
    from gem_core.pipeline.mixing.strategies import STRATEGIES as KNOWN
    from gem_core.pipeline.mixing.strategies import carried_over, indistinguishable_pairs, weights_by
    from gem_core.pipeline.mixing.token_pool import read_limits
    from gem_core.pipeline.mixing.weights_file import read_weights
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    fixed = _fixed(custom)
    if from_ is not None and (strategy or fixed):
        raise InputError(
            "Weights come from a file or from a strategy", "--from beside --strategy or --custom", "Leave one out"
        )
    if saved and (strategy or fixed or from_ is not None or budget or pool or max_epochs is not None or floor or fold):
        raise InputError(
            "A saved mix has its own strategy and limits", "--mix beside options that set weights", "Leave them out"
        )
    strategy = strategy or ("custom" if fixed else "natural")
    check_one_of("--strategy", strategy, KNOWN)
    if out is not None:
        format_of(out, format)  # refused before the work
    opened = Workspace(workspace)
    taxonomy = mixing_taxonomy(opened)
    limits = read_limits(domains_of(opened, taxonomy), budget, max_epochs, pool, floor, fold)
    if saved:
        mix = saved_mix(opened, taxonomy, saved)
        assert mix is not None  # A name that is not saved is refused.
    elif from_ is not None:
        mix = carried_over(opened, taxonomy, read_weights(from_), limits=limits)
    else:
        mix = weights_by(
            opened,
            taxonomy,
            strategy,  # type: ignore[arg-type]  # checked above
            tau=tau,
            fixed=fixed,
            limits=limits,
            goal=goal,
            pull=pull,
            part=part,
        )
    if save:
        options = {"tau": tau, "goal": goal, "part": part, "pool": pool or ""}
        strategy = "custom" if from_ is not None else strategy
        settings = saved_settings(opened, taxonomy, saved) if saved else mix_settings(mix, strategy, options)
        save_mix(opened, mix, settings, save)
    pairs = indistinguishable_pairs(opened, mix)
    written = {"file": str(out), "format": write_weights(out, taxonomy, mix, format, path)} if out is not None else {}
    if as_json:
        typer.echo(json.dumps({**weights_facts(taxonomy, mix, pairs), **written}, indent=1))
        return
    _print_mix(taxonomy, mix, pairs)
    if save:
        typer.echo(clean(f"saved as {save}: gem-explorer mix weights {workspace} --mix {shlex.quote(save)}"))
    if out is not None:
        typer.echo(clean(f"written to {out} ({written['format']})"))


def training_set(
    workspace: WorkspaceArg,
    weights: Annotated[Path, typer.Option(parser=input_path, metavar="FILE", help="weights file of mix weights")],
    tokens: Annotated[str, typer.Option(metavar="N", help="tokens to sample: 10e9, 10B, 300M")],
    out: Annotated[
        Path, typer.Option(parser=write_path, metavar="FOLDER", help="folder for the files, created if missing")
    ],
    seed: Annotated[int, typer.Option(help="seed of the draw", min=0)] = 0,
    inside: Annotated[
        str,
        typer.Option(
            help="how documents are sampled in a cluster: uniform, or grip (long and distinct first)",
        ),
    ] = "uniform",
    format: ShardFormat = "parquet",
    max_epochs: Annotated[float, typer.Option(metavar="E", help="max epochs per cluster")] = 4.0,
    shard_tokens: ShardTokens = 1 << 24,
    long: Annotated[
        str,
        typer.Option(
            help="documents with over 5% of a cluster's tokens: keep, stratify (drawn first) or split (into pieces)"
        ),
    ] = "keep",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Sample a training set by the weights, as shards with a manifest; the same command resumes after a stop."""
    from gem_core.pipeline.mixing.token_pool import parse_tokens
    from gem_core.pipeline.mixing.training_set import TrainingSetRequest, draw_training_set
    from gem_core.pipeline.mixing.weights_file import read_weights
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    amount = parse_tokens(tokens, "--tokens")
    if not 1 <= amount < 1e18:
        raise InputError("--tokens must be a number from 1", f"{amount:g}", "Give the tokens to draw, such as 1e9")
    opened = Workspace(workspace)
    console = Console(progress_file)
    request = TrainingSetRequest(int(amount), seed, inside, format, max_epochs, shard_tokens, long)  # type: ignore[arg-type]
    training = draw_training_set(opened, mixing_taxonomy(opened), read_weights(weights), out, request, progress=console)
    console.end()
    drawn_tokens, documents = (
        int(training.drawn_tokens.sum()),
        int(training.drawn_documents.sum()),
    )
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "folder": str(out),
                    "tokens_asked": request.tokens,
                    "tokens_got": drawn_tokens,
                    "documents": documents,
                    "files": list(training.shards),
                    "seed": seed,
                    "notes": list(training.notes),
                    "taxonomy_hash": training.domains.taxonomy_hash,
                },
                indent=1,
            )
        )
        return
    typer.echo(
        clean(
            f"{documents:,} documents with {drawn_tokens:,} tokens "
            f"({drawn_tokens / request.tokens:.2%} of the request) in "
            f"{len(training.shards)} file{'s' if len(training.shards) != 1 else ''} under {out}"
        )
    )
    typer.echo(f"{'weight':>8}{'requested':>14}{'drawn':>14}  cluster")
    for at in (-training.weights).argsort(kind="stable"):
        typer.echo(
            clean(
                f"{training.weights[at]:>8.2%}{training.requested_tokens[at]:>14,.0f}{training.drawn_tokens[at]:>14,}  "
                f"{training.domains.numbers[at]:>4}  {training.domains.names[at]}"
            )
        )
    for note in training.notes:
        typer.echo(clean(f"note: {note}"))
    if format == "parquet" and len(training.shards) > 1:
        typer.echo(clean(f"nanochat validates on the last file, {training.shards[-1]}, and trains on the others"))


def mix_settings(mix: "Weights", strategy: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the Mixing view that give these weights."""
    limits = mix.limits
    budget = float(mix.tokens.sum()) if limits.budget is None else limits.budget
    return {
        **options,
        "strategy": strategy,
        "budget": budget,
        "max_epochs": limits.max_epochs,
        "floor": limits.floor,
        "fold": limits.fold,
        "pool_tokens": None if limits.pool is None else list(limits.pool),
        "shares": mix.weights.tolist(),
        "locked": [False] * len(mix.numbers),
        "touched": list(range(len(mix.numbers))) if strategy == "custom" else [],
    }


def weights_facts(taxonomy: "Taxonomy", mix: "Weights", pairs: "tuple[IndistinguishablePair, ...]") -> dict[str, Any]:
    """Return the JSON of `mix weights --json`."""
    columns = (
        mix.numbers,
        mix.weights,
        mix.natural,
        mix.ratio,
        mix.tokens,
        mix.epochs,
        mix.folded,
        mix.warnings,
    )
    return {
        "strategy": mix.strategy,
        "taxonomy_hash": mix.taxonomy_hash,
        "carried_from": mix.carried_from,
        "budget": mix.limits.budget,
        "effective_domains": mix.effective,
        "clusters": [
            {
                "cluster_id": number,
                "label": taxonomy.cluster(number).label,
                "weight": float(weight),
                "natural_share": float(natural),
                "ratio": _number(ratio),
                "tokens": int(tokens),
                "epochs": _number(epochs),
                "folded": bool(folded),
                "warning": warning,
            }
            for number, weight, natural, ratio, tokens, epochs, folded, warning in zip(*columns, strict=True)
        ],
        "excluded": [c.number for c in taxonomy.clusters if c.excluded],
        "not_told_apart": [{"first": d.first, "second": d.second, "correlation": d.correlation} for d in pairs],
    }


def _print_mix(taxonomy: "Taxonomy", mix: "Weights", pairs: "tuple[IndistinguishablePair, ...]") -> None:
    carried = f", carried over from taxonomy {mix.carried_from[:12]}" if mix.carried_from else ""
    typer.echo(clean(f"{mix.strategy}{carried}: as even as {mix.effective:.1f} of {len(mix.numbers)} clusters"))
    typer.echo(f"{'weight':>8}{'natural':>9}{'ratio':>8}{'epochs':>8}  cluster")
    for at in (-mix.weights).argsort(kind="stable"):
        ratio, epochs = (
            f"{value:>8.2f}" if math.isfinite(value) else f"{'-':>8}" for value in (mix.ratio[at], mix.epochs[at])
        )
        warning = f"  ({mix.warnings[at]})" if mix.warnings[at] else ""
        label = taxonomy.cluster(mix.numbers[at]).label
        typer.echo(
            clean(
                f"{mix.weights[at]:>8.2%}{mix.natural[at]:>9.2%}{ratio}{epochs}  {mix.numbers[at]:>4}  {label}{warning}"
            )
        )
    for doubt in pairs:
        typer.echo(
            clean(
                f"the runs cannot tell apart: {doubt.first} and {doubt.second} "
                f"(their weights correlate {doubt.correlation:.3f})"
            )
        )


def _fixed(text: str) -> dict[int, float]:
    """Read "3=0.2,5=0.1"."""
    fixed: dict[int, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = part.partition("=")
        try:
            number, weight = int(name), float(value)
        except ValueError:
            raise InputError(
                "--custom must be numbers of clusters with weights, such as 3=0.2,5=0.1",
                f"{part!r}",
                "See the numbers with: gem-explorer info DIR",
            ) from None
        if number in fixed:
            raise InputError("--custom must name a cluster once", f"cluster {number} twice", "Remove one")
        fixed[number] = weight
    return fixed


def _number(value: float) -> float | None:
    """Return a number, or None for NaN, which JSON does not have."""
    return float(value) if math.isfinite(value) else None
