"""Cost: processor time, memory and disk of each step at three sizes, and what they say for a million documents."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.quality.name_rules import name_rules
from benchmarks.quality.student_fit import Corpus as StudentCorpus
from benchmarks.quality.student_fit import ours, split
from benchmarks.study.corpora import Corpora, Corpus
from benchmarks.study.intervals import Interval
from benchmarks.study.report import Entry, Figure, Page, Table
from benchmarks.study.runner import Cell, Record, Scale, Study, Values
from gem_core.clustering import Assignment, MixtureConfig, MixtureFit, assign, fit_mixture
from gem_core.embedding import embed
from gem_core.influence import influence_scores
from gem_core.projection import layout
from gem_core.student.storage import save_student
from gem_core.taxonomy import count_terms

CLUSTERS = 24
EMBEDDED = 15  # one document in so many is embedded: it takes longer than all the other steps together
MILLION = 1_000_000
STEPS = ("embed", "fit", "assign and influence", "phrases and names", "layout", "student", "label by student")
INTRODUCTION = """
Cost of each step on one process: processor seconds, peak memory above the level before the step, bytes written.

Three sizes, each in a process of its own after a short run of all steps that compiles and loads. Per million: the
straight line through the three sizes (least squares), read at a million; the exponent is the slope in logarithms, and
where it is clearly above 1 the line is too low. From thousands to a million is far: take the column as an order of
magnitude. One document in 15 is embedded, and its row is for as many as are stated. Memory may come out too low where a
step uses what an earlier one has freed. Disk: vectors that are kept (embed) and the folder of the student; the other
steps write next to nothing.

GPU: not measured. No GPU has run this table.
"""


def cells(scale: Scale) -> list[Cell]:
    corpus, sizes = ("webmix_small", (400, 800, 1600)) if scale.small else ("webmix", (6000, 12_000, 24_000))
    return [{"corpus": corpus, "documents": documents} for documents in sizes]


def measure(cell: Cell, corpora: Corpora) -> Values:
    corpus = corpora.read(str(cell["corpus"]), int(cell["documents"]))
    _run_steps(Corpus(corpus.name, corpus.texts[:300], corpus.truth[:300], corpus.X[:300]))
    return _run_steps(corpus)


def _run_steps(corpus: Corpus) -> Values:
    texts, X, n = corpus.texts, corpus.X, len(corpus.texts)
    values: Values = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def timed(step: str, count: int, call: Callable[[], object]) -> object:
            before, began = _reset_peak(), time.process_time()
            result = call()
            values[f"{step}, seconds"] = time.process_time() - began
            values[f"{step}, MB"] = max(0.0, _status("VmHWM") - before)
            values[f"{step}, documents"] = count
            return result

        timed("embed", n // EMBEDDED, lambda: embed(texts[: n // EMBEDDED], cache=folder / "vectors"))
        fit = timed("fit", n, lambda: fit_mixture(X, MixtureConfig(n_clusters=CLUSTERS)))
        assert isinstance(fit, MixtureFit)

        def influence() -> tuple[Assignment, np.ndarray]:
            assignment = assign(X, fit)
            return assignment, influence_scores(X, assignment, n_clusters=CLUSTERS).gis

        assignment, gis = timed("assign and influence", n, influence)  # type: ignore[misc]
        labels = assignment.labels
        timed("phrases and names", n, lambda: name_rules(texts, X, count_terms(texts), labels, gis, fit.centers))
        timed("layout", n, lambda: layout(X))
        arrow, parts = pa.array(texts), split(n, 0)
        teacher = StudentCorpus(corpus.name, arrow, labels, None, None, CLUSTERS)
        student = timed("student", n, lambda: ours(teacher, parts, 0))
        timed("label by student", n, lambda: student.score(arrow))  # type: ignore[attr-defined]
        save_student(student, folder / "student")  # type: ignore[arg-type]
        values["embed, disk MB"] = _megabytes(folder / "vectors")
        values["student, disk MB"] = _megabytes(folder / "student")
    return values


def _reset_peak() -> float:
    """Set the kernel's record of this process's peak memory to the present level, and return that, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return float(line.split()[1]) / 1000
    raise OSError(f"/proc/self/status has no {field}")


def _megabytes(path: Path) -> float:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6


def line_at_million(sizes: np.ndarray, values: np.ndarray) -> float:
    """Return the least-squares line through the sizes at a million documents."""
    slope, start = np.polyfit(sizes, values, 1)
    return float(start + slope * MILLION)


def exponent(sizes: np.ndarray, values: np.ndarray) -> float:
    """Return the slope of log cost over log size; NaN where a cost was too small to be measured."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0]) if (values > 0).all() else float("nan")


def page(records: list[Record]) -> Page:
    complete = sorted((r for r in records if not r.missing), key=lambda r: int(r.cell["documents"]))
    if len(complete) < 2:
        return Page(INTRODUCTION, [])
    rows: list[list[Entry]] = []
    million: list[tuple[str, Interval]] = []
    for step in STEPS:
        sizes, seconds, memory = (
            np.array([r.values[f"{step}, {what}"] for r in complete]) for what in ("documents", "seconds", "MB")
        )
        disk = [r.values.get(f"{step}, disk MB", float("nan")) for r in complete]
        hours = line_at_million(sizes, seconds) / 3600
        million.append((step, Interval(hours, float("nan"), float("nan"), len(complete))))
        rows.append(
            [
                step,
                " / ".join(f"{size:,.0f}" for size in sizes),
                " / ".join(f"{value:.1f}" for value in seconds),
                f"{exponent(sizes, seconds):.2f}",
                f"{hours:.2f}",
                " / ".join(f"{value:.0f}" for value in memory),
                f"{max(0.0, line_at_million(sizes, memory)) / 1000:.1f}",
                f"{disk[-1]:.1f}" if np.isfinite(disk[-1]) else "-",
                "not run",
            ]
        )
    columns = ["step", "documents", "CPU s", "exponent", "CPU h / million", "MB", "GB / million", "disk MB", "GPU"]
    table = Table(f"{complete[0].cell['corpus']}, K = {CLUSTERS}", columns, rows)
    figure = Figure(
        "CPU hours for a million documents", "straight line through three sizes; far extrapolation", million
    )
    return Page(INTRODUCTION, [table], figure)


STUDY = Study("cost", cells, measure, page, own_process=True)
