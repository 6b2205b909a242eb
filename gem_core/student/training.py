r"""Teach a student: multinomial logistic regression on hashed words and word pairs, one document a step."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Float32, Float64, Int32, Progress, silent
from gem_core.errors import InputError
from gem_core.student.buffers import TextBlock, text_blocks
from gem_core.student.model import Student, best_two
from gem_core.student.rates import fit_token_rates
from gem_core.student.words import characters

LONGEST = 1 << 16  # words of a document that training reads; scoring reads all
GROUP = 1024  # documents between two reports, and between two chunks of the texts


@dataclass(frozen=True)
class StudentConfig:
    """How a student is trained.

    Attributes
    ----------
    buckets : int
        Rows that words and pairs are hashed into, a power of two from 1,024 to 16,777,216.
    epochs : int
        Passes over the documents, at least 1.
    rate : float
        Step of AdaGrad, above 0; falls to 0 over the passes.
    keep : float
        Chance of a feature to take part in a step, above 0, at most 1.
    seed : int
        Of the order of documents and of the features left out.
    """

    buckets: int = 1 << 20
    epochs: int = 8
    rate: float = 0.5
    keep: float = 0.7
    seed: int = 0

    def __post_init__(self) -> None:
        if not (1024 <= self.buckets <= 1 << 24 and self.buckets & (self.buckets - 1) == 0):
            raise InputError("buckets must be a power of two from 1,024 to 16,777,216", f"{self.buckets!r}",
                             "Use 1,048,576")
        if self.epochs < 1:
            raise InputError("epochs must be at least 1", f"{self.epochs!r}", "Use the default")
        if not self.rate > 0:
            raise InputError("rate must be above 0", f"{self.rate!r}", "Use the default")
        if not 0 < self.keep <= 1:
            raise InputError("keep must be above 0 and at most 1", f"{self.keep!r}", "Use the default")


def train_student(texts: pa.Array | pa.ChunkedArray, labels: ArrayLike, n_clusters: int, *,
                  weights: ArrayLike | None = None, soft: ArrayLike | None = None, tokens: ArrayLike | None = None,
                  config: StudentConfig | None = None, progress: Progress = silent) -> Student:
    r"""Teach a student to label texts as the teacher does.

    Minimises sum_i w_i KL(y_i || softmax_k(x_i' W + b)) with x_ij = c_ij idf_j / sqrt(N_i) by AdaGrad.

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
        The teacher's responsibilities, rows with sum 1; then `labels` do not count.
    tokens : (n,) int, optional
        Tokens of each document, for the rates of the estimate.
    config : StudentConfig, optional
    progress : Progress

    Returns
    -------
    Student
        With temperature 1, and numbers 0 to K - 1: see `calibrate_student` and `Student.named`.

    Raises
    ------
    InputError
        If sizes differ or a label is not from 0 to n_clusters - 1.
    """
    config = config or StudentConfig()
    lesson = _lesson(texts, labels, n_clusters, weights, soft)
    blocks = list(text_blocks(texts))
    value = _values(blocks, config.buckets, progress)
    rows, bias = _learn(blocks, lesson, value, config, progress)
    rows *= value[:, None]
    highest = float(np.abs(rows).max())
    scale = highest / 32767 if highest > 0 else 1.0
    student = Student(weights=np.rint(rows / np.float32(scale)).astype(np.int16), scale=scale,
                      bias=bias.astype(np.float64), settings=asdict(config))
    if tokens is None:
        return student
    size = np.concatenate([block.lengths for block in blocks])
    return replace(student, token_rates=fit_token_rates(student.score(texts).words, size, tokens))


@dataclass(frozen=True)
class _Lesson:
    labels: Int32
    soft: Float32
    importance: Float32
    n_clusters: int


def _lesson(texts: Any, labels: ArrayLike, k: int, weights: ArrayLike | None, soft: ArrayLike | None) -> _Lesson:
    n = len(texts)
    target = np.asarray(labels)
    if target.shape != (n,):
        raise InputError(f"labels must hold one cluster a text ({n:,})", f"shape {target.shape}",
                         "Pass as many labels as texts")
    if n == 0 or target.min() < 0 or target.max() >= k:
        raise InputError(f"labels must be from 0 to {k - 1}",
                         f"{target.min()} to {target.max()}" if n else "no documents", "Number the clusters from 0")
    importance = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if importance.shape != (n,) or not np.all(np.isfinite(importance)) or importance.min() < 0 or not importance.any():
        raise InputError(f"weights must hold {n:,} finite numbers, not negative and not all zero",
                         f"shape {importance.shape}", "Correct or drop them")
    shares = np.zeros((0, k), np.float32) if soft is None else np.ascontiguousarray(soft, dtype=np.float32)
    if soft is not None and shares.shape != (n, k):
        raise InputError(f"soft must hold a row of {k} shares a text ({n:,})", f"shape {shares.shape}",
                         "Pass the teacher's responsibilities")
    return _Lesson(target.astype(np.int32), shares, (importance / importance[importance > 0].mean()).astype(np.float32),
                   k)


class _Reader:
    """What every compiled pass needs besides the texts."""

    def __init__(self, buckets: int) -> None:
        table = characters()
        self.tables = (table.ascii, table.page, table.entry, np.uint64(64 - (buckets.bit_length() - 1)))
        self.space = (np.empty(LONGEST, np.uint64), np.empty(2 * LONGEST, np.int32))


def _values(blocks: list[TextBlock], buckets: int, progress: Progress) -> Float32:
    """Value of each row: idf = log(n / documents that hold it), 0 where fewer than two do."""
    from gem_core.student.kernel import count_documents

    reader, n = _Reader(buckets), sum(len(block) for block in blocks)
    held, last = np.zeros(buckets, np.int32), np.full(buckets, -1, np.int32)
    first = 0
    for block in blocks:
        for start in range(0, len(block), 16 * GROUP):
            part = block.part(start, min(start + 16 * GROUP, len(block)))
            count_documents(part.offsets, part.data, part.valid, *reader.tables, *reader.space, held, last, first)
            first += len(part)
            progress("Counting words", first, n)
    with np.errstate(divide="ignore"):
        return np.where(held >= 2, np.log((1.0 + n) / held), 0.0).astype(np.float32)


def _groups(blocks: list[TextBlock], rng: np.random.Generator) -> Iterator[tuple[TextBlock, NDArray[np.int64], int]]:
    """All documents once, in a new order: (block, rows of it, first document of the block)."""
    starts = np.concatenate(([0], np.cumsum([len(block) for block in blocks])))
    order = rng.permutation(starts[-1])
    for begin in range(0, len(order), GROUP):
        group = order[begin:begin + GROUP]
        which = np.searchsorted(starts, group, side="right") - 1
        for number in np.unique(which):
            yield blocks[number], group[which == number] - starts[number], int(starts[number])


def _learn(blocks: list[TextBlock], lesson: _Lesson, value: Float32, config: StudentConfig,
           progress: Progress) -> tuple[Float32, Float32]:
    from gem_core.student.kernel import learn

    k, reader, rng = lesson.n_clusters, _Reader(config.buckets), np.random.default_rng(config.seed)
    weights, squares = np.zeros((config.buckets, k), np.float32), np.full(config.buckets, 1e-8, np.float32)
    bias, bias_squares = np.zeros(k, np.float32), np.full(k, 1.0, np.float32)
    state = np.uint64(rng.integers(1, 1 << 63))
    keep = np.uint64(round(config.keep * (1 << 24)))
    n = sum(len(block) for block in blocks)
    done, whole = 0, n * config.epochs
    for _ in range(config.epochs):
        for block, rows, first in _groups(blocks, rng):
            last = first + len(block)
            rate = np.float32(config.rate * (1 - done / whole))
            _, state = learn(
                block.offsets, block.data, block.valid, rows, *reader.tables, *reader.space, value, weights, squares,
                bias, bias_squares, lesson.labels[first:last], lesson.soft[first:last], lesson.importance[first:last],
                rate, keep, state)
            state = np.uint64(state)
            done += len(rows)
            progress("Teaching the student", done, whole)
    return weights, bias


def calibrate_student(student: Student, texts: pa.Array | pa.ChunkedArray, labels: ArrayLike,
                      weights: ArrayLike | None = None) -> Student:
    r"""Fit temperature and biases on documents that neither trained the student nor will test it.

    Minimises the negative log-likelihood of the teacher's labels over T and b; at the minimum the mean predicted
    shares equal the teacher's.
    """
    from scipy.optimize import minimize

    evidence, target = student.evidence(texts), np.asarray(labels)
    n, k = evidence.shape
    w = np.full(n, 1.0 / n) if weights is None else np.asarray(weights, np.float64) / np.sum(weights)
    truth = np.bincount(target, weights=w, minlength=k)

    def loss(x: Float64) -> tuple[float, Float64]:
        logits = evidence * np.exp(x[0]) + x[1:]
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        total = shares.sum(axis=1, keepdims=True)
        shares /= total
        value = float(w @ (np.log(total[:, 0]) - logits[np.arange(n), target])) + 5e-4 * float(x[1:] @ x[1:])
        shares[np.arange(n), target] -= 1
        shares *= w[:, None]
        gradient = np.concatenate(([np.exp(x[0]) * float((shares * evidence).sum())],
                                   shares.sum(axis=0) + 1e-3 * x[1:]))
        return value, gradient

    found = minimize(loss, np.concatenate(([0.0], student.bias)), jac=True, method="L-BFGS-B").x
    del truth
    return replace(student, temperature=float(np.exp(-found[0])), bias=np.asarray(found[1:]))


def predicted(student: Student, texts: pa.Array | pa.ChunkedArray) -> Int32:
    """Best cluster of each text."""
    return best_two(student.evidence(texts) / student.temperature + student.bias)[0]
