"""The command line: the commands put together, and what their end means.

Results go to standard output, progress and errors to standard error. Exit status: 0 done, 1 a fault of the program,
2 wrong usage or bad input, 130 stopped by the user.
"""

import errno
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from gem_core._version import __version__
from gem_core.commands import (
    adding,
    check,
    compare,
    corpus,
    duplicates,
    edit,
    export,
    label,
    llm_labels,
    mcp,
    rename_auto,
    sample,
    search,
    student,
    taxonomy,
    umap_map,
)
from gem_core.commands import app as app_command
from gem_core.commands._options import clean
from gem_core.commands.mixing import mix_commands
from gem_core.errors import Cancelled, GemError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Cluster a text corpus into a balanced, named taxonomy; explore it in the app and export it.",
    epilog="Example: gem-explorer app    Then: gem-explorer fit news.csv --workspace news",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(show_version: bool) -> None:
    if show_version:
        typer.echo(f"gem-explorer {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options that stand before the command."""


sample_app = typer.Typer(no_args_is_help=True, help="Corpora to start with, and samples of shards.")
app.add_typer(sample_app, name="sample")

app.command("app", epilog="Example: gem-explorer app    Example: gem-explorer app --workspace news --port 8600")(
    app_command.open_app
)
sample_app.command("build", epilog="Example: gem-explorer sample build --workspace demo")(sample.build)
sample_app.command("docstrings", epilog="Example: gem-explorer sample docstrings --out docs.parquet --limit 5000")(
    sample.docstrings
)
sample_app.command(
    "shards", epilog="Example: gem-explorer sample shards crawl --documents 100000 --out seed.parquet --by domain"
)(label.sample_shards)
app.command("estimate", epilog="Example: gem-explorer estimate news.csv --text-column body --json")(corpus.estimate)
app.command("embed", epilog="Example: gem-explorer embed news.csv --workspace news --text-column body")(corpus.embed)
app.command(
    "fit",
    epilog="Example: gem-explorer fit news.csv --workspace news --clusters 32 --strength 1.0    "
    "Strength: 0 = plain mixture, 1 = matched, inf = exactly the target.",
)(taxonomy.fit)
app.command(
    "assign",
    epilog="Example: gem-explorer assign news more.jsonl --out assigned.parquet    Vectors alone: "
    "gem-explorer assign news --embeddings new.npy --out assigned.parquet",
)(adding.assign)
app.command("add", epilog="Example: gem-explorer add news more.jsonl")(adding.add)
app.command(
    "path", epilog="Example: gem-explorer path news    Only the suggested strength: gem-explorer path news --suggest"
)(taxonomy.path)
app.command("info", epilog="Example: gem-explorer info news --json")(taxonomy.info)
app.command(
    "name",
    epilog="Example: gem-explorer name news --dry-run    Then: gem-explorer name news --base-url "
    "http://localhost:11434/v1 --model gemma3",
)(llm_labels.name)
app.command(
    "rename-auto",
    epilog="Example: gem-explorer rename-auto news --dry-run    Own names: "
    "gem-explorer rename-auto news --vocabulary topics.tsv",
)(rename_auto.rename_auto)
app.command("group", epilog="Example: gem-explorer group news --count 8")(rename_auto.group)
app.command("stop-words", epilog="Example: gem-explorer stop-words news reuters lot")(rename_auto.stop_words)
edit_app = typer.Typer(no_args_is_help=True, help="Change the taxonomy step by step; every step can be undone.")
app.add_typer(edit_app, name="edit")
for _command, _example in edit.COMMANDS:
    edit_app.command(epilog=f"Example: {_example}")(_command)
app.add_typer(mix_commands.app, name="mix")
app.command("distill", epilog="Example: gem-explorer distill news --out news-student --seed 0")(student.distill)
app.command(
    "label",
    epilog="Example: gem-explorer label news-student crawl crawl-labeled    On a cluster: "
    "gem-explorer label news-student crawl crawl-labeled --engine ray",
)(label.label)
app.command(
    "compare",
    epilog="Example: gem-explorer compare news --with kmeans    "
    "Example: gem-explorer compare news --with column:topic --json",
)(compare.compare)
app.command("stability", epilog="Example: gem-explorer stability news --seeds 8 --resamples 8 --json")(
    compare.stability
)
app.command("clusters", epilog="Example: gem-explorer clusters news --from 8 --to 48 --points 7 --seeds 3")(
    compare.clusters
)
app.command(
    "search",
    epilog='Example: gem-explorer search news "river floods"    By meaning: gem-explorer search '
    'news "water damage to homes" --meaning',
)(search.search)
app.command(
    "select",
    epilog="Example: gem-explorer select news --query flood --cluster 3 --min-margin 2 --name floods"
    "    A file: gem-explorer select news --column source=web --out web.csv",
)(search.select)
app.command("selections", epilog="Example: gem-explorer selections news --json")(search.selections)
app.command("duplicates", epilog="Example: gem-explorer duplicates news --threshold 0.97 --out duplicates.csv")(
    duplicates.duplicates
)
app.command("umap", epilog="Example: gem-explorer umap news")(umap_map.umap_map)
app.command(
    "check", epilog="Example: gem-explorer check news    Rebuild what is damaged: gem-explorer check news --mend"
)(check.check)
app.command("export", epilog="Example: gem-explorer export news --out news-taxonomy")(export.export)
app.command("report", epilog="Example: gem-explorer report news --out news.html")(export.report)
app.command(
    "mcp",
    epilog="Example: gem-explorer mcp news    With edits and files: gem-explorer mcp news --allow-edits "
    "--export-folder news-exports",
)(mcp.serve_agent)
app.command("figure", epilog="Example: gem-explorer figure news --what globe --out globe.svg")(export.figure)


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
    except SystemExit as end:
        _keep_status(0 if end.code is None else int(end.code))
        raise
    except (_Stopped, Cancelled, KeyboardInterrupt):
        _end(f"Stopped; {_after_stop(sys.argv[1:])}.", 130)
    except GemError as error:
        _end(f"Error: {error}", 2)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES):
            raise
        from gem_core.workspace.atomic_files import unwritable

        _end(f"Error: {unwritable(Path(error.filename or '.').parent, error)}", 2)


GOES_ON = "what was finished is kept, the same command goes on from there"
#: What a stop leaves behind, by the first word of the command.
AFTER_STOP = {
    **dict.fromkeys(("fit", "embed", "name", "mix"), GOES_ON),
    "add": "the workspace is as it was; the same command goes on from the documents it had embedded",
    "label": "finished shards are kept, the same command with --resume goes on from there",
}
NOTHING_KEPT = "nothing was left half written, the same command begins anew"


def _after_stop(arguments: list[str]) -> str:
    return AFTER_STOP.get(arguments[0] if arguments else "", NOTHING_KEPT)


def _keep_status(status: int) -> None:
    """Let a signal that comes after the result, while libraries shut down, end the process with its real status."""

    def end(number: int, frame: Any) -> NoReturn:
        os._exit(status)

    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _end(words: str, status: int) -> NoReturn:
    """Say why and end; a full disk takes the words of a log, not the status."""
    with suppress(OSError):
        typer.echo(clean(words), err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
