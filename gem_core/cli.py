"""The command line: it reads arguments, calls the pipeline and prints.

Results go to standard output, progress and errors to standard error. Exit status: 0 done, 1 a fault of the program,
2 wrong usage or bad input, 130 stopped by the user.
"""

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gem_core._progress import Console
from gem_core.errors import Cancelled, GemError, InputError

if TYPE_CHECKING:
    from gem_core.pipeline import Source
    from gem_core.workspace import Settings, Taxonomy, Workspace

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="Cluster a text corpus into a balanced, named taxonomy; look at it; take it away.",
                  context_settings={"help_option_names": ["-h", "--help"]})
sample_app = typer.Typer(no_args_is_help=True, help="Corpora to start with, made without a network.")
app.add_typer(sample_app, name="sample")

Corpus = Annotated[Path, typer.Argument(metavar="CORPUS", help="csv, tsv, jsonl(.gz, .zst), parquet, or a folder")]
WorkspaceArg = Annotated[Path, typer.Argument(metavar="DIR", help="workspace folder")]
WorkspaceOption = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="workspace folder, made if absent")]
TextColumn = Annotated[str | None, typer.Option(help="column with the text; guessed when left out")]
IdColumn = Annotated[str | None, typer.Option(help="column with the id; row numbers when there is none")]
LabelColumn = Annotated[str | None, typer.Option(help="column with a known label, to compare with")]
TokensColumn = Annotated[str | None, typer.Option(help="column with token counts; counted when there is none")]
Embeddings = Annotated[Path | None, typer.Option(metavar="FILE", help="own vectors: .npy, or parquet with a list column")]
Encoder = Annotated[str, typer.Option(help="'packaged', or a path or hub name of a sentence-transformers model")]
Json = Annotated[bool, typer.Option("--json", help="print JSON for a program to read")]
ProgressFile = Annotated[Path | None, typer.Option(hidden=True, help="keep the present progress in this file")]


@app.command("app", epilog="Example: gem-explorer app    Example: gem-explorer app --workspace news --port 8600")
def open_app(
    workspace: Annotated[Path | None, typer.Option(metavar="DIR", help="workspace to open; the sample if left out")] = None,
    port: Annotated[int, typer.Option(help="port on this machine", min=1, max=65535)] = 8501,
    headless: Annotated[bool, typer.Option("--headless", help="do not open a browser")] = False,
) -> None:
    """Open the app in the browser, on the built-in sample or on a workspace."""
    from gem_core.pipeline import open_sample
    from gem_core.workspace import Workspace

    console = Console()
    root = Workspace(workspace).root if workspace else open_sample(progress=console).root
    console.end()
    script = _app_script()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port),
               "--server.headless", str(headless or not sys.stdout.isatty()).lower(), "--", "--workspace", str(root)]
    # Streamlit reads its configuration from the folder it runs in: the one that holds .streamlit.
    folder = script.parent if (script.parent / ".streamlit").is_dir() else script.parent.parent
    try:
        raise typer.Exit(subprocess.run(command, cwd=folder).returncode)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _app_script() -> Path:
    package = Path(__file__).parent
    for script in (package / "_app" / "main.py", package.parent / "app" / "main.py"):
        if script.is_file():
            return script
    raise InputError("The installed package must hold its app", f"none under {package}", "Install gem-explorer again")


@sample_app.command("build", epilog="Example: gem-explorer sample build --workspace demo")
def sample_build(workspace: Annotated[Path, typer.Option("--workspace", metavar="DIR", help="new folder")]) -> None:
    """Make a workspace of the built-in sample corpus, fitted and named."""
    from gem_core.pipeline import open_sample

    console = Console()
    opened = open_sample(workspace, progress=console)
    console.end()
    typer.echo(opened.root)


@sample_app.command("docstrings", epilog="Example: gem-explorer sample docstrings --out docstrings.parquet --limit 5000")
def sample_docstrings(
    out: Annotated[Path, typer.Option(metavar="FILE", help=".jsonl or .parquet to write")] = Path("docstrings.parquet"),
    limit: Annotated[int | None, typer.Option(help="at most so many documents", min=1)] = None,
) -> None:
    """Build a larger real corpus from the docstrings of the packages installed here."""
    from gem_core.corpus import write_docstrings

    console = Console()
    count = write_docstrings(out, limit=limit, progress=console)
    console.end()
    typer.echo(f"{count:,} documents in {out}")


@app.command(epilog="Example: gem-explorer embed news.csv --workspace news --text-column body")
def embed(corpus: Corpus, workspace: WorkspaceOption, text_column: TextColumn = None, id_column: IdColumn = None,
          label_column: LabelColumn = None, tokens_column: TokensColumn = None, embeddings: Embeddings = None,
          encoder: Encoder = "packaged", as_json: Json = False, progress_file: ProgressFile = None) -> None:
    """Read a corpus into a workspace and give every document a vector; goes on where it was stopped."""
    from gem_core.pipeline import finish, prepare

    source = _source(corpus, text_column, id_column, label_column, tokens_column, embeddings, encoder)
    console = Console(progress_file)
    opened = prepare(source, workspace, progress=console)
    finish(opened, progress=console)
    console.end()
    _say(_facts(opened, None), as_json)


@app.command(epilog="Example: gem-explorer fit news.csv --workspace news --clusters 32 --strength 1.0    "
                    "Strength: 0 = plain mixture, 1 = matched, inf = exactly the target.")
def fit(corpus: Corpus, workspace: WorkspaceOption, text_column: TextColumn = None, id_column: IdColumn = None,
        label_column: LabelColumn = None, tokens_column: TokensColumn = None, embeddings: Embeddings = None,
        encoder: Encoder = "packaged",
        clusters: Annotated[int, typer.Option(help="number of clusters", min=1)] = 24,
        strength: Annotated[float, typer.Option(help="balance strength, 0 to inf", min=0)] = 1.0,
        target: Annotated[str, typer.Option(help="uniform, natural, or shares separated by commas")] = "uniform",
        concentration: Annotated[str, typer.Option(help="per_cluster, shared, or a number")] = "per_cluster",
        solver: Annotated[str, typer.Option(help="dual or mm")] = "dual",
        weighting: Annotated[str, typer.Option(help="count shares in documents or tokens")] = "documents",
        seed: Annotated[int, typer.Option(help="seed of everything random")] = 0,
        as_json: Json = False, progress_file: ProgressFile = None) -> None:
    """Build a taxonomy: read, embed (unless vectors are given), fit, score, name."""
    from gem_core.pipeline import build
    from gem_core.workspace import Workspace

    settings = _settings(clusters, strength, target, concentration, solver, weighting, seed)
    source = _source(corpus, text_column, id_column, label_column, tokens_column, embeddings, encoder)
    console = Console(progress_file)
    taxonomy = build(source, workspace, settings, progress=console)
    console.end()
    _say(_facts(Workspace(workspace), taxonomy), as_json)


@app.command(epilog="Example: gem-explorer path news --json")
def path(workspace: WorkspaceArg, as_json: Json = False) -> None:
    """Show the balance path: what each strength would do to the shares."""
    from gem_core.pipeline import ensure_path
    from gem_core.workspace import Workspace

    console = Console()
    balance = ensure_path(Workspace(workspace), progress=console).path
    console.end()
    names = ("normalised_entropy", "effective_clusters", "largest", "smallest", "moved", "ari")
    rows = [{"strength": "inf" if s == float("inf") else float(s),
             **{name: float(getattr(balance, name)[i]) for name in names}} for i, s in enumerate(balance.strengths)]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    typer.echo("".join(f"{name:>20}" for name in ("strength", *names)))
    for row in rows:
        typer.echo("".join(f"{value:>20}" if isinstance(value, str) else f"{value:>20.4g}" for value in row.values()))


@app.command(epilog="Example: gem-explorer info news --json")
def info(workspace: WorkspaceArg, as_json: Json = False) -> None:
    """Say what a workspace holds: corpus, vectors, taxonomy, clusters."""
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    taxonomy = opened.taxonomy() if opened.database.history()[1] >= 0 else None
    _say(_facts(opened, taxonomy), as_json)


@app.command(epilog="Example: gem-explorer export news --out news-taxonomy")
def export(workspace: WorkspaceArg,
           out: Annotated[Path, typer.Option(metavar="OUT", help="folder for the files, made if absent")]) -> None:
    """Write taxonomy.csv, assignments.csv and .parquet, weights.csv and receipt.json."""
    from gem_core.export import export as write
    from gem_core.workspace import Workspace

    for written in write(Workspace(workspace), out):
        typer.echo(written)


def _source(corpus: Path, text: str | None, id: str | None, label: str | None, tokens: str | None,
            vectors: Path | None, encoder: str) -> "Source":
    from dataclasses import replace

    from gem_core.corpus import preview
    from gem_core.pipeline import Source

    guessed = preview(corpus).guesses
    given = {role: name for role, name in (("text", text), ("id", id), ("label", label), ("tokens", tokens)) if name}
    # A column that was named for one role loses the role it was guessed for.
    freed = {role: None for role, name in guessed.named().items() if name in given.values()}
    return Source(corpus, columns=replace(guessed, **{**freed, **given}), vectors=vectors, encoder=encoder)


def _settings(clusters: int, strength: float, target: str, concentration: str, solver: str, weighting: str,
              seed: int) -> "Settings":
    from gem_core.workspace import Settings

    _one_of("--solver", solver, ("dual", "mm"))
    _one_of("--weighting", weighting, ("documents", "tokens"))
    named: tuple[Literal["per_cluster"], Literal["shared"]] = ("per_cluster", "shared")
    try:
        shares = target if target in ("uniform", "natural") else tuple(float(u) for u in target.split(","))
        kappa = next((mode for mode in named if mode == concentration), None) or float(concentration)
    except ValueError:
        raise InputError("--target and --concentration must be a known word or numbers",
                         f"--target {target} --concentration {concentration}",
                         "Use uniform, natural or shares such as 0.5,0.3,0.2; per_cluster, shared or a number") from None
    return Settings(n_clusters=clusters, strength=strength, target=shares, concentration=kappa,  # type: ignore[arg-type]
                    solver=solver, weighting=weighting, seed=seed)  # type: ignore[arg-type]


def _one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{option} must be one of {', '.join(known)}", value, "Choose one of them")


def _facts(workspace: "Workspace", taxonomy: "Taxonomy | None") -> dict[str, Any]:
    manifest = workspace.manifest
    facts: dict[str, Any] = {
        "workspace": str(workspace.root), "name": manifest.name, "source": manifest.source,
        "documents": manifest.documents, "tokens": manifest.tokens, "tokens_from": manifest.tokens_from,
        "refused": manifest.refused, "encoder": manifest.encoder, "dimension": manifest.dimension,
        "data_hash": manifest.data_hash}
    if taxonomy is not None:
        fit = taxonomy.fit
        facts["taxonomy"] = {
            "key": taxonomy.key, "hash": taxonomy.taxonomy_hash, "settings": taxonomy.settings.to_json(),
            "objective": float(fit.objective), "iterations": int(fit.n_iter), "converged": bool(fit.converged),
            "costs": [asdict(cost) for cost in (*manifest.costs, *taxonomy.costs)],
            "clusters": [{"cluster_id": c.number, "label": c.label, "label_source": c.label_source,
                          "parent": taxonomy.parents[c.parent].label, "documents": c.documents, "tokens": c.tokens,
                          "share_documents": c.share_documents, "mass": c.mass} for c in taxonomy.clusters]}
    return facts


def _say(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    typer.echo(f"{facts['name']}: {facts['documents']:,} documents, {facts['tokens']:,} tokens ({facts['tokens_from']})")
    for reason, count in facts["refused"].items():
        typer.echo(f"  refused: {count:,} {reason}")
    typer.echo(f"  vectors: {facts['encoder'] or 'none yet'}, {facts['dimension']} dimensions")
    for cluster in facts.get("taxonomy", {}).get("clusters", []):
        label = "".join(c if c.isprintable() else " " for c in cluster["label"])
        typer.echo(f"  {cluster['cluster_id']:>4}  {cluster['share_documents']:>6.1%}  {label}")


def main() -> None:
    """Run the command line; turn our own errors into one line and an exit status."""

    def stop(number: int, frame: Any) -> None:
        raise Cancelled("stopped")

    signal.signal(signal.SIGTERM, stop)
    try:
        app()
    except (Cancelled, KeyboardInterrupt):
        typer.echo("Stopped; what was finished is kept, the same command goes on from there.", err=True)
        sys.exit(130)
    except GemError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
