"""Proxy runs: mixtures and losses, read from CSV files."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from gem_core._types import Float64, frozen
from gem_core.errors import InputError
from gem_core.mixing.run_tables import RunTable, read_run_table

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
        Nats per token.
    index : tuple of n str
        Names of the runs.
    written : (n, K) float64, optional
        Weights as a file has them, before they were scaled to sum to 1; the same as `mixtures` when left out.
    notes : tuple of str
        What was recognized while reading.
    """

    domains: tuple[str, ...]
    targets: tuple[str, ...]
    mixtures: Float64
    losses: Float64
    index: tuple[str, ...]
    written: Float64 | None = None
    notes: tuple[str, ...] = ()

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
            self.notes,
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
            options = ", ".join(self.targets[i] for i in matches) if matches else ", ".join(self.targets)
            raise InputError(
                "--target must name one loss column",
                f"{target!r}, which fits {len(matches)}",
                f"Choose one of: {options}",
            )
        return np.asarray(self.losses[:, matches[0]])


def read_runs(
    mixtures: Path,
    losses: Path | None = None,
    *,
    weights: Sequence[str] = ("*",),
    targets: Sequence[str] = ("*",),
    higher: bool = False,
) -> Runs:
    """Read proxy runs from a file of mixtures and a file of losses, or from one file of both.

    Files are read by `read_run_table`, and joined by the names of the runs; runs in one file only are left out and
    counted. Weights in percent are recognized; weights that are rounded are scaled to sum to 1. Gaps in losses are
    allowed; runs without any loss are left out and counted.

    Parameters
    ----------
    mixtures : Path
    losses : Path, optional
        The file of mixtures when left out.
    weights, targets : sequence of str
        Patterns of the columns, such as ratio_* and metric_*; for one file of both, they are needed.
    higher : bool
        Whether higher values of the targets are better; they are then negated.

    Returns
    -------
    Runs
        In the order of `mixtures`.

    Raises
    ------
    InputError
        If a file cannot be read, no run is in both, a weight is negative or missing, or the weights of a run do not
        sum to 1 within rounding (0.02).
    """
    first = read_run_table(mixtures)
    second = first if losses is None else read_run_table(losses)
    if losses is None and (tuple(weights) == ("*",) or tuple(targets) == ("*",)):
        raise InputError(
            "One table of runs needs patterns of its weight and loss columns",
            f"columns {', '.join(first.names[:8])}",
            "Use --weights 'ratio_*' --losses 'metric_*'",
        )
    first, second = first.select(weights), second.select(targets)
    common = set(second.runs)
    with_loss = {run for run, row in zip(second.runs, second.values, strict=True) if np.isfinite(row).any()}
    if not with_loss:
        raise InputError(
            "A target must have a finite number in some run", f"none for {second.names[0]}", "Give other losses"
        )
    common &= with_loss
    runs = tuple(run for run in first.runs if run in common)
    if not runs:
        raise InputError(
            "Both files must hold the same runs",
            f"none in common: {first.runs[0]!r} and {second.runs[0]!r} are the first",
            "Name the runs alike",
        )
    table = first.take(runs)
    missing = np.argwhere(np.isnan(table))
    if missing.size:
        row, column = missing[0]
        raise InputError(
            "Every weight of a run must be a finite number",
            f"a gap for {first.names[column]} in run {runs[row]!r} of {mixtures}",
            "Write 0 for a domain without weight",
        )
    if (table < 0).any():
        row, column = np.argwhere(table < 0)[0]
        raise InputError(
            "Weights must not be negative",
            f"{table[row, column]:g} for {first.names[column]} in run {runs[row]!r}",
            f"Correct {mixtures}",
        )
    notes, sums = _notes(first, second, len(runs)), table.sum(axis=1)
    if abs(float(np.median(sums)) - 100) <= 100 * ROUNDING:
        table, sums = table / 100, sums / 100
        notes.append("weights in percent")
    wrong_sums = np.flatnonzero(np.abs(sums - 1) > ROUNDING)
    if wrong_sums.size:
        raise InputError(
            "The weights of a run must sum to 1 (rounded ones within 0.02)",
            f"{sums[wrong_sums[0]]:.4g} in run {runs[wrong_sums[0]]!r}, and {wrong_sums.size - 1} more",
            f"Correct {mixtures}, or name the columns of weights: --weights 'ratio_*'",
        )
    values = second.take(runs)
    return Runs(
        first.names,
        second.names,
        frozen(table / sums[:, None]),
        frozen(-values if higher else values),
        runs,
        frozen(table),
        tuple(notes),
    )


def _notes(first: RunTable, second: RunTable, common: int) -> list[str]:
    notes = []
    left_out = len(dict.fromkeys((*first.runs, *second.runs))) - common
    if left_out:
        notes.append(f"{common} runs have weights and losses; {left_out} others are left out")
    skipped = list(dict.fromkeys((*first.skipped, *second.skipped)))
    if skipped:
        notes.append(f"columns of names skipped: {', '.join(name or 'unnamed index' for name in skipped)}")
    if first.separator != ",":
        notes.append(f"separated by {'semicolons' if first.separator == ';' else 'tabs'}")
    return notes


def target_weights(text: str, runs: Runs) -> dict[str, float]:
    """Return the weight of each target that a text names: a column, a part of its name, or patterns with weights.

    Raises
    ------
    InputError
        If a name or pattern matches no target, or a weight is not above 0.

    Examples
    --------
    >>> runs = Runs(("a",), ("mmlu_x", "mmlu_y", "arc"), np.ones((1, 1)), np.ones((1, 3)), ("1",))
    >>> target_weights("mmlu_*=2,arc=1", runs)
    {'mmlu_x': 2.0, 'mmlu_y': 2.0, 'arc': 1.0}
    """
    if not any(mark in text for mark in "=,*") or text in runs.targets:
        runs.loss(text)
        exact = [name for name in runs.targets if name == text]
        return {(exact or [name for name in runs.targets if text in name])[0]: 1.0}
    weights: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        pattern, mark, number = part.rpartition("=")
        if not mark:
            pattern, number = part, "1"
        matches = [name for name in runs.targets if fnmatchcase(name, pattern.strip())]
        try:
            weight = float(number)
        except ValueError:
            weight = float("nan")
        if not matches or not (weight > 0 and np.isfinite(weight)):
            raise InputError(
                "A part of --target must match a target, with a weight above 0",
                repr(part),
                f"Choose among: {', '.join(runs.targets[:12])}",
            )
        weights.update(dict.fromkeys(matches, weight))
    return weights


def target_loss(text: str, runs: Runs) -> Float64:
    """Return the mean loss of the targets that a text names, by their weights, (n,); NaN where one of them is a gap.

    Raises
    ------
    InputError
        As `target_weights` does.

    Examples
    --------
    >>> runs = Runs(("a",), ("web", "arc"), np.ones((1, 1)), np.array([[2.0, 5.0]]), ("1",))
    >>> target_loss("web=2,arc=1", runs).tolist()
    [3.0]
    """
    weights = target_weights(text, runs)
    losses = np.column_stack([runs.loss(name) for name in weights])
    return np.average(losses, axis=1, weights=list(weights.values()))
