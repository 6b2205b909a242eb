"""gem-explorer label, sample shards and embed --engine as real processes: stopped, killed, on a full disk, on Ray."""

import json
import signal
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from gem_core.pipeline.labeling.completion_markers import bookkeeping
from gem_core.workspace.atomic_files import alone
from tests.helpers.cli_process import end, facts, progress, refusal, run, start, texts, wait_for
from tests.helpers.shards import folder_of_shards, hashes, jsonl, saved
from tests.helpers.warm_process import ForkedCommand

# A file may grow to 60 kB, as on a disk that is about to be full.
FULL = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
os.execv(sys.argv[1], sys.argv[1:])
"""
FEW = ("--workers", 1)


@pytest.fixture(scope="module")
def labeled_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A student, shards, and what one undisturbed run makes of them."""
    root = tmp_path_factory.mktemp("label")
    paths = saved(root / "student"), folder_of_shards(root / "in", each=400), root / "out"
    (paths[1] / "c.jsonl").write_bytes(jsonl(texts(400)) + b"no JSON\n")
    for number in range(30):  # a long row of small ones: time to stop between two
        (paths[1] / f"s{number}.jsonl").write_bytes(jsonl(texts(20)))
    totals = facts(run("label", *paths, *FEW, "--json"))
    assert (totals["documents"], totals["rows"], totals["refused"]) == (3000, 3001, {"broken_row": 1})
    assert totals == {
        "folder": str(root / "out"),
        **json.loads((bookkeeping(root / "out") / "totals.json").read_text()),
    }
    return paths


def test_killed_and_stopped_runs_go_on(labeled_folder: tuple[Path, Path, Path], tmp_path: Path) -> None:
    out, progress_file = tmp_path / "out", tmp_path / "progress.json"
    arguments = ("label", *labeled_folder[:2], out, *FEW, "--resume")
    code, _, _ = _end_after_one(start(*arguments), out, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert not (bookkeeping(out) / "totals.json").exists()
    code, _, errors = _end_after_one(start(*arguments, "--progress-file", progress_file), out, signal.SIGTERM)
    assert (code, errors.splitlines()[-1]) == (
        130,
        "Stopped; finished shards are kept, the same command with --resume goes on from there.",
    )
    assert not (bookkeeping(out) / "totals.json").exists()
    completed = run(*arguments, "--progress-file", progress_file)
    assert completed.returncode == 0, completed.stderr
    lines = completed.stdout.splitlines()
    assert lines[0].startswith(f"36 shards in {out}: 3,000 documents, about ")
    assert lines[1] == "  skipped rows: 1 broken_row"
    assert hashes(out) == hashes(labeled_folder[2])
    state = progress(progress_file)
    assert state["step"] == "label shards"
    assert state["done"] == state["total"]


def _end_after_one(child: ForkedCommand, out: Path, number: signal.Signals) -> tuple[int, str, str]:
    before = len(list((bookkeeping(out) / "done").rglob("*.json")))
    wait_for(lambda: len(list((bookkeeping(out) / "done").rglob("*.json"))) > before)
    return end(child, number)


def test_a_full_disk_loses_nothing_that_was_finished(labeled_folder: tuple[Path, Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "full.py").write_text(FULL)
    message = refusal(run("label", *labeled_folder[:2], out, *FEW, prefix=(sys.executable, str(tmp_path / "full.py"))))
    assert message == (
        f"Error: The disk must have room for the labeled shards; got no space left at {out}. Free some "
        "space and go on with the same command and --resume."
    )
    assert not (bookkeeping(out) / "totals.json").exists()
    for name in ("c.jsonl", "a.parquet", "b.parquet"):
        assert not (out / name).exists() or (bookkeeping(out) / "done" / f"{name}.json").exists()
    facts(run("label", *labeled_folder[:2], out, *FEW, "--resume", "--json"))
    assert hashes(out) == hashes(labeled_folder[2])


def test_one_process_at_a_time(labeled_folder: tuple[Path, Path, Path], tmp_path: Path) -> None:
    with alone(bookkeeping(tmp_path / "out"), "lock", "held by this test"):
        message = refusal(run("label", *labeled_folder[:2], tmp_path / "out"))
    assert message == (
        f"Error: One process at a time labels into a folder; got {bookkeeping(tmp_path / 'out')}, "
        "held by another process. Wait for it to end, or choose another folder."
    )


def test_a_shard_that_cannot_be_read_ends_with_status_2(
    labeled_folder: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_bytes(jsonl(texts(3)))
    (tmp_path / "in" / "bad.parquet").write_bytes(b"PAR1")
    completed = run("label", labeled_folder[0], tmp_path / "in", tmp_path / "out", *FEW, "--json")
    message = refusal(completed)
    assert message.startswith(
        "Error: Every shard must be one that can be read; got 1 of 2 that cannot: bad.parquet must "
        "be a whole parquet file: one that is damaged or cut short ("
    )
    assert len((tmp_path / "out" / "a.jsonl").read_bytes().splitlines()) == 3


def partial_files(mark: str) -> list[Path]:
    """Command lines of the processes that have `mark` in their environment."""
    statuses = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{mark}\0".encode() in path.read_bytes():
                statuses.append(path.with_name("cmdline"))
        except OSError:
            continue
    return statuses


def test_ray_gives_the_same_bytes(labeled_folder: tuple[Path, Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("ray")
    mark = f"GEM_TEST_RAY={tmp_path}"  # of this test alone
    result = facts(
        run(
            "label",
            *labeled_folder[:2],
            tmp_path / "out",
            "--engine",
            "ray",
            "--workers",
            2,
            "--json",
            prefix=("env", mark),
        )
    )
    assert result["complete"] is True
    assert hashes(tmp_path / "out") == hashes(labeled_folder[2])
    result = run(
        "label", *labeled_folder[:2], tmp_path / "none", "--engine", "ray", prefix=("env", "RAY_ADDRESS=127.0.0.1:9")
    )
    assert refusal(result) == (
        "Error: Ray must be there to work on; got none at RAY_ADDRESS=127.0.0.1:9: [Errno 111] "
        "Connection refused. Start it with: ray start --head, or leave RAY_ADDRESS out."
    )
    end = time.monotonic() + 60
    while partial_files(mark) and time.monotonic() < end:  # Ray goes with the command, its last process a moment later
        time.sleep(0.1)
    assert not partial_files(mark)


def test_a_seed_from_shards(labeled_folder: tuple[Path, Path, Path], tmp_path: Path) -> None:
    seed_sample = facts(
        run(
            "sample",
            "shards",
            labeled_folder[2],
            "--documents",
            40,
            "--by",
            "gem_label",
            "--out",
            tmp_path / "seed.parquet",
            "--seed",
            7,
            "--json",
        )
    )
    table = pd.read_parquet(tmp_path / "seed.parquet")
    assert table["gem_label"].value_counts().to_dict() == {"rivers": 14, "baking": 13, "motors": 13}
    assert seed_sample["documents"] == len(table) == 40
    assert sum(read_count for read_count, _ in seed_sample["groups"].values()) == seed_sample["seen"] == 3000
    assert {"text", "id", "url"} <= set(pq.read_schema(tmp_path / "seed.parquet").names)


def test_options_that_do_not_fit(labeled_folder: tuple[Path, Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert refusal(run("label", *labeled_folder[:2], out, "--engine", "spark")) == (
        "Error: --engine must be one of local, ray; got spark. Choose one of them."
    )
    assert refusal(run("embed", labeled_folder[1] / "a.parquet", "--workspace", out, "--workers", 2)) == (
        "Error: --workers belongs to --engine ray; got it beside --engine local. Leave it out: this process embeds on "
        "all processors."
    )
    assert "The folder must hold a student" in refusal(run("label", labeled_folder[1], labeled_folder[1], out))
    assert not out.exists()
