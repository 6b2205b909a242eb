"""A seed drawn from shards: who is drawn follows from hashes of places, so it can be said without reading in order."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gem_core.errors import InputError
from gem_core.pipeline.labeling import sample_shards as sample_shards_module
from gem_core.pipeline.labeling import shard_rows as reading
from gem_core.pipeline.labeling.sample_shards import priorities, sample_shards
from tests.helpers.cli_process import texts
from tests.helpers.shards import jsonl

SITES = ["a.org"] * 100 + ["b.org"] * 40 + ["c.org"] * 7 + ["d.org"] * 3


def splitmix(seed: int, shard: str, row: int) -> int:
    """The hash in whole numbers of any size."""
    key = int.from_bytes(hashlib.sha256(f'[{seed}, "{shard}"]'.encode()).digest()[:8], "little")
    z = (key + row * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 documents in a parquet and two JSONL shards, and 5 rows that are none."""
    root = tmp_path_factory.mktemp("seed")
    some, order = texts(150), np.random.default_rng(0).permutation(150)
    rows = [{"text": some[i], "site": SITES[i], "n": int(i)} for i in order]
    pq.write_table(
        pa.Table.from_pylist([*rows[:60], {"text": None, "site": "a.org", "n": 999}]),
        root / "p.parquet",
        row_group_size=25,
    )
    for name, part in (("q.jsonl", rows[60:110]), ("r.jsonl.gz", rows[110:])):
        lines = b"".join(
            jsonl([row["text"]], site=row["site"], n=row["n"]) + b'{"text": 1}\n' * (i % 20 == 7)
            for i, row in enumerate(part)
        )
        (root / name).write_bytes(gzip.compress(lines) if name.endswith("gz") else lines)
    return root


def ranked(folder: Path, seed: int = 0) -> list[dict[str, Any]]:
    """All documents, the least hash first."""
    ranking = []
    for name in ("p.parquet", "q.jsonl", "r.jsonl.gz"):
        if name == "p.parquet":
            rows = enumerate(pq.read_table(folder / name).to_pylist())
        else:
            data = (folder / name).read_bytes()
            lines = (gzip.decompress(data) if name.endswith("gz") else data).splitlines()
            rows = ((i, json.loads(line)) for i, line in enumerate(lines))
        ranking += [(splitmix(seed, name, i), row) for i, row in rows if isinstance(row["text"], str)]
    return [{key: row[key] for key in ("text", "site", "n")} for _, row in sorted(ranking, key=lambda pair: pair[0])]


def draw_rows(folder: Path, out: Path, documents: int, **options: Any) -> list[dict[str, Any]]:
    sample_shards(folder, documents, out, **options)
    return [{key: row[key] for key in ("text", "site", "n")} for row in pq.read_table(out).to_pylist()]


@pytest.mark.parametrize("documents", [1, 30, 150, 500])
def test_the_least_hashes_are_drawn(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, documents: int
) -> None:
    monkeypatch.setattr(reading, "ROWS", 9)
    monkeypatch.setattr(sample_shards_module, "SLACK", 0)
    assert draw_rows(folder, tmp_path / "s.parquet", documents) == ranked(folder)[:documents]
    assert draw_rows(folder, tmp_path / "s.parquet", documents, seed=1) == ranked(folder, 1)[:documents]


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        sample_shards(folder, 20, tmp_path / name, by="site")
        monkeypatch.setattr(reading, "ROWS", 3)  # other batches
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        (4, {"a.org": 1, "b.org": 1, "c.org": 1, "d.org": 1}),
        (
            20,
            {"a.org": 6, "b.org": 6, "c.org": 5, "d.org": 3},
        ),  # d.org has 3; 17 for three: 5 each, the larger one more
        (61, {"a.org": 26, "b.org": 25, "c.org": 7, "d.org": 3}),
        (150, {"a.org": 100, "b.org": 40, "c.org": 7, "d.org": 3}),
    ],
)
def test_equal_shares(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, documents: int, expected: dict[str, int]
) -> None:
    monkeypatch.setattr(reading, "ROWS", 4)
    monkeypatch.setattr(sample_shards_module, "SLACK", 0)
    rows = draw_rows(folder, tmp_path / "s.parquet", documents, by="site")
    best = ranked(folder)
    for site, count in expected.items():
        assert [row for row in rows if row["site"] == site] == [row for row in best if row["site"] == site][:count]
    assert len(rows) == sum(expected.values()) == documents


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"text": ["x"] * 20_000, "site": [str(i % 5) for i in range(20_000)]})
    pq.write_table(table, tmp_path / "a.parquet")
    sizes: list[int] = []
    take = sample_shards_module._Draw.take

    def watched(self: Any, *arguments: Any) -> None:
        take(self, *arguments)
        sizes.append(sum(len(piece.priority) for piece in self.pieces))

    monkeypatch.setattr(sample_shards_module._Draw, "take", watched)
    monkeypatch.setattr(sample_shards_module, "priorities", lambda seed, shard, rows: rows.astype(np.uint64))
    summary = sample_shards(tmp_path, 103, tmp_path / "s.parquet", by="site")
    assert max(sizes) <= 2 * 108 + 1024
    assert summary.groups == {str(g): (4000, 21 if g < 3 else 20) for g in range(5)}  # the first three get the odd ones
    assert (summary.documents, summary.rows_read) == (103, 20_000)


def test_proportional_shares(folder: Path, tmp_path: Path) -> None:
    rows = draw_rows(folder, tmp_path / "s.parquet", 30, by="site", shares="proportional")
    # 30 of 150: 20, 8, 1.4 and 0.6; the largest remainder takes the one that is left
    counts = {site: sum(row["site"] == site for row in rows) for site in ("a.org", "b.org", "c.org", "d.org")}
    assert counts == {"a.org": 20, "b.org": 8, "c.org": 1, "d.org": 1}
    best = ranked(folder)
    assert [row for row in rows if row["site"] == "b.org"] == [row for row in best if row["site"] == "b.org"][:8]


def test_every_place_has_the_same_chance() -> None:
    counts = np.zeros(50)
    for seed in range(2000):
        all_priorities = np.concatenate([priorities(seed, "a", np.arange(20)), priorities(seed, "b", np.arange(30))])
        counts[np.argsort(all_priorities)[:10]] += 1
    assert np.abs(counts - 400).max() < 4.5 * np.sqrt(400 * 0.8)  # of a binomial of 2,000 draws with chance 1/5
    assert counts.sum() == 20_000


def test_rows_that_are_no_documents_and_shards_that_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    summary = sample_shards(tmp_path, 10, tmp_path / "out" / "s.parquet")
    assert summary.refused == {"no_text": 1, "wrong_type": 5}
    assert list(summary.failed) == ["bad.parquet"]
    assert (summary.documents, summary.rows_read) == (10, 150)


def test_what_is_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.parquet"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_bytes(jsonl(["one"], kind={"x": 1}))
    pq.write_table(pa.table({"text": ["two"], "kind": [[1]]}), tmp_path / "in" / "b.parquet")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "a.jsonl").write_bytes(b"x\n")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"documents": 0}, "--documents must be at least 1; got 0. Ask for one document or more."),
        ({"shares": "half"}, "--shares must be one of equal, proportional; got half. Choose one of them."),
        (
            {"by": "host"},
            "Some shard must have the column 'host'; got 3 without it: p.parquet, q.jsonl, r.jsonl.gz; columns there: "
            "id, n, site, text. Name another column.",
        ),
        (
            {"by": "site", "documents": 3},
            "Each value of --by must get at least one document; got more than 3 different "
            "values of 'site'. Ask for more documents, or name a column with fewer "
            "values.",
        ),
        (
            {"folder": tmp_path / "none"},
            "a.jsonl must hold at least one row; got no row that can be read. Check the export that wrote it.",
        ),
    ]
    for options, message in cases:
        with pytest.raises(InputError) as error:
            sample_shards(**{"folder": folder, "documents": 10, "out": out, **options})
        assert str(error.value) == message
    with pytest.raises(InputError, match="A column must be of one type in all shards; got "):
        sample_shards(tmp_path / "in", 10, out)
    assert not out.exists()
