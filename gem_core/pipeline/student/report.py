"""What a student is worth: how it agrees with its teacher on held-out documents."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gem_core._types import frozen
from gem_core.errors import WorkspaceError

FILE = "report.json"
FORMAT = 1
FEW_TEST_DOCUMENTS = 10  # test documents below which a cluster's recall is hardly known
PAIRS, DOCUMENTS_PER_PAIR = 40, 12  # confused pairs that are kept, and documents of each


@dataclass(frozen=True)
class ClusterScore:
    """One cluster in the test; shares and rates are fractions, None where there is nothing to divide by.

    Attributes
    ----------
    number, label
        Of the cluster when the student was made.
    training, test : int
        Documents.
    recall : float or None
        Part of the teacher's documents of the cluster that the student puts there.
    recall_interval : (low, high) or None
        Wilson, 95%.
    precision : float or None
        Part of the student's documents of the cluster that the teacher puts there.
    mass, predicted_mass : float
        Share of the test documents, by the teacher and by the student.
    """

    number: int
    label: str
    training: int
    test: int
    recall: float | None
    recall_interval: tuple[float, float] | None
    precision: float | None
    mass: float
    predicted_mass: float


@dataclass(frozen=True)
class ConfusedPair:
    """Documents of one cluster that the student puts into another: the surest mistakes first.

    Attributes
    ----------
    teacher, student : int
        Numbers of the clusters.
    documents : int
        Test documents confused that way.
    share : float
        Part of the teacher's test documents of the cluster, a fraction.
    rows, ids, margins
        Of the first few: row in the workspace, id, margin of the student in nats.
    """

    teacher: int
    student: int
    documents: int
    share: float
    rows: tuple[int, ...]
    ids: tuple[str, ...]
    margins: tuple[float, ...]


@dataclass(frozen=True)
class DistilReport:
    """Result of a distillation, as report.json beside the student keeps it.

    Attributes
    ----------
    agreement : float
        Part of the test documents with the teacher's cluster, a fraction.
    agreement_interval : (low, high)
        Wilson, 95%.
    agreement_sure, agreement_unsure : float or None
        The same on the half of them where the teacher's own margin is larger, and on the other.
    mass_error, mass_error_tokens : float
        L1 distance between the shares of the clusters by student and by teacher, 0 to 2: in documents; and in tokens,
        of which the student's are its estimates, as in a labeled folder.
    token_error : float
        (estimated - counted) / counted tokens of all test documents together.
    token_error_document : float
        Median of |estimated - counted| / counted over the test documents.
    documents_per_second, bytes_per_second : float
        One thread of `machine`, from Arrow strings in memory to scores; the fastest of a few passes.
    machine : str
    training, calibration, test, left_out, copies : int
        Documents; `left_out` had a low score, `copies` repeat the text of an earlier one.
    confusion : (K, K) int64
        Test documents by the teacher's (row) and the student's (column) cluster, in the order of `clusters`.
    clusters : tuple of ClusterScore
    few : tuple of int
        Numbers of clusters with fewer than 10 test documents: their recall is hardly known.
    absent : tuple of int
        Numbers of clusters without documents: the student does not know them.
    pairs : tuple of ConfusedPair
        The most confused first.
    settings : dict
        Everything that decides the student, seed included.
    taxonomy_hash, taxonomy_key, data_hash, student_hash : str
    seconds : float
        That the distillation took.
    versions : dict
    """

    agreement: float
    agreement_interval: tuple[float, float]
    agreement_sure: float | None
    agreement_unsure: float | None
    mass_error: float
    mass_error_tokens: float
    token_error: float
    token_error_document: float
    documents_per_second: float
    bytes_per_second: float
    machine: str
    training: int
    calibration: int
    test: int
    left_out: int
    copies: int
    confusion: NDArray[np.int64]
    clusters: tuple[ClusterScore, ...]
    few: tuple[int, ...]
    absent: tuple[int, ...]
    pairs: tuple[ConfusedPair, ...]
    settings: dict[str, Any]
    taxonomy_hash: str
    taxonomy_key: str
    data_hash: str
    student_hash: str
    seconds: float
    versions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types only."""
        value = asdict(self)
        return {**value, "confusion": self.confusion.tolist(), "format": FORMAT}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        report_fields = {field.name: value[field.name] for field in fields(cls)}
        size = len(report_fields["clusters"])
        confusion = frozen(np.array(report_fields["confusion"], dtype=np.int64).reshape(size, size))
        clusters = tuple(
            ClusterScore(**{**record, "recall_interval": record["recall_interval"] and _two(record["recall_interval"])})
            for record in report_fields["clusters"]
        )
        pairs = tuple(
            ConfusedPair(**{**record, **{name: tuple(record[name]) for name in ("rows", "ids", "margins")}})
            for record in report_fields["pairs"]
        )
        return cls(
            **{
                **report_fields,
                "confusion": confusion,
                "clusters": clusters,
                "pairs": pairs,
                "few": tuple(report_fields["few"]),
                "absent": tuple(report_fields["absent"]),
                "agreement_interval": _two(report_fields["agreement_interval"]),
            }
        )


def _two(pair: Sequence[float]) -> tuple[float, float]:
    low, high = pair
    return float(low), float(high)


def read_report(folder: Path) -> DistilReport:
    """Read the report of a student.

    Raises
    ------
    WorkspaceError
        If the folder holds none that can be read.
    """
    path = folder / FILE
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["format"] > FORMAT:
            raise WorkspaceError(
                f"A student's report must be of format {FORMAT} or older", f"{value['format']}", "Update gem-explorer"
            )
        return DistilReport.from_json(value)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, WorkspaceError):
            raise
        raise WorkspaceError(
            "A student's folder must hold its whole report",
            f"{path}: {error}",
            "Make the student again: gem-explorer distill DIR --out STUDENT",
        ) from error


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Return the 95% confidence interval of a rate by Wilson's score (Wilson 1927, JASA 22, 209).

    Parameters
    ----------
    hits, n : int
        0 <= hits <= n, n >= 1.

    Returns
    -------
    low, high : float
        Fractions.

    Examples
    --------
    >>> [round(end, 3) for end in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    from scipy.stats import binomtest

    interval = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def mass_error(
    teacher: NDArray[Any],
    student: NDArray[Any],
    n_clusters: int,
    weights: NDArray[Any] | None = None,
    student_weights: NDArray[Any] | None = None,
) -> float:
    """Return the L1 distance between the shares of the clusters, 0 (the same) to 2 (nothing in common).

    Parameters
    ----------
    teacher, student : (n,) int
        Cluster of each document.
    n_clusters : int
    weights : (n,), optional
        Tokens of each document; every document counts the same when left out.
    student_weights : (n,), optional
        Tokens as the student estimates them; `weights` when left out.

    Examples
    --------
    >>> mass_error(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
    0.5
    """
    w = np.ones(len(teacher)) if weights is None else np.asarray(weights, dtype=np.float64)
    v = w if student_weights is None else np.asarray(student_weights, dtype=np.float64)
    teacher_shares, student_shares = (
        np.bincount(labels, of, n_clusters) / max(float(of.sum()), 1.0) for labels, of in ((teacher, w), (student, v))
    )
    return float(np.abs(teacher_shares - student_shares).sum())


def cluster_scores(
    confusion: NDArray[np.int64], numbers: Sequence[int], labels: Sequence[str], training: Sequence[int]
) -> tuple[ClusterScore, ...]:
    """Read recall, precision and shares of every cluster from a confusion matrix (teacher rows, student columns)."""
    total, scores = int(confusion.sum()), []
    for k, (number, label, learnt) in enumerate(zip(numbers, labels, training, strict=True)):
        hits, own, predictions = int(confusion[k, k]), int(confusion[k].sum()), int(confusion[:, k].sum())
        scores.append(
            ClusterScore(
                number,
                label,
                int(learnt),
                own,
                hits / own if own else None,
                wilson_interval(hits, own) if own else None,
                hits / predictions if predictions else None,
                own / total,
                predictions / total,
            )
        )
    return tuple(scores)


def confused_pairs(
    teacher: NDArray[Any],
    student: NDArray[Any],
    margin: NDArray[Any],
    rows: NDArray[Any],
    ids: Sequence[Any],
    numbers: Sequence[int],
) -> tuple[ConfusedPair, ...]:
    """Return the most frequent kinds of disagreement with their documents.

    Parameters
    ----------
    teacher, student : (n,) int
        Places of the clusters in `numbers`.
    margin : (n,) float
        Of the student, nats: the documents of a pair come with the largest first.
    rows, ids
        Row and id of each document.
    numbers : sequence of int
    """
    k = len(numbers)
    sizes = np.bincount(teacher, minlength=k)
    wrong = np.flatnonzero(teacher != student)
    kinds, counts = np.unique(teacher[wrong].astype(np.int64) * k + student[wrong], return_counts=True)
    pairs = []
    for at in np.argsort(-counts, kind="stable")[:PAIRS]:
        a, b = divmod(int(kinds[at]), k)
        own = wrong[(teacher[wrong] == a) & (student[wrong] == b)]
        own = own[np.argsort(-margin[own], kind="stable")][:DOCUMENTS_PER_PAIR]
        pairs.append(
            ConfusedPair(
                int(numbers[a]),
                int(numbers[b]),
                int(counts[at]),
                float(counts[at] / sizes[a]),
                tuple(int(rows[i]) for i in own),
                tuple(str(ids[i]) for i in own),
                tuple(round(float(margin[i]), 4) for i in own),
            )
        )
    return tuple(pairs)
