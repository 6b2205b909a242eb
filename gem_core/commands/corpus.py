"""gem-explorer estimate, embed: check and embed a corpus before a taxonomy is fitted."""

import json
from dataclasses import asdict

import typer

from gem_core._progress import Console
from gem_core.commands._options import (
    ENGINES,
    LONGEST_ROW,
    MIN_WORDS,
    Corpus,
    Embeddings,
    Encoder,
    Encoding,
    EngineName,
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
    WorkerCount,
    WorkspaceOption,
    check_one_of,
    print_corpus,
    print_facts,
    read_encoder_options,
    read_file_options,
    read_source_options,
    workspace_facts,
)
from gem_core.errors import InputError


def estimate(
    corpus: Corpus,
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
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Estimate without writing anything: documents, tokens, refused rows and embedding time on this machine."""
    from gem_core.pipeline import estimate as measure

    source = read_source_options(
        corpus,
        text_column,
        id_column,
        label_column,
        tokens_column,
        embeddings,
        encoder,
        min_words=min_words,
        options=read_file_options(split, encoding, no_header, longest_row),
        embedding=read_encoder_options(prompt, query_prompt, max_tokens),
    )
    console = Console(progress_file)
    estimated = measure(source, progress=console)
    console.end()
    if as_json:
        typer.echo(json.dumps(asdict(estimated), indent=1))
        return
    print_corpus(estimated.documents, estimated.tokens, estimated.tokens_from, estimated.refused, estimated.notes)
    if estimated.documents_per_second:
        typer.echo(
            f"  embedding here: {estimated.seconds:,.0f} s ({estimated.documents_per_second:,.0f} documents per second)"
        )


def embed(
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
    engine: EngineName = "local",
    workers: WorkerCount = None,
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Read a corpus into a workspace and embed every document; resumes after a stop."""
    from gem_core.pipeline import finish_workspace, prepare
    from gem_core.pipeline.building.embed_on_ray import ray_engine

    check_one_of("--engine", engine, ENGINES)
    if workers is not None and engine == "local":
        raise InputError(
            "--workers belongs to --engine ray",
            "it beside --engine local",
            "Leave it out: this process embeds on all processors",
        )
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
    opened = prepare(source, workspace, engine=ray_engine(workers) if engine == "ray" else None, progress=console)
    finish_workspace(opened, progress=console)
    console.end()
    print_facts(workspace_facts(opened, None), as_json)
