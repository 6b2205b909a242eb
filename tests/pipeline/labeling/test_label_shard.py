"""One shard labeled: its columns and bytes are kept, four columns are added, what cannot be labeled is set aside."""

import gzip
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from gem_core.errors import InputError
from gem_core.pipeline.labeling import labeled_files
from gem_core.pipeline.labeling import shard_rows as reading
from gem_core.pipeline.labeling.completion_markers import Marker, bookkeeping, read_marker
from gem_core.pipeline.labeling.label_shard import LabelingJob, label_shard
from gem_core.pipeline.labeling.shard_files import find_shards
from tests.helpers.cli_process import texts
from tests.helpers.shards import OURS, expected, jsonl, rows_of, student, unzstd


def labelled(tmp_path: Path, name: str, data: bytes | pa.Table, **options: Any) -> tuple[Marker, Path]:
    """Label one shard and return its marker and what was written."""
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    if isinstance(data, bytes):
        (folder / name).write_bytes(data)
    else:
        pq.write_table(data, folder / name, **options.pop("written", {}))
    (shard,) = (shard for shard in find_shards(folder) if shard.name == name)
    marker = label_shard(student(), shard, LabelingJob(tmp_path / "out", **options))
    return marker, tmp_path / "out" / name


def ours(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in OURS} for row in rows]


def set_aside(tmp_path: Path, name: str) -> list[tuple[int, str]]:
    lines = (bookkeeping(tmp_path / "out") / "refused" / f"{name}.jsonl").read_text().splitlines()
    return [(entry["row"], entry["reason"]) for entry in map(json.loads, lines)]


def test_parquet_keeps_its_columns_and_gets_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ROWS", 7)
    monkeypatch.setattr(labeled_files, "GROUP_ROWS", 20)
    some = texts(50)
    table = pa.table(
        {
            "text": pa.array(some).dictionary_encode(),
            "when": [datetime(2026, 1, 1)] * 50,
            "tags": [["a", None], []] * 25,
            "deep": [{"x": {"y": i}} for i in range(50)],
            "none": pa.nulls(50),
            "raw": pa.array([b"\xff"] * 50, pa.large_binary()),
        }
    ).replace_schema_metadata({"origin": "crawl 7"})
    marker, path = labelled(tmp_path, "a.parquet", table, written={"row_group_size": 16, "compression": "gzip"})
    file = pq.ParquetFile(path)
    labeled_table = file.read()
    assert labeled_table.select(table.column_names).equals(table)
    assert labeled_table.schema.metadata[b"origin"] == b"crawl 7"
    assert [(field.name, str(field.type)) for field in labeled_table.schema][-4:] == [
        ("gem_cluster", "int32"),
        ("gem_label", "dictionary<values=string, indices=int32, ordered=0>"),
        ("gem_margin", "float"),
        ("gem_tokens", "int64"),
    ]
    assert ours(labeled_table.to_pylist()) == expected(some)  # each text scored by itself
    assert [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)] == [23, 23, 4]
    assert file.metadata.row_group(0).column(0).compression == "GZIP"
    assert marker.tally.documents.sum() == 50
    assert marker.tally.tokens.sum() == sum(row["gem_tokens"] for row in expected(some))


@pytest.mark.parametrize(
    ("name", "pack", "unpack"),
    [
        ("a.jsonl", bytes, bytes),
        ("a.jsonl.gz", gzip.compress, gzip.decompress),
        ("a.jsonl.zst", zstandard.compress, unzstd),
    ],
)
def test_lines_keep_their_bytes(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes], unpack: Callable[[bytes], bytes]
) -> None:
    lines = [
        b'{"text":"plain \\u00e9 one" , "n": 1.50}\n',
        b'  {"a": {"}": "}"}, "text": "b"  } \r\n',
        b"\n",
        b'{"text": "", "bytes": "\xff"}\n',
        '{"text": "日本語 🦊"}'.encode(),
    ]
    marker, path = labelled(tmp_path, name, pack(b"".join(lines)))
    out = unpack(path.read_bytes())
    rows = [line for line in lines if line.strip()]
    out_lines = [line for line in out.split(b"\n") if line]
    assert len(out_lines) == len(rows) == marker.tally.rows
    for line, before, says in zip(out_lines, rows, expected(["plain \u00e9 one", "b", "", "日本語 🦊"]), strict=True):
        head = before.rstrip()[:-1]
        assert line.startswith(head + b', "gem_cluster": ')
        row = json.loads(line.decode("utf-8", "surrogateescape"))
        assert {**says, "gem_margin": pytest.approx(says["gem_margin"], rel=1e-6)} == {key: row[key] for key in OURS}
    assert out_lines[1].endswith(b"} \r")
    assert not out.endswith(b"\n")
    again, _ = labelled(tmp_path, name, pack(b"".join(lines)))
    assert again.sha256 == marker.sha256
    if name.endswith(".gz"):
        assert path.read_bytes()[4:8] == bytes(4)  # no time in it


BAD = [
    (b'{"text": "cut', "broken_row"),
    (b"[1, 2]", "broken_row"),
    (b'{"body": "x"}', "no_text"),
    (b'{"text": null}', "no_text"),
    (b'{"text": 7}', "wrong_type"),
    (b'{"text": "\xff\xfe"}', "not_utf8"),
    (b'{"text": "\\ud800"}', "not_utf8"),
    (b'{"text": "x", "gem_label": "y"}', "labelled_already"),
    (b"[" * 100_000, "broken_row"),
    (b'{"text": "x", "n": ' + b"9" * 5000 + b"}", "broken_row"),
]


def test_lines_that_cannot_be_labelled(tmp_path: Path) -> None:
    data = b"".join(jsonl([f"sound {i}"]) + line + b"\n" for i, (line, _) in enumerate(BAD))
    marker, path = labelled(tmp_path, "a.jsonl", data)
    assert set_aside(tmp_path, "a.jsonl") == [(2 * i + 1, reason) for i, (_, reason) in enumerate(BAD)]
    assert [row["text"] for row in rows_of(path)] == [f"sound {i}" for i in range(len(BAD))]
    assert marker.tally.rows == 2 * len(BAD)
    assert marker.tally.refused == {
        "broken_row": 4,
        "no_text": 2,
        "wrong_type": 1,
        "not_utf8": 2,
        "labelled_already": 1,
    }
    with pytest.raises(InputError) as refused:
        labelled(tmp_path, "a.jsonl", data, strict=True)
    labelled(tmp_path, "a.jsonl", jsonl(["mended"]))
    assert not (bookkeeping(tmp_path / "out") / "refused" / "a.jsonl.jsonl").exists()
    assert str(refused.value).startswith(
        "With --strict every row must be one that can be labeled; got row 1 of "
        "a.jsonl: the row is not a JSON object, or has not as many cells as the header (not JSON: "
    )
    assert str(refused.value).endswith("Mend the row, or leave --strict out: such rows are counted and set aside.")


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.string(), pa.string_view()])
def test_cells_that_cannot_be_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: pa.DataType) -> None:
    monkeypatch.setattr(reading, "ROWS", 2)
    cells = [b"one", None, "zwei \u00e9".encode(), b"caf\xe9", b""]
    array = pa.array(cells, pa.binary())
    if kind == pa.string():  # parquet does not look whether its strings are UTF-8
        array = pa.StringArray.from_buffers(len(array), *array.buffers()[1:], array.buffers()[0], array.null_count)
    elif kind == pa.string_view():
        array = pa.array(["one", None, "zwei \u00e9", None, ""], kind)
    else:
        array = array.cast(kind)
    marker, path = labelled(
        tmp_path, "a.parquet", pa.table({"text": array, "n": range(5)}), written={"row_group_size": 3}
    )
    table = pq.read_table(path)
    assert table.column("n").to_pylist() == [0, 2, 4]
    assert table.schema.field("text").type == kind
    assert table.column("gem_cluster").to_pylist() == [row["gem_cluster"] for row in expected(["one", "zwei é", ""])]
    assert set_aside(tmp_path, "a.parquet") == [
        (1, "no_text"),
        (3, "no_text" if kind == pa.string_view() else "not_utf8"),
    ]
    assert marker.tally.rows == 5


@pytest.mark.parametrize(("name", "pack"), [("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.compress)])
def test_rows_before_a_break_are_labelled(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    rng = np.random.default_rng(0)
    some = [f"{text} {rng.random()}" for text in texts(4000)]  # several blocks of a packed file
    whole = pack(jsonl(some))
    data = whole[: len(whole) * 2 // 3]
    marker, path = labelled(tmp_path, name, data)
    rows = rows_of(path)
    assert 2000 < len(rows) < 3500
    assert [row["text"] for row in rows] == some[: len(rows)]
    assert set_aside(tmp_path, name) == [(len(rows), "cut_short")]
    assert marker.tally.refused == {"cut_short": 1}
    if name.endswith(".gz"):  # every letter that could be unpacked is used
        import zlib

        assert len(rows) == zlib.decompressobj(31).decompress(data).count(b"\n")


def test_shards_without_rows(tmp_path: Path) -> None:
    schema = pa.schema([("text", pa.string()), ("n", pa.int8())])
    marker, path = labelled(tmp_path, "a.parquet", schema.empty_table())
    assert pq.read_schema(path).names == ["text", "n", *OURS]
    assert (marker.tally.rows, len(pq.read_table(path))) == (0, 0)
    for name, data in (
        ("a.jsonl", b""),
        ("b.jsonl", b"\n \n"),
        ("a.jsonl.gz", gzip.compress(b"")),
        ("b.jsonl.gz", b""),
        ("a.jsonl.zst", zstandard.compress(b"")),
    ):
        marker, path = labelled(tmp_path, name, data)
        assert marker.tally.rows == 0
        assert rows_of(path) == []
        assert not (bookkeeping(tmp_path / "out") / "refused" / f"{name}.jsonl").exists()


def test_batches_are_small_in_rows_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BYTES", 10_000)
    long = ["word " * 1000] * 40
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": [f"{i} {text}" for i, text in enumerate(long)]}), tmp_path / "in" / "a.parquet")
    (tmp_path / "in" / "b.jsonl").write_bytes(jsonl(long) + b"x\n" * 3000)
    for shard in find_shards(tmp_path / "in"):
        sizes = [(len(rows.numbers), len(rows.refused)) for rows in reading.read_shard_rows(shard, "text")]
        assert max(size for size, _ in sizes) <= 2
        assert max(refused for _, refused in sizes) <= 1024 + 2
        assert sum(size for size, _ in sizes) == 40


def test_a_marker_vouches_for_what_is_there(tmp_path: Path) -> None:
    marker, path = labelled(tmp_path, "a.jsonl", jsonl(texts(5)))
    completion = read_marker(tmp_path / "out", "a.jsonl", "a.jsonl")
    assert completion is not None
    assert completion.to_json() == marker.to_json()
    path.write_bytes(path.read_bytes()[:-1])
    assert read_marker(tmp_path / "out", "a.jsonl", "a.jsonl") is None
    (bookkeeping(tmp_path / "out") / "done" / "a.jsonl.json").write_text("{")
    with pytest.raises(
        InputError, match=r"a\.jsonl\.json must be as it was written; got .*a\.jsonl\.json, which is damaged"
    ):
        read_marker(tmp_path / "out", "a.jsonl", "a.jsonl")
