"""Distill a student from a taxonomy: split honestly, teach, calibrate, test, keep."""

import platform
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gem_core._storage import is_remote, output_path, store_errors
from gem_core._types import Float32, Floating, Int32, Progress, silent
from gem_core.clustering.assignment import responsibilities
from gem_core.errors import InputError
from gem_core.pipeline.student.report import (
    FEW_TEST_DOCUMENTS,
    FILE,
    DistilReport,
    cluster_scores,
    confused_pairs,
    mass_error,
    wilson_interval,
)
from gem_core.pipeline.student.training_split import Rows, TrainingSplit, first_occurrences, split_training_data
from gem_core.student import Student, StudentConfig, calibrate_student, save_student, train_student
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import write_folder, write_json
from gem_core.workspace.manifest import versions

READ, TEST = "read the texts", "test the student"
BATCH = 16_384  # documents that are read at a time
BLOCK = 4096  # documents that are scored at a time
TIMED = 0.5  # seconds that the speed is measured for at least


@dataclass(frozen=True)
class DistilSettings:
    """Everything that, with the taxonomy, decides a student.

    Parameters
    ----------
    seed : int
        Of the split and of the training.
    test_share, calibration_share : float
        Parts of every cluster that are kept from training; above 0, together at most 0.9.
    drop : float
        Part of every cluster's training documents that is left out for its low influence score, 0 to 0.9.
    balance : float
        Training weights are cluster sizes to the power of -balance: 0 counts documents, 1 counts clusters the same.
    soft : bool
        Learn the fit's responsibilities in place of the clusters, wherever the fit finds a document's cluster the most
        likely one; where people have put it elsewhere, it is learned as they have it.
    student : StudentConfig
        Its seed is not used: `seed` is.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    seed: int = 0
    test_share: float = 0.2
    calibration_share: float = 0.1
    drop: float = 0.0
    balance: float = 0.5
    soft: bool = True
    student: StudentConfig = field(default_factory=StudentConfig)

    def __post_init__(self) -> None:
        if not (self.test_share > 0 and self.calibration_share > 0 and self.test_share + self.calibration_share <= 0.9):
            raise InputError(
                "The shares for test and calibration must be above 0 and together at most 0.9",
                f"{self.test_share:g} and {self.calibration_share:g}",
                "Use 0.2 and 0.1",
            )
        if not 0 <= self.drop <= 0.9:
            raise InputError("The part that is left out must be from 0 to 0.9", f"{self.drop:g}", "Use 0")
        if not 0 <= self.balance <= 2:
            raise InputError(
                "The balance must be from 0 to 2",
                f"{self.balance:g}",
                "Use 0 to count documents, 1 to count clusters the same",
            )
        if self.seed < 0:
            raise InputError("The seed must be 0 or more", f"{self.seed}", "Use 0")


def distil(
    workspace: Workspace,
    taxonomy: Taxonomy,
    out: Path,
    settings: DistilSettings | None = None,
    *,
    progress: Progress = silent,
) -> DistilReport:
    """Teach a student the clusters of a taxonomy as they are now, edits and excluded clusters included.

    Memory: the texts of the training documents, and what `train_student` needs. The folder appears when everything
    in it is there.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
        The teacher.
    out : Path
        Folder for the student and its report; absent or empty.
    settings : DistilSettings, optional
    progress : Progress

    Returns
    -------
    DistilReport
        How the student agrees with the taxonomy on documents that neither training nor calibration has seen.

    Raises
    ------
    InputError
        If `out` is not empty or cannot be written, fewer than two clusters hold documents, or the corpus is too small
        to be split.
    """
    started = time.perf_counter()
    config = settings or DistilSettings()
    out = output_path(out).absolute()
    check_output_folder(out)
    numbers, labels = _classes(taxonomy)
    documents = taxonomy.documents
    margin = documents["margin"].to_numpy()
    soft = soft_targets(workspace, taxonomy) if config.soft else None
    copies = first_occurrences(workspace, progress)
    plan = split_training_data(
        labels,
        documents["gis"].to_numpy(),
        margin,
        copies,
        test_share=config.test_share,
        calibration_share=config.calibration_share,
        drop=config.drop,
        balance=config.balance,
        seed=config.seed,
    )
    student = train_calibrated_student(workspace, labels, len(numbers), plan, config, soft=soft, progress=progress)
    student = student.with_labels(
        numbers, [taxonomy.cluster(number).label for number in numbers], taxonomy.taxonomy_hash
    )
    report = _tested(
        workspace,
        taxonomy,
        student,
        labels,
        plan,
        config,
        started,
        int((copies != np.arange(len(copies))).sum()),
        progress,
    )
    check_output_folder(out)  # it may have been filled meanwhile

    def fill(folder: Path) -> None:
        save_student(student, folder)
        write_json(folder / FILE, report.to_json())

    write_folder(out, fill)
    return report


def check_output_folder(out: Path) -> None:
    """Refuse a folder that holds anything, or cannot be made.

    Raises
    ------
    InputError
    """
    try:
        with store_errors(out):
            present = out.exists()
        if present and (not out.is_dir() or any(out.iterdir())):
            raise InputError(
                "A student needs a folder that is new or empty", f"{out}, which is not", "Choose another --out"
            )
        if is_remote(out):
            return
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent):
            pass
    except OSError as error:
        raise InputError(
            "A student's folder must be one that can be written",
            f"{out}: {error.strerror or error}",
            "Choose another --out, or free some space",
        ) from error


def _classes(taxonomy: Taxonomy) -> tuple[list[int], Int32]:
    """Numbers of the clusters that hold documents, and the place of each document's cluster among them."""
    positions = taxonomy.positions
    cluster_indices, labels = np.unique(positions, return_inverse=True)
    if len(cluster_indices) < 2:
        raise InputError(
            "A student tells clusters apart, so there must be two with documents",
            f"{len(cluster_indices)}",
            "Fit more clusters, or split the one there is",
        )
    return [taxonomy.clusters[int(index)].number for index in cluster_indices], labels.astype(np.int32)


def soft_targets(workspace: Workspace, taxonomy: Taxonomy) -> Floating:
    """Return what a student should say of every document: (n, K) for the clusters that hold documents, rows sum to 1.

    The responsibilities of the taxonomy's mixture where its most likely cluster is the document's own; elsewhere people
    know better, and the row is 1 for the document's cluster. Memory: n K numbers.
    """
    cluster_indices, labels = np.unique(taxonomy.positions, return_inverse=True)
    shares = np.asarray(responsibilities(workspace.embeddings, taxonomy.fit)[:, cluster_indices], dtype=np.float32)
    shares /= shares.sum(axis=1, keepdims=True)
    reassigned_rows = np.flatnonzero(shares.argmax(axis=1) != labels)
    shares[reassigned_rows] = 0.0
    shares[reassigned_rows, labels[reassigned_rows]] = 1.0
    return shares


def read_texts(workspace: Workspace, rows: Rows) -> pa.ChunkedArray:
    """Return the texts of some rows, ascending, as Arrow strings: no Python string is made."""
    row_mask = np.zeros(len(workspace), dtype=bool)
    row_mask[rows] = True
    chunks, start = [], 0
    for batch in pq.ParquetFile(workspace.root / "documents.parquet").iter_batches(BATCH, columns=["text"]):
        column = batch.column(0)
        chunks.append(column.filter(pa.array(row_mask[start : start + len(column)])))
        start += len(column)
    return pa.chunked_array(chunks)


def train_calibrated_student(
    workspace: Workspace,
    labels: NDArray[np.integer],
    n_clusters: int,
    plan: TrainingSplit,
    config: DistilSettings,
    *,
    soft: Floating | None = None,
    progress: Progress = silent,
) -> Student:
    """Train on the training documents and calibrate on the calibration documents of a plan.

    Parameters
    ----------
    workspace : Workspace
    labels : (n,) int
        Cluster of every document, 0 to K - 1.
    n_clusters : int
        K.
    plan : Lesson
    config : DistilSettings
    soft : (n, K), optional
        Responsibilities of every document, rows with sum 1.
    progress : Progress
    """
    progress(READ, 0, 1)
    tokens = workspace.documents["tokens"].to_numpy()
    student = train_student(
        read_texts(workspace, plan.training),
        labels[plan.training],
        n_clusters,
        weights=plan.weights,
        soft=None if soft is None else soft[plan.training],
        tokens=tokens[plan.training],
        config=replace(config.student, seed=config.seed),
        progress=progress,
    )
    return calibrate_student(student, read_texts(workspace, plan.calibration), labels[plan.calibration])


def _tested(
    workspace: Workspace,
    taxonomy: Taxonomy,
    student: Student,
    labels: Int32,
    plan: TrainingSplit,
    config: DistilSettings,
    started: float,
    copies: int,
    progress: Progress,
) -> DistilReport:
    progress(TEST, 0, len(plan.test))
    texts, rows = read_texts(workspace, plan.test), plan.test
    student.warm_up()
    scores, (documents_speed, bytes_speed) = predict(student, texts, progress), measure_speed(student, texts)
    teacher, k = labels[rows], len(student.numbers)
    right = scores.cluster == teacher
    confusion = np.zeros((k, k), dtype=np.int64)
    np.add.at(confusion, (teacher, scores.cluster), 1)
    records = workspace.documents.iloc[rows]
    tokens = records["tokens"].to_numpy(np.float64)
    margin = taxonomy.documents["margin"].to_numpy()[rows]
    sure = margin > np.median(margin)
    cluster_results = cluster_scores(
        confusion, student.numbers, student.labels, np.bincount(labels[plan.training], minlength=k).tolist()
    )
    return DistilReport(
        agreement=float(right.mean()),
        agreement_interval=wilson_interval(int(right.sum()), len(rows)),
        agreement_sure=_mean(right[sure]),
        agreement_unsure=_mean(right[~sure]),
        mass_error=mass_error(teacher, scores.cluster, k),
        mass_error_tokens=mass_error(teacher, scores.cluster, k, tokens, scores.tokens),
        token_error=float(scores.tokens.sum() / max(tokens.sum(), 1.0) - 1.0),
        token_error_document=float(np.median(np.abs(scores.tokens - tokens) / np.maximum(tokens, 1.0))),
        documents_per_second=documents_speed,
        bytes_per_second=bytes_speed,
        machine=processor_name(),
        training=len(plan.training),
        calibration=len(plan.calibration),
        test=len(rows),
        left_out=plan.left_out,
        copies=copies,
        confusion=confusion,
        clusters=cluster_results,
        few=tuple(score.number for score in cluster_results if score.test < FEW_TEST_DOCUMENTS),
        absent=tuple(c.number for c in taxonomy.clusters if c.number not in student.numbers),
        pairs=confused_pairs(teacher, scores.cluster, scores.margin, rows, records["id"].tolist(), student.numbers),
        settings=asdict(config),
        taxonomy_hash=taxonomy.taxonomy_hash,
        taxonomy_key=taxonomy.key,
        data_hash=workspace.manifest.data_hash,
        student_hash=student.hash,
        seconds=round(time.perf_counter() - started, 3),
        versions=versions(),
    )


def _mean(right: NDArray[np.bool_]) -> float | None:
    return float(right.mean()) if right.size else None


@dataclass(frozen=True)
class Predictions:
    """What a student says of n texts: `Scores` without the parts that no report needs."""

    cluster: Int32
    margin: Float32
    tokens: NDArray[np.int64]


def predict(student: Student, texts: pa.ChunkedArray, progress: Progress = silent) -> Predictions:
    """Score texts with progress."""
    parts, n = [], len(texts)
    for start in range(0, n, BLOCK):
        parts.append(student.score(texts.slice(start, BLOCK)))
        progress(TEST, min(start + BLOCK, n), n)
    return Predictions(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("cluster", "margin", "tokens"))
    )


def measure_speed(student: Student, texts: pa.ChunkedArray) -> tuple[float, float]:
    """Return documents and bytes of text a second: the fastest of three passes or more over up to 4,096 texts."""
    some = texts.slice(0, BLOCK)
    times: list[float] = []
    while len(times) < 3 or sum(times) < TIMED:
        started = time.perf_counter()
        student.score(some)
        times.append(time.perf_counter() - started)
    return len(some) / min(times), float(pc.sum(pc.binary_length(some)).as_py() or 0) / min(times)


def processor_name() -> str:
    """Name the processor that a speed was measured on."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()
