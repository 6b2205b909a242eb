"""Run the cells of a table one by one, keep each result as a JSON line, and skip what a file already holds."""

import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gem_core import __version__

if TYPE_CHECKING:
    from benchmarks.study.corpora import Corpora
    from benchmarks.study.report import Page

Cell = dict[str, str | int | float]
Values = dict[str, float]


class MissingPeerError(Exception):
    """A cell cannot be measured on this machine; the reason goes into the table in the place of figures."""


@dataclass(frozen=True)
class Record:
    """Result of a cell: its figures, or the reason why there are none."""

    cell: Cell
    values: Values
    missing: str = ""
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Scale:
    """How large a run is.

    Attributes
    ----------
    small : bool
        Small settings, which fit into minutes of one core.
    """

    small: bool


@dataclass(frozen=True)
class Study:
    """One table.

    Attributes
    ----------
    name : str
        Word on the command line, and stem of the files.
    cells : callable
        Scale to the cells, in the order in which they run.
    measure : callable
        Cell and corpora to figures; raises `MissingPeerError` where the machine lacks something.
    page : callable
        Records to the tables and the figure.
    own_process : bool
        Measure each cell in a process of its own, so that its peak of memory can be read.
    """

    name: str
    cells: Callable[[Scale], list[Cell]]
    measure: Callable[[Cell, "Corpora"], Values]
    page: Callable[[list[Record]], "Page"]
    own_process: bool = field(default=False)


def cell_key(cell: Cell) -> str:
    """Return what a cell is recognized by: its settings and the version that measured it."""
    return json.dumps({**cell, "version": __version__}, sort_keys=True)


def read_records(path: Path) -> dict[str, Record]:
    """Return the results of a file by key; a torn last line, left by a kill, is dropped."""
    if not path.exists():
        return {}
    records = {}
    whole, _, torn = path.read_text(encoding="utf-8").rpartition("\n")
    if torn:
        path.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
    for line in whole.splitlines():
        entry = json.loads(line)
        key = entry.pop("key")
        records[key] = Record(**entry)
    return records


def run_cells(study: Study, cells: Iterable[Cell], corpora: "Corpora", path: Path) -> list[Record]:
    """Measure the cells that `path` does not hold, append each at once, and return all results in order.

    A cell that was missing a peer is tried again at every start.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    records, ordered = read_records(path), list(cells)
    with path.open("a", encoding="utf-8") as file:
        for number, cell in enumerate(ordered, start=1):
            key = cell_key(cell)
            if key in records and not records[key].missing:
                continue
            record = _measure_in_child(study, cell, corpora) if study.own_process else _measure(study, cell, corpora)
            records[key] = record
            if not record.missing:
                entry = {"key": key, "cell": cell, "values": record.values, "cpu_seconds": record.cpu_seconds}
                file.write(json.dumps(entry) + "\n")
                file.flush()
            print(
                f"{study.name} {number}/{len(ordered)} {' '.join(map(str, cell.values()))}: "
                f"{record.missing or f'{record.cpu_seconds:.1f} CPU s'}",
                file=sys.stderr,
                flush=True,
            )
    return [records[cell_key(cell)] for cell in ordered]


def _measure(study: Study, cell: Cell, corpora: "Corpora") -> Record:
    began = _cpu_seconds()
    try:
        values = {name: float(value) for name, value in study.measure(cell, corpora).items()}
    except MissingPeerError as error:
        return Record(cell, {}, missing=str(error))
    return Record(cell, values, cpu_seconds=round(_cpu_seconds() - began, 2))


def _measure_in_child(study: Study, cell: Cell, corpora: "Corpora") -> Record:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(study.name, cell, corpora, sender))
    process.start()
    sender.close()
    try:
        record: Record = receiver.recv()
    except EOFError:
        process.join()
        raise SystemExit(f"{study.name}: the process of cell {cell} ended with {process.exitcode}") from None
    process.join()
    return record


def _child(name: str, cell: Cell, corpora: "Corpora", sender: "multiprocessing.connection.Connection") -> None:
    from benchmarks.study.__main__ import studies

    sender.send(_measure(studies()[name], cell, corpora))


def _cpu_seconds() -> float:
    """Processor time of this process and of its finished children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
