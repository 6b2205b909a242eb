"""Whoever cannot see a figure gets its words: every chart, table and picture has alternative text and a fixed key."""

import ast
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[2] / "app"
DRAWN = ("plotly_chart", "dataframe", "data_editor", "image")


def calls() -> list[tuple[str, str, dict[str, ast.expr]]]:
    """Every call that draws something: where it stands, what it draws, its options."""
    found = []
    for path in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DRAWN:
                options = {word.arg: word.value for word in node.keywords if word.arg}
                found.append((f"{path.name}:{node.lineno}", node.func.attr, options))
    return found


def test_there_are_figures() -> None:
    assert len(calls()) > 20


@pytest.mark.parametrize(("place", "kind", "options"), calls(), ids=lambda v: v if isinstance(v, str) else "")
def test_every_figure_has_words_and_a_key(place: str, kind: str, options: dict[str, ast.expr]) -> None:
    assert "alt" in options, place
    if kind != "image":
        assert "key" in options, place
        words = options["alt"]
        assert not (isinstance(words, ast.Constant) and len(str(words.value)) < 10), place
