"""The sample corpus is what its README says: sizes, variety, no repeated runs of words, hashes."""

import hashlib
import re
from collections import Counter

import numpy as np
import pandas as pd

from gem_core.pipeline import ensure_path, sample_folder
from gem_core.pipeline.building.sample import PATH
from gem_core.workspace import Workspace
from gem_core.workspace.fit_arrays import read_path

FOLDER = sample_folder()
TABLE = pd.read_csv(FOLDER / "sample.csv")


def test_sizes_and_long_tail() -> None:
    assert list(TABLE.columns) == ["id", "text", "subject", "source", "tokens"]
    words = TABLE["text"].str.split().str.len()
    assert words.between(60, 160).all()
    shares = TABLE["subject"].value_counts(normalize=True)
    assert len(TABLE) >= 480
    assert len(shares) >= 16
    assert 0.17 < shares.max() < 0.23
    assert 0.005 < shares.min() < 0.015
    assert TABLE["source"].nunique() >= 12


def test_no_two_documents_share_twelve_words_or_an_opening() -> None:
    documents_by_words: dict[tuple[str, ...], int] = {}
    openings: Counter[tuple[str, ...]] = Counter()
    for row, text in enumerate(TABLE["text"]):
        words = text.lower().split()
        openings[tuple(words[:4])] += 1
        for start in range(len(words) - 11):
            assert documents_by_words.setdefault(tuple(words[start : start + 12]), row) == row
    assert openings.most_common(1)[0][1] == 1


def test_vectors_and_layout_belong_to_the_documents() -> None:
    vectors = np.load(FOLDER / "embeddings.npy", allow_pickle=False).astype(np.float32)
    assert vectors.shape == (len(TABLE), 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=2e-3)
    with np.load(FOLDER / "layout.npz", allow_pickle=False) as layout:
        assert layout["sphere"].shape == (len(TABLE), 3)
        assert layout["flat"].shape == (len(TABLE), 2)


def test_hashes_are_those_of_the_readme() -> None:
    hashes = dict(re.findall(r"\| (\S+) \|.*`([0-9a-f]{64})`", (FOLDER / "README.md").read_text(encoding="utf-8")))
    assert len(hashes) == 4
    for name, digest in hashes.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name


def test_the_shipped_balance_path_is_that_of_the_fit(sample: Workspace) -> None:
    """A change of the method must ship a new one."""
    taxonomy = sample.taxonomy()
    shipped = read_path(FOLDER / PATH)
    (taxonomy.folder / "path.npz").unlink()
    computed = ensure_path(Workspace(sample.root)).path
    np.testing.assert_array_equal(shipped.strengths, computed.strengths)
    np.testing.assert_allclose(shipped.masses, computed.masses, atol=1e-6)
