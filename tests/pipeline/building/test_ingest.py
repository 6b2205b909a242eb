"""Own vectors are checked before the corpus is read, and what does not fit leaves nothing behind."""

import json
from pathlib import Path

import numpy as np
import pytest

from gem_core.errors import CorpusError
from gem_core.pipeline import Source, estimate, prepare
from gem_core.workspace import Workspace


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "pool.jsonl"
    path.write_text("".join(json.dumps({"id": i, "text": f"bees dance in circles {i}"}) + "\n" for i in range(20)))
    return path


def test_vectors_are_checked_before_the_first_row(corpus: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", np.ones(20))
    heard: list[str] = []
    for name, words in (("absent.npy", "which does not exist"), ("flat.npy", r"shape \(20,\)")):
        source = Source(corpus, vectors=tmp_path / name)
        with pytest.raises(CorpusError, match=words):
            prepare(source, tmp_path / "w", progress=lambda step, done, total: heard.append(step))
        with pytest.raises(CorpusError, match=words):
            estimate(source, progress=lambda step, done, total: heard.append(step))
    assert heard == []
    assert not (tmp_path / "w").exists()


def test_vectors_that_do_not_fit_leave_no_workspace(corpus: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "short.npy", np.ones((19, 4), dtype=np.float32))
    with pytest.raises(CorpusError, match="must have one vector per document"):
        prepare(Source(corpus, vectors=tmp_path / "short.npy"), tmp_path / "w")
    assert not (tmp_path / "w").exists()
    np.save(tmp_path / "own.npy", np.ones((20, 4), dtype=np.float32))
    workspace = prepare(Source(corpus, vectors=tmp_path / "own.npy"), tmp_path / "w")
    assert workspace.embeddings.shape == (20, 4)


def test_notes_and_the_least_number_of_words_reach_the_workspace(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    folder.mkdir()
    corpus.rename(folder / "a.jsonl")
    (folder / "b.jsonl").touch()
    np.save(tmp_path / "own.npy", np.ones((20, 4), dtype=np.float32))
    prepare(Source(folder, vectors=tmp_path / "own.npy", min_words=5), tmp_path / "w")
    assert Workspace(tmp_path / "w").manifest.notes == ("1 empty file without rows: b.jsonl",)
    with pytest.raises(CorpusError, match="--min-words"):
        prepare(Source(folder, vectors=tmp_path / "own.npy", min_words=6), tmp_path / "w2")
