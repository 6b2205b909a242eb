"""Sample documents from a folder of shards, at random or stratified by a column."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gem_core._storage import output_path, storage_path
from gem_core._types import Progress, silent
from gem_core.corpus.columns import field_or_none, replace_surrogates
from gem_core.corpus.corpus_preview import guess_sound_columns
from gem_core.corpus.encoding_check import EncodingError
from gem_core.corpus.fields import arrow_field, field_text
from gem_core.corpus.files import ReadOptions
from gem_core.corpus.rows import parse_line
from gem_core.errors import CorpusError, InputError
from gem_core.pipeline.labeling.shard_files import (
    InputShard,
    check_shard_columns,
    list_shards,
    missing_everywhere_error,
    shards_of,
)
from gem_core.pipeline.labeling.shard_rows import ShardRows, read_shard_rows
from gem_core.pipeline.labeling.shard_tables import plain_table, table_of_rows
from gem_core.workspace.atomic_files import check_output, write_whole

Shares = Literal["equal", "proportional"]
SHARES: tuple[Shares, ...] = get_args(Shares)
Int64 = NDArray[np.int64]
UInt64 = NDArray[np.uint64]
SLACK = 1024  # rows that wait beside twice those that are drawn
LAST = np.uint64(2**64 - 1)
LINE = pa.schema([("line", pa.large_binary())])  # rows of JSONL wait as lines: their columns are known at the end


@dataclass(frozen=True)
class ShardSample:
    """Summary of a sample.

    Attributes
    ----------
    documents : int
        Rows of the file.
    rows_read : int
        Documents of the shards.
    refused : dict
        Reason to number of rows that are no documents.
    failed : dict
        Shard that could not be read (to its end) to the reason.
    groups : dict
        Value of the column to (documents seen, documents drawn); empty without a column.
    notes : tuple of str
        Empty files of the folder, and files that were skipped.
    """

    documents: int
    rows_read: int
    refused: dict[str, int]
    failed: dict[str, str]
    groups: dict[str, tuple[int, int]]
    notes: tuple[str, ...] = ()


def sample_shards(
    folder: Path,
    documents: int,
    out: Path,
    *,
    by: str | None = None,
    shares: Shares = "equal",
    seed: int = 0,
    text: str | None = None,
    options: ReadOptions | None = None,
    progress: Progress = silent,
) -> ShardSample:
    r"""Draw documents from a folder of shards into one parquet file with all their columns.

    Every row has a priority, a hash of (seed, name of the shard, place in it); the rows of least priority are drawn.
    So each set of `documents` rows has the same chance, the draw does not depend on the order of reading, and the first
    m rows of the file are the draw of m documents. With `by`, the same is done for each value of a column: "equal"
    gives each value g the quota min(c_g, L), c_g its documents, with the level L at which the quotas add up to
    `documents`; L only falls as rows are read, so one pass is enough. "proportional" gives documents * c_g / sum c
    (largest remainders) and reads the shards twice.

    Memory holds about twice the documents drawn.

    Parameters
    ----------
    folder : Path
        Shards of any format; see `gem_core.corpus.files.find_files`.
    documents : int
        How many; all, where there are fewer.
    out : Path
        Parquet file.
    by : str, optional
        Column, or dotted path into nested values, whose values get shares.
    shares : "equal" or "proportional"
    seed : int
    text : str, optional
        Column of the text, guessed when None; rows without text are no documents.
    options : ReadOptions, optional
    progress : Progress
        Receives "sample shards" in bytes.

    Raises
    ------
    InputError
        If the folder holds no shards or no documents, lacks the columns, has more values than documents are asked, its
        shards disagree on the type of a column, or one of them is of another encoding.
    """
    if documents < 1:
        raise InputError("--documents must be at least 1", f"{documents}", "Ask for one document or more")
    if shares not in SHARES:
        raise InputError(f"--shares must be one of {', '.join(SHARES)}", f"{shares}", "Choose one of them")
    out = output_path(out)
    check_output(out)
    folder = storage_path(folder)
    listing = list_shards(folder, options)
    shards = shards_of(listing)
    text = text or guess_sound_columns(folder, listing).text
    check_shard_columns(shards, text, needed=(by,) if by else ())
    counts = None
    if by and shares == "proportional":
        counting = _Draw(documents, by)
        _walk(counting, shards, text, seed, progress, "count documents")
        counts = counting.quotas(counting.proportional())
    draw = _Draw(documents, by, counts)
    _walk(draw, shards, text, seed, progress, "sample shards")
    table = draw.table()
    write_whole(out, lambda path: pq.write_table(table, path, compression="zstd", row_group_size=1024))
    groups = draw.group_counts() if by else {}
    return ShardSample(len(table), int(draw.counts.sum()), draw.refused, draw.failed, groups, listing.notes)


def _walk(draw: "_Draw", shards: Sequence[InputShard], text: str, seed: int, progress: Progress, step: str) -> None:
    passed, total = 0, sum(shard.source.size for shard in shards)
    for shard in shards:
        try:
            for rows in read_shard_rows(shard, text):
                rows = _with_partitions(rows, shard)
                draw.take(rows, priorities(seed, shard.name, rows.numbers))
                if passed + rows.read < total:  # the end is told once
                    progress(step, passed + rows.read, total)
        except EncodingError:  # Some of its rows are in the draw already.
            raise
        except CorpusError as error:
            draw.failed[shard.name] = f"{error.expected}: {error.got}"
        passed += shard.source.size
    if draw.by and not draw.by_seen and draw.counts.any():
        raise missing_everywhere_error(draw.by, [shard.name for shard in shards], draw.names)
    progress(step, total, total)


def _with_partitions(rows: ShardRows, shard: InputShard) -> ShardRows:
    """Add the columns of Hive folders to rows; a column of the shard itself comes first."""
    if not shard.source.partitions:
        return rows
    if rows.table is not None:
        table = rows.table
        for name, value in shard.source.partitions:
            if name not in table.column_names:
                table = table.append_column(name, pa.array([value] * len(table), pa.string()))
        return replace(rows, table=table)
    partitions = dict(shard.source.partitions)
    cells = [partitions | row for row in rows.cells]
    lines = [
        line if partitions.keys() <= row.keys() else json.dumps(partitions | row).encode() + b"\n"
        for line, row in zip(rows.lines, rows.cells, strict=True)
    ]
    return replace(rows, cells=cells, lines=lines)


def priorities(seed: int, shard: str, rows: Int64) -> UInt64:
    """Hash rows of a shard to 64 bits: splitmix64 of the place, keyed by sha256 of seed and name.

    Examples
    --------
    >>> import numpy as np
    >>> priorities(0, "a.parquet", np.array([0, 1])) % np.uint64(1000)
    array([124, 641], dtype=uint64)
    """
    digest = hashlib.sha256(json.dumps([seed, shard]).encode()).digest()
    with np.errstate(over="ignore"):
        z = np.uint64(int.from_bytes(digest[:8], "little")) + rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))


def fill_level(counts: Int64, documents: int) -> int:
    """Largest L with sum_g min(c_g, L) <= documents.

    Examples
    --------
    >>> fill_level(np.array([2, 100, 100]), 12)
    5
    """
    low, high = 0, int(counts.max(initial=0))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(counts, middle).sum() <= documents else (low, middle - 1)
    return low


@dataclass
class _Piece:
    """Rows that may be drawn, of one schema."""

    table: pa.Table
    priority: UInt64
    group: Int64


@dataclass
class _Draw:
    """Rows that may still be drawn; private and mutable."""

    documents: int
    by: str | None
    fixed: dict[str, int] | None = None
    refused: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    pieces: list[_Piece] = field(default_factory=list)
    by_seen: bool = False
    names: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.counts = np.zeros(0, dtype=np.int64)
        self.limit = np.zeros(0, dtype=np.uint64)  # rows of a group above it are not drawn any more

    def take(self, rows: ShardRows, priority: UInt64) -> None:
        for bad in rows.refused:
            self.refused[bad.reason] = self.refused.get(bad.reason, 0) + 1
        group = self._groups(rows)
        self.counts += np.bincount(group, minlength=len(self.counts))
        row_indices = np.flatnonzero(priority <= self.limit[group])
        if not row_indices.size:
            return
        if rows.table is not None:
            table = plain_table(rows.table).take(pa.array(row_indices))
        else:
            table = pa.table([pa.array([rows.lines[i] for i in row_indices], pa.large_binary())], schema=LINE)
        self.pieces.append(_Piece(table, priority[row_indices], group[row_indices]))
        if sum(len(piece.priority) for piece in self.pieces) > 2 * (self.documents + len(self.codes)) + SLACK:
            self.shrink(self._most())

    def _groups(self, rows: ShardRows) -> Int64:
        """Codes of the rows' values; new ones are entered."""
        if self.by is None:
            values, places = [""], np.zeros(len(rows.numbers), dtype=np.int64)
        else:
            names: dict[str, int] = {}
            places = np.array([names.setdefault(name, len(names)) for name in self._values(rows)], np.int64)
            values = list(names)
        codes = np.array([self.codes.setdefault(value, len(self.codes)) for value in values], dtype=np.int64)
        if len(self.codes) > self.documents:
            raise InputError(
                "Each value of --by must get at least one document",
                f"more than {self.documents:,} different values of '{self.by}'",
                "Ask for more documents, or name a column with fewer values",
            )
        new = len(self.codes) - len(self.counts)
        self.counts = np.append(self.counts, np.zeros(new, dtype=np.int64))
        self.limit = np.append(self.limit, np.full(new, LAST))
        return codes[places] if len(codes) else places

    def _values(self, rows: ShardRows) -> list[str]:
        """Return the value of the column in each row."""
        assert self.by is not None
        if rows.table is None:
            column_values = [field_or_none(row, self.by) for row in rows.cells]
            self.by_seen = self.by_seen or any(value is not None for value in column_values)
            self.names.update(dict.fromkeys(name for row in rows.cells[:10] for name in row))
            return [_name(value) for value in column_values]
        column = arrow_field(rows.table, self.by)
        self.names.update(dict.fromkeys(rows.table.column_names))
        # A path may lead into JSON text, which declares no fields: some row must have a value there.
        is_column = self.by in rows.table.column_names
        self.by_seen = self.by_seen or (column is not None and (is_column or column.null_count < len(column)))
        return [_name(cell) for cell in column.to_pylist()] if column is not None else [_name(None)] * len(rows.table)

    def _most(self) -> Int64:
        """Return the most rows that each group can still get."""
        if self.fixed is not None:
            return self._fixed()
        # Not less for a group that has fewer now: it may grow up to the level.
        return np.full(len(self.counts), fill_level(self.counts, self.documents) + 1)

    def _fixed(self) -> Int64:
        assert self.fixed is not None
        return np.array([self.fixed.get(value, 0) for value in self.codes], dtype=np.int64)

    def equal(self) -> Int64:
        """Rows of each group at the end: the level, and one more for the largest groups."""
        level = fill_level(self.counts, self.documents)
        quota = np.minimum(self.counts, level)
        values = list(self.codes)
        order = sorted(np.flatnonzero(self.counts > level).tolist(), key=lambda g: (-self.counts[g], values[g]))
        quota[order[: self.documents - int(quota.sum())]] += 1
        return quota

    def proportional(self) -> Int64:
        """Rows of each group in proportion to its documents, the largest remainders rounded up."""
        total = int(self.counts.sum())
        sample_size = min(self.documents, total)
        quota, rest = np.divmod(self.counts * sample_size, max(1, total))
        values = list(self.codes)
        order = sorted(range(len(values)), key=lambda g: (-rest[g], values[g]))
        quota[order[: sample_size - int(quota.sum())]] += 1
        return np.asarray(quota)

    def quotas(self, quota: Int64) -> dict[str, int]:
        return dict(zip(self.codes, quota.tolist(), strict=True))

    def shrink(self, quota: Int64) -> None:
        """Keep the rows of least priority of each group, up to its quota."""
        priority = np.concatenate([piece.priority for piece in self.pieces])
        group = np.concatenate([piece.group for piece in self.pieces])
        order = np.lexsort((priority, group))
        starts = np.searchsorted(group[order], np.arange(len(quota)))
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order)) - starts[group[order]]
        keep = rank < quota[group]
        last = keep & (rank == quota[group] - 1)
        self.limit[group[last]] = priority[last]
        self.pieces = list(_merged(self.pieces, keep))

    def group_counts(self) -> dict[str, tuple[int, int]]:
        """Documents seen and drawn of each value, by name."""
        got = np.zeros(len(self.codes), dtype=np.int64)
        for piece in self.pieces:
            got += np.bincount(piece.group, minlength=len(got))
        return {value: (int(self.counts[g]), int(got[g])) for value, g in sorted(self.codes.items())}

    def table(self) -> pa.Table:
        """Return what is drawn, in the order of the priorities."""
        if not self.pieces:
            raise InputError(
                "The shards must hold documents",
                f"none ({sum(self.refused.values()):,} rows refused)",
                "Check the column of the text with --text-column",
            )
        self.shrink(self._fixed() if self.fixed is not None else self.equal())
        tables = [_of_lines(piece.table) if piece.table.schema.equals(LINE) else piece.table for piece in self.pieces]
        try:
            table = pa.concat_tables(tables, promote_options="permissive")
        except pa.ArrowException as error:
            raise InputError(
                "A column must be of one type in all shards",
                str(error).splitlines()[0][:200].rstrip("."),
                "Convert that column, or sample the folders apart",
            ) from error
        return table.take(pa.array(np.argsort(np.concatenate([p.priority for p in self.pieces]), kind="stable")))


def _merged(pieces: Iterable[_Piece], keep: NDArray[np.bool_]) -> Iterator[_Piece]:
    """Return the rows that are kept, one piece a schema."""
    alike: dict[str, list[_Piece]] = {}
    start = 0
    for piece in pieces:
        mask = keep[start : start + len(piece.priority)]
        start += len(piece.priority)
        if mask.any():
            reduced_piece = _Piece(piece.table.filter(pa.array(mask)), piece.priority[mask], piece.group[mask])
            alike.setdefault(piece.table.schema.to_string(), []).append(reduced_piece)
    for some in alike.values():
        table = pa.concat_tables([piece.table for piece in some]).combine_chunks()
        yield _Piece(table, np.concatenate([p.priority for p in some]), np.concatenate([p.group for p in some]))


def _of_lines(table: pa.Table) -> pa.Table:
    """Take lines apart and bring each column to one type."""
    return table_of_rows(
        [row for line in table.column("line").to_pylist() if isinstance(row := parse_line(line), dict)]
    )


def _name(cell: object) -> str:
    return "(none)" if cell is None else str(replace_surrogates(field_text(cell)))
