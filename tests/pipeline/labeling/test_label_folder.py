"""A folder of shards labeled by processes of this machine: totals, refusals, going on after a stop."""

import hashlib
import json
import multiprocessing
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gem_core.errors import Cancelled, CorpusError, InputError
from gem_core.pipeline.labeling import label_folder as label_folder_module
from gem_core.pipeline.labeling.completion_markers import bookkeeping
from gem_core.pipeline.labeling.label_folder import label_folder
from gem_core.pipeline.labeling.totals import read_totals
from tests.helpers.cli_process import texts
from tests.helpers.shards import LABELS, NUMBERS, expected, folder_of_shards, hashes, jsonl, rows_of, saved, student


@pytest.fixture(scope="module")
def labeled_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A student, shards, and the folder that one worker made of them."""
    root = tmp_path_factory.mktemp("folder")
    paths = saved(root / "student"), folder_of_shards(root / "in"), root / "out"
    label_folder(*paths, workers=1)
    return paths


def test_every_document_is_where_it_was(labeled_folder: tuple[Path, Path, Path]) -> None:
    _, shards, out = labeled_folder
    names = {path.relative_to(shards).as_posix() for path in shards.rglob("*") if path.suffix not in ("", ".md")}
    assert len(names) == 6
    for name in names:
        before, after = rows_of(shards / name), rows_of(out / name)
        says = expected([row["text"] for row in before])
        for old, new, ours in zip(before, after, says, strict=True):
            ours["gem_margin"] = pytest.approx(ours["gem_margin"], rel=1e-6)
            assert new == {**old, **ours}


def test_totals_are_sums_over_the_rows(labeled_folder: tuple[Path, Path, Path]) -> None:
    out = labeled_folder[2]
    rows = [
        row
        for name in json.loads((bookkeeping(out) / "run.json").read_text())["request"]["shards"]
        for row in rows_of(out / name)
    ]
    totals = json.loads((bookkeeping(out) / "totals.json").read_text())
    assert totals == read_totals(out)
    documents = Counter(row["gem_cluster"] for row in rows)
    tokens = Counter({n: sum(row["gem_tokens"] for row in rows if row["gem_cluster"] == n) for n in NUMBERS})
    assert [(c["cluster_id"], c["label"], c["documents"], c["tokens"]) for c in totals["clusters"]] == [
        (n, words, documents[n], tokens[n]) for n, words in zip(NUMBERS, LABELS, strict=True)
    ]
    assert [c["share_tokens"] for c in totals["clusters"]] == pytest.approx(
        [tokens[n] / tokens.total() for n in NUMBERS]
    )
    assert [c["share_documents"] for c in totals["clusters"]] == pytest.approx([documents[n] / 360 for n in NUMBERS])
    assert {
        k: totals[k] for k in ("complete", "documents", "rows", "refused", "shards", "shards_labelled", "failed")
    } == {
        "complete": True,
        "documents": 360,
        "rows": 360,
        "refused": {},
        "shards": 6,
        "shards_labelled": 6,
        "failed": {},
    }
    assert (totals["student_hash"], totals["taxonomy_hash"]) == (student().hash, "t" * 64)
    assert totals["receipt"]["command"] == "gem-explorer label STUDENT IN_FOLDER OUT_FOLDER --text-column text"
    for path in (bookkeeping(out) / "done").rglob("*.json"):
        marker = json.loads(path.read_text())
        assert marker["sha256"] == hashlib.sha256((out / marker["shard"]).read_bytes()).hexdigest()
        assert marker["student_hash"] == student().hash
    assert not any("live" in name or "so-far" in name for name in hashes(out))


def test_two_workers_give_the_same_bytes_and_say_how_far_they_are(
    labeled_folder: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[int, int, dict[str, Any]]] = []
    monkeypatch.setattr(label_folder_module, "TOLD_SECONDS", 0.0)

    def progress(step: str, completed: int, total: int) -> None:
        assert step == "label shards"
        heard.append((completed, total, read_totals(tmp_path / "out")))

    label_folder(labeled_folder[0], labeled_folder[1], tmp_path / "out", workers=2, progress=progress)
    assert hashes(tmp_path / "out") == hashes(labeled_folder[2])
    counts = [d for d, _, _ in heard]
    assert counts == sorted(counts)
    assert (
        {total for _, total, _ in heard}
        == {counts[-1]}
        == {
            sum(path.stat().st_size for path in labeled_folder[1].rglob("*") if path.is_file() and path.suffix != ".md")
        }
    )
    assert heard[0][2]["complete"] is False
    assert heard[-1][2]["complete"] is True
    documents = [totals["documents"] for _, _, totals in heard]
    assert documents == sorted(documents)
    assert any(0 < n < 360 for n in documents)


def kill_workers() -> None:
    for child in multiprocessing.active_children():
        child.kill()  # One that has just ended cannot be killed.


def test_with_strict_a_dead_worker_ends_the_run(
    labeled_folder: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_folder_module, "TOLD_SECONDS", 0.0)
    out = tmp_path / "out"

    def kill(step: str, completed: int, total: int) -> None:
        if (bookkeeping(out) / "done").exists():
            kill_workers()

    with pytest.raises(InputError) as refused:
        label_folder(*labeled_folder[:2], out, workers=1, strict=True, progress=kill)
    assert re.fullmatch(
        r"With --strict every worker must live until its shard is written; got one that was killed \(for want of "
        r"memory\?\) while at work on \S+\. Go on with the same command and --resume, with fewer --workers if memory "
        r"was short\.",
        str(refused.value),
    )
    times = {path: path.stat().st_mtime_ns for path in out.rglob("[a-f].*")}
    assert 1 <= len(list((bookkeeping(out) / "done").rglob("*.json"))) < 6
    assert not (bookkeeping(out) / "totals.json").exists()
    label_folder(*labeled_folder[:2], out, workers=1, resume=True)
    assert hashes(out) == hashes(labeled_folder[2])
    assert times
    assert {path: path.stat().st_mtime_ns for path in times} == times  # they were not made again


def test_the_shard_of_a_dead_worker_is_named_and_the_others_are_labeled(
    labeled_folder: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker of the first shard is killed at once, and again when the shard is tried alone after the others."""
    monkeypatch.setattr(label_folder_module, "TOLD_SECONDS", 0.0)
    out, killed = tmp_path / "out", set()

    def kill(step: str, completed: int, total: int) -> None:
        count = len(list((bookkeeping(out) / "done").rglob("*.json")))
        if count == 5 or (count == 0 and not killed and multiprocessing.active_children()):
            kill_workers()
            killed.add(count)

    with pytest.raises(CorpusError, match=r"got 1 of 6 that cannot: (\S+) must fit one worker: its worker was killed"):
        label_folder(*labeled_folder[:2], out, workers=1, progress=kill)
    totals = read_totals(out)
    assert (totals["complete"], totals["shards_labelled"], len(totals["failed"])) == (False, 5, 1)
    label_folder(*labeled_folder[:2], out, workers=1, resume=True)
    assert hashes(out) == hashes(labeled_folder[2])


def test_stopped_by_its_progress(
    labeled_folder: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_folder_module, "TOLD_SECONDS", 0.0)

    def stop(step: str, completed: int, total: int) -> None:
        if completed:
            raise Cancelled

    with pytest.raises(Cancelled):
        label_folder(*labeled_folder[:2], tmp_path / "out", workers=1, progress=stop)
    assert not multiprocessing.active_children()
    assert not (bookkeeping(tmp_path / "out") / "totals.json").exists()
    (tmp_path / "out" / ".a.parquet.abcd_123").write_bytes(b"half written")
    label_folder(*labeled_folder[:2], tmp_path / "out", workers=1, resume=True)
    assert hashes(tmp_path / "out") == hashes(labeled_folder[2])


def test_shards_that_cannot_be_read(labeled_folder: tuple[Path, Path, Path], tmp_path: Path) -> None:
    shards, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(labeled_folder[1], shards)
    whole = (shards / "b.parquet").read_bytes()
    (shards / "b.parquet").write_bytes(whole[:-20])
    (shards / "below" / "f.jsonl").write_bytes(b'{"body": "x"}\n' * 3)
    (shards / "c.jsonl").write_bytes("\ufeff".encode("utf-16-le") + "x".encode("utf-16-le"))
    with pytest.raises(CorpusError) as refused:
        label_folder(labeled_folder[0], shards, out, workers=1)
    message = str(refused.value)
    assert message.startswith(
        "Every shard must be one that can be read; got 3 of 6 that cannot: b.parquet must be a "
        "whole parquet file: one that is damaged or cut short ("
    )
    assert "the text column 'text' must be in below/f.jsonl: 1 column: body;" in message
    assert message.endswith(
        "c.jsonl must be UTF-8: a UTF-16 byte-order mark. The others are labeled. Replace these and give --resume."
    )
    totals = read_totals(out)
    assert (totals["complete"], totals["shards_labelled"], totals["documents"]) == (False, 3, 180)
    assert sorted(totals["failed"]) == ["b.parquet", "below/f.jsonl", "c.jsonl"]
    assert not (out / "b.parquet").exists()
    for name in ("b.parquet", "below/f.jsonl", "c.jsonl"):
        shutil.copy(labeled_folder[1] / name, shards / name)
    label_folder(labeled_folder[0], shards, out, workers=1, resume=True)
    assert hashes(out) == hashes(labeled_folder[2])


def test_what_is_refused_before_any_work(labeled_folder: tuple[Path, Path, Path], tmp_path: Path) -> None:
    students, shards, out = labeled_folder
    new = tmp_path / "out"

    def refused(must: str, came: str, do: str, **options: Any) -> None:
        arguments = {"student_folder": students, "shards_folder": shards, "out": new, **options}
        with pytest.raises(InputError) as error:
            label_folder(**arguments)
        assert str(error.value) == f"{must}; got {came}. {do}."
        assert not new.exists()

    refused(
        "The output must be a folder outside the input",
        f"{shards / 'x'} inside {shards}",
        "Choose another folder",
        out=shards / "x",
    )
    refused(
        "The output folder must be empty",
        f"{out}, which holds labeled shards",
        "Choose another folder, or give --resume to go on",
        out=out,
    )
    refused(
        "The output folder must be empty",
        f"{tmp_path}, which holds other files",
        "Choose another folder",
        out=(saved(tmp_path / "other", seed=1)).parent,
    )
    refused(
        "The input must be a folder of shards",
        f"{tmp_path / 'no'}, which is none",
        "Check the path",
        shards_folder=tmp_path / "no",
    )
    refused(
        "a corpus folder must hold csv, tsv, jsonl, json (each also .gz, .zst, .bz2 or .xz), parquet, arrow, "
        "feather, warc or wet files",
        f"{students.name} with 2 other files: 1 .json, 1 .safetensors",
        "Point at the folder that holds the data files",
        shards_folder=students,
    )
    refused("--workers must be at least 1", "0", "Leave it out for all processors", workers=0)
    refused("--engine must be one of local, ray", "spark", "Choose one of them", engine="spark")
    refused(
        "Every shard must have the column 'url'",
        "1 without it: a.parquet; columns there: id, text",
        "Name the column of the text with --text-column",
        text="url",
    )
    refused(
        "The column 'id' must be one column of text",
        "something else in a.parquet (int64)",
        "Name the column of the text with --text-column",
        text="id",
        shards_folder=_only(shards, "a.parquet", tmp_path / "only"),
    )
    (tmp_path / "twice").mkdir()
    pq.write_table(pa.table([["a"], ["b"]], names=["text", "text"]), tmp_path / "twice" / "a.parquet")
    refused(
        "The column 'text' must be one column of text",
        "something else in a.parquet (two columns)",
        "Name the column of the text with --text-column",
        shards_folder=tmp_path / "twice",
    )
    refused(
        "A shard must not have columns that labeling adds",
        "a.parquet (gem_cluster), a.parquet (gem_label), a.parquet (gem_margin) and 21 more",
        "Add a --prefix for the new columns, or point at the shards as they were before",
        shards_folder=out,
    )


def _only(shards: Path, name: str, folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(shards / name, folder / name)
    return folder


def test_resume_goes_on_with_the_same_work_only(labeled_folder: tuple[Path, Path, Path], tmp_path: Path) -> None:
    students, shards, out = labeled_folder
    before = hashes(out)
    must = "--resume goes on with the same student, folder, shards and text column"
    copied = shutil.copytree(shards, tmp_path / "copied")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"student_folder": saved(tmp_path / "other", taxonomy="u" * 64)}, "a student of another taxonomy"),
        ({"student_folder": saved(tmp_path / "third", seed=1)}, "another student"),
        ({"shards_folder": copied}, "another input folder"),
    ]
    for options, words in cases:
        with pytest.raises(InputError) as error:
            label_folder(**{"student_folder": students, "shards_folder": shards, "out": out, "resume": True, **options})
        assert str(error.value) == (
            f"{must}; got {words} than when {out} was begun. Choose another output folder, or what it was."
        )
    label_folder(students, copied, tmp_path / "out", workers=1)
    (copied / "new.jsonl").write_bytes(jsonl(texts(2)))
    with pytest.raises(InputError, match=re.escape(f"{must}; got other shards: new.jsonl than when")):
        label_folder(students, copied, tmp_path / "out", resume=True)
    (copied / "new.jsonl").unlink()
    (copied / "c.jsonl").write_bytes(jsonl(texts(2)))
    with pytest.raises(InputError, match=r"Shards that are labeled must stay as they were; got c\.jsonl with \d+ "):
        label_folder(students, copied, tmp_path / "out", resume=True)
    totals = label_folder(students, shards, out, resume=True)  # nothing is left to do
    assert totals.complete
    assert hashes(out) == before


def test_ray_that_is_not_installed(
    labeled_folder: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(InputError) as error:
        label_folder(*labeled_folder[:2], tmp_path / "out", engine="ray")
    assert str(error.value) == (
        '--engine ray needs Ray; got a Python without it. Install it with: pip install "gem-explorer[ray]".'
    )


def test_a_folder_of_mixed_schemas(labeled_folder: tuple[Path, Path, Path], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": ["a"], "x": [1]}), tmp_path / "in" / "a.parquet")
    pq.write_table(
        pa.table({"x": ["one", "two"], "text": pa.array(["b", "c"], pa.large_binary())}), tmp_path / "in" / "b.parquet"
    )
    totals = label_folder(labeled_folder[0], tmp_path / "in", tmp_path / "out", workers=1)
    assert int(np.sum(totals.documents)) == 3
    assert pq.read_schema(tmp_path / "out" / "a.parquet").names[:2] == ["text", "x"]
    assert [str(f.type) for f in pq.read_schema(tmp_path / "out" / "b.parquet")][:2] == ["string", "large_binary"]
