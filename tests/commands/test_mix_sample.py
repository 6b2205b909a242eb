"""gem-explorer mix sample: the files hold what the weights describe, within memory, and a killed run goes on."""

import hashlib
import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import zstandard
from filelock import FileLock

from gem_core.errors import InputError
from gem_core.export.mixtures import write_weights
from gem_core.mixing import Weights
from gem_core.pipeline import Exclude, Merge, edit
from gem_core.pipeline.labeling.completion_markers import bookkeeping
from gem_core.pipeline.mixing.document_pieces import cut_text
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.pipeline.mixing.training_set import TrainingSet, TrainingSetRequest, draw_training_set
from gem_core.pipeline.mixing.training_shards import Form
from gem_core.pipeline.mixing.weights_file import read_weights
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import write_parquet
from tests.helpers.cli_process import QUIET, facts, refusal, run, start, wait_for
from tests.helpers.readers import READERS, rows_by_reader

GONE, HEAVY = 2, 3


@pytest.fixture
def many_groups(sample: Workspace) -> Workspace:
    """The sample in 41 row groups, with one cluster excluded."""
    edit(sample, Exclude((GONE,)))
    write_parquet(
        sample.root / "documents.parquet", pd.read_parquet(sample.root / "documents.parquet"), row_group_size=16
    )
    return Workspace(sample.root)


@pytest.fixture
def weights(many_groups: Workspace, tmp_path: Path) -> Weights:
    taxonomy = many_groups.taxonomy()
    weighting = weights_by(many_groups, taxonomy, "custom", fixed={HEAVY: 0.3})
    write_weights(tmp_path / "weights.csv", taxonomy, weighting)
    return weighting


def rows_of(folder: Path) -> pd.DataFrame:
    """All rows of a training set in the order of its files."""
    tables = []
    for path in sorted(folder.glob("part-*")):
        if path.suffix == ".parquet":
            tables.append(pq.read_table(path).to_pandas())
        else:
            text = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(path.read_bytes())).read().decode()
            tables.append(pd.DataFrame([json.loads(line) for line in text.split("\n")[:-1]]))
    return pd.concat(tables, ignore_index=True)


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("[!.]*")}


@pytest.mark.parametrize("inside", ["uniform", "grip"])
def test_the_files_hold_what_the_weights_describe(
    many_groups: Workspace, weights: Weights, tmp_path: Path, inside: str
) -> None:
    out, tokens = tmp_path / "out", 110_000
    result = facts(
        run(
            "mix",
            "sample",
            many_groups.root,
            "--weights",
            tmp_path / "weights.csv",
            "--tokens",
            tokens,
            "--out",
            out,
            "--inside",
            inside,
            "--max-epochs",
            5,
            "--shard-tokens",
            20_000,
            "--json",
        )
    )
    manifest = json.loads((bookkeeping(out) / "manifest.json").read_text())
    assert {entry["file"]: entry["sha256"] for entry in manifest["shards"]} == hashes(out)
    assert result["files"] == [entry["file"] for entry in manifest["shards"]]
    assert manifest["complete"] is True
    assert (manifest["taxonomy_hash"], manifest["seed"], manifest["inside"]) == (weights.taxonomy_hash, 0, inside)
    rows = rows_of(out)
    assert list(rows.columns) == ["id", "text", "cluster_id", "tokens", "expected_copies", "copy"]
    assert len(rows) == result["documents"] == manifest["documents"]
    assert rows["tokens"].sum() == result["tokens_got"] == manifest["tokens_got"]
    assert abs(result["tokens_got"] / tokens - 1) < 0.01
    documents = many_groups.documents.assign(
        text=list(many_groups.all_texts()), cluster_id=many_groups.taxonomy().documents["cluster_id"]
    ).set_index("id")
    sampled = documents.loc[rows["id"]]
    assert sampled["text"].tolist() == rows["text"].tolist()
    assert sampled["cluster_id"].tolist() == rows["cluster_id"].tolist()
    assert GONE not in set(rows["cluster_id"])
    assert not rows.duplicated(["id", "copy"]).any()
    counts = rows.groupby("id")["copy"].agg(["size", "max"])
    assert (counts["size"] == counts["max"] + 1).all()  # copies are counted from 0
    expected = rows.drop_duplicates("id").set_index("id")["expected_copies"]
    assert (np.abs(counts["size"] - expected) < 1).all()
    for entry, weight in zip(manifest["clusters"], weights.weights, strict=True):
        mine = rows[rows["cluster_id"] == entry["cluster_id"]]
        assert entry["tokens_asked"] == pytest.approx(tokens * weight)
        assert entry["tokens_got"] == mine["tokens"].sum()
        assert abs(entry["tokens_got"] - entry["tokens_asked"]) < 2 * documents["tokens"].max()
        part = expected[mine.drop_duplicates("id")["id"]] % 1
        assert (len(set(part)) == 1) == (inside == "uniform")
    request = documents.index.get_indexer(rows["id"])
    assert abs(np.corrcoef(request, np.arange(len(rows)))[0, 1]) < 0.4  # the order of the corpus is gone
    assert np.mean(np.diff(request // 16) == 0) < 0.3  # nor do neighbors of the corpus stay together


def test_both_formats_hold_the_same_rows_and_hostile_text(
    many_groups: Workspace,
    weights: Weights,
    tmp_path: Path,
) -> None:
    table = pd.read_parquet(many_groups.root / "documents.parquet")
    table["text"] = [f'{text}\n\u2028\r\x00\x85"\\ 日本 😀 </script>' for text in table["text"]]
    write_parquet(many_groups.root / "documents.parquet", table, row_group_size=16)
    for form in ("parquet", "jsonl.zst"):
        facts(
            run(
                "mix",
                "sample",
                many_groups.root,
                "--weights",
                tmp_path / "weights.csv",
                "--tokens",
                30_000,
                "--out",
                tmp_path / form,
                "--format",
                form,
                "--shard-tokens",
                9000,
                "--seed",
                7,
                "--json",
            )
        )
    pd.testing.assert_frame_equal(rows_of(tmp_path / "parquet"), rows_of(tmp_path / "jsonl.zst"), check_dtype=False)


@pytest.mark.parametrize("form", ["parquet", "jsonl.zst"])
def test_a_training_set_opens_as_data(many_groups: Workspace, weights: Weights, tmp_path: Path, form: Form) -> None:
    out, request = tmp_path / "out", TrainingSetRequest(30_000, form=form, shard_tokens=9000)
    file = read_weights(tmp_path / "weights.csv")
    training_set = draw_training_set(many_groups, many_groups.taxonomy(), file, out, request)
    assert {path.name for path in out.iterdir()} == set(training_set.shards)
    readers = tuple(READERS) if form == "parquet" else ("datasets",)
    rows = int(training_set.drawn_documents.sum())
    assert rows_by_reader(out, tmp_path / "hf", readers) == dict.fromkeys(readers, rows)


def test_a_killed_run_goes_on_to_the_same_bytes(many_groups: Workspace, weights: Weights, tmp_path: Path) -> None:
    def arguments(folder: str) -> tuple[object, ...]:
        return (
            "mix",
            "sample",
            many_groups.root,
            "--weights",
            tmp_path / "weights.csv",
            "--tokens",
            450_000,
            "--out",
            tmp_path / folder,
            "--max-epochs",
            20,
            "--shard-tokens",
            1,
            "--seed",
            3,
        )

    whole = run(*arguments("unbroken"))
    assert whole.returncode == 0, whole.stderr
    expected = hashes(tmp_path / "unbroken")
    assert len(expected) > 200
    broken = tmp_path / "broken"
    for kill in range(2):
        child = start(*arguments("broken"))
        before = len(list(broken.glob("part-*"))) if broken.exists() else 0
        wait_for(lambda before=before: len(list(broken.glob("part-*"))) > before + 3)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=30)
        times = {path: path.stat().st_mtime_ns for path in broken.glob("part-*")}
        assert 3 < len(times) < len(expected), f"kill {kill} came too late"
        assert json.loads((bookkeeping(broken) / "manifest.json").read_text())["complete"] is False
    (broken / ".part-00007.parquet.abcd1234").write_bytes(b"half")  # what a kill in the middle of a file leaves
    assert run(*arguments("broken")).returncode == 0
    assert hashes(broken) == expected
    assert all(path.stat().st_mtime_ns == at for path, at in times.items())  # finished files are not written again
    assert not list(broken.glob(".*"))
    damaged = next(iter(times))
    damaged.write_bytes(b"x")
    assert run(*arguments("broken")).returncode == 0
    assert hashes(broken) == expected


def test_memory_holds_one_file_not_the_corpus(many_groups: Workspace, weights: Weights, tmp_path: Path) -> None:
    table = pd.read_parquet(many_groups.root / "documents.parquet")
    table["text"] = [text * 100 for text in table["text"]]
    size = int(table["text"].str.len().sum())
    write_parquet(many_groups.root / "documents.parquet", table, row_group_size=16)
    program = f"""
import pyarrow as pa, sys
from pathlib import Path
from gem_core.pipeline.mixing.training_set import TrainingSet, TrainingSetRequest, draw_training_set
from gem_core.pipeline.mixing.weights_file import read_weights
from gem_core.workspace import Workspace
w = Workspace({str(many_groups.root)!r})
found = draw_training_set(w, w.taxonomy(), read_weights(Path({str(tmp_path / "weights.csv")!r})),
                          Path({str(tmp_path / "out")!r}), TrainingSetRequest(70_000, shard_tokens=3000))
print(pa.default_memory_pool().max_memory(), int(found.drawn_tokens.sum()))
"""
    completed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=QUIET)
    assert completed.returncode == 0, completed.stderr
    peak, got = map(int, completed.stdout.split())
    assert size > 30e6
    assert peak < size / 4
    assert got == pytest.approx(70_000, rel=0.02)


def test_orders_that_cannot_be_are_refused(many_groups: Workspace, weights: Weights, tmp_path: Path) -> None:
    file, out = tmp_path / "weights.csv", tmp_path / "out"

    def refused(**options: Any) -> str:
        request = TrainingSetRequest(**{"tokens": 20_000, **options})
        with pytest.raises(InputError) as error:
            draw_training_set(many_groups, many_groups.taxonomy(), read_weights(file), out, request)
        return str(error.value)

    heavy = weights.numbers.index(HEAVY)
    times = 300_000 * 0.3 / int(weights.tokens[heavy])
    assert refused(tokens=300_000) == (
        f"At 300,000 tokens no cluster may be read more than 4 times; got {times:.2f} times for cluster {HEAVY}. Make "
        "weights for it: gem-explorer mix weights DIR --budget 300000 --max-epochs 4, ask for fewer tokens, or "
        "raise --max-epochs."
    )
    assert "--tokens must be a number of tokens above 0; got '0'. " in refusal(
        run("mix", "sample", many_groups.root, "--weights", file, "--tokens", 0, "--out", out)
    )
    assert refused(inside="best") == "--inside must be one of uniform, grip; got best. Choose one of them."
    assert refused(form="csv") == "--format must be one of parquet, jsonl.zst; got csv. Choose one of them."
    assert not out.exists()
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert refused() == (
        f"The folder must be empty, or hold a part of this same training set; got {out}, which "
        "holds other files. Choose another folder."
    )
    (out / "notes.txt").unlink()
    draw_training_set(many_groups, many_groups.taxonomy(), read_weights(file), out, TrainingSetRequest(20_000))
    assert refused(seed=1) == (
        f"The folder must be empty, or hold a part of this same training set; got {out}, which holds another. "
        "Choose another folder, or give the same options."
    )
    with FileLock(bookkeeping(out) / "lock"):
        assert refused() == (
            f"One process at a time writes a training set; got {bookkeeping(out)}, held by another process. "
            "Wait for it to end, or choose another folder."
        )
    edit(many_groups, Merge((HEAVY, next(n for n in weights.numbers if n != HEAVY))))
    assert "Weights must belong to this taxonomy (" in refused()


def test_a_share_that_a_huge_document_moves_is_named_and_stratifying_or_splitting_mends_it(
    many_groups: Workspace, tmp_path: Path
) -> None:
    documents = pd.read_parquet(many_groups.root / "documents.parquet")
    row = int(np.flatnonzero(many_groups.taxonomy().documents["cluster_id"].to_numpy() == HEAVY)[0])
    documents.loc[row, "tokens"] = 20_000  # several times the rest of its cluster
    write_parquet(many_groups.root / "documents.parquet", documents, row_group_size=16)
    workspace = Workspace(many_groups.root)
    write_weights(tmp_path / "w.csv", workspace.taxonomy(), weights_by(workspace, workspace.taxonomy(), "natural"))
    file = read_weights(tmp_path / "w.csv")
    tokens = int(0.8 * documents["tokens"].sum())

    def draw(name: str, seed: int, **options: Any) -> TrainingSet:
        request = TrainingSetRequest(tokens, seed, **options)
        return draw_training_set(workspace, workspace.taxonomy(), file, tmp_path / name, request)

    plain = next(draw(f"{seed}", seed) for seed in range(20) if draw(f"{seed}", seed).notes)
    assert plain.notes[0].startswith(f"cluster {HEAVY} (")
    assert "longest document has 20,000; draw long documents first with --long stratify" in plain.notes[0]
    shares = [draw(f"long-{seed}", seed, long="stratify").notes for seed in range(3)]
    assert sum(map(len, shares)) <= 1
    assert not draw("split", 0, long="split").notes
    rows = rows_of(tmp_path / "split")
    cut = rows[rows["id"] == documents["id"][row]]
    assert 1 < cut["piece"].nunique() <= cut["pieces"].iloc[0]
    assert cut["tokens"].max() < 0.06 * 20_000
    text = documents["text"][row]
    assert all(part.text == cut_text(text, part.piece, part.pieces) for part in cut.itertuples())
    assert "".join(cut_text(text, number, 9) for number in range(9)) == text
