"""Strings that people read are plain American English: no dialect of this project, no British spelling."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for folder in ("app", "gem_core") for path in (ROOT / folder).rglob("*.py"))
BRITISH = (
    r"centre[ds]?|colouring|coloured|grey|labelled|labelling|normalis\w+|maximis\w+|minimis\w+|neighbour\w*|distilled|"
    r"favour\w*|behaviour\w*|catalogue\w*|organis\w+|recognis\w+|analys(?:e|ed|es|ing)|learnt|cancelled"
)
DIALECT = (
    "open yours|change to another|being made|take them in|take up|taken in|built as it stands|own vectors|mean alike|"
    "nobody has|none is saved|as natural|nats a token|made anew|named anew|a row a run|one row a cluster|"
    "one document a row|cannot be done as asked|by halves|without a word|has learnt|being taught|distil another|"
    "never saw|hardly tested|take it away|the weights away|change places|no more, so"
)
# These spellings stay: the option and parameter of released versions, and the text of a request to a language model,
# which is part of the key under which its answer is stored. Stored keys of one word (the reason labelled_already, the
# entry normalised_entropy) hold no space, so the test does not read them.
STORED = (
    "--normaliser",
    "normaliser must be token or domain",
    "You name groups of documents for a catalogue.",
    "The 8:14 was cancelled again, so the whole platform waited for the 8:40.",
)
FORBIDDEN = re.compile(rf"\b(?:{BRITISH}|{DIALECT})\b", re.IGNORECASE)


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """String constants of a file that are no docstrings and hold more than one word."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def without_stored(text: str) -> str:
    """Return a string without the parts whose spelling is stored."""
    for part in STORED:
        text = text.replace(part, "")
    return text


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_strings_are_plain_american_english(path: Path) -> None:
    violations = {
        line: text for line, text in strings(path) if " " in text.strip() and FORBIDDEN.search(without_stored(text))
    }
    assert violations == {}
