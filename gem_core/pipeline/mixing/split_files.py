"""Split documents into a folder of files per cluster, from a workspace or from a folder of labeled shards."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gem_core._storage import output_path, store_errors
from gem_core._types import Progress, silent
from gem_core.corpus.arrow_files import open_arrow
from gem_core.corpus.files import SourceFile, find_files
from gem_core.corpus.rows import read_rows
from gem_core.errors import InputError
from gem_core.mixing.weights import folder_names
from gem_core.pipeline.labeling.label_shard import PREFIX
from gem_core.pipeline.labeling.shard_files import TABLES
from gem_core.pipeline.labeling.shard_tables import plain_table, table_of_rows
from gem_core.pipeline.labeling.totals import read_totals
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.training_shards import FORMS, Form, write_table
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import write_folder, write_json
from gem_core.workspace.manifest import versions

MANIFEST = "split.json"
PART_TOKENS = 1 << 24  # of one file
_BUFFERED = 1 << 26  # tokens of all clusters that wait in memory for a full file
BLOCK_ROWS = 1024  # of JSON, csv and tsv at a time
_STEP = "split documents"
Batch = tuple[pa.Table, NDArray[np.int64], NDArray[np.int64]]  # rows, cluster number and tokens of each


@dataclass(frozen=True)
class DocumentSplit:
    """Files of each cluster.

    Attributes
    ----------
    folder : Path
    files : {cluster number: names of its files}
        Relative to the folder, such as cluster_0003/part-00000.parquet.
    documents, tokens : {cluster number: count}
    left_out : int
        Documents of excluded clusters, which are in no file.
    """

    folder: Path
    files: Mapping[int, tuple[str, ...]]
    documents: Mapping[int, int]
    tokens: Mapping[int, int]
    left_out: int


def split_workspace(
    workspace: Workspace,
    taxonomy: Taxonomy,
    folder: Path,
    *,
    form: Form = "parquet",
    part_tokens: int = PART_TOKENS,
    progress: Progress = silent,
) -> DocumentSplit:
    """Write the documents of each cluster into a folder of its own; excluded clusters are left out.

    Rows have the columns of the corpus, cluster_id and tokens, in the order of the corpus. The folder appears when
    everything is written. Memory holds one row group and up to `_BUFFERED` tokens of text.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    folder : Path
        Must not exist.
    form : "parquet" or "jsonl.zst"
    part_tokens : int
        Tokens of a file, about.
    progress : Progress

    Raises
    ------
    InputError
        If the folder exists, or the format is unknown.
    """
    domains = domains_of(workspace, taxonomy)
    numbers = np.array([*domains.numbers, -1], dtype=np.int64)[domains.positions]

    def batches() -> Iterator[Batch]:
        import pyarrow.parquet as pq

        start = 0
        with pq.ParquetFile(workspace.root / "documents.parquet") as file:
            for group in range(file.metadata.num_row_groups):
                progress(_STEP, start, len(numbers))
                table = file.read_row_group(group, use_threads=False)
                rows = slice(start, start + table.num_rows)
                start += table.num_rows
                tokens = domains.document_tokens[rows]
                table = table.drop_columns([name for name in ("cluster_id", "tokens") if name in table.column_names])
                table = table.append_column("cluster_id", pa.array(numbers[rows].astype(np.int32)))
                yield table.append_column("tokens", pa.array(tokens)), numbers[rows], tokens
        progress(_STEP, start, len(numbers))

    labels = dict(zip(domains.numbers, domains.names, strict=True))
    return _write_split(batches(), labels, taxonomy.taxonomy_hash, folder, form, part_tokens)


def split_labeled(
    labeled: Path,
    folder: Path,
    *,
    prefix: str = PREFIX,
    form: Form = "parquet",
    part_tokens: int = PART_TOKENS,
    progress: Progress = silent,
) -> DocumentSplit:
    """Write the rows of labeled shards into a folder for each cluster; rows keep all their columns.

    Parameters
    ----------
    labeled : Path
        What `gem-explorer label` wrote, whole: every shard is labeled. Both folders may lie in a store.
    folder : Path
        Must not exist.
    prefix : str
        Of the columns that labeling added, as in `gem-explorer label --prefix`.
    form, part_tokens, progress
        As in `split_workspace`.

    Raises
    ------
    InputError
        If labeling has not ended, no shard can be read, a shard has no column of clusters, columns of one name have
        types that do not go together, or the folder exists.
    """
    totals = read_totals(labeled)
    if not totals.get("complete", True):
        raise InputError(
            "A labeled folder must have a label for every shard",
            f"{labeled}, where labeling has not ended",
            "Run gem-explorer label with --resume until it ends",
        )
    labels = {int(row["cluster_id"]): str(row["label"]) for row in totals["clusters"]}
    files = find_files(labeled).files
    total = sum(file.size for file in files)
    columns = [prefix + name for name in ("cluster", "tokens")]

    def batches() -> Iterator[Batch]:
        completed_bytes = 0
        for file in files:
            progress("split shards", completed_bytes, total)
            completed_bytes += file.size
            for table in _tables(file) if file.size else ():
                missing = [name for name in columns if name not in table.column_names]
                if missing:
                    raise InputError(
                        f"Labeled shards must have the columns {' and '.join(columns)}",
                        f"no {missing[0]} in {file.name}",
                        "Give the prefix that was used: --prefix",
                    )
                for name in columns:  # Those of csv files are text.
                    table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.int64()))
                cluster, tokens = (table[name].fill_null(-1).to_numpy() for name in columns)
                yield table, cluster, np.maximum(tokens, 0)
        progress("split shards", total, total)

    return _write_split(batches(), labels, str(totals["taxonomy_hash"]), folder, form, part_tokens)


def _tables(file: SourceFile) -> Iterator[pa.Table]:
    """Yield the rows of a labeled shard, some thousand at a time."""
    if file.format in TABLES:
        with open_arrow(file) as opened:
            for batch in opened.batches():
                yield plain_table(pa.Table.from_batches([batch]))
        return
    rows = (row for row in read_rows(replace(file, partitions=())) if isinstance(row, dict))
    while block := list(islice(rows, BLOCK_ROWS)):
        yield table_of_rows(block)


def _write_split(
    batches: Iterator[Batch], labels: Mapping[int, str], taxonomy_hash: str, folder: Path, form: Form, part_tokens: int
) -> DocumentSplit:
    if form not in FORMS:
        raise InputError(f"--format must be one of {', '.join(FORMS)}", repr(form), "Choose one of them")
    folder = output_path(folder)
    if part_tokens < 1:
        raise InputError("Tokens of a file must be above 0", f"{part_tokens}", "Use 16777216")
    with store_errors(folder):
        exists = folder.exists()
    if exists:
        raise InputError("A split is written into a folder that does not exist yet", str(folder), "Choose another name")
    result: list[DocumentSplit] = []

    def fill(temporary: Path) -> None:
        writer = _Writer(temporary, folder_names(tuple(labels)), form, part_tokens)
        for table, numbers, tokens in batches:
            writer.add(table, numbers, tokens)
        split = writer.finish(folder)
        write_json(temporary / MANIFEST, {**_manifest(split, labels), "taxonomy_hash": taxonomy_hash, "format": form})
        result.append(split)

    write_folder(folder, fill)
    return result[0]


def _manifest(split: DocumentSplit, labels: Mapping[int, str]) -> dict[str, Any]:
    return {
        "clusters": [
            {
                "cluster_id": number,
                "label": label,
                "documents": split.documents[number],
                "tokens": split.tokens[number],
                "files": list(split.files[number]),
            }
            for number, label in labels.items()
        ],
        "documents_left_out": split.left_out,
        "versions": versions(),
    }


class _Writer:
    """Buffers rows of each cluster and writes a file when enough tokens wait."""

    def __init__(self, folder: Path, names: Mapping[int, str], form: Form, part_tokens: int) -> None:
        self._folder, self._names, self._form, self._part_tokens = folder, names, form, part_tokens
        self._tables: dict[int, list[pa.Table]] = {number: [] for number in names}
        self._waiting = dict.fromkeys(names, 0)
        self._files: dict[int, list[str]] = {number: [] for number in names}
        self._documents, self._tokens = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
        self._left_out = 0

    def add(self, table: pa.Table, numbers: NDArray[np.int64], tokens: NDArray[np.int64]) -> None:
        for number in np.unique(numbers).tolist():
            rows = np.flatnonzero(numbers == number)
            if number not in self._names:
                self._left_out += len(rows)
                continue
            self._tables[number].append(table.take(pa.array(rows)))
            self._documents[number] += len(rows)
            self._tokens[number] += int(tokens[rows].sum())
            self._waiting[number] += int(tokens[rows].sum())
            if self._waiting[number] >= self._part_tokens:
                self._flush(number)
        while sum(self._waiting.values()) > _BUFFERED:
            self._flush(max(self._waiting, key=self._waiting.__getitem__))

    def _flush(self, number: int) -> None:
        if not self._tables[number]:
            return
        name = f"{self._names[number]}/part-{len(self._files[number]):05d}.{self._form}"
        try:
            table = pa.concat_tables(self._tables[number], promote_options="permissive")
        except pa.ArrowException as error:
            raise InputError(
                "A column must be of one type in all shards",
                str(error).splitlines()[0][:200].rstrip("."),
                "Convert that column in the shards",
            ) from error
        write_table(self._folder / name, table, self._form)
        self._files[number].append(name)
        self._tables[number], self._waiting[number] = [], 0

    def finish(self, folder: Path) -> DocumentSplit:
        for number in self._names:
            self._flush(number)
        return DocumentSplit(
            folder,
            {number: tuple(names) for number, names in self._files.items()},
            self._documents,
            self._tokens,
            self._left_out,
        )
