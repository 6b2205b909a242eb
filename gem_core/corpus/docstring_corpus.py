"""Build a real corpus without a network: the docstrings of the packages installed beside this one."""

import ast
import difflib
import hashlib
import importlib.metadata
import inspect
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gem_core._checkpoints import replace_file
from gem_core._types import Progress, silent
from gem_core.corpus.read import WORDS_TO_TOKENS, count_words
from gem_core.embedding.tokens import packaged_counter
from gem_core.errors import CorpusError

# Tests and copies of other packages repeat what stands elsewhere.
PASSED = {"tests", "test", "_vendor", "vendor", "_vendored", "site-packages", "node_modules", "__pycache__"}


@dataclass(frozen=True)
class _File:
    package: str
    module: str
    path: Path


def write_docstrings(
    out: Path | str,
    *,
    packages: Sequence[str] | None = None,
    limit: int | None = 6000,
    min_words: int = 25,
    progress: Progress = silent,
) -> int:
    """Write the docstrings of installed packages as a corpus: columns id, text, package, module, kind, tokens.

    Source files are parsed, never imported or run. The same packages give the same file, byte for byte. A docstring
    that repeats an earlier one but for blanks and capitals is left out. With a limit, files are used in an order made
    from a hash of their names, so the documents come from all packages, large ones more, and not from the first letters
    of the alphabet.

    Parameters
    ----------
    out : path
        A .jsonl or .parquet file; replaced when it is whole.
    packages : sequence of str, optional
        Names of distributions ("scikit-learn"); all installed ones when None.
    limit : int or None
        At most so many documents; None takes all, often more than a hundred thousand.
    min_words : int
        Shorter docstrings are left out.
    progress : Progress
        Receives step "docstrings" in documents when there is a limit, else in files.

    Returns
    -------
    int
        Number of documents written.

    Raises
    ------
    CorpusError
        When a package is not installed, no docstring is long enough, the suffix is another, or the folder cannot be
        written.

    Examples
    --------
    >>> import tempfile
    >>> write_docstrings(Path(tempfile.mkdtemp()) / "docs.jsonl", packages=["numpy"], limit=100)
    100
    """
    out = Path(out).expanduser()
    if out.suffix.lower() not in (".jsonl", ".parquet"):
        raise CorpusError(
            "the corpus of docstrings must be written as .jsonl or .parquet", out.name, "Choose one of these suffixes"
        )
    if limit is not None and limit < 1:
        raise CorpusError("limit must be at least 1", f"{limit}", "Ask for one document or more")
    records = _collect(_files(packages), limit, min_words, progress)
    if not records:
        raise CorpusError(
            "the packages must have docstrings",
            f"none of {min_words} words or more",
            "Name other packages or lower the least number of words",
        )
    records.sort(key=lambda record: (record["package"], record["id"]))
    _add_tokens(records)
    try:
        replace_file(out, lambda temporary: _write(records, temporary, parquet=out.suffix.lower() == ".parquet"))
    except OSError as error:
        raise CorpusError(
            "the folder of the corpus must be writable", f"{error.strerror or error} for {out}", "Choose another folder"
        ) from error
    return len(records)


def _files(packages: Sequence[str] | None) -> list[_File]:
    """Return the source files of distributions, sorted by module."""
    distributions = {_plain(dist.metadata["Name"] or ""): dist for dist in importlib.metadata.distributions()}
    package_names = sorted(distributions) if packages is None else [_plain(name) for name in packages]
    files_by_module: dict[str, _File] = {}
    for name in package_names:
        if name not in distributions:
            near = difflib.get_close_matches(name, distributions, n=1)
            raise CorpusError(
                "packages must be installed here",
                f"'{name}', which is not",
                f"Did you mean '{near[0]}'" if near else "See pip list for the names",
            )
        for entry in distributions[name].files or ():
            parts = Path(entry).parts
            if entry.suffix != ".py" or PASSED & set(parts) or ".." in parts or any("-" in part for part in parts):
                continue
            module = ".".join(Path(entry).with_suffix("").parts).removesuffix(".__init__")
            files_by_module.setdefault(module, _File(name, module, Path(str(entry.locate()))))
    return [files_by_module[module] for module in sorted(files_by_module)]


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _collect(files: Sequence[_File], limit: int | None, min_words: int, progress: Progress) -> list[dict[str, object]]:
    if limit is not None:
        files = sorted(files, key=lambda file: hashlib.sha256(file.module.encode()).digest())
    records: list[dict[str, object]] = []
    text_keys: set[bytes] = set()
    ids: set[str] = set()
    for number, file in enumerate(files):
        for name, kind, text in _docstrings(file):
            key = hashlib.sha256(" ".join(text.lower().split()).encode()).digest()
            if count_words(text) < min_words or key in text_keys or name in ids:
                continue
            text_keys.add(key)
            ids.add(name)
            records.append({"id": name, "text": text, "package": file.package, "module": file.module, "kind": kind})
            if len(records) == limit:
                progress("docstrings", limit, limit)
                return records
        progress("docstrings", *((number + 1, len(files)) if limit is None else (len(records), limit)))
    return records


def _docstrings(file: _File) -> Iterator[tuple[str, str, str]]:
    """Yield (dotted name, kind, docstring) of a file; a file that cannot be parsed has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's strings
            tree = ast.parse(file.path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    yield from _walk(tree, file.module, "module")


def _walk(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str, kind: str
) -> Iterator[tuple[str, str, str]]:
    text = ast.get_docstring(node, clean=False)
    if text is not None:
        text = inspect.cleandoc(text)
        # An escape may have made half a surrogate pair, which no file can hold.
        yield name, kind, text.encode("utf-8", "replace").decode()
    if kind in ("function", "method"):
        return
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            yield from _walk(child, f"{name}.{child.name}", "class")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk(child, f"{name}.{child.name}", "method" if kind == "class" else "function")


def _add_tokens(records: list[dict[str, object]]) -> None:
    texts = [str(record["text"]) for record in records]
    counter = packaged_counter()
    counts = counter(texts) if counter else [round(count_words(text) * WORDS_TO_TOKENS) for text in texts]
    for record, count in zip(records, counts, strict=True):
        record["tokens"] = count


def _write(records: list[dict[str, object]], path: Path, *, parquet: bool) -> None:
    if parquet:
        pq.write_table(pa.Table.from_pylist(records), path, compression="zstd")
        return
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
