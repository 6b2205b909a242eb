"""Write the results of a table: text with machine, command and cost, every cell as CSV, and a figure as SVG."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks._harness import machine
from benchmarks.study.intervals import Interval
from benchmarks.study.runner import Record
from gem_core.export.figures.svg import GRID, INK, QUIET, page, text

LABEL_WIDTH, PLOT_WIDTH, ROW_HEIGHT, TOP = 250.0, 420.0, 18.0, 64.0
Entry = str | int | float | Interval


@dataclass(frozen=True)
class Table:
    """A table: heading, column names, rows whose first entry is a name, and a line on how to read it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Entry]]
    note: str = ""
    digits: int = 3


@dataclass(frozen=True)
class Figure:
    """Points with intervals, one a row."""

    title: str
    note: str
    rows: Sequence[tuple[str, Interval]]


@dataclass(frozen=True)
class Page:
    """What a study says: an introduction, tables, and a figure."""

    introduction: str
    tables: Sequence[Table]
    figure: Figure | None = None


def format_entry(value: Entry, digits: int) -> str:
    """Return a figure as text: "0.512 [0.480, 0.544]" for an interval, "-" for a figure that does not exist."""
    if isinstance(value, Interval):
        if not math.isfinite(value.mean):
            return "-"
        sign = "+" if value.mean < 0 or value.low < 0 else ""
        mean = f"{value.mean:{sign}.{digits}f}"
        bounds = f" [{value.low:{sign}.{digits}f}, {value.high:{sign}.{digits}f}]"
        return mean + (bounds if math.isfinite(value.low) else "")
    if isinstance(value, float):
        return f"{value:.{digits}f}" if math.isfinite(value) else "-"
    return f"{value:,}" if isinstance(value, int) else value


def format_table(table: Table) -> str:
    """Return a table in columns of equal width, names to the left, figures to the right."""
    body = [[format_entry(entry, table.digits) for entry in row] for row in table.rows]
    lines = [list(table.columns), *body]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.columns))]
    text_lines = [
        "  ".join([line[0].ljust(widths[0]), *(e.rjust(w) for e, w in zip(line[1:], widths[1:], strict=True))]).rstrip()
        for line in lines
    ]
    return "\n".join([table.title, *([table.note] if table.note else []), "", *text_lines, ""])


def write_results(folder: Path, name: str, command: str, study_page: Page, records: Sequence[Record]) -> None:
    """Write NAME.txt, NAME.csv and, where the page has a figure, NAME.svg into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    cost = sum(record.cpu_seconds for record in records)
    missing = sorted({f"{_peer(record)}: {record.missing}" for record in records if record.missing})
    head = [
        study_page.introduction.strip(),
        "",
        f"Command: {command}",
        f"Machine: {machine()}",
        f"Cost: {cost:,.0f} CPU seconds for {len(records):,} cells",
        *(f"Missing: {reason}" for reason in missing),
        "",
    ]
    body = "\n".join([*head, *(format_table(table) for table in study_page.tables)])
    (folder / f"{name}.txt").write_text(body, encoding="utf-8")
    write_csv(folder / f"{name}.csv", records)
    if study_page.figure:
        (folder / f"{name}.svg").write_text(draw(study_page.figure), encoding="utf-8")


def write_csv(path: Path, records: Sequence[Record]) -> None:
    """Write one row a cell: its settings, its figures, its cost, and the reason where it is missing."""
    settings = list(dict.fromkeys(name for record in records for name in record.cell))
    figures = list(dict.fromkeys(name for record in records for name in record.values))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*settings, *figures, "cpu_seconds", "missing"])
        for record in records:
            values = [f"{record.values[name]:.6g}" if name in record.values else "" for name in figures]
            writer.writerow(
                [*(record.cell.get(name, "") for name in settings), *values, record.cpu_seconds, record.missing]
            )


def draw(figure: Figure) -> str:
    """Return an SVG of points with intervals on one axis; the line of zero is drawn where the axis holds it."""
    rows = [(label, value) for label, value in figure.rows if math.isfinite(value.mean)]
    bounds = [b for _, v in rows for b in (v.mean, v.low, v.high) if math.isfinite(b)]
    low, high = min([*bounds, 0.0]), max([*bounds, 0.0])
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return LABEL_WIDTH + PLOT_WIDTH * (value - low) / span

    bottom = TOP + ROW_HEIGHT * len(rows)
    body = [_line(x(0.0), TOP - 10, x(0.0), bottom, GRID)]
    for mark in (low, low + span / 2, high):
        body.append(text(x(mark), bottom + 12, f"{mark:.3g}", size=11, color=QUIET, anchor="middle"))
    for number, (label, value) in enumerate(rows):
        y = TOP + ROW_HEIGHT * number
        body.append(text(LABEL_WIDTH - 10, y + 4, label, anchor="end"))
        if math.isfinite(value.low):
            body.append(_line(x(value.low), y, x(value.high), y, QUIET))
        body.append(f'<circle cx="{x(value.mean):.1f}" cy="{y:.1f}" r="4" fill="{INK}"/>')
    return page(figure.title, figure.note, LABEL_WIDTH + PLOT_WIDTH + 40, bottom + 26, body)


def _line(x1: float, y1: float, x2: float, y2: float, color: str) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{color}" stroke-width="2" stroke-linecap="round"/>'
    )


def _peer(record: Record) -> str:
    """Return what is missing: the method, rule or encoder of the cell."""
    for name in ("peer", "method", "encoder", "corpus"):
        if name in record.cell:
            return str(record.cell[name])
    return "cell"
