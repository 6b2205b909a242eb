r"""Train a student: multinomial logistic regression on hashed words and word pairs, one document per step."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from gem_core._check import first_rows
from gem_core._types import Float32, Int32, Progress, silent
from gem_core.errors import InputError
from gem_core.student.arrow_buffers import TextBlock, text_blocks
from gem_core.student.model import Student
from gem_core.student.token_estimate import fit_token_factors, fit_token_rates
from gem_core.student.tokenizer import characters

LONGEST = 1 << 16  # words of a document that training reads; scoring reads all
GROUP = 1024  # documents between two reports, and between two chunks of the texts


@dataclass(frozen=True)
class StudentConfig:
    """Settings of the training of a student. The defaults were chosen on validation documents (benchmarks/LOG.md).

    Attributes
    ----------
    buckets : int
        Rows that words and pairs are hashed into, a power of two from 1,024 to 16,777,216. A student takes
        2 x buckets x K bytes, its training 6 x buckets x (K + 3).
    epochs : int
        Passes over the documents, at least 1.
    rate : float
        Step of AdaGrad, above 0; falls to 0 over the passes.
    softness : float
        Soft targets are raised to the power 1 / softness and scaled to sum 1 again, at least 1. A teacher's
        responsibilities are nearly all 0 or 1; softened, they also say which clusters lie near. Calibration on the
        teacher's labels makes the student sure again.
    seed : int
        Of the order of documents.

    Raises
    ------
    InputError
        A value is outside its range.
    """

    buckets: int = 1 << 19
    epochs: int = 8
    rate: float = 0.3
    softness: float = 4.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (1024 <= self.buckets <= 1 << 24 and self.buckets & (self.buckets - 1) == 0):
            raise InputError(
                "buckets must be a power of two from 1,024 to 16,777,216",
                f"{self.buckets!r}",
                "Use the default, 524,288",
            )
        if self.epochs < 1:
            raise InputError("epochs must be at least 1", f"{self.epochs!r}", "Use the default, 8")
        if not 0 < self.rate < np.inf:
            raise InputError("rate must be a number above 0", f"{self.rate!r}", "Use the default, 0.3")
        if not 1 <= self.softness < np.inf:
            raise InputError("softness must be a number from 1", f"{self.softness!r}", "Use the default, 4")
        if self.seed < 0:
            raise InputError("seed must be a whole number that is not negative", f"{self.seed!r}", "Use 0")


def train_student(
    texts: pa.Array | pa.ChunkedArray,
    labels: ArrayLike,
    n_clusters: int,
    *,
    weights: ArrayLike | None = None,
    soft: ArrayLike | None = None,
    tokens: ArrayLike | None = None,
    config: StudentConfig | None = None,
    progress: Progress = silent,
) -> Student:
    r"""Train a student on the labels of the teacher.

    Minimizes sum_i w_i KL(y_i || softmax_k(x_i' W + b)) by AdaGrad, one document per step, with

        x_ij = count of feature j in document i x sqrt(log((n + 1) / documents with j)) / sqrt(N_i)

    for the N_i words and word pairs of the document; a feature of one document counts 0. Then the middle factor goes
    into the rows, and these are rounded to int16 (one step is 1/32,767 of the largest weight). Documents are read
    where they lie: memory is that of the texts and of the rows (see `StudentConfig`), whatever the number of documents.
    The first 65,536 words of a document are learned from. One thread: the same seed gives the same student.

    Parameters
    ----------
    texts : pyarrow.Array or pyarrow.ChunkedArray of n strings
    labels : (n,) int
        The teacher's clusters, from 0 to n_clusters - 1.
    n_clusters : int
        K.
    weights : (n,) float, optional
        How much each document counts; 0 leaves it out. Scaled to mean 1 over those that count. 1 each by default.
    soft : (n, K) float, optional
        The teacher's responsibilities, rows with sum 1; then `labels` do not count. With the default softness they
        teach better than labels: see benchmarks/LOG.md.
    tokens : (n,) int, optional
        Tokens of each document, for the rates and factors of the estimate.
    config : StudentConfig, optional
    progress : Progress

    Returns
    -------
    Student
        With temperature 1, and numbers 0 to K - 1: see `calibrate_student` and `Student.with_labels`.

    Raises
    ------
    InputError
        If sizes differ or a label is not from 0 to n_clusters - 1.
    """
    config = config or StudentConfig()
    lesson = _check_training_data(texts, labels, n_clusters, weights, soft, config.softness)
    blocks = list(text_blocks(texts))
    value = _values(blocks, config.buckets, progress)
    rows, bias = _learn(blocks, lesson, value, config, progress)
    rows *= value[:, None]
    highest = float(max(rows.max(), -rows.min()))
    scale = highest / 32767 if highest > 0 else 1.0
    rows /= np.float32(scale)
    student = Student(
        weights=np.rint(rows, out=rows).astype(np.int16),
        scale=scale,
        bias=bias.astype(np.float64),
        settings=asdict(config),
    )
    if tokens is None:
        return student
    size = np.concatenate([block.lengths for block in blocks])
    words = student.score(texts).words
    rates = fit_token_rates(words, size, tokens)
    factors = fit_token_factors(labels, rates[0] * words + rates[1] * size, tokens, n_clusters)
    return replace(student, token_rates=rates, token_factors=factors)


@dataclass(frozen=True)
class _TrainingData:
    labels: Int32
    soft: Float32
    importance: Float32
    n_clusters: int


def _check_training_data(
    texts: Any, labels: ArrayLike, k: int, weights: ArrayLike | None, soft: ArrayLike | None, softness: float
) -> _TrainingData:
    n = len(texts)
    target = np.asarray(labels)
    if target.shape != (n,):
        raise InputError(
            f"labels must hold one cluster a text ({n:,})", f"shape {target.shape}", "Pass as many labels as texts"
        )
    if n == 0 or target.min() < 0 or target.max() >= k:
        raise InputError(
            f"labels must be from 0 to {k - 1}",
            f"{target.min()} to {target.max()}" if n else "no documents",
            "Number the clusters from 0",
        )
    importance = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if importance.shape != (n,):
        raise InputError(
            f"weights must hold one number a text ({n:,})", f"shape {importance.shape}", "Pass as many weights as texts"
        )
    wrong = ~(np.isfinite(importance) & (importance >= 0))
    if wrong.any() or not importance.any():
        raise InputError(
            f"weights must be {n:,} finite numbers, not negative and not all zero",
            first_rows(wrong) if wrong.any() else "a sum of 0",
            "Correct or drop those rows",
        )
    shares = np.zeros((0, k), np.float32) if soft is None else np.ascontiguousarray(soft, dtype=np.float32)
    if soft is not None and shares.shape != (n, k):
        raise InputError(
            f"soft must hold a row of {k} shares a text ({n:,})",
            f"shape {shares.shape}",
            "Pass the teacher's responsibilities",
        )
    if not np.all(shares >= 0) or not np.all(shares.sum(axis=1) > 0):
        raise InputError(
            "soft must hold shares that are not negative, and some above 0 in every row",
            first_rows(~(np.all(shares >= 0, axis=1) & (shares.sum(axis=1) > 0))),
            "Pass the teacher's responsibilities",
        )
    if soft is not None and softness != 1:
        shares = shares ** np.float32(1 / softness)
        shares /= shares.sum(axis=1, keepdims=True)
    return _TrainingData(
        target.astype(np.int32), shares, (importance / importance[importance > 0].mean()).astype(np.float32), k
    )


class _Reader:
    """What every compiled pass needs besides the texts."""

    def __init__(self, buckets: int) -> None:
        table = characters()
        self.tables = (table.ascii, table.page, table.entry, np.uint64(64 - (buckets.bit_length() - 1)))
        self.space = (np.empty(LONGEST, np.uint64), np.empty(2 * LONGEST, np.int32))


def _values(blocks: list[TextBlock], buckets: int, progress: Progress) -> Float32:
    """Value of each row: the root of log((n + 1) / documents that hold it), 0 where fewer than two do."""
    from gem_core.student.kernel import count_documents

    reader, n = _Reader(buckets), sum(len(block) for block in blocks)
    document_counts, last = np.zeros(buckets, np.int32), np.full(buckets, -1, np.int64)
    first = 0
    for block in blocks:
        for start in range(0, len(block), 16 * GROUP):
            part = block.slice(start, min(start + 16 * GROUP, len(block)))
            count_documents(
                part.offsets, part.data, part.valid, *reader.tables, *reader.space, document_counts, last, first
            )
            first += len(part)
            progress("Counting words", first, n)
    return np.where(document_counts >= 2, np.sqrt(np.log((n + 1.0) / np.maximum(document_counts, 1))), 0.0).astype(
        np.float32
    )


def _groups(blocks: list[TextBlock], rng: np.random.Generator) -> Iterator[tuple[TextBlock, NDArray[np.int64], int]]:
    """All documents once, in a new order: (block, rows of it, first document of the block)."""
    starts = np.concatenate(([0], np.cumsum([len(block) for block in blocks])))
    order = rng.permutation(starts[-1])
    for begin in range(0, len(order), GROUP):
        group = order[begin : begin + GROUP]
        which = np.searchsorted(starts, group, side="right") - 1
        for number in np.unique(which):
            yield blocks[number], group[which == number] - starts[number], int(starts[number])


def _learn(
    blocks: list[TextBlock], lesson: _TrainingData, value: Float32, config: StudentConfig, progress: Progress
) -> tuple[Float32, Float32]:
    from gem_core.student.kernel import learn

    k, reader, rng = lesson.n_clusters, _Reader(config.buckets), np.random.default_rng(config.seed)
    # The sums of squares start above 0 so that the first step divides by something.
    weights, squares = np.zeros((config.buckets, k), np.float32), np.full(config.buckets, 1e-8, np.float32)
    bias, bias_squares = np.zeros(k, np.float32), np.ones(k, np.float32)
    trained_documents, whole = 0, config.epochs * len(lesson.labels)
    for _ in range(config.epochs):
        for block, rows, first in _groups(blocks, rng):
            last = first + len(block)
            learn(
                block.offsets,
                block.data,
                block.valid,
                rows,
                *reader.tables,
                *reader.space,
                value,
                weights,
                squares,
                bias,
                bias_squares,
                lesson.labels[first:last],
                lesson.soft[first:last],
                lesson.importance[first:last],
                np.float32(config.rate * (1 - trained_documents / whole)),
            )
            trained_documents += len(rows)
            progress("Teaching the student", trained_documents, whole)
    return weights, bias
