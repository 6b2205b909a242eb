"""The corpus of docstrings: parsed, never imported; the same every time; no repeats."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from gem_core.corpus import read_corpus, write_docstrings
from gem_core.errors import CorpusError


def test_several_thousand_documents_that_read_back(tmp_path: Path) -> None:
    path = tmp_path / "docstrings.parquet"
    heard: list[tuple[int, int]] = []
    count = write_docstrings(path, limit=3000, progress=lambda step, completed, total: heard.append((completed, total)))
    assert count == 3000
    assert heard[-1] == (3000, 3000)
    corpus = read_corpus(path)
    assert corpus.documents.columns.tolist() == ["id", "text", "tokens", "package", "module", "kind"]
    assert len(corpus.documents) == 3000
    assert len(corpus.refused) == 0
    assert corpus.tokens_from == "column tokens"
    assert corpus.documents["package"].nunique() > 15
    assert set(corpus.documents["kind"]) == {"module", "class", "function", "method"}
    folded = corpus.documents["text"].str.lower().str.split().str.join(" ")
    assert folded.is_unique
    assert folded.str.split().str.len().min() >= 25


def test_twice_the_same_bytes_and_nothing_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from gem_core.corpus import write_docstrings; "
        "write_docstrings(sys.argv[1], packages=['scikit-learn', 'networkx'], limit=200); "
        "print('networkx' in sys.modules or 'sklearn' in sys.modules)"
    )
    for name in ("a.jsonl", "b.jsonl"):
        completed = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / name)], capture_output=True, text=True, check=True
        )
        assert completed.stdout.strip() == "False"
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    table = pd.read_json(tmp_path / "a.jsonl", lines=True)
    assert table.columns.tolist() == ["id", "text", "package", "module", "kind", "tokens"]
    assert set(table["package"]) == {"scikit-learn", "networkx"}


def test_known_docstring(tmp_path: Path) -> None:
    import numpy as np

    path = tmp_path / "numpy.jsonl"
    write_docstrings(path, packages=["numpy"], limit=None)
    table = pd.read_json(path, lines=True).set_index("id")
    row = table.loc["numpy.lib._function_base_impl.rot90"]
    assert row["kind"] == "function"
    assert row["text"].split() == str(np.rot90.__doc__).split()


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        write_docstrings(tmp_path / "a.jsonl", packages=["nunpy"])
    assert str(caught.value) == ("packages must be installed here; got 'nunpy', which is not. Did you mean 'numpy'.")
    with pytest.raises(CorpusError) as caught:
        write_docstrings(tmp_path / "a.csv")
    assert str(caught.value) == (
        "the corpus of docstrings must be written as .jsonl or .parquet; got a.csv. Choose one of these suffixes."
    )
    (tmp_path / "file").write_text("")
    with pytest.raises(CorpusError) as caught:
        write_docstrings(tmp_path / "file" / "a.jsonl", packages=["numpy"], limit=1)
    assert str(caught.value) == (
        f"the folder of the corpus must be writable; got File exists for "
        f"{tmp_path / 'file' / 'a.jsonl'}. Choose another folder."
    )
