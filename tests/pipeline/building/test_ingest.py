"""Own vectors are checked before the corpus is read, and what does not fit leaves nothing behind."""

import json
from pathlib import Path

import numpy as np
import pytest

from gem_core.corpus import ReadOptions, choose_columns, read_corpus
from gem_core.embedding import EncoderSettings, encode, load_encoder
from gem_core.errors import CorpusError, WorkspaceError
from gem_core.export import command
from gem_core.pipeline import Source, build, estimate, prepare
from gem_core.pipeline.building.ingest import recorded_source
from gem_core.pipeline.search.semantic import vector_of
from gem_core.workspace import Settings, Workspace


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
            prepare(source, tmp_path / "w", progress=lambda step, completed, total: heard.append(step))
        with pytest.raises(CorpusError, match=words):
            estimate(source, progress=lambda step, completed, total: heard.append(step))
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


def test_options_are_recorded_and_in_the_receipt(corpus: Path, tmp_path: Path) -> None:
    embedding = EncoderSettings(max_tokens=32, prompt="passage: ", query_prompt="query: ")
    source = Source(corpus, min_words=2, options=ReadOptions(encoding="cp1252"), embedding=embedding)
    taxonomy = build(source, tmp_path / "w", Settings(n_clusters=2))
    workspace = Workspace(tmp_path / "w")
    assert workspace.manifest.options == {
        "min_words": 2,
        "encoding": "cp1252",
        "prompt": "passage: ",
        "query_prompt": "query: ",
        "max_tokens": 32,
    }
    options = "--encoding cp1252 --max-tokens 32 --min-words 2 --prompt 'passage: ' --query-prompt 'query: '"
    assert options in command(workspace, taxonomy)
    again = recorded_source(workspace.manifest)
    assert (again.min_words, again.options, again.embedding) == (2, source.options, embedding)
    words = ["passage: bees dance in circles 3", "query: where do bees dance"]
    document, query = encode(words, load_encoder(settings=EncoderSettings(max_tokens=32)))
    np.testing.assert_allclose(workspace.embeddings[3], document, atol=1e-4)
    np.testing.assert_allclose(vector_of(workspace, "where do bees dance"), query, atol=1e-4)
    with pytest.raises(WorkspaceError, match=r"the --prompt that .*; got the encoder's own, while it has 'passage: '"):
        prepare(Source(corpus, min_words=2, options=source.options, embedding=EncoderSettings()), tmp_path / "w")


def test_an_id_that_gave_way_does_so_again_from_the_receipt(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    folder.mkdir()
    for shard in "ab":
        rows = [json.dumps({"id": i, "text": f"bees dance in circles {shard} {i}"}) + "\n" for i in range(2)]
        (folder / f"{shard}.jsonl").write_text("".join(rows))
    np.save(tmp_path / "own.npy", np.eye(4, dtype=np.float32))
    columns = choose_columns(folder)
    workspace = prepare(Source(folder, columns=columns, vectors=tmp_path / "own.npy"), tmp_path / "w")
    assert workspace.manifest.options == {"id_guessed": True}
    again = recorded_source(workspace.manifest)
    assert read_corpus(folder, columns=again.columns).data_hash == workspace.manifest.data_hash
