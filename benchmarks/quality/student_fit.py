"""A student of a clustering: split of the documents, training with calibration, and its figures on the test part."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gem_core.clustering import MixtureFit, assign
from gem_core.clustering.assignment import responsibilities
from gem_core.influence import influence_scores
from gem_core.student import Student, StudentConfig, calibrate_student, train_student

SMALLEST = 6


@dataclass(frozen=True)
class Corpus:
    name: str
    texts: pa.Array
    labels: NDArray[np.int32]
    soft: NDArray[np.float32] | None  # only for soft targets
    gis: NDArray[np.float32] | None  # only for a student that drops the least typical documents
    k: int


@dataclass(frozen=True)
class Split:
    training: NDArray[np.int64]
    calibration: NDArray[np.int64]
    test: NDArray[np.int64]


def corpus(name: str, texts: pa.ChunkedArray, x: NDArray[np.floating], fit: MixtureFit) -> Corpus:
    labels = assign(x, fit)
    return Corpus(
        name,
        pa.concat_arrays(texts.chunks),
        labels.labels.astype(np.int32),
        responsibilities(x, fit).astype(np.float32),
        influence_scores(x, labels, n_clusters=len(fit.masses)).gis,
        len(fit.masses),
    )


def split(n: int, seed: int) -> Split:
    order = np.random.default_rng(seed).permutation(n)
    a, b = int(0.7 * n), int(0.85 * n)
    return Split(order[:a], order[a:b], order[b:])


def take_texts(texts: pa.Array, rows: NDArray[np.int64]) -> pa.Array:
    return texts.take(pa.array(rows))


def figures(predicted: NDArray[np.int32], truth: NDArray[np.int32], k: int) -> list[float]:
    """Agreement, recall of the smallest clusters, mass error."""
    sizes = np.bincount(truth, minlength=k)
    small = np.isin(truth, np.argsort(sizes, kind="stable")[:SMALLEST])
    recall = [float((predicted[truth == c] == c).mean()) for c in np.unique(truth[small])]
    return [
        float((predicted == truth).mean()),
        float(np.mean(recall)),
        float(np.abs(np.bincount(predicted, minlength=k) - sizes).sum() / len(truth)),
    ]


def ours(
    c: Corpus,
    parts: Split,
    seed: int,
    *,
    balance: float = 0.0,
    soft: float = 0.0,
    drop: float = 0.0,
    buckets: int = StudentConfig.buckets,
) -> Student:
    """Student trained and calibrated; `soft` is the softness of soft targets, 0 for labels."""
    rows = parts.training
    if drop > 0:  # the least typical documents of each cluster
        rank = pd.Series(c.gis[rows]).groupby(c.labels[rows]).rank(pct=True).to_numpy()
        rows = rows[rank > drop]
    sizes = np.bincount(c.labels[rows], minlength=c.k)
    student = train_student(
        take_texts(c.texts, rows),
        c.labels[rows],
        c.k,
        soft=c.soft[rows] if soft else None,
        weights=np.maximum(sizes, 1)[c.labels[rows]] ** -balance,
        config=StudentConfig(seed=seed, buckets=buckets, softness=max(soft, 1.0)),
    )
    return calibrate_student(student, take_texts(c.texts, parts.calibration), c.labels[parts.calibration])
