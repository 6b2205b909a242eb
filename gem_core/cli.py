"""The command line: it reads arguments, calls the pipeline and prints.

Results go to standard output, progress and errors to standard error. Exit status: 0 done, 1 a fault of the program,
2 wrong usage or bad input, 130 stopped by the user.
"""

import errno
import json
import os
import signal
import socket
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from gem_core._progress import Console
from gem_core.errors import Cancelled, GemError, InputError

if TYPE_CHECKING:
    from gem_core.pipeline import Source
    from gem_core.workspace import Settings, Taxonomy, Workspace

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="Cluster a text corpus into a balanced, named taxonomy; look at it; take it away.",
                  epilog="Example: gem-explorer app    Then: gem-explorer fit news.csv --workspace news",
                  context_settings={"help_option_names": ["-h", "--help"]})
sample_app = typer.Typer(no_args_is_help=True, help="Corpora to start with, made without a network.")
app.add_typer(sample_app, name="sample")

Corpus = Annotated[Path, typer.Argument(metavar="CORPUS", help="csv, tsv, jsonl(.gz, .zst), parquet, or a folder")]
WorkspaceArg = Annotated[Path, typer.Argument(metavar="DIR", help="workspace folder")]
WorkspaceOption = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="workspace folder, made if absent")]
TextColumn = Annotated[str | None, typer.Option(help="column with the text; guessed when left out")]
IdColumn = Annotated[str | None, typer.Option(help="column with the id; '' for row numbers; guessed when left out")]
LabelColumn = Annotated[str | None, typer.Option(help="column with a known label, to compare with; '' for none")]
TokensColumn = Annotated[str | None, typer.Option(help="column with token counts; '' to count them")]
Embeddings = Annotated[Path | None, typer.Option(metavar="FILE", help="own vectors: .npy, or parquet with a list")]
Encoder = Annotated[str, typer.Option(help="'packaged', or a path or hub name of a sentence-transformers model")]
Name = Annotated[str, typer.Option(help="what the app calls the corpus; the file's name when left out")]
Json = Annotated[bool, typer.Option("--json", help="print JSON for a program to read")]
ProgressFile = Annotated[Path | None, typer.Option(hidden=True, help="keep the present progress in this file")]


@app.command("app", epilog="Example: gem-explorer app    Example: gem-explorer app --workspace news --port 8600")
def open_app(
    workspace: Annotated[Path | None, typer.Option(metavar="DIR", help="workspace; the sample if left out")] = None,
    port: Annotated[int | None, typer.Option(help="port on this machine; the first free one from 8501", min=1,
                                             max=65535)] = None,
    headless: Annotated[bool, typer.Option("--headless", help="do not open a browser")] = False,
) -> None:
    """Open the app in the browser, on the built-in sample or on a workspace."""
    from gem_core.pipeline import open_sample
    from gem_core.workspace import Workspace

    chosen = _free_port(port)
    script = _app_script()
    console = Console()
    root = Workspace(workspace).root if workspace else open_sample(progress=console).root
    console.end()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(chosen),
               "--server.headless", str(headless or not sys.stdout.isatty()).lower(), "--", "--workspace", str(root)]
    # Streamlit reads its configuration from the folder it runs in: the one that holds .streamlit.
    os.chdir(script.parent if (script.parent / ".streamlit").is_dir() else script.parent.parent)
    sys.stdout.flush()
    os.execv(command[0], command)  # the server takes this process's place: a signal reaches it, nothing is orphaned


def _free_port(wanted: int | None) -> int:
    for port in [wanted] if wanted else range(8501, 8600):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise InputError("The port must be free for the app", f"{wanted or '8501 to 8599'}, in use or not allowed",
                     "Choose another one: gem-explorer app --port 8700")


def _app_script() -> Path:
    package = Path(__file__).parent
    for script in (package / "_app" / "main.py", package.parent / "app" / "main.py"):
        if script.is_file():
            return script
    raise InputError("The installed package must hold its app", f"none under {package}", "Install gem-explorer again")


@sample_app.command("build", epilog="Example: gem-explorer sample build --workspace demo")
def sample_build(workspace: Annotated[Path, typer.Option("--workspace", metavar="DIR", help="new folder")],
                 as_json: Json = False) -> None:
    """Make a workspace of the built-in sample corpus, fitted and named."""
    from gem_core.pipeline import open_sample

    console = Console()
    opened = open_sample(workspace, progress=console)
    console.end()
    _say(_facts(opened, opened.taxonomy()), as_json)


@sample_app.command("docstrings", epilog="Example: gem-explorer sample docstrings --out docs.parquet --limit 5000")
def sample_docstrings(
    out: Annotated[Path, typer.Option(metavar="FILE", help=".jsonl or .parquet to write")] = Path("docstrings.parquet"),
    limit: Annotated[int, typer.Option(help="at most so many documents", min=1)] = 6000,
) -> None:
    """Build a larger real corpus from the docstrings of the packages installed here."""
    from gem_core.corpus import write_docstrings

    console = Console()
    count = write_docstrings(out, limit=limit, progress=console)
    console.end()
    typer.echo(_clean(f"{count:,} documents in {out}"))


@app.command(epilog="Example: gem-explorer estimate news.csv --text-column body --json")
def estimate(corpus: Corpus, text_column: TextColumn = None, id_column: IdColumn = None,
             label_column: LabelColumn = None, tokens_column: TokensColumn = None, embeddings: Embeddings = None,
             encoder: Encoder = "packaged", as_json: Json = False, progress_file: ProgressFile = None) -> None:
    """Say before anything is made: documents, tokens, refused rows, and how long embedding will take here."""
    from gem_core.pipeline import estimate as measure

    source = _source(corpus, text_column, id_column, label_column, tokens_column, embeddings, encoder)
    console = Console(progress_file)
    found = measure(source, progress=console)
    console.end()
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=1))
        return
    _say_corpus(found.documents, found.tokens, found.tokens_from, found.refused)
    if found.documents_per_second:
        typer.echo(f"  embedding here: {found.seconds:,.0f} s ({found.documents_per_second:,.0f} documents a second)")


@app.command(epilog="Example: gem-explorer embed news.csv --workspace news --text-column body")
def embed(corpus: Corpus, workspace: WorkspaceOption, text_column: TextColumn = None, id_column: IdColumn = None,
          label_column: LabelColumn = None, tokens_column: TokensColumn = None, embeddings: Embeddings = None,
          encoder: Encoder = "packaged", name: Name = "", as_json: Json = False,
          progress_file: ProgressFile = None) -> None:
    """Read a corpus into a workspace and give every document a vector; goes on where it was stopped."""
    from gem_core.pipeline import finish, prepare

    source = _source(corpus, text_column, id_column, label_column, tokens_column, embeddings, encoder, name)
    console = Console(progress_file)
    opened = prepare(source, workspace, progress=console)
    finish(opened, progress=console)
    console.end()
    _say(_facts(opened, None), as_json)


@app.command(epilog="Example: gem-explorer fit news.csv --workspace news --clusters 32 --strength 1.0    "
                    "Strength: 0 = plain mixture, 1 = matched, inf = exactly the target.")
def fit(corpus: Corpus, workspace: WorkspaceOption, text_column: TextColumn = None, id_column: IdColumn = None,
        label_column: LabelColumn = None, tokens_column: TokensColumn = None, embeddings: Embeddings = None,
        encoder: Encoder = "packaged", name: Name = "",
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
    source = _source(corpus, text_column, id_column, label_column, tokens_column, embeddings, encoder, name)
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
           out: Annotated[Path, typer.Option(metavar="OUT", help="folder for the files, made if absent")],
           as_json: Json = False) -> None:
    """Write taxonomy.csv, assignments.csv and .parquet, weights.csv and receipt.json."""
    from gem_core.export import export as write
    from gem_core.workspace import Workspace

    files = [str(written) for written in write(Workspace(workspace), out)]
    typer.echo(json.dumps({"files": files}, indent=1) if as_json else "\n".join(map(_clean, files)))


def _source(corpus: Path, text: str | None, id: str | None, label: str | None, tokens: str | None,
            vectors: Path | None, encoder: str, name: str = "") -> "Source":
    from gem_core.corpus import Columns, preview
    from gem_core.pipeline import Source

    guessed = preview(corpus).guesses
    # An empty name means none; a column that was named for one role loses the role it was guessed for.
    given = {role: column or None for role, column in (("id", id), ("label", label), ("tokens", tokens))
             if column is not None}
    if text:
        given["text"] = text
    taken = set(given.values())
    freed = {role: None for role, column in guessed.named().items() if role != "text" and column in taken}
    columns = Columns(**{**guessed.as_dict(), **freed, **given})  # type: ignore[arg-type]  # text is never None
    return Source(corpus, columns=columns, vectors=vectors, encoder=encoder, name=name)


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
                         "Use uniform, natural or shares as 0.5,0.3,0.2; per_cluster, shared or a number") from None
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
    if as_json:  # ASCII only: no control character of a label or a path reaches a terminal
        typer.echo(json.dumps(facts, indent=1))
        return
    typer.echo(_clean(f"{facts['name']} in {facts['workspace']}"))
    _say_corpus(facts["documents"], facts["tokens"], facts["tokens_from"], facts["refused"])
    typer.echo(_clean(f"  vectors: {facts['encoder'] or 'none yet'}, {facts['dimension']} dimensions"))
    for cluster in facts.get("taxonomy", {}).get("clusters", []):
        typer.echo(_clean(f"  {cluster['cluster_id']:>4}  {cluster['share_documents']:>6.1%}  {cluster['label']}"))


def _say_corpus(documents: int, tokens: int, tokens_from: str, refused: dict[str, int]) -> None:
    typer.echo(_clean(f"  {documents:,} documents, {tokens:,} tokens ({tokens_from})"))
    for reason, count in refused.items():
        typer.echo(_clean(f"  refused: {count:,} {reason}"))


def _clean(text: str) -> str:
    """Make text safe on a terminal: names and labels of a corpus may hold control and direction characters."""
    return "".join(c if c.isprintable() else " " for c in text)


class _Stopped(BaseException):
    """A signal asked for the end; not an Exception, so that no library on the way swallows it."""


def main() -> None:
    """Run the command line; turn our own errors into one line and an exit status."""

    def stop(number: int, frame: Any) -> NoReturn:
        signal.signal(number, signal.SIG_DFL)  # a second one ends the process at once
        raise _Stopped

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        app(prog_name="gem-explorer")
    except (_Stopped, Cancelled, KeyboardInterrupt):
        typer.echo("Stopped; what was finished is kept, the same command goes on from there.", err=True)
        sys.exit(130)
    except GemError as error:
        typer.echo(_clean(f"Error: {error}"), err=True)
        sys.exit(2)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES):
            raise
        from gem_core.workspace.files import unwritable

        typer.echo(_clean(f"Error: {unwritable(Path(error.filename or '.').parent, error)}"), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
