"""A small corpus of four subjects with planted vectors."""

from pathlib import Path

import numpy as np
import pandas as pd

from gem_core.geometry import sample_vmf

SUBJECTS = ("bread", "rivers", "engines", "stars")
WORDS = {
    "bread": ["oven", "dough", "flour", "crust", "yeast", "loaf", "knead", "bake", "crumb", "starter"],
    "rivers": ["water", "bank", "current", "flood", "delta", "stream", "bridge", "salmon", "ferry", "estuary"],
    "engines": ["piston", "valve", "torque", "diesel", "exhaust", "crankshaft", "fuel", "spark", "turbine", "gearbox"],
    "stars": ["galaxy", "telescope", "orbit", "nebula", "comet", "planet", "supernova", "spectrum", "eclipse", "moon"],
}


def small_corpus(folder: Path, n: int = 60, seed: int = 0) -> tuple[Path, Path]:
    """Write a corpus of four subjects and its planted vectors; return both paths."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(16, 4)))[0].T
    subject = np.arange(n) % 4
    table = pd.DataFrame(
        {
            "id": [f"d{i}" for i in range(n)],
            "text": [" ".join(rng.choice(WORDS[SUBJECTS[s]], 12)) for s in subject],
            "subject": [SUBJECTS[s] for s in subject],
        }
    )
    vectors = np.concatenate([sample_vmf(centres[s], 60.0, 1, rng) for s in subject]).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "corpus.csv", index=False)
    np.save(folder / "vectors.npy", vectors)
    return folder / "corpus.csv", folder / "vectors.npy"
