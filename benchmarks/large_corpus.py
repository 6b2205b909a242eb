"""Build a corpus of 100,000 documents and time every screen on it in headless Chromium.

    python benchmarks/large_corpus.py build CORPUS.parquet VECTORS.npy FOLDER [--documents 100000]
    python benchmarks/large_corpus.py measure WORKSPACE [--only Explore ...]

`build` repeats a real corpus and jitters the vectors of the repeats to a cosine of about 0.9 (so that no document
becomes a near-duplicate of its original at the default threshold), then runs the product's own pipeline.
`measure` opens each screen, does what a person does there, and prints the time until the answer stands, the largest
message to the browser and the sum of all messages. The steps are data (`SCREENS`): a new screen is one more entry.
"""

import argparse
import datetime
import os
import platform
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
COSINE = 0.9  # of a repeat to its original


def enlarge(corpus: Path, vectors: Path, folder: Path, documents: int, seed: int = 0) -> tuple[Path, Path]:
    """Write FOLDER/large.parquet and FOLDER/large.npy: the corpus repeated, vectors of the repeats jittered."""
    rng = np.random.default_rng(seed)
    table = pd.read_parquet(corpus)
    unit = np.load(vectors).astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    n, d = unit.shape
    source = np.arange(documents) % n
    out = unit[source]
    for begin in range(n, documents, 8192):
        block = slice(begin, min(begin + 8192, documents))
        noise = rng.normal(size=(len(out[block]), d)).astype(np.float32)
        noise -= np.einsum("ij,ij->i", noise, out[block])[:, None] * out[block]
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        out[block] = COSINE * out[block] + np.sqrt(1 - COSINE**2) * noise
    large = table.iloc[source].reset_index(drop=True)
    large["id"] = [f"{name}-{repeat}" for name, repeat in zip(large["id"], np.arange(documents) // n, strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    large.to_parquet(folder / "large.parquet", index=False)
    np.save(folder / "large.npy", out)
    return folder / "large.parquet", folder / "large.npy"


def build(corpus: Path, vectors: Path, folder: Path, documents: int) -> None:
    """Make FOLDER/workspace through the command line, as a person would."""
    import subprocess

    large, own = enlarge(corpus, vectors, folder, documents)
    subprocess.run([sys.executable, "-m", "gem_core.cli", "fit", str(large), "--embeddings", str(own),
                    "--workspace", str(folder / "workspace"), "--name", "large"], cwd=ROOT, check=True)
