"""Search by meaning: the right subject on the sample, and never with an encoder that nobody has named."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gem_core.embedding import embed
from gem_core.errors import CorpusError, InputError
from gem_core.pipeline import Source, prepare
from gem_core.pipeline.search.semantic import encoder_of, name_encoder, nearest, search_like, search_meaning, vector_of
from gem_core.workspace import Workspace

TEXTS = [
    f"{text} number {i}"
    for i in range(4)
    for text in (
        "bread rises in the warm oven",
        "the river floods its banks",
        "the engine burns diesel",
        "a comet crosses the sky",
    )
]


@pytest.fixture
def own(tmp_path: Path) -> Workspace:
    """A corpus with vectors of its own that the packaged encoder made, which it does not say."""
    (tmp_path / "c.csv").write_text("id,text\n" + "".join(f"{i},{text}\n" for i, text in enumerate(TEXTS)))
    np.save(tmp_path / "own.npy", embed(TEXTS, cache=tmp_path / "cache"))
    return prepare(Source(tmp_path / "c.csv", vectors=tmp_path / "own.npy"), tmp_path / "w")


# Words that no document of the subject need hold, and the subject they mean.
@pytest.mark.parametrize(
    ("words", "subject"), [("celestial bodies seen at night", "astronomy"), ("making a loaf at home", "home cooking")]
)
def test_the_right_subject_comes_first(built_sample: Path, words: str, subject: str) -> None:
    workspace = Workspace(built_sample)
    hits = search_meaning(workspace, words, 8)
    subjects = workspace.documents["subject"].to_numpy()
    assert (subjects[hits.rows] == subject).mean() >= 0.75, list(subjects[hits.rows])
    assert np.all(np.diff(hits.cosine) <= 0)
    assert hits.cosine == pytest.approx(workspace.embeddings[hits.rows] @ vector_of(workspace, words), abs=1e-6)


def test_the_sample_and_the_product_s_own_vectors_are_known(built_sample: Path, own: Workspace) -> None:
    workspace = Workspace(built_sample)
    assert encoder_of(workspace) == "packaged"
    workspace.manifest = replace(workspace.manifest, encoder="packaged")
    assert encoder_of(workspace) == "packaged"
    workspace.manifest = replace(workspace.manifest, encoder="intfloat/e5-small-v2")
    assert encoder_of(workspace) == "intfloat/e5-small-v2"
    assert own.manifest.dimension == 384  # as the packaged encoder's, and still
    assert encoder_of(own) is None


def test_own_vectors_are_refused_until_somebody_says_who_made_them(own: Workspace) -> None:
    with pytest.raises(InputError) as refused:
        search_meaning(own, "bakery")
    assert str(refused.value) == (
        "A search by meaning needs the encoder that made the vectors; got vectors from own.npy, which do not say. "
        "Name it with --encoder, or search for documents like one you know with --like ROW."
    )
    assert search_like(own, 0, 3).rows.tolist() == [4, 8, 12]  # needs no encoder
    heard: list[str] = []
    assert name_encoder(own, "packaged", progress=lambda step, completed, total: heard.append(step)) > 0.99
    assert heard == ["load encoder", "load encoder", "compare", "compare"]
    again = Workspace(own.root)
    assert encoder_of(again) == "packaged"
    assert set(search_meaning(again, "bakery", 4).rows.tolist()) == {0, 4, 8, 12}


def test_an_encoder_that_did_not_make_the_vectors_is_refused(own: Workspace) -> None:
    rng = np.random.default_rng(0)
    for dimension, message in (
        (384, "again, at a cosine of 0.9 or more; got a median of"),
        (96, "must make vectors of 96 numbers, as the corpus has; got 384 from packaged"),
    ):
        vectors = rng.normal(size=(len(TEXTS), dimension)).astype(np.float32)
        np.save(own.root / "embeddings.npy", vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
        with pytest.raises(InputError, match=message):
            name_encoder(Workspace(own.root), "packaged")
    assert encoder_of(own) is None
    with pytest.raises(CorpusError, match="none of them"):
        name_encoder(own, "/no/such/folder")


def test_what_was_said_holds_for_these_vectors_only(own: Workspace) -> None:
    name_encoder(own, "packaged")
    encoder_facts = json.loads((own.root / "encoder.json").read_text())
    (own.root / "encoder.json").write_text(json.dumps({**encoder_facts, "vectors": "others"}))
    assert encoder_of(own) is None
    (own.root / "encoder.json").write_text("[1")
    assert encoder_of(own) is None


def test_nearest_is_brute_force(built_sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gem_core.pipeline.search import semantic

    monkeypatch.setattr(semantic, "BLOCK", 100)
    workspace = Workspace(built_sample)
    X = np.asarray(workspace.embeddings)
    order = np.argsort(-(X @ X[11]), kind="stable")
    assert nearest(workspace, X[11], 20).rows.tolist() == order[:20].tolist()
    assert search_like(workspace, 11, 19).rows.tolist() == order[1:20].tolist()
    within = np.zeros(len(X), dtype=np.bool_)
    within[[3, 11, 90]] = True
    assert set(search_like(workspace, 11, 50, within=within).rows.tolist()) == {3, 90}
    assert within[11]  # the caller's mask stays as it was


def test_questions_that_ask_nothing(built_sample: Path) -> None:
    workspace = Workspace(built_sample)
    with pytest.raises(InputError, match="needs words; got none"):
        search_meaning(workspace, "  ")
    with pytest.raises(InputError, match="limit must be at least 1; got 0"):
        nearest(workspace, np.asarray(workspace.embeddings[0]), 0)
    with pytest.raises(InputError, match="a row from 0 to 650; got 651"):
        search_like(workspace, 651)
