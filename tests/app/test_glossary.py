"""Every hover has its line in the glossary, and each line is short enough to be read."""

import ast
from pathlib import Path

from app.ui.glossary import HINTS, LONGEST, TERMS, matching

APP = Path(__file__).resolve().parents[2] / "app"


def used() -> dict[str, str]:
    """Keys that the screens ask for, with the file that does: HINTS[...], the last part of `facts`, PARTS."""
    file_by_key: dict[str, str] = {}
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            keys: list[ast.expr] = []
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "HINTS":
                keys = [node.slice]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "facts":
                keys = [cell.elts[2] for cell in ast.walk(node) if isinstance(cell, ast.Tuple) and len(cell.elts) == 3]
            elif (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Dict)
                and [getattr(target, "id", "") for target in node.targets] == ["PARTS"]
            ):
                keys = [key for key in node.value.keys if key is not None]
            file_by_key |= {
                key.value: path.name
                for key in keys
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value
            }
    return file_by_key


def test_every_key_used_is_in_the_glossary() -> None:
    keys = used()
    assert {"gis", "share_tokens", "concentration", "strength"} <= set(keys)  # the search finds what is there
    assert {key: file for key, file in keys.items() if key not in HINTS} == {}


def test_lines_are_short_plain_sentences() -> None:
    for key, term in TERMS.items():
        assert 10 < len(term.line) <= LONGEST == 140, key
        assert term.line[0].isupper(), key
        assert term.line.endswith("."), key
        assert not set(term.line) & set("*_`[]$<>~\\"), key  # hovers read Markdown
    names = [term.name for term in TERMS.values()]
    assert len(set(names)) == len(names)


def test_the_terms_of_the_method_are_there() -> None:
    expected_terms = (
        "strength concentration gis confidence centrality density margin mass share target effective entropy ari "
        "nmi natural_share ratio exemplar near_duplicate pinned excluded"
    )
    assert set(expected_terms.split()) <= set(TERMS)


def test_a_search_finds_by_name_and_by_meaning() -> None:
    assert [term.name for term in matching("gis")][:1] == ["GIS"]
    assert [term.name for term in matching("RAND index")] == ["ARI"]
    assert len(matching("")) == len(TERMS)
    assert matching("qqzz") == []
