"""Corpora of the study: the sample, files in a folder, manual pages, and what installed packages carry."""

import ast
import importlib.util
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks._harness import ROOT
from benchmarks.study.runner import MissingPeerError
from gem_core._types import Float32
from gem_core.geometry import normalize

if TYPE_CHECKING:
    from benchmarks.quality.name_rules import StaticEncoder

PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "torch", "streamlit", "plotly", "numba", "umap-learn", "typer")
LANGUAGES = ("ja", "zh", "de", "es")
FILES = ("webmix", "webmix_small", "agnews")
ALL = ("sample", "webmix_small", "agnews", "docstrings", "code", "manpages")
PACKAGED, STATIC = "MiniLM", "WordLlama"
CHARACTERS = 2500  # of a function or manual page
SMALL = {"sample": 400, "webmix_small": 400}  # documents of small settings: their vectors are on disk
SMALL_OTHERS = 250  # the other corpora are embedded, which takes longer than the rest of the study
POOL = 4000  # functions and docstrings that are collected, at most


@dataclass(frozen=True)
class Corpus:
    """Documents with vectors and labels.

    Attributes
    ----------
    name : str
    texts : list of str
    truth : (n,) int64
        Label of each document, by a person or by its source.
    X : (n, d) float32
        Unit vectors of the encoder that was asked for.
    """

    name: str
    texts: list[str]
    truth: np.ndarray
    X: Float32


@dataclass(frozen=True)
class Corpora:
    """Where corpora come from; equal ones share what was read.

    Attributes
    ----------
    data : Path
        Folder with corpora.
    work : Path
        Folder for vectors and for corpora that are made here.
    encoder : Path or None
        Folder with the package wordllama; None: look where packages are installed.
    """

    data: Path
    work: Path
    encoder: Path | None = field(default=None)

    def read(self, name: str, documents: int, encoder: str = PACKAGED) -> Corpus:
        """Return at most so many random documents of a corpus (always the same ones), with vectors.

        Raises
        ------
        MissingPeerError
            The corpus or the encoder is not on this machine.
        """
        return _read(self, name, documents, encoder)

    def static_encoder(self) -> "StaticEncoder":
        """Return the encoder that the package wordllama carries; `MissingPeerError` where it is not installed."""
        return _static_encoder(self.encoder)


@cache
def _static_encoder(folder: Path | None) -> "StaticEncoder":
    from benchmarks.quality.name_rules import StaticEncoder

    spec = importlib.util.find_spec("wordllama")
    root = folder or (Path(spec.origin).parents[1] if spec and spec.origin else None)
    if root is None or not (root / "wordllama" / "weights").is_dir():
        raise MissingPeerError(
            "the package wordllama is not installed (pip install --no-deps --target FOLDER wordllama)"
        )
    return StaticEncoder(root)


@lru_cache(maxsize=4)
def _table(corpora: Corpora, name: str) -> tuple[pd.DataFrame, Float32 | None]:
    """Return texts and labels of a whole corpus, and its packaged vectors where they are on disk."""
    if name == "sample":
        table = pd.read_csv(ROOT / "sample_data" / "sample.csv")
        return table.rename(columns={"subject": "label"}), np.load(ROOT / "sample_data" / "embeddings.npy")
    if name in FILES:
        path = corpora.data / f"{name}.parquet"
        if not path.exists():
            raise MissingPeerError(f"{name}.parquet is not in the folder of --data")
        vectors = corpora.data / f"{name}.minilm.npy"
        return pd.read_parquet(path, columns=["text", "label"]), np.load(vectors) if vectors.exists() else None
    if name == "manpages":
        return _manual_pages(corpora.data / "manpages"), None
    make = {"docstrings": _docstrings, "code": _functions}[name]
    corpora.work.mkdir(parents=True, exist_ok=True)
    path = corpora.work / f"{name}.parquet"
    if not path.exists():
        make(path)
    return pd.read_parquet(path), None


def _manual_pages(folder: Path) -> pd.DataFrame:
    from benchmarks.quality.other_languages import read_pages

    missing = [language for language in LANGUAGES if not (folder / language).is_dir()]
    if missing:
        raise MissingPeerError(f"manual pages of {', '.join(missing)} are not in manpages/ of the folder of --data")
    pages = [(text, language) for language in LANGUAGES for text in read_pages(folder / language)]
    return pd.DataFrame(pages, columns=["text", "label"])


def _docstrings(path: Path) -> None:
    from gem_core.corpus.docstring_corpus import write_docstrings

    write_docstrings(path, packages=PACKAGES, limit=POOL)
    pd.read_parquet(path).rename(columns={"package": "label"})[["text", "label"]].to_parquet(path)


def _functions(path: Path) -> None:
    """Write the source of functions of the packages, label: the package; drawn at random."""
    from gem_core.corpus.docstring_corpus import _files

    rows = []
    for file in _files(PACKAGES):
        source = file.path.read_text(encoding="utf-8", errors="replace")
        try:
            nodes = ast.parse(source).body
        except SyntaxError:  # a template or a file for another version of Python
            continue
        lines = source.splitlines()
        for node in nodes:
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 8:
                rows.append(("\n".join(lines[node.lineno - 1 : node.end_lineno])[:CHARACTERS], file.package))
    table = pd.DataFrame(rows, columns=["text", "label"]).drop_duplicates("text")
    table.sample(min(POOL, len(table)), random_state=0).to_parquet(path)


@lru_cache(maxsize=16)
def _read(corpora: Corpora, name: str, documents: int, encoder: str) -> Corpus:
    table, vectors = _table(corpora, name)
    rows = np.arange(len(table))
    if documents < len(rows):
        rows = np.sort(np.random.default_rng(0).choice(rows, documents, replace=False))
    texts = table["text"].iloc[rows].astype(str).tolist()
    truth = pd.factorize(table["label"].iloc[rows], sort=True)[0].astype(np.int64)
    if encoder == STATIC:
        X = corpora.static_encoder().encode(texts)
    elif vectors is not None:
        X = vectors[rows]
    else:
        from gem_core.embedding import embed

        X = embed(texts, cache=corpora.work / "vectors")
    return Corpus(name, texts, truth, normalize(np.asarray(X, dtype=np.float32)))
