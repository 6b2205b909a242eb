"""Which documents a student learns from, which calibrate it, and which it is tested on."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Bool, Float64, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.workspace import Workspace

Rows = NDArray[np.int64]
LEAST = 10  # test documents below which an agreement says nothing
STEP = "split the documents"


@dataclass(frozen=True)
class TrainingSplit:
    """Rows of the documents by their part; a text that occurs several times lies in one part only.

    Attributes
    ----------
    training : (m,) int64
        Documents that the student learns from.
    calibration : (c,) int64
        Documents that set its temperature and biases.
    test : (t,) int64
        Documents that neither has seen.
    left_out : int
        Training documents that were dropped for their low score.
    weights : (m,) float64
        Weight of each training document, mean 1.
    """

    training: Rows
    calibration: Rows
    test: Rows
    left_out: int
    weights: Float64


def first_occurrences(workspace: Workspace, progress: Progress = silent) -> Rows:
    """Return for each document the row of the first document with the same text, (n,)."""
    first: dict[bytes, int] = {}
    n = len(workspace)
    first_rows = np.empty(n, dtype=np.int64)
    for row, text in enumerate(workspace.all_texts()):
        mark = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        first_rows[row] = first.setdefault(mark, row)
        if row % 4096 == 0:
            progress(STEP, row, n)
    progress(STEP, n, n)
    return first_rows


def draw_test_and_calibration(
    positions: NDArray[Any], copies: Rows, *, test_share: float, calibration_share: float, seed: int
) -> tuple[Bool, Bool]:
    """Draw the documents for test and for calibration, the same part of every cluster.

    Different texts are counted, and all documents with one text go the same way. A cluster of n texts gives
    round(share n) of them; one text at least stays for training.

    Parameters
    ----------
    positions : (n,) int
        Cluster of each document; a text counts for the cluster of its first document.
    copies : (n,) int64
        First document with the same text (`first_occurrences`).
    test_share, calibration_share : float
        Fractions, together below 1.
    seed : int

    Returns
    -------
    test, calibration : (n,) bool
        Never both true.

    Examples
    --------
    >>> import numpy as np
    >>> clusters, alone = np.repeat([0, 1], [10, 5]), np.arange(15)
    >>> test, calibration = draw_test_and_calibration(clusters, alone, test_share=0.2, calibration_share=0.2, seed=0)
    >>> np.bincount(clusters[test]).tolist(), np.bincount(clusters[calibration]).tolist()
    ([2, 1], [2, 1])
    """
    texts = np.random.default_rng(seed).permutation(np.unique(copies))
    texts = texts[np.argsort(positions[texts], kind="stable")]
    _, start, sizes = np.unique(positions[texts], return_index=True, return_counts=True)
    rank = np.arange(len(texts)) - np.repeat(start, sizes)
    for_test = np.minimum(np.floor(test_share * sizes + 0.5), sizes - 1)
    for_calibration = np.minimum(np.floor(calibration_share * sizes + 0.5), sizes - 1 - for_test)
    part = np.zeros(len(copies), dtype=np.int8)
    part[texts] = np.where(
        rank < np.repeat(for_test, sizes), 1, np.where(rank < np.repeat(for_test + for_calibration, sizes), 2, 0)
    )
    part = part[copies]
    return part == 1, part == 2


def drop_least_typical(
    rows: Rows, positions: NDArray[Any], gis: NDArray[Any], margin: NDArray[Any], drop: float
) -> Rows:
    """Leave the least typical documents of each cluster out of a training set.

    Documents with a negative margin stay: a person put them where the vectors would not.

    Parameters
    ----------
    rows : (m,) int64
        Documents to choose from, ascending.
    positions, gis, margin : (n,)
        Of all documents: cluster, influence score (higher is more typical), lead of the own cluster.
    drop : float
        Part of each cluster's documents that is left out, 0 to below 1, rounded down.

    Returns
    -------
    (m',) int64
        Ascending.

    Examples
    --------
    >>> import numpy as np
    >>> score = np.array([3.0, 1.0, 2.0, 0.0])
    >>> drop_least_typical(np.arange(4), np.zeros(4, int), score, np.array([1.0, 1.0, 1.0, -1.0]), 0.5).tolist()
    [0, 3]
    """
    order = rows[np.lexsort((gis[rows], margin[rows] < 0, positions[rows]))]  # people's own come last
    _, start, sizes = np.unique(positions[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(start, sizes)
    own = margin[order] < 0
    typical_rows: Rows = order[own | (rank >= np.repeat(np.floor(drop * sizes), sizes))]
    return np.sort(typical_rows)


def balanced_weights(positions: NDArray[Any], balance: float) -> Float64:
    """Weights (size of the own cluster)^-balance with mean 1: 0 counts documents, 1 counts clusters the same.

    Examples
    --------
    >>> balanced_weights(np.array([0, 0, 0, 1]), 1.0).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    sizes = np.bincount(positions)
    raw = sizes[positions].astype(np.float64) ** -balance
    return np.asarray(raw / raw.mean())


def split_training_data(
    positions: NDArray[Any],
    gis: NDArray[Any],
    margin: NDArray[Any],
    copies: Rows,
    *,
    test_share: float,
    calibration_share: float,
    drop: float,
    balance: float,
    seed: int,
) -> TrainingSplit:
    """Split first, then choose among the training documents only; arguments as in the functions above.

    Raises
    ------
    InputError
        If the test would hold fewer than 10 documents, or the calibration none.
    """
    test, calibration = draw_test_and_calibration(
        positions, copies, test_share=test_share, calibration_share=calibration_share, seed=seed
    )
    if test.sum() < LEAST or not calibration.any():
        raise InputError(
            f"A student needs at least {LEAST} documents for its test and one for its calibration",
            f"{int(test.sum()):,} and {int(calibration.sum()):,} of {len(positions):,} documents",
            "Use a larger corpus, or larger --test-share and --calibration-share",
        )
    candidates = np.flatnonzero(~test & ~calibration)
    training = drop_least_typical(candidates, positions, gis, margin, drop)
    return TrainingSplit(
        frozen(training),
        frozen(np.flatnonzero(calibration)),
        frozen(np.flatnonzero(test)),
        len(candidates) - len(training),
        frozen(balanced_weights(positions[training], balance)),
    )
