"""One function decides whether a path names this machine or a store, and every path of a command goes through it."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer

from gem_core import Workspace
from gem_core._storage import is_inside, local_path, output_path, scheme_of, storage_path
from gem_core.cli import app
from gem_core.commands._options import input_path, workspace_path, write_path
from gem_core.errors import InputError
from gem_core.workspace.atomic_files import LEFT, clear_leftovers_of


def path_options(group: typer.Typer, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every parameter of a command that is a path, with the function that reads it."""
    for command in group.registered_commands:
        assert command.callback is not None
        hints = get_type_hints(command.callback, include_extras=True)
        for parameter in inspect.signature(command.callback).parameters:
            kind, *marks = get_args(hints[parameter]) or [hints[parameter]]
            if kind is Path or Path in get_args(kind):
                yield f"{name} {command.name} {parameter}", marks[0].parser
    for below in group.registered_groups:
        assert below.typer_instance is not None
        yield from path_options(below.typer_instance, f"{name} {below.name}")


PATH_OPTIONS = dict(path_options(app))


def test_the_commands_have_paths() -> None:
    assert len(PATH_OPTIONS) > 80


@pytest.mark.parametrize("option", PATH_OPTIONS)
def test_every_path_of_a_command_is_read_by_one_function(option: str) -> None:
    assert PATH_OPTIONS[option] in (input_path, write_path, workspace_path)


def test_a_path_that_went_through_pathlib_is_the_same_address() -> None:
    pytest.importorskip("upath")
    for path in ("s3://pool/a b", "s3:/pool/a b", Path("s3://pool/a b"), storage_path("s3://pool/a b")):
        assert str(storage_path(path)) == "s3://pool/a b"
        assert scheme_of(path) == "s3"
    assert storage_path("C:/data") == Path("C:/data")


@pytest.mark.parametrize("path", ["ftp://host/x.csv", "file:///x.csv", "s3://"])
def test_other_addresses_are_refused(path: str) -> None:
    with pytest.raises(InputError, match=path):
        storage_path(path)


def test_a_workspace_lies_on_this_machine() -> None:
    with pytest.raises(InputError, match=r"A workspace must lie on a disk of this machine; got s3:/"):
        Workspace("s3://pool/workspace")
    with pytest.raises(InputError, match="must lie on a disk"):
        local_path(Path("s3://pool/workspace"))


def test_a_web_server_is_not_written() -> None:
    with pytest.raises(InputError, match="An output must lie"):
        output_path("https://host/report.html")


def test_inside_compares_whole_parts() -> None:
    assert is_inside(Path("/a/b"), Path("/a"))
    assert is_inside(Path("/a"), Path("/"))
    assert not is_inside(Path("/ab"), Path("/a"))


def test_only_the_leftovers_of_an_output_are_removed(tmp_path: Path) -> None:
    names = (".report.html.abcd1234", ".report.html.old", ".report.html.abcd.123", ".bashrc.original", "report.html")
    for name in names:
        (tmp_path / name).write_text("x")
    clear_leftovers_of(tmp_path / "report.html", LEFT)
    assert {path.name for path in tmp_path.iterdir()} == set(names)  # Another process may still write to it.
    clear_leftovers_of(tmp_path / "report.html", -1.0)
    assert {path.name for path in tmp_path.iterdir()} == set(names[1:])
