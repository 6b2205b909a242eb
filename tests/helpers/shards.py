"""A small student and folders of shards to label."""

import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from gem_core.pipeline.labeling.completion_markers import bookkeeping
from gem_core.student import Student, save_student
from tests.helpers.cli_process import texts

NUMBERS, LABELS = (2, 3, 5, 11), ("baking", "rivers", "motors", "rivers")
OURS = ("gem_cluster", "gem_label", "gem_margin", "gem_tokens")


def student(seed: int = 0, taxonomy: str = "t" * 64) -> Student:
    """Return a student that labels by chance, two of its clusters under one name."""
    weights = np.random.default_rng(seed).integers(-300, 300, (4096, 4)).astype(np.int16)
    return Student(
        weights,
        0.01,
        np.array([0.0, 0.1, -0.1, 0.0]),
        numbers=NUMBERS,
        labels=LABELS,
        taxonomy_hash=taxonomy,
        token_rates=(1.2, 0.01),
    )


def saved(folder: Path, seed: int = 0, taxonomy: str = "t" * 64) -> Path:
    """Write it."""
    save_student(student(seed, taxonomy), folder)
    return folder


def expected(some: Sequence[str]) -> list[dict[str, Any]]:
    """What the student says of each text by itself."""
    rows = []
    for text in some:
        scores = student().score(pa.array([text]))
        k = int(scores.cluster[0])
        rows.append(
            {
                "gem_cluster": NUMBERS[k],
                "gem_label": LABELS[k],
                "gem_margin": float(scores.margin[0]),
                "gem_tokens": int(scores.tokens[0]),
            }
        )
    return rows


def jsonl(some: Sequence[str], **more: Any) -> bytes:
    """Lines of JSON."""
    return b"".join(json.dumps({"id": i, "text": text, **more}).encode() + b"\n" for i, text in enumerate(some))


def folder_of_shards(root: Path, each: int = 60) -> Path:
    """Make six shards, one of every kind and one in a folder below, of different documents."""
    some = texts(6 * each)
    parts = [some[i * each : (i + 1) * each] for i in range(6)]
    (root / "below").mkdir(parents=True)
    pq.write_table(pa.table({"text": parts[0], "id": range(each)}), root / "a.parquet")
    pq.write_table(pa.table({"url": parts[1], "text": pa.array(parts[1], pa.large_string())}), root / "b.parquet")
    (root / "c.jsonl").write_bytes(jsonl(parts[2]))
    (root / "d.jsonl.gz").write_bytes(gzip.compress(jsonl(parts[3])))
    (root / "e.jsonl.zst").write_bytes(zstandard.compress(jsonl(parts[4])))
    (root / "below" / "f.jsonl").write_bytes(jsonl(parts[5]))
    (root / "README.md").write_text("no shard")
    return root


def hashes(folder: Path) -> dict[str, str]:
    """Names and hashes of all that a run leaves, but its own page and lock."""
    own = bookkeeping(folder)
    return {
        path.relative_to(folder.parent).as_posix().removeprefix(f"{folder.name}/").removeprefix(f"{own.name}/"): (
            hashlib.sha256(path.read_bytes()).hexdigest()
        )
        for path in sorted([*folder.rglob("*"), *own.rglob("*")])
        if path.is_file() and path.name not in ("run.json", "lock")
    }


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Rows of a shard."""
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    unpack = {".gz": gzip.decompress, ".zst": unzstd}.get(path.suffix, bytes)
    return [json.loads(line) for line in unpack(path.read_bytes()).split(b"\n") if line]


def unzstd(data: bytes) -> bytes:
    """Unpack frames whose size is not said."""
    return bytes(zstandard.ZstdDecompressor().decompressobj().decompress(data))
