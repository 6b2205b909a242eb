"""MkDocs hook: generate the references of command line, Python and terms, and the pages of the notebooks."""

import re
from pathlib import Path
from typing import Any

import typer
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    files.append(File.generated(config, "reference/cli.md", content=cli_page()))
    files.append(File.generated(config, "reference/python.md", content=python_page()))
    files.append(File.generated(config, "reference/glossary.md", content=glossary_page()))
    for notebook in sorted((Path(__file__).parent / "notebooks").glob("*.py")):
        page = notebook_page(notebook)
        files.append(File.generated(config, f"notebooks/{notebook.stem}.md", content=page))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Drop the mark "no-run" of code blocks, which only the tests read: MkDocs would not see a block."""
    return re.sub(r"^(```\w+) no-run$", r"\1", markdown, flags=re.MULTILINE)


def notebook_page(notebook: Path) -> str:
    """Return a notebook in the percent format of jupytext as Markdown."""
    lines = []
    for cell in notebook.read_text(encoding="utf-8").split("# %%")[1:]:
        kind, _, body = cell.partition("\n")
        if kind.strip() == "[markdown]":
            lines += [line[2:] for line in body.strip().splitlines()]
        else:
            lines += ["```python", body.strip(), "```"]
        lines.append("")
    title, rest = lines[0], lines[1:]
    source = f"The file `docs/notebooks/{notebook.name}` opens in Jupyter (with jupytext), VS Code and PyCharm."
    return "\n".join([title, "", source, *rest])


def glossary_page() -> str:
    """Return the glossary as Markdown: every term of the app, in alphabetical order."""
    from app.ui.glossary import TERMS

    lines = ["# Glossary", "", "The same lines are shown in the app under **Glossary** and as hover texts.", ""]
    lines += ["| Term | Meaning |", "| --- | --- |"]
    terms = sorted(TERMS.values(), key=lambda term: term.name.casefold())
    return "\n".join([*lines, *(f"| {_cell(term.name)} | {_cell(term.line)} |" for term in terms), ""])


def python_page() -> str:
    """Return the reference of the public Python names; mkdocstrings fills in their docstrings."""
    import gem_core

    lines = ["# Python", "", "Every name is imported from the package: `from gem_core import GEM`.", ""]
    for name in sorted(gem_core.__all__, key=str.casefold):
        item = getattr(gem_core, name)
        lines += [f"::: {item.__module__}.{item.__qualname__}", ""]
    return "\n".join(lines)


def cli_page() -> str:
    """Return the reference of all commands as Markdown, from the same source as `--help`."""
    from gem_core.cli import app

    lines = [
        "# Command line",
        "",
        "Results go to standard output, progress and errors to standard error. Exit status: 0 success, 1 program "
        "error, 2 wrong usage or invalid input, 130 stopped by the user. Every command has `--help`.",
        "",
    ]
    for words, command in _commands(typer.main.get_command(app), ("gem-explorer",)):
        lines += [f"## {' '.join(words[1:])}", "", (command.help or "").strip(), "", *_usage(words, command)]
        lines += _parameters(command)
        if command.epilog:
            lines += [f"    {line.strip()}" for line in command.epilog.split("    ") if line.strip()] + [""]
    return "\n".join(lines)


def _commands(group: Any, words: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, command in group.commands.items():
        found += _commands(command, (*words, name)) if hasattr(command, "commands") else [((*words, name), command)]
    return found


def _usage(words: tuple[str, ...], command: Any) -> list[str]:
    arguments = [_metavar(p) for p in command.params if p.param_type_name == "argument"]
    return ["```text", " ".join([*words, *arguments, "[OPTIONS]"]), "```", ""]


def _metavar(argument: Any) -> str:
    return argument.metavar or argument.name.upper()


def _parameters(command: Any) -> list[str]:
    rows = []
    for parameter in command.params:
        if getattr(parameter, "hidden", False) or parameter.name == "help":
            continue
        option = parameter.param_type_name == "option"
        name = ", ".join(parameter.opts) if option else _metavar(parameter)
        default = "required" if parameter.required else "" if parameter.default is None else f"{parameter.default}"
        rows.append(f"| `{name}` | {_cell(getattr(parameter, 'help', '') or '')} | {_cell(default)} |")
    return ["| Parameter | Meaning | Default |", "| --- | --- | --- |", *rows, ""] if rows else []


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
