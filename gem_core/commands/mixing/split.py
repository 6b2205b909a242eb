"""gem-explorer mix split and mix swarm: one folder per cluster, and designs for proxies trained elsewhere."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gem_core._progress import Console
from gem_core.commands._options import Json, ProgressFile, WorkspaceArg, clean, input_path, write_path
from gem_core.commands.mixing._options import ShardFormat, ShardTokens, TrainerData
from gem_core.commands.mixing.budgets import Budget, MaxEpochs, Pool
from gem_core.errors import InputError

if TYPE_CHECKING:
    from gem_core.pipeline.mixing.split_files import DocumentSplit


def split(
    source: Annotated[
        Path, typer.Argument(parser=input_path, metavar="DIR|LABELED", help="workspace, or a folder of labeled shards")
    ],
    out: Annotated[
        Path, typer.Option(parser=write_path, metavar="FOLDER", help="folder for the files; it must not exist yet")
    ],
    format: ShardFormat = "parquet",
    part_tokens: ShardTokens = 1 << 24,
    prefix: Annotated[str, typer.Option(help="prefix of the columns that labeling added")] = "gem_",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Write the documents of each cluster into a folder of its own: cluster_0003/part-00000.parquet."""
    from gem_core.pipeline.mixing.split_files import split_labeled, split_workspace
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    console = Console(progress_file)
    if (source / "manifest.json").exists():
        opened = Workspace(source)
        result = split_workspace(
            opened,
            mixing_taxonomy(opened),
            out,
            form=format,  # type: ignore[arg-type]  # checked when used
            part_tokens=part_tokens,
            progress=console,
        )
    else:
        result = split_labeled(
            source,
            out,
            prefix=prefix,
            form=format,  # type: ignore[arg-type]  # checked when used
            part_tokens=part_tokens,
            progress=console,
        )
    console.end()
    _print_split(result, as_json)


def _print_split(result: "DocumentSplit", as_json: bool) -> None:
    files, documents = sum(map(len, result.files.values())), sum(result.documents.values())
    if as_json:
        typer.echo((result.folder / "split.json").read_text(encoding="utf-8"))
        return
    typer.echo(
        clean(
            f"{documents:,} documents with {sum(result.tokens.values()):,} tokens in {files:,} files of "
            f"{len(result.files)} clusters under {result.folder}"
        )
    )
    if result.left_out:
        typer.echo(f"{result.left_out:,} documents of excluded clusters are in no file")


def swarm(
    workspace: WorkspaceArg,
    out: Annotated[
        Path, typer.Option(parser=write_path, metavar="PATH", help="folder for the design; weights file with --losses")
    ],
    losses: Annotated[
        Path | None,
        typer.Option(parser=input_path, metavar="L.csv", help="losses of the runs, to fit laws and propose a mixture"),
    ] = None,
    mixtures: Annotated[
        Path | None,
        typer.Option(parser=input_path, metavar="M.csv", help="mixtures.csv of the design; beside --losses"),
    ] = None,
    goal: Annotated[str, typer.Option(help="saved goal that the proposal is for")] = "corpus",
    count: Annotated[int, typer.Option(help="mixtures, natural shares among them", min=10)] = 56,
    format: Annotated[str, typer.Option(help="also a weight file of this trainer for each run")] = "",
    path: TrainerData = "",
    budget: Budget = None,
    max_epochs: MaxEpochs = None,
    pool: Pool = None,
    seed: Annotated[int, typer.Option(help="seed of the mixtures and the fit", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Write a design of mixtures for proxies of your own, and turn their losses into a proposal for a goal."""
    from gem_core.export.design_files import write_design, write_proposal
    from gem_core.pipeline.mixing.domains import domains_of
    from gem_core.pipeline.mixing.goal_store import read_goal
    from gem_core.pipeline.mixing.swarm import propose_from_runs, swarm_mixtures
    from gem_core.pipeline.mixing.token_pool import read_limits
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import mixing_taxonomy

    if (losses is None) != (mixtures is None):
        raise InputError("Losses belong to the mixtures of a design", "one of the two files", "Give both, or none")
    opened = Workspace(workspace)
    taxonomy = mixing_taxonomy(opened)
    domains = domains_of(opened, taxonomy)
    limits = read_limits(domains, budget, max_epochs, pool)
    if losses is None or mixtures is None:
        design = swarm_mixtures(domains, count, seed=seed, limits=limits)
        files = write_design(out, taxonomy, design, limits, trainer=format, path=path)
        facts = {"runs": len(design), "folder": str(out), "files": [file.name for file in files]}
        text = (
            f"{len(design)} mixtures in {out / 'mixtures.csv'}; train a proxy on each, and write losses.csv: run, then "
        )
        text += "a column for each cluster"
    else:
        proposal = propose_from_runs(
            domains, read_goal(opened, domains, goal), mixtures, losses, limits=limits, seed=seed
        )
        files = write_proposal(out, taxonomy, proposal.mixtures, limits)
        facts = {**proposal.facts(), "files": [str(file) for file in files]}
        text = f"{proposal.sentence()} Train these beside natural shares before you use one: " + ", ".join(
            file.name for file in files
        )
    typer.echo(json.dumps(facts, indent=1) if as_json else clean(text))
