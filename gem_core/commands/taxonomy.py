"""gem-explorer fit, path, info: fit a taxonomy, its balance path, its facts."""

import json
from typing import Annotated

import typer

from gem_core._progress import Console
from gem_core.commands._options import (
    LONGEST_ROW,
    MIN_WORDS,
    AnySeed,
    Corpus,
    Embeddings,
    Encoder,
    Encoding,
    IdColumn,
    Json,
    LabelColumn,
    LongestRow,
    MaxTokens,
    MinWords,
    Name,
    NoHeader,
    ProgressFile,
    Prompt,
    QueryPrompt,
    Split,
    TextColumn,
    TokensColumn,
    Vocabulary,
    WorkspaceArg,
    WorkspaceOption,
    clean,
    print_facts,
    read_encoder_options,
    read_file_options,
    read_fit_options,
    read_source_options,
    workspace_facts,
)


def fit(
    corpus: Corpus,
    workspace: WorkspaceOption,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    label_column: LabelColumn = None,
    tokens_column: TokensColumn = None,
    embeddings: Embeddings = None,
    encoder: Encoder = "packaged",
    min_words: MinWords = MIN_WORDS,
    split: Split = None,
    encoding: Encoding = "utf-8",
    no_header: NoHeader = False,
    longest_row: LongestRow = LONGEST_ROW,
    prompt: Prompt = None,
    query_prompt: QueryPrompt = None,
    max_tokens: MaxTokens = None,
    name: Name = "",
    clusters: Annotated[int, typer.Option(help="number of clusters", min=1)] = 24,
    strength: Annotated[float, typer.Option(help="balance strength, 0 to inf", min=0)] = 1.0,
    penalty: Annotated[
        float | None, typer.Option(help="lambda itself instead of --strength, for example 5000", min=0)
    ] = None,
    target: Annotated[str, typer.Option(help="uniform, natural, floor:0.02, or shares by commas")] = "uniform",
    concentration: Annotated[str, typer.Option(help="per_cluster, shared, or a number")] = "per_cluster",
    solver: Annotated[str, typer.Option(help="dual or mm")] = "dual",
    weighting: Annotated[str, typer.Option(help="count shares in documents or tokens")] = "documents",
    seed: AnySeed = 0,
    vocabulary: Vocabulary = None,
    keyword_names: Annotated[
        bool,
        typer.Option(
            "--keyword-names",
            help="with --embeddings of an unknown encoder: name by keywords and embed no documents for names",
        ),
    ] = False,
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Fit a taxonomy: read the corpus, embed it (unless vectors are given), cluster, score, name.

    Vectors of an unknown encoder: the packaged encoder embeds 30 documents of each cluster to name it.
    """
    from gem_core.pipeline import build, rename_automatically
    from gem_core.pipeline.search.semantic import encoder_of
    from gem_core.taxonomy.concepts import load_concepts
    from gem_core.workspace import Workspace

    if vocabulary is not None:
        load_concepts(vocabulary)  # Refuses a file that is none before the corpus is read.
    settings = read_fit_options(clusters, strength, target, concentration, solver, weighting, seed, penalty)
    source = read_source_options(
        corpus,
        text_column,
        id_column,
        label_column,
        tokens_column,
        embeddings,
        encoder,
        name,
        min_words=min_words,
        options=read_file_options(split, encoding, no_header, longest_row),
        embedding=read_encoder_options(prompt, query_prompt, max_tokens),
    )
    console = Console(progress_file)
    taxonomy = build(source, workspace, settings, penalty=penalty, progress=console)
    opened = Workspace(workspace)
    by_exemplars = not keyword_names and encoder_of(opened) is None
    if vocabulary is not None or by_exemplars:
        rename_automatically(opened, vocabulary, progress=console)
        taxonomy = Workspace(workspace).taxonomy()
    console.end()
    print_facts(workspace_facts(Workspace(workspace), taxonomy), as_json)
    if not as_json and by_exemplars:
        typer.echo("Named by up to 30 documents of each cluster, embedded with the packaged encoder for it.")


def path(
    workspace: WorkspaceArg,
    as_json: Json = False,
    suggest: Annotated[bool, typer.Option("--suggest", help="only the suggested strength and why")] = False,
) -> None:
    """Show the balance path: cluster shares at each strength, and the suggested strength."""
    import numpy as np

    from gem_core.clustering import suggest_strength
    from gem_core.pipeline import ensure_path
    from gem_core.pipeline.compare.path_effects import label_agreement, split_clusters
    from gem_core.workspace import Workspace

    console, opened = Console(), Workspace(workspace)
    taxonomy = ensure_path(opened, progress=console)
    balance = taxonomy.path
    console.end()
    suggestion = suggest_strength(balance)
    if suggest:
        names = [cluster.label for cluster in opened.taxonomy(taxonomy.base).clusters]
        splits = [] if suggestion.strength is None else split_clusters(opened, balance, suggestion.strength)
        lines = [f"It moves {s.part:.0%} of {names[s.cluster]} to {names[s.receiver]}." for s in splits]
        if as_json:
            pairs = [{"cluster": names[s.cluster], "to": names[s.receiver], "part": s.part} for s in splits]
            typer.echo(json.dumps({**suggestion.to_json(), "splits": pairs}, indent=1))
        else:
            typer.echo("\n".join(map(clean, [suggestion.sentence, *lines])))
        return
    labels = label_agreement(opened, balance)
    columns = {
        "normalised_entropy": balance.normalized_entropy,
        "effective_clusters": balance.effective_clusters,
        "largest": balance.largest,
        "smallest": balance.smallest,
        "moved": balance.moved_share,
        "ari": balance.ari,
    }
    if labels is not None:
        columns["ari_label"], columns["nmi_label"] = map(np.asarray, labels)
    rows = [
        {
            "strength": "inf" if s == float("inf") else float(s),
            **{name: float(values[i]) for name, values in columns.items()},
        }
        for i, s in enumerate(balance.strengths)
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    typer.echo("".join(f"{name:>20}" for name in ("strength", *columns)))
    for row in rows:
        typer.echo("".join(f"{value:>20}" if isinstance(value, str) else f"{value:>20.4g}" for value in row.values()))
    typer.echo(suggestion.sentence)
    if balance.sampled_documents:
        typer.echo(f"Fitted to {balance.sampled_documents:,} documents; every measure is of all documents.")


def info(workspace: WorkspaceArg, as_json: Json = False) -> None:
    """Show the facts of a workspace: corpus, vectors, taxonomy, clusters."""
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    taxonomy = opened.taxonomy() if opened.fitted() else None
    print_facts(workspace_facts(opened, taxonomy), as_json)
