"""Shards of a training set, each written completely or not at all."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gem_core._storage import file_size, open_input
from gem_core._types import Progress, frozen, silent
from gem_core.pipeline.mixing.document_pieces import Pieces, cut_text
from gem_core.workspace.atomic_files import write_whole

if TYPE_CHECKING:
    import pyarrow as pa

Form = Literal["parquet", "jsonl.zst"]
FORMS: tuple[Form, ...] = get_args(Form)
_HASHED = 1 << 20  # bytes of a file in memory while it is hashed


@dataclass(frozen=True)
class Block:
    """Pieces of the documents of one row group in one pass over it.

    Attributes
    ----------
    group : int
        Row group of the corpus.
    start : int
        Its first row.
    copy : int
        0 for the first reading.
    pieces : (m,) int64
        Indices of its pieces, rising.
    """

    group: int
    start: int
    copy: int
    pieces: NDArray[np.int64]


@dataclass(frozen=True)
class TrainingShard:
    """One file: its name, its blocks, and the seed of the order of its rows."""

    name: str
    blocks: tuple[Block, ...]
    seed: tuple[int, ...]

    def __len__(self) -> int:
        return sum(len(block.pieces) for block in self.blocks)


def shard_name(number: int, form: Form) -> str:
    """Name of a shard.

    Examples
    --------
    >>> shard_name(3, "jsonl.zst")
    'part-00003.jsonl.zst'
    """
    return f"part-{number:05d}.{form}"


def deal_blocks(
    corpus: Path, pieces: Pieces, copies: NDArray[np.int32], form: Form, shard_tokens: int, seed: int
) -> list[TrainingShard]:
    """Deal blocks, one per row group and reading, to shards in random order: the corpus may be sorted by source.

    Parameters
    ----------
    corpus : Path
        Parquet file of the documents.
    pieces : Pieces
    copies : (m,) int32
        How often each piece is read.
    form, shard_tokens, seed
        Ending, tokens (about) and seed of the shards.
    """
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(corpus)
    sizes = [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    ends = np.searchsorted(pieces.rows, starts)
    blocks = [
        Block(group, int(starts[group]), copy, frozen(first + np.flatnonzero(copies[first:last] > copy)))
        for group, (first, last) in enumerate(pairwise(ends.tolist()))
        for copy in range(int(copies[first:last].max(initial=0)))
    ]
    rng = np.random.default_rng([seed, 0x5EED])  # a stream of its own, apart from those of the draws
    shards: list[list[Block]] = [[]]
    shard_size = 0
    for index in rng.permutation(len(blocks)):
        size = int(pieces.tokens[blocks[index].pieces].sum())
        if shards[-1] and shard_size + size > shard_tokens:
            shards.append([])
            shard_size = 0
        shards[-1].append(blocks[index])
        shard_size += size
    return [TrainingShard(shard_name(index, form), tuple(dealt), (seed, index)) for index, dealt in enumerate(shards)]


def write_shards(
    corpus: Path,
    folder: Path,
    shards: Sequence[TrainingShard],
    pieces: Pieces,
    columns: Mapping[str, NDArray[Any]],
    form: Form,
    *,
    finished_hashes: Mapping[str, str],
    progress: Progress = silent,
) -> list[dict[str, Any]]:
    """Write shards that are not there whole yet, and describe all of them.

    Parameters
    ----------
    corpus : Path
        Parquet file with id and text.
    folder : Path
    shards : sequence of Shard
    pieces : Pieces
        Of the documents of the corpus.
    columns : {name: (m,) array}
        Further columns, one value per piece.
    form : "parquet" or "jsonl.zst"
    finished_hashes : {name: sha256}
        Of shards that were finished before; one that differs now is written again.
    progress : Progress
        Receives "write documents".

    Returns
    -------
    list of dict
        file, documents, bytes and sha256 of each shard.

    Raises
    ------
    WorkspaceError
        If the folder cannot be written.
    """
    import pyarrow.parquet as pq

    total, completed, written = sum(map(len, shards)), 0, []
    with pq.ParquetFile(corpus) as file:
        for shard in shards:
            progress("write documents", completed, total)
            path = folder / shard.name
            digest = _sha256(path) if path.exists() else ""
            if not digest or digest != finished_hashes.get(shard.name, digest):
                write_table(path, _table(file, shard, pieces, columns), form)
                digest = _sha256(path)
            completed += len(shard)
            written.append({"file": shard.name, "documents": len(shard), "bytes": file_size(path), "sha256": digest})
    progress("write documents", total, total)
    return written


def _table(file: Any, shard: TrainingShard, pieces: Pieces, columns: Mapping[str, NDArray[Any]]) -> "pa.Table":
    """Return the rows of a shard in their order."""
    import pyarrow as pa

    parts = []
    for block in shard.blocks:
        documents = file.read_row_group(block.group, columns=["id", "text"], use_threads=False)  # threads let go late
        part = documents.take(pa.array(pieces.rows[block.pieces] - block.start))
        cut = np.flatnonzero(pieces.count[block.pieces] > 1)
        if cut.size:
            texts = part["text"].to_pylist()
            for at in cut.tolist():
                piece = block.pieces[at]
                texts[at] = cut_text(texts[at], int(pieces.number[piece]), int(pieces.count[piece]))
            part = part.set_column(1, "text", pa.array(texts, documents.schema.field("text").type))
        for name, values in columns.items():
            part = part.append_column(name, pa.array(np.asarray(values[block.pieces])))
        parts.append(part.append_column("copy", pa.array(np.full(len(block.pieces), block.copy, dtype=np.int32))))
    table = pa.concat_tables(parts) if parts else pa.table({})
    return table.take(pa.array(np.random.default_rng(shard.seed).permutation(table.num_rows)))


def write_table(path: Path, table: "pa.Table", form: Form) -> None:
    """Write rows as Parquet or packed JSON lines, whole or not at all."""
    import pyarrow.parquet as pq
    import zstandard

    def parquet(temporary: Path) -> None:
        pq.write_table(table.replace_schema_metadata(), temporary, compression="zstd", row_group_size=1024)

    def lines(temporary: Path) -> None:
        with temporary.open("wb") as raw, zstandard.ZstdCompressor(level=3).stream_writer(raw) as packed:
            for batch in table.to_batches(max_chunksize=1024):
                for row in batch.to_pylist():
                    packed.write((json.dumps(row, ensure_ascii=False) + "\n").encode())

    write_whole(path, parquet if form == "parquet" else lines)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open_input(path) as file:
        while part := file.read(_HASHED):
            digest.update(part)
    return digest.hexdigest()
