"""What several commands share: their options, reading a source and settings from them, printing results."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gem_core._storage import local_path, output_path, storage_path
from gem_core.errors import InputError

if TYPE_CHECKING:
    from gem_core.corpus import ReadOptions
    from gem_core.embedding import EncoderSettings
    from gem_core.pipeline import Source
    from gem_core.workspace import Settings, Taxonomy, Workspace


def _parser(decide: Callable[..., Path]) -> Callable[[str], Path]:
    """Return what reads a path of the command line; typer would lose the words of our own error."""

    def parse(text: str) -> Path:
        try:
            return decide(text)
        except InputError as error:
            raise typer.BadParameter(str(error)) from error

    parse.__name__ = decide.__name__
    return parse


# Every path of the command line goes through one of these.
input_path, write_path, workspace_path = _parser(storage_path), _parser(output_path), _parser(local_path)

Corpus = Annotated[
    Path,
    typer.Argument(
        parser=input_path,
        metavar="CORPUS",
        help="csv, tsv, jsonl, json (each also compressed), parquet, arrow, warc, wet, or a folder; may be in a store",
    ),
]
WorkspaceArg = Annotated[Path, typer.Argument(parser=workspace_path, metavar="DIR", help="workspace folder")]
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", parser=workspace_path, metavar="DIR", help="workspace folder, created if missing")
]
TextColumn = Annotated[str | None, typer.Option(help="column with the text; guessed when left out")]
IdColumn = Annotated[str | None, typer.Option(help="column with the id; '' for row numbers; guessed when left out")]
LabelColumn = Annotated[str | None, typer.Option(help="column with a known label, to compare with; '' for none")]
TokensColumn = Annotated[str | None, typer.Option(help="column with token counts; '' to count them")]
MinWords = Annotated[int, typer.Option("--min-words", metavar="N", min=1, help="skip texts with fewer words")]
Split = Annotated[str | None, typer.Option("--split", metavar="NAME", help="read only the files of this split: train")]
Encoding = Annotated[str, typer.Option("--encoding", help="encoding of text files, such as cp1252")]
NoHeader = Annotated[bool, typer.Option("--no-header", help="the first line of csv and tsv files is a row, not names")]
LongestRow = Annotated[
    int, typer.Option("--longest-row", metavar="BYTES", min=1, help="skip longer rows; default 256 MB")
]
Embeddings = Annotated[
    Path | None,
    typer.Option(parser=input_path, metavar="FILE", help="your own embeddings: .npy, or Parquet with a list column"),
]
Encoder = Annotated[str, typer.Option(help="'packaged', or a path or hub name of a sentence-transformers model")]
Prompt = Annotated[
    str | None, typer.Option("--prompt", help="prefix of each document; default: the encoder's own; '' for none")
]
QueryPrompt = Annotated[
    str | None,
    typer.Option("--query-prompt", help="prefix of a search query; default: the encoder's own"),
]
MaxTokens = Annotated[
    int | None,
    typer.Option("--max-tokens", metavar="N", min=1, help="longest input of the encoder, in tokens per document"),
]
Name = Annotated[str, typer.Option(help="name of the corpus in the app; default: the file's name")]
Vocabulary = Annotated[
    Path | None,
    typer.Option(
        parser=input_path,
        metavar="FILE",
        help="a list of names (tsv, csv, txt, json: name, parent, gloss) instead of the shipped one",
    ),
]
AnySeed = Annotated[int, typer.Option(help="seed of everything random")]
Json = Annotated[bool, typer.Option("--json", help="print JSON for a program to read")]
ProgressFile = Annotated[
    Path | None, typer.Option(hidden=True, parser=workspace_path, help="write the current progress to this file")
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine", help="local (this machine) or ray (the cluster at RAY_ADDRESS, else workers of this machine)"
    ),
]
WorkerCount = Annotated[
    int | None, typer.Option("--workers", metavar="N", min=1, help="number of workers; default: one per processor")
]
ENGINES = ("local", "ray")
MIN_WORDS, LONGEST_ROW = 3, 256 << 20


def read_source_options(
    corpus: Path,
    text: str | None,
    id: str | None,
    label: str | None,
    tokens: str | None,
    vectors: Path | None,
    encoder: str,
    name: str = "",
    *,
    min_words: int = 3,
    options: "ReadOptions | None" = None,
    embedding: "EncoderSettings | None" = None,
) -> "Source":
    """Return the source that the options name; columns left out are guessed from the file."""
    from gem_core.corpus import choose_columns
    from gem_core.embedding import EncoderSettings
    from gem_core.pipeline import Source

    if vectors is not None and embedding not in (None, EncoderSettings()):
        raise InputError(
            "--prompt, --query-prompt and --max-tokens belong to embeddings that are computed",
            "one of them beside --embeddings",
            "Leave it out, or leave --embeddings out",
        )
    columns = choose_columns(corpus, text=text, id=id, label=label, tokens=tokens, options=options)
    return Source(
        corpus,
        columns=columns,
        vectors=vectors,
        encoder=encoder,
        name=name,
        min_words=min_words,
        options=options,
        embedding=embedding,
    )


def read_encoder_options(prompt: str | None, query_prompt: str | None, max_tokens: int | None) -> "EncoderSettings":
    """Return the encoder settings beside the model that change the vectors."""
    from gem_core.embedding import EncoderSettings

    return EncoderSettings(max_tokens=max_tokens, prompt=prompt, query_prompt=query_prompt)


def read_file_options(split: str | None, encoding: str, no_header: bool, longest_row: int) -> "ReadOptions":
    """Return the reading options: which files, format, encoding."""
    from gem_core.corpus import ReadOptions

    return ReadOptions(split, encoding, not no_header, longest_row)


def read_fit_options(
    clusters: int,
    strength: float,
    target: str,
    concentration: str,
    solver: str,
    weighting: str,
    seed: int,
    penalty: float | None = None,
) -> "Settings":
    """Return the settings that the options of a fit name; a penalty is checked and becomes a strength in `build`."""
    from gem_core.clustering.target import read_target
    from gem_core.workspace import Settings

    check_one_of("--solver", solver, ("dual", "mm"))
    check_one_of("--weighting", weighting, ("documents", "tokens"))
    modes: tuple[Literal["per_cluster"], Literal["shared"]] = ("per_cluster", "shared")
    try:
        kappa = next((mode for mode in modes if mode == concentration), None) or float(concentration)
    except ValueError:
        raise InputError(
            "--concentration must be a known word or a number", concentration, "Use per_cluster, shared or a number"
        ) from None
    settings = Settings(
        n_clusters=clusters,
        strength=strength,
        target=read_target(target),
        concentration=kappa,
        solver=solver,  # type: ignore[arg-type]  # checked when used
        weighting=weighting,  # type: ignore[arg-type]  # checked when used
        seed=seed,
    )
    replace(settings.config(), penalty=penalty)  # refuses what cannot be, before the corpus is read
    return settings


def check_one_of(option: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse a value that the option does not know."""
    if value not in choices:
        raise InputError(f"{option} must be one of {', '.join(choices)}", value, "Choose one of them")


def workspace_facts(workspace: "Workspace", taxonomy: "Taxonomy | None") -> dict[str, Any]:
    """Return the JSON of `info --json`: workspace, taxonomy and clusters."""
    manifest = workspace.manifest
    facts: dict[str, Any] = {
        "workspace": str(workspace.root),
        "name": manifest.name,
        "source": manifest.source,
        "documents": manifest.documents,
        "tokens": manifest.tokens,
        "tokens_from": manifest.tokens_from,
        "refused": manifest.refused,
        "notes": list(manifest.notes),
        "encoder": manifest.encoder,
        "dimension": manifest.dimension,
        "data_hash": manifest.data_hash,
    }
    if taxonomy is not None:
        fit = taxonomy.fit
        facts["taxonomy"] = {
            "key": taxonomy.key,
            "hash": taxonomy.taxonomy_hash,
            "settings": taxonomy.settings.to_json(),
            "objective": float(fit.objective),
            "penalty": "inf" if fit.penalty == float("inf") else float(fit.penalty),
            "reference_concentration": float(fit.reference_concentration),
            "iterations": int(fit.n_iter),
            "converged": bool(fit.converged),
            "path_sampled_documents": taxonomy.path.sampled_documents if taxonomy.has_path else None,
            "costs": [asdict(cost) for cost in (*manifest.costs, *taxonomy.costs)],
            "clusters": [
                {
                    "cluster_id": c.number,
                    "label": c.label,
                    "label_source": c.label_source,
                    "parent": taxonomy.group(c.group).label,
                    "documents": c.documents,
                    "tokens": c.tokens,
                    "share_documents": c.share_documents,
                    "mass": c.mass,
                }
                for c in taxonomy.clusters
            ],
        }
    return facts


def print_facts(facts: dict[str, Any], as_json: bool) -> None:
    """Print the facts of a workspace, as JSON or as lines."""
    if as_json:  # ASCII only: no control character of a label or a path reaches a terminal
        typer.echo(json.dumps(facts, indent=1))
        return
    typer.echo(clean(f"{facts['name']} in {facts['workspace']}"))
    print_corpus(facts["documents"], facts["tokens"], facts["tokens_from"], facts["refused"], facts["notes"])
    typer.echo(clean(f"  vectors: {facts['encoder'] or 'none yet'}, {facts['dimension']} dimensions"))
    taxonomy = facts.get("taxonomy", {})
    if taxonomy:
        strength, penalty, reference = (
            f"{float(value):,.4g}"
            for value in (taxonomy["settings"]["strength"], taxonomy["penalty"], taxonomy["reference_concentration"])
        )
        if taxonomy["path_sampled_documents"]:
            typer.echo(f"  balance path: fitted to {taxonomy['path_sampled_documents']:,} documents, measured on all")
        typer.echo(f"  strength {strength}, penalty {penalty} (strength x concentration {reference})")
    for cluster in taxonomy.get("clusters", []):
        typer.echo(clean(f"  {cluster['cluster_id']:>4}  {cluster['share_documents']:>6.1%}  {cluster['label']}"))


def print_corpus(
    documents: int, tokens: int, tokens_from: str, refused: dict[str, int], notes: Sequence[str] = ()
) -> None:
    """Print the size of a corpus and the rows that were refused."""
    typer.echo(clean(f"  {documents:,} documents, {tokens:,} tokens ({tokens_from})"))
    for reason, count in refused.items():
        typer.echo(clean(f"  refused: {count:,} {reason}"))
    print_notes(notes)


def print_notes(notes: Sequence[str]) -> None:
    """Print notes on the files of a corpus or a folder of shards."""
    for note in notes:
        typer.echo(clean(f"  note: {note}"))


def clean(text: str) -> str:
    """Make text safe on a terminal: names and labels of a corpus may hold control and direction characters."""
    return "".join(c if c.isprintable() else " " for c in text)
