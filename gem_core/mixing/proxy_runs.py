"""Proxy runs: mixtures and losses, read from CSV files."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gem_core._types import Float64, frozen
from gem_core.errors import InputError

ROUNDING = 0.02  # weights are published with three decimals: a row may miss 1 by this much


@dataclass(frozen=True)
class Runs:
    """Proxy runs.

    Attributes
    ----------
    domains : tuple of K str
    targets : tuple of T str
        What was measured, such as validation sets.
    mixtures : (n, K) float64
        Weights of the domains, rows sum to 1.
    losses : (n, T) float64
        Nats a token.
    index : tuple of n str
        Names of the runs.
    written : (n, K) float64, optional
        Weights as a file has them, before they were scaled to sum to 1; the same as `mixtures` when left out.
    """

    domains: tuple[str, ...]
    targets: tuple[str, ...]
    mixtures: Float64
    losses: Float64
    index: tuple[str, ...]
    written: Float64 | None = None

    @property
    def rows(self) -> Float64:
        """What a regressor is given, (n, K): the weights as they were written."""
        return self.mixtures if self.written is None else self.written

    def __len__(self) -> int:
        return len(self.index)

    def head(self, limit: int) -> "Runs":
        """Return the first `limit` runs."""
        return Runs(
            self.domains,
            self.targets,
            frozen(self.mixtures[:limit]),
            frozen(self.losses[:limit]),
            self.index[:limit],
            frozen(self.rows[:limit]),
        )

    def loss(self, target: str) -> Float64:
        """Losses of one target, (n,); it may be named by a part that only it has.

        Raises
        ------
        InputError
            If no target, or more than one, goes by that name.
        """
        exact = [i for i, name in enumerate(self.targets) if name == target]
        matches = exact or [i for i, name in enumerate(self.targets) if target in name]
        if len(matches) != 1:
            known = ", ".join(self.targets[i] for i in matches) if matches else ", ".join(self.targets)
            raise InputError(
                "--target must name one loss column",
                f"{target!r}, which fits {len(matches)}",
                f"Choose one of: {known}",
            )
        return np.asarray(self.losses[:, matches[0]])


def read_runs(mixtures: Path, losses: Path) -> Runs:
    """Read proxy runs from two CSV files in the layout of RegMix: first column the run, then one column each.

    Runs are joined by their first column. Weights that are rounded are scaled to sum to 1; nothing is dropped.

    Parameters
    ----------
    mixtures, losses : Path

    Returns
    -------
    Runs
        In the order of `mixtures`.

    Raises
    ------
    InputError
        If a file cannot be read, a cell is no number, a run stands in one file only or twice, a weight is negative, or
        the weights of a run do not sum to 1 within rounding (0.02).
    """
    weights, loss_table = _table(mixtures), _table(losses)
    missing = [
        *(run for run in weights.index if run not in set(loss_table.index)),
        *(run for run in loss_table.index if run not in set(weights.index)),
    ]
    if missing:
        raise InputError(
            "Both files must hold the same runs",
            f"{len(missing)} in one only, first {missing[0]!r}",
            "Remove them, or add what is missing",
        )
    table = weights.to_numpy(np.float64)
    if (table < 0).any():
        row, column = np.argwhere(table < 0)[0]
        raise InputError(
            "Weights must not be negative",
            f"{table[row, column]:g} for {weights.columns[column]} in run {weights.index[row]!r}",
            f"Correct {mixtures}",
        )
    sums = table.sum(axis=1)
    wrong_sums = np.flatnonzero(np.abs(sums - 1) > ROUNDING)
    if wrong_sums.size:
        raise InputError(
            "The weights of a run must sum to 1 (rounded ones within 0.02)",
            f"{sums[wrong_sums[0]]:.4g} in run {weights.index[wrong_sums[0]]!r}, and {wrong_sums.size - 1} more",
            f"Correct {mixtures}",
        )
    return Runs(
        tuple(map(str, weights.columns)),
        tuple(map(str, loss_table.columns)),
        frozen(table / sums[:, None]),
        frozen(loss_table.loc[weights.index].to_numpy(np.float64)),
        tuple(weights.index),
        frozen(table),
    )


def _table(path: Path) -> pd.DataFrame:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            "Proxy runs are two CSV files", f"{path}: {error}", "Give files in the layout of RegMix"
        ) from error
    if len(rows) < 2 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        raise InputError(
            "A file of proxy runs has a header, then one run a row with as many cells",
            f"{path} with {len(rows)} rows",
            "Give files in the layout of RegMix",
        )
    names, index = rows[0][1:], [row[0] for row in rows[1:]]
    duplicate = next((name for names_ in (names, index) for name in names_ if names_.count(name) > 1), None)
    if duplicate is not None:
        raise InputError("Runs and columns must be named once", f"{duplicate!r} twice in {path}", "Rename one of them")
    values = np.empty((len(index), len(names)))
    for i, row in enumerate(rows[1:]):
        for j, cell in enumerate(row[1:]):
            try:
                values[i, j] = float(cell)
            except ValueError:
                values[i, j] = np.nan
            if not np.isfinite(values[i, j]):
                raise InputError(
                    "Every cell of a run must be a finite number",
                    f"{cell!r} for {names[j]} in run {index[i]!r} of {path}",
                    "Correct or remove the run",
                )
    return pd.DataFrame(values, index=index, columns=names)
