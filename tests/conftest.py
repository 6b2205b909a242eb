"""What several rooms' tests share: a home of their own, and the sample built once."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

os.environ["GEM_EXPLORER_HOME"] = tempfile.mkdtemp(prefix="gem-home-")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from gem_core.geometry import sample_vmf
from gem_core.pipeline import open_sample
from gem_core.workspace import Workspace

SUBJECTS = ("bread", "rivers", "engines", "stars")
WORDS = {
    "bread": "oven dough flour crust yeast loaf knead bake crumb starter".split(),
    "rivers": "water bank current flood delta stream bridge salmon ferry estuary".split(),
    "engines": "piston valve torque diesel exhaust crankshaft fuel spark turbine gearbox".split(),
    "stars": "galaxy telescope orbit nebula comet planet supernova spectrum eclipse moon".split(),
}


@pytest.fixture(scope="session")
def built_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's workspace, built once; tests must not change it."""
    return open_sample(tmp_path_factory.mktemp("sample") / "workspace").root


@pytest.fixture
def sample(built_sample: Path, tmp_path: Path) -> Workspace:
    """A copy of the sample's workspace that a test may change."""
    shutil.copytree(built_sample, tmp_path / "sample")
    return Workspace(tmp_path / "sample")


def small_corpus(folder: Path, n: int = 60, seed: int = 0) -> tuple[Path, Path]:
    """Write a corpus of four subjects and its planted vectors; return both paths."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(16, 4)))[0].T
    subject = np.arange(n) % 4
    table = pd.DataFrame({
        "id": [f"d{i}" for i in range(n)],
        "text": [" ".join(rng.choice(WORDS[SUBJECTS[s]], 12)) for s in subject],
        "subject": [SUBJECTS[s] for s in subject]})
    vectors = np.concatenate([sample_vmf(centres[s], 60.0, 1, rng) for s in subject]).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "corpus.csv", index=False)
    np.save(folder / "vectors.npy", vectors)
    return folder / "corpus.csv", folder / "vectors.npy"


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[Path, Path]:
    """A small corpus file and its vectors."""
    return small_corpus(tmp_path / "source")


@pytest.fixture
def as_nobody() -> Callable[[], None] | None:
    """What a child process must call first so that file permissions bind it, or None where they bind already."""
    if os.geteuid() != 0:
        return None

    def drop() -> None:
        os.setgid(65534)
        os.setuid(65534)

    return drop
