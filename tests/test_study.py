"""The study's runner: finished cells are skipped, intervals are those of the textbook, tables keep their columns."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.study.corpora import Corpora
from benchmarks.study.intervals import Interval, bootstrap_interval, t_interval
from benchmarks.study.report import Figure, Page, Table, draw, format_table, write_results
from benchmarks.study.runner import Cell, MissingPeerError, Record, Scale, Study, read_records, run_cells

CORPORA = Corpora(Path("nowhere"), Path("nowhere"))


def counting_study(measured: list[Cell], missing: int = -1) -> Study:
    def measure(cell: Cell, corpora: Corpora) -> dict[str, float]:
        if cell["seed"] == missing:
            raise MissingPeerError("no such package")
        measured.append(cell)
        return {"square": float(cell["seed"]) ** 2}

    def cells(scale: Scale) -> list[Cell]:
        return [{"method": "ours", "seed": seed} for seed in range(4 if scale.small else 40)]

    return Study("counting", cells, measure, lambda records: Page("", []))


def test_second_start_measures_only_what_is_missing(tmp_path: Path) -> None:
    measured: list[Cell] = []
    study, path = counting_study(measured), tmp_path / "cells.jsonl"
    cells = study.cells(Scale(small=True))
    run_cells(study, cells[:2], CORPORA, path)
    records = run_cells(study, cells, CORPORA, path)
    assert [cell["seed"] for cell in measured] == [0, 1, 2, 3]
    assert [record.values["square"] for record in records] == [0, 1, 4, 9]


def test_torn_last_line_is_measured_again(tmp_path: Path) -> None:
    measured: list[Cell] = []
    study, path = counting_study(measured), tmp_path / "cells.jsonl"
    cells = study.cells(Scale(small=True))
    run_cells(study, cells, CORPORA, path)
    path.write_text(path.read_text()[:-7])
    records = run_cells(study, cells, CORPORA, path)
    assert [cell["seed"] for cell in measured] == [0, 1, 2, 3, 3]
    assert [record.values["square"] for record in records] == [0, 1, 4, 9]
    assert len(read_records(path)) == len(path.read_text().splitlines()) == 4
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_missing_peer_is_said_and_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "cells.jsonl"
    study = counting_study([], missing=2)
    cells = study.cells(Scale(small=True))
    records = run_cells(study, cells, CORPORA, path)
    assert [record.missing for record in records] == ["", "", "no such package", ""]
    write_results(tmp_path, "counting", "python -m benchmarks.study counting", Page("About.", []), records)
    assert "Missing: ours: no such package" in (tmp_path / "counting.txt").read_text()
    csv_lines = (tmp_path / "counting.csv").read_text().splitlines()
    assert csv_lines[0] == "method,seed,square,cpu_seconds,missing"
    assert csv_lines[3].endswith("no such package")
    measured: list[Cell] = []
    assert run_cells(counting_study(measured), cells, CORPORA, path)[2].values == {"square": 4}
    assert [cell["seed"] for cell in measured] == [2]


def test_t_interval_is_that_of_the_textbook() -> None:
    interval = t_interval([1.0, 2.0, 3.0, math.nan])
    half = 4.302652729911275 / math.sqrt(3)  # 97.5% point of Student's t with 2 degrees of freedom
    assert (interval.mean, interval.count) == (2.0, 3)
    assert (interval.low, interval.high) == pytest.approx((2 - half, 2 + half))
    assert math.isnan(t_interval([1.0]).low)
    assert t_interval([1.0, 1.0]) == Interval(1.0, 1.0, 1.0, 2)


def test_bootstrap_interval_draws_groups_and_nears_the_normal_one() -> None:
    means = np.random.default_rng(0).normal(1.0, 2.0, 200)
    groups = {str(i): [mean - 1.0, mean + 1.0] for i, mean in enumerate(means)}
    interval = bootstrap_interval(groups)
    half = 1.96 * means.std() / math.sqrt(200)
    assert interval.mean == pytest.approx(means.mean())
    assert (interval.low, interval.high) == pytest.approx((means.mean() - half, means.mean() + half), abs=0.05)
    assert interval == bootstrap_interval(groups)
    assert math.isnan(bootstrap_interval({"a": [1.0], "b": [2.0]}).low)


def test_table_and_figure_keep_their_layout() -> None:
    table = Table("Title", ["method", "found", "gain"], [["a", 1200, Interval(0.5, -0.1, 1.1, 3)], ["bb", 3, math.nan]])
    assert format_table(table).splitlines() == [
        "Title",
        "",
        "method  found                     gain",
        "a       1,200  +0.500 [-0.100, +1.100]",
        "bb          3                        -",
    ]
    svg = draw(Figure("Title", "note", [("a", Interval(0.5, -0.1, 1.1, 3)), ("b", Interval(math.nan, 0, 0, 0))]))
    assert svg.count("<circle") == 1
    assert svg.count("<line") == 2
    assert "Title" in svg


def test_record_without_figures_leaves_blanks(tmp_path: Path) -> None:
    records = [Record({"a": 1}, {"x": 0.25}), Record({"a": 2, "b": "c"}, {}, missing="gone")]
    write_results(tmp_path, "t", "command", Page("", [], Figure("F", "", [("a", Interval(1, 1, 1, 1))])), records)
    assert (tmp_path / "t.csv").read_text() == "a,b,x,cpu_seconds,missing\n1,,0.25,0.0,\n2,c,,0.0,gone\n"
    assert (tmp_path / "t.svg").read_text().startswith("<svg")
