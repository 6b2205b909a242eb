"""Embed the shipped vocabulary with the packaged encoder and write gem_core/taxonomy/vocabulary/packaged_vectors.npz.

Run after every change of subjects.tsv: python -m benchmarks.quality.embed_vocabulary
Vectors are kept as int8, scaled by the largest component of each: cosine to the float32 vector 0.9999 or better.
"""

import numpy as np

from gem_core.embedding.encoders import EncoderSettings, load_encoder
from gem_core.taxonomy.concepts import FOLDER, packaged_concepts

BATCH = 64


def main() -> None:
    table = packaged_concepts()
    encoder = load_encoder(settings=EncoderSettings(precision="float32"))
    prepared = encoder.prepare(table.texts)
    order = np.argsort([length for length, _ in prepared], kind="stable")
    vectors = np.zeros((len(order), encoder.dimension), dtype=np.float32)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        vectors[rows] = encoder.forward([prepared[row][1] for row in rows])
    small = np.rint(vectors / np.abs(vectors).max(axis=1, keepdims=True) * 127).astype(np.int8)
    np.savez_compressed(FOLDER / "packaged_vectors.npz", key=np.array(table.key), vectors=small)
    print(f"{len(order):,} entries embedded")


if __name__ == "__main__":
    main()
