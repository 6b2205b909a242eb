"""A stronger cheap student? Words and pairs into r numbers, from these the embedding, from this the teacher's cluster.

Rows of r numbers (r leading directions of the training embeddings) are learned by AdaGrad on the cosine between the
sum of a document's rows and its embedding; the teacher's own von Mises-Fisher assignment reads the cluster off. A new
K would need no new student. Same splits, features, values and buckets as benchmarks/student.py. "calibrated":
temperature and biases fitted to the teacher's labels of the calibration part, as for the student. Agreement on the
test part.

    python -m benchmarks.quality.student_embedding WEBMIX_WORKSPACE AGNEWS_PARQUET AGNEWS_VECTORS.npy
        [--seeds 3] [--rank 128]
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numba import njit
from numpy.typing import NDArray

from benchmarks.quality.student import seconds
from benchmarks.quality.student_fit import Corpus, Split, corpus, figures, ours, split, take_texts
from gem_core._types import silent
from gem_core.clustering import MixtureConfig, MixtureFit, assign, fit_mixture
from gem_core.geometry import normalize
from gem_core.student import Student, StudentConfig, calibrate_student
from gem_core.student import training as room
from gem_core.student.arrow_buffers import TextBlock, text_blocks
from gem_core.student.kernel import document_rows

EPOCHS, RATE = 5, 0.15


@dataclass(frozen=True)
class Held(Student):
    """Stands in for a student whose evidence is known already."""

    def evidence(self, texts: NDArray[np.float64]) -> NDArray[np.float64]:
        return texts


@njit(fastmath=True)
def learn(offsets, data, order, a, b, c, shift, hashes, rows, value, weights, squares, target, rate):  # type: ignore[no-untyped-def]
    """One step of AdaGrad a document on minus the cosine (times |target|)."""
    r = weights.shape[1]
    z = np.empty(r, np.float32)
    for i in order:
        size, words = document_rows(data, np.int64(offsets[i]), np.int64(offsets[i + 1]), a, b, c, shift, hashes, rows)
        unit = np.float32(1 / np.sqrt(max(2.0 * words - 1.0, 1.0)))
        z[:] = np.float32(1e-4)  # a document of no known words points somewhere
        for j in range(size):
            x, row = value[rows[j]] * unit, weights[rows[j]]
            for k in range(r):
                z[k] += x * row[k]
        length, along, slope = np.float32(0), np.float32(0), np.float32(0)
        for k in range(r):
            length += z[k] * z[k]
            along += z[k] * target[i, k]
        inverse = 1 / np.sqrt(length)
        for k in range(r):
            z[k] = inverse * (along * inverse * inverse * z[k] - target[i, k])
            slope += z[k] * z[k]
        for j in range(size):
            x, row = value[rows[j]] * unit, weights[rows[j]]
            squares[rows[j]] += x * x * slope
            if x > 0:
                step = rate * x / np.sqrt(squares[rows[j]])
                for k in range(r):
                    row[k] -= step * z[k]


def embedding(block: TextBlock, x: NDArray[np.float32], rank: int, seed: int) -> tuple[Student, NDArray[np.float32]]:
    """Student whose evidence is the embedding in `rank` directions, and these directions (d, rank)."""
    buckets, rng = StudentConfig.buckets, np.random.default_rng(seed)
    directions = np.linalg.svd(x.T @ x)[0][:, :rank].astype(np.float32)
    value, reader = room._values([block], buckets, silent), room._Reader(buckets)
    weights, squares = np.zeros((buckets, rank), np.float32), np.full(buckets, 1e-8, np.float32)
    target = np.ascontiguousarray(x @ directions)
    for epoch in range(EPOCHS):
        order, pieces = rng.permutation(len(x)), 16
        for i, piece in enumerate(np.array_split(order, pieces)):
            rate = np.float32(RATE * (1 - (epoch + i / pieces) / EPOCHS))
            learn(
                block.offsets, block.data, piece, *reader.tables, *reader.space, value, weights, squares, target, rate
            )
    weights *= value[:, None]
    scale = float(np.abs(weights).max()) / 32767
    return Student(np.rint(weights / np.float32(scale)).astype(np.int16), scale, np.zeros(rank)), directions


def agreement(
    c: Corpus, x: NDArray[np.float32], fit: MixtureFit, parts: Split, seed: int, rank: int
) -> dict[str, float]:
    test, truth = take_texts(c.texts, parts.test), c.labels[parts.test]
    true_labels = c.labels[parts.calibration]
    labels, soft = ours(c, parts, seed), ours(c, parts, seed, soft=StudentConfig.softness)
    block = next(iter(text_blocks(take_texts(c.texts, parts.training))))
    student, directions = embedding(block, x[parts.training], rank, seed)
    slopes = (fit.centers * fit.concentrations[:, None]).T

    def points(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return normalize(student.evidence(take_texts(c.texts, rows)) @ directions.T.astype(np.float64) + 1e-9)

    stand = Held(np.zeros((1024, c.k), np.int16), 1.0, np.zeros(c.k))
    calibration, fresh = points(parts.calibration) @ slopes / 10, points(parts.test) @ slopes / 10
    ready = calibrate_student(stand, calibration, true_labels)
    plain, fast, wide = take_texts(c.texts, parts.test), labels, student
    return {
        "student, labels": figures(labels.score(test).cluster, truth, c.k)[0],
        "student, soft targets": figures(soft.score(test).cluster, truth, c.k)[0],
        f"embedding, rank {rank}": figures(assign(points(parts.test), fit).labels, truth, c.k)[0],
        "  calibrated": figures((fresh / ready.temperature + ready.bias).argmax(axis=1), truth, c.k)[0],
        "  its rows' time / student's": seconds(lambda: wide.score(plain)) / seconds(lambda: fast.score(plain)),
        "  cosine to the embedding": float((points(parts.test) * x[parts.test]).sum(axis=1).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("agnews", type=Path)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rank", type=int, default=128)
    args = parser.parse_args()
    from gem_core.workspace import Workspace

    workspace, news = Workspace(args.workspace), np.load(args.vectors).astype(np.float32)
    texts = (
        pq.read_table(args.workspace / "documents.parquet", columns=["text"])["text"],
        pq.read_table(args.agnews, columns=["text"])["text"],
    )
    sources: list[tuple[str, pa.ChunkedArray, NDArray[np.float32], MixtureFit]] = [
        ("webmix", texts[0], np.asarray(workspace.embeddings, np.float32), workspace.taxonomy().fit),
        ("AG News", texts[1], news, fit_mixture(news, MixtureConfig(n_clusters=24))),
    ]
    print(time.strftime("%Y-%m-%d"), f"rank {args.rank}, {EPOCHS} epochs, seeds 0..{args.seeds - 1}")
    for name, text, x, fit in sources:
        c, x = corpus(name, text, x, fit), np.asarray(normalize(x), np.float32)
        figures = [agreement(c, x, fit, split(len(x), seed), seed, args.rank) for seed in range(args.seeds)]
        print(f"\n{name}")
        for key in figures[0]:
            each = np.array([row[key] for row in figures])
            print(f"{key:30}{each.mean():8.3f} ({each.min():.3f} to {each.max():.3f})", flush=True)


if __name__ == "__main__":
    main()
