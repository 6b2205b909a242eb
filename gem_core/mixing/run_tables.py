"""Tables of proxy runs from other programs: separators, decimal commas, names, indices, percent and gaps."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from gem_core._types import Float64
from gem_core.errors import InputError

RUN_NAMES = ("run", "run_id", "index", "id", "name", "")  # columns that name runs, the first one found does
_PANDAS_INDEX = "unnamed: 0"
_GAPS = ("", "nan", "na", "n/a", "null", "none", "-", "inf", "-inf")


@dataclass(frozen=True)
class RunTable:
    """Numeric columns of a table of runs.

    Attributes
    ----------
    path : Path
    runs : tuple of n str
        Names of the runs.
    names : tuple of C str
        Names of the numeric columns.
    values : (n, C) float64
        NaN where a cell is empty.
    skipped : tuple of str
        Columns of names or text.
    separator : str
    """

    path: Path
    runs: tuple[str, ...]
    names: tuple[str, ...]
    values: Float64
    skipped: tuple[str, ...]
    separator: str

    def select(self, patterns: Sequence[str]) -> "RunTable":
        """Return the columns that match one of some patterns such as ratio_*.

        Raises
        ------
        InputError
            If no column matches.
        """
        column_indices = [i for i, name in enumerate(self.names) if any(fnmatchcase(name, p.strip()) for p in patterns)]
        if not column_indices:
            raise InputError(
                "A pattern must match a numeric column of the runs",
                ", ".join(patterns),
                f"Choose among: {', '.join(self.names[:12])}",
            )
        names = tuple(self.names[i] for i in column_indices)
        return RunTable(self.path, self.runs, names, self.values[:, column_indices], self.skipped, self.separator)

    def take(self, runs: Sequence[str]) -> Float64:
        """Return the rows of some runs in their order."""
        row_of = {run: i for i, run in enumerate(self.runs)}
        return np.asarray(self.values[[row_of[run] for run in runs]])


def read_run_table(path: Path) -> RunTable:
    """Read a CSV file of runs, one run per row.

    The separator is the comma, semicolon or tab that the header has most of; with semicolons or tabs, decimal commas
    are read. A column named run, run_id, index, id, name or nothing (an unnamed index) names the runs, else the first
    column does. Other columns without a number are skipped by name. Empty cells are gaps.

    Raises
    ------
    InputError
        If the file cannot be read, has no run or no numeric column, a row has another number of cells, a name occurs
        twice, or a column of numbers has a cell that is none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        header = text.split("\n", 1)[0]
        separator = max(",;\t", key=header.count)
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("Proxy runs are CSV files", f"{path}: {error}", "Give files with one run per row") from error
    if len(rows) < 2 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        raise InputError(
            "A file of proxy runs has a header, then one run per row with as many cells",
            f"{path} with {len(rows)} rows, separated by {separator!r}",
            "Give files in the layout of RegMix",
        )
    names = [name.strip() for name in rows[0]]
    run_column = _run_column(names)
    runs = [row[run_column].strip() for row in rows[1:]]
    _refuse_duplicates(path, [name for i, name in enumerate(names) if i != run_column], runs)
    column_names, columns, skipped = [], [], []
    for i, name in enumerate(names):
        if i == run_column:
            continue
        values = [_number(row[i], separator) for row in rows[1:]]
        is_name = name.lower() in RUN_NAMES or name.lower() == _PANDAS_INDEX
        is_text = None in values and not any(value is not None and np.isfinite(value) for value in values)
        if is_name or is_text:
            skipped.append(name)
            continue
        bad = next((at for at, value in enumerate(values) if value is None), None)
        if bad is not None:
            raise InputError(
                "Every cell of a run must be a finite number, or empty",
                f"{rows[1 + bad][i]!r} for {name} in run {runs[bad]!r} of {path}",
                "Correct or remove the run",
            )
        column_names.append(name)
        columns.append(values)
    if not column_names:
        raise InputError("A file of proxy runs has columns of numbers", f"none in {path}", "Choose another file")
    return RunTable(
        path, tuple(runs), tuple(column_names), np.array(columns, dtype=np.float64).T, tuple(skipped), separator
    )


def _run_column(names: Sequence[str]) -> int:
    lowered = [name.lower() for name in names]
    lowered = ["" if name == _PANDAS_INDEX else name for name in lowered]
    return next((lowered.index(run_name) for run_name in RUN_NAMES if run_name in lowered), 0)


def _refuse_duplicates(path: Path, names: Sequence[str], runs: Sequence[str]) -> None:
    for group in (names, runs):
        twice = next((name for name in group if group.count(name) > 1), None)
        if twice is not None:
            raise InputError("Runs and columns must be named once", f"{twice!r} twice in {path}", "Rename one of them")


def _number(cell: str, separator: str) -> float | None:
    """Return a finite number, NaN for a gap, None for text."""
    text = cell.strip()
    if text.lower() in _GAPS:
        return float("nan")
    if separator != "," and "," in text:
        text = text.replace(".", "").replace(",", ".")
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        return None
    return value if np.isfinite(value) else float("nan")
