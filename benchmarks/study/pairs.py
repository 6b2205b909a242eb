"""Differences to a reference, paired by every other setting of the cells."""

from collections.abc import Sequence

from benchmarks.study.intervals import Interval, bootstrap_interval
from benchmarks.study.runner import Cell, Record


def paired_differences(
    records: Sequence[Record], varied: str, reference: str, measures: Sequence[str]
) -> dict[str, dict[str, Interval]]:
    """Return for each value of the setting `varied` but the reference its measures minus those of the reference.

    Only cells that agree in all other settings are compared; the interval draws corpora (`bootstrap_interval`).
    """

    def others(cell: Cell) -> tuple[object, ...]:
        return tuple(value for name, value in cell.items() if name != varied)

    base = {others(r.cell): r.values for r in records if r.cell[varied] == reference}
    result: dict[str, dict[str, Interval]] = {}
    for value in dict.fromkeys(str(r.cell[varied]) for r in records if r.cell[varied] != reference):
        own = [r for r in records if r.cell[varied] == value and others(r.cell) in base]
        result[value] = {}
        for name in measures:
            groups: dict[str, list[float]] = {}
            for record in own:
                difference = record.values[name] - base[others(record.cell)][name]
                groups.setdefault(str(record.cell["corpus"]), []).append(difference)
            result[value][name] = bootstrap_interval(groups)
    return result
