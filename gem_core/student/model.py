r"""The student: sums of integer rows, one row for every word and word pair of a text."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gem_core._types import Float32, Float64, Int32, frozen
from gem_core.student.arrow_buffers import text_blocks
from gem_core.student.tokenizer import characters

LINE = 64  # bytes of a cache line
LANES = 32  # weights of int16 in one
Rows = NDArray[np.int16]


@dataclass(frozen=True)
class Scores:
    """Predictions of the student for n documents.

    Attributes
    ----------
    cluster : (n,) int32
        Index into `Student.numbers` of the best cluster; the lower one of two equals.
    second : (n,) int32
        Index of the second best; of one cluster, itself.
    margin : (n,) float32
        Best less second-best logit, nats, at least 0: log odds of the two as calibrated. inf with one cluster.
    words : (n,) int32
        Words of the text; 0 for null.
    tokens : (n,) int64
        Estimate of the number of tokens: (rate per word x words + rate per byte x bytes) x factor of the cluster.
    """

    cluster: Int32
    second: Int32
    margin: Float32
    words: Int32
    tokens: NDArray[np.int64]


@dataclass(frozen=True)
class Student:
    r"""A hashed linear classifier over words and word pairs.

    With N_i = 2 x words - 1 features and rows r of weights, document i has

        logit_ik = scale * sum_r weights_rk / (sqrt(N_i) * temperature) + bias_k

    The sum is one of integers, so a document scores the same in any batch, order, process or machine.

    Attributes
    ----------
    weights : (buckets, K) int16
        Rows of features; buckets is a power of two.
    scale : float
        What one unit of `weights` is worth, nats.
    bias : (K,) float64
        Nats.
    temperature : float
        Above 0. Fitted on documents apart from training; 1 before.
    numbers : tuple of K int
        Cluster numbers of the taxonomy.
    labels : tuple of K str
        Their labels.
    taxonomy_hash : str
        Of the taxonomy that was the teacher; empty when there was none.
    token_rates : (float, float)
        Tokens per word and per byte. Without token counts in training: (0, 1/4), a rule of thumb for English.
    token_factors : tuple of K float
        What the estimate is multiplied by for documents of each cluster: code has more tokens per byte than prose.
    settings : dict
        What it was trained with.

    Examples
    --------
    >>> weights = np.zeros((4096, 2), dtype=np.int16)
    >>> student = Student(weights, 1.0, np.array([0.0, 0.5]))
    >>> student.score(pa.array(["any text", None])).cluster
    array([1, 1], dtype=int32)
    """

    weights: Rows
    scale: float
    bias: Float64
    temperature: float = 1.0
    numbers: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    taxonomy_hash: str = ""
    token_rates: tuple[float, float] = (0.0, 0.25)
    token_factors: tuple[float, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        k = self.weights.shape[1]
        if not self.numbers:
            object.__setattr__(self, "numbers", tuple(range(k)))
        if not self.labels:
            object.__setattr__(self, "labels", tuple(f"cluster {number}" for number in self.numbers))
        if not self.token_factors:
            object.__setattr__(self, "token_factors", (1.0,) * k)
        frozen(self.weights)
        frozen(self.bias)

    def with_labels(self, numbers: Sequence[int], labels: Sequence[str], taxonomy_hash: str) -> "Student":
        """Give the classes the numbers and labels of a taxonomy's clusters, in the same order."""
        return replace(self, numbers=tuple(int(n) for n in numbers), labels=tuple(labels), taxonomy_hash=taxonomy_hash)

    @cached_property
    def hash(self) -> str:
        """sha256 of everything a score or a label depends on, 64 hex digits."""
        content = hashlib.sha256(np.ascontiguousarray(self.weights, dtype="<i2").tobytes())
        content.update(np.ascontiguousarray(self.bias, dtype="<f8").tobytes())
        content.update(json.dumps(self.description, sort_keys=True).encode())
        return content.hexdigest()

    @property
    def description(self) -> dict[str, Any]:
        """Everything but the arrays, as JSON can hold it."""
        return {
            "scale": self.scale,
            "temperature": self.temperature,
            "numbers": list(self.numbers),
            "labels": list(self.labels),
            "taxonomy_hash": self.taxonomy_hash,
            "token_rates": list(self.token_rates),
            "token_factors": list(self.token_factors),
            "settings": self.settings,
            "unicode": characters().unicode,
        }

    def __getstate__(self) -> dict[str, Any]:
        """Return what travels to another process: the fields, not what is derived from them."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def warm_up(self) -> None:
        """Compile, or load the machine code, and lay the rows out: a few seconds the first time on a machine."""
        for kind in (pa.string(), pa.large_string()):
            self.score(pa.array(["one two"], type=kind))

    def score(self, texts: pa.Array | pa.ChunkedArray) -> Scores:
        """Label texts.

        Parameters
        ----------
        texts : pyarrow.Array or pyarrow.ChunkedArray of string, large_string, string_view or dictionary of these
            A null has 0 words; a text of 0 words gets the cluster of the highest bias.

        Returns
        -------
        Scores
            In the order of the texts.

        Raises
        ------
        InputError
            If the array does not hold text.
        """
        return self._scored(texts, np.zeros((0, len(self.numbers))))

    def evidence(self, texts: pa.Array | pa.ChunkedArray) -> Float64:
        """Logits before temperature and bias, (n, K) float64, nats: what calibration fits on. 8 n K bytes."""
        evidence = np.zeros((len(texts), len(self.numbers)))
        self._scored(texts, evidence)
        return evidence

    def _scored(self, texts: pa.Array | pa.ChunkedArray, evidence: Float64) -> Scores:
        from gem_core.student.kernel import score_documents

        n, row, rates = len(texts), 0, np.outer(self.token_factors, self.token_rates)
        scores = Scores(
            np.zeros(n, np.int32),
            np.zeros(n, np.int32),
            np.zeros(n, np.float32),
            np.zeros(n, np.int32),
            np.zeros(n, np.int64),
        )
        for block in text_blocks(texts):
            parts = [array[row : row + len(block)] for array in (*vars(scores).values(), evidence)]
            score_documents(
                block.offsets,
                block.data,
                block.valid,
                *self._tables,
                self._rows,
                self.scale,
                1 / self.temperature,
                self.bias,
                rates,
                *parts,
            )
            row += len(block)
        for array in vars(scores).values():
            frozen(array)
        return scores

    @property
    def _tables(self) -> tuple[Any, ...]:
        table = characters()
        return table.ascii, table.page, table.entry, np.uint64(64 - (self.weights.shape[0].bit_length() - 1))

    @cached_property
    def _rows(self) -> Rows:
        """The rows padded to whole cache lines that begin where a line begins."""
        buckets, k = self.weights.shape
        width = LANES * -(-k // LANES)
        space = np.zeros(2 * buckets * width + LINE, dtype=np.uint8)
        start = -space.ctypes.data % LINE
        rows = space[start : start + 2 * buckets * width].view(np.int16).reshape(buckets, width)
        rows[:, :k] = self.weights
        return rows
