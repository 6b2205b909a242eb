"""Write labeled rows in the format in which they were read, with four columns more."""

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from gem_core._storage import open_input
from gem_core.corpus.arrow_files import open_arrow
from gem_core.corpus.files import SourceFile
from gem_core.corpus.rows import column_names
from gem_core.errors import CorpusError
from gem_core.pipeline.labeling.shard_rows import ShardRows

if TYPE_CHECKING:
    from gem_core.student import Scores, Student

GROUP_ROWS, GROUP_BYTES = 8192, 64 << 20  # of a row group that is written, at most and about
Scored = Iterable[tuple[ShardRows, "Scores"]]


def write_table(
    scored: Scored, student: "Student", source: SourceFile, names: Sequence[str], text: str, path: Path
) -> None:
    """Write a parquet or Arrow file: the columns of the source and cluster, label, margin and tokens.

    Raises
    ------
    CorpusError
        If a column has a type that cannot be written.
    """
    with open_arrow(source) as file:
        schema, codec = file.schema, _codec(file.reader, text)
    kinds = (pa.int32(), pa.dictionary(pa.int32(), pa.string()), pa.float32(), pa.int64())
    for name, kind in zip(names, kinds, strict=True):
        schema = schema.append(pa.field(name, kind))
    try:
        with _table_writer(source, path, schema, codec) as writer:
            _write_groups(scored, student, schema, writer)
    except pa.ArrowException as error:  # Those of the reader are refusals already.
        raise CorpusError(
            f"{source.name} must hold columns that can be written again",
            f"{str(error).splitlines()[0][:120]}",
            "Drop or convert that column",
        ) from error


def _table_writer(source: SourceFile, path: Path, schema: pa.Schema, codec: str) -> Any:
    if source.format == "parquet":
        return pq.ParquetWriter(path, schema, compression=codec)
    with open_input(source.path) as file:
        stream = not file.read(6).startswith((b"ARROW1", b"FEA1"))
    return pa.ipc.new_stream(str(path), schema) if stream else pa.ipc.new_file(str(path), schema)


def _write_groups(scored: Scored, student: "Student", schema: pa.Schema, writer: Any) -> None:
    labels, label_of = _labels(student)
    numbers = np.array(student.numbers, dtype=np.int32)
    tables: list[pa.Table] = []
    for rows, scores in scored:
        assert rows.table is not None
        added = (
            pa.array(numbers[scores.cluster]),
            pa.DictionaryArray.from_arrays(pa.array(label_of[scores.cluster]), labels),
            pa.array(scores.margin),
            pa.array(scores.tokens),
        )
        columns = [*rows.table.columns, *(pa.chunked_array([column]) for column in added)]
        tables.append(pa.Table.from_arrays(columns, schema=schema))
        if sum(map(len, tables)) >= GROUP_ROWS or sum(table.nbytes for table in tables) >= GROUP_BYTES:
            _write_group(writer, tables)
    _write_group(writer, tables)


def _write_group(writer: Any, tables: list[pa.Table]) -> None:
    table = pa.concat_tables(tables) if tables else None
    if table is not None and len(table):
        if isinstance(writer, pq.ParquetWriter):
            writer.write_table(table, row_group_size=len(table))
        else:
            writer.write_table(table.unify_dictionaries(), max_chunksize=GROUP_ROWS)
    tables.clear()


def _codec(reader: Any, text: str) -> str:
    """Return the compression of the text in the first row group of a parquet file."""
    codec = "ZSTD"
    if isinstance(reader, pq.ParquetFile) and reader.metadata.num_row_groups:
        group = reader.metadata.row_group(0)
        columns = [group.column(i) for i in range(group.num_columns)]
        codec = next((str(c.compression) for c in columns if c.path_in_schema == text), codec)
    writer_codecs = {"UNCOMPRESSED": "NONE", "SNAPPY": "SNAPPY", "GZIP": "GZIP", "BROTLI": "BROTLI"}
    return writer_codecs.get(codec, "ZSTD")


def _labels(student: "Student") -> tuple[pa.Array, "np.ndarray[Any, np.dtype[np.int32]]"]:
    """Return the different labels, and which of them each cluster has: two clusters may share one."""
    different = {label: index for index, label in enumerate(dict.fromkeys(student.labels))}
    return pa.array(list(different), pa.string()), np.array([different[label] for label in student.labels], np.int32)


# ---- JSON -----------------------------------------------------------------------------------------------------------


def write_lines(scored: Scored, student: "Student", source: SourceFile, names: Sequence[str], path: Path) -> None:
    """Write JSON Lines, or a JSON list, with every byte of the rows as it was and four fields more."""
    cluster_field, label_field, margin_field, tokens_field = (json.dumps(name) for name in names)
    heads = [
        f", {cluster_field}: {number}, {label_field}: {json.dumps(label, ensure_ascii=False)}, "
        f"{margin_field}: ".encode()
        for number, label in zip(student.numbers, student.labels, strict=True)
    ]
    tail = f", {tokens_field}: %d".encode()
    is_list = source.format == "json"
    with path.open("wb") as raw, _packed(raw, source.compression) as file:
        separator = b"[\n" if is_list else b""
        for rows, scores in scored:
            margins = [str(m).encode() if np.isfinite(m) else b"null" for m in scores.margin]
            parts: list[bytes] = []
            for line, cluster, margin, tokens in zip(
                rows.lines, scores.cluster.tolist(), margins, scores.tokens.tolist(), strict=True
            ):
                brace = line.rindex(b"}")  # The last brace of an object is its own.
                comma = heads[cluster] if line[:brace].strip() != b"{" else heads[cluster][2:]
                parts += (separator, line[:brace], comma, margin, tail % tokens, line[brace:])
                if is_list:
                    separator = b",\n"
            file.write(b"".join(parts))
        if is_list:
            file.write((b"[" if separator.startswith(b"[") else b"\n") + b"]\n")


# ---- csv and tsv ----------------------------------------------------------------------------------------------------


def write_separated(scored: Scored, student: "Student", source: SourceFile, names: Sequence[str], path: Path) -> None:
    """Write a csv or tsv file: the cells of the source, quoted where they must be, and four columns more."""
    own = [name for name in column_names(source) or () if name not in dict(source.partitions)]
    delimiter = "\t" if source.format == "tsv" else ","
    with path.open("wb") as raw, _packed(raw, source.compression) as file:
        text = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="", write_through=True)
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        writer.writerow([*own, *names])
        for rows, scores in scored:
            for cells, cluster, margin, tokens in zip(
                rows.cells, scores.cluster.tolist(), scores.margin, scores.tokens.tolist(), strict=True
            ):
                margin_text = str(margin) if np.isfinite(margin) else ""
                row = [cells[name] for name in own]
                writer.writerow([*row, student.numbers[cluster], student.labels[cluster], margin_text, tokens])
        text.flush()
        text.detach()


@contextmanager
def _packed(raw: IO[bytes], compression: str) -> Iterator[Any]:
    """Open a file that packs as the input was packed, without names or times."""
    import zstandard

    if compression == ".gz":
        with gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            yield file
    elif compression == ".zst":
        with zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False) as writer:
            yield writer
    elif compression == ".bz2":
        with bz2.BZ2File(raw, "wb") as packer:
            yield packer
    elif compression == ".xz":
        with lzma.LZMAFile(raw, "wb") as archive:
            yield archive
    else:
        yield raw
