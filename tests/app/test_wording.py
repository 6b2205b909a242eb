"""Strings, docstrings and comments are plain American English: no dialect of this project, no British spelling."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for folder in ("app", "gem_core") for path in (ROOT / folder).rglob("*.py"))
BRITISH = (
    r"centre[ds]?|colour\w*|grey|labelled|labelling|unlabelled|neighbour\w*|distil|distils|favour\w*|behaviour\w*|"
    r"catalogue\w*|analys(?:e|ed|es|ing)|learnt|cancelled|cancelling|modelled|modelling|"
    r"(?:normal|maxim|minim|minor|organ|recogn|optim|capital|initial|serial|summar|general|random|factor|vector|token|"
    r"emphas|parallel)is(?:e|ed|es|er|ers|ing|ation\w*)"
)
DIALECT = (
    "open yours|change to another|being made|take them in|take up|taken in|built as it stands|own vectors|mean alike|"
    "nobody has|none is saved|as natural(?! shares)|made anew|named anew|"
    r"(?:nats|rows?|documents?|numbers?|vectors?|bytes|tokens|entry|entries|lines?|columns?|values?|one) an? "
    r"(?:token|document|cluster|second|row|domain|run|group|step|byte|shard|column|line|word|strength|proxy|seed)|"
    "cannot be done as asked|by halves|without a word|has learnt|being taught|distil another|"
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
#: Not in docstrings and comments; the stop words and examples of documents hold some of them.
IN_PROSE = re.compile(
    r"\b(?:towards|whilst|amongst|anew|hears|gives? way|nobody|somebody|whoever|for want of|came about|what becomes|"
    r"told of|is there no more|goes on where|held against|who keeps whom|"
    r"(?:line|node|file|chunk) an? (?:cluster|step|row))\b",
    re.IGNORECASE,
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


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Docstrings and comments of a file; names of code in backquotes and examples left out."""
    source = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], re.sub(r"`[^`]+`", "", token.string)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, re.sub(r"`[^`]+`|>>> .*|\bCancelled\b", "", text)


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


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_and_comments_are_plain_american_english(path: Path) -> None:
    violations = {
        line: match.group() for line, text in prose(path) if (match := FORBIDDEN.search(text) or IN_PROSE.search(text))
    }
    assert violations == {}
