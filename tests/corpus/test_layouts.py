"""Layouts of real data: links, packed and unnamed files, nested fields, splits, partitions; every row is counted."""

import bz2
import gzip
import json
import lzma
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import zstandard

from gem_core.corpus import Columns, ReadOptions, choose_columns, guess_columns, preview, read_corpus
from gem_core.corpus.files import find_files
from gem_core.errors import CorpusError

BEES, TEA, HONEY = "bees dance in circles", "tea is picked by hand", "honey keeps for years"


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def texts(path: Path, **options: Any) -> list[str]:
    return read_corpus(path, counter="words", **options).documents["text"].tolist()


# ---- folders --------------------------------------------------------------------------------------------------------


def test_linked_folders_are_entered_and_circles_are_not(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.jsonl").write_bytes(lines({"text": TEA}))
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(lines({"text": BEES}))
    (folder / "more").symlink_to(tmp_path / "elsewhere")
    (folder / "circle").symlink_to(folder)
    (tmp_path / "elsewhere" / "circle").symlink_to(folder)
    assert texts(folder) == [BEES, TEA]


def test_empty_and_stray_files_are_named_and_cost_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines({"text": BEES}))
    (tmp_path / "b.jsonl").touch()
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(b""))
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "d.parquet")
    (tmp_path / "notes.docx").write_bytes(b"PK\x03\x04")
    (tmp_path / "dataset_info.json").write_text('{"features": {}}')
    (tmp_path / "README.md").write_text("# data")
    corpus = read_corpus(tmp_path, counter="words")
    assert len(corpus.documents) == 1
    assert corpus.notes == (
        "1 empty file without rows: b.jsonl",
        "3 files skipped, not data: README.md, dataset_info.json, notes.docx",
    )


def test_columns_of_a_folder_are_united_and_hive_folders_are_columns(tmp_path: Path) -> None:
    for lang, table in (
        ("en", {"text": [BEES], "score": [1]}),
        ("de", {"text": [TEA], "extra": ["x"]}),
        ("__HIVE_DEFAULT_PARTITION__", {"text": [HONEY]}),
        ("pt%2Dbr", {"text": [BEES]}),
    ):
        (tmp_path / f"lang={lang}").mkdir()
        pq.write_table(pa.table(table), tmp_path / f"lang={lang}" / "part-0.parquet")
    documents = read_corpus(tmp_path, counter="words").documents
    assert documents.columns.tolist() == ["id", "text", "tokens", "lang", "extra", "score"]
    assert [None if pd.isna(lang) else lang for lang in documents["lang"]] == [None, "de", "en", "pt-br"]
    assert documents["text"].tolist() == [HONEY, TEA, BEES, BEES]


def test_a_split_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"text": [BEES]}), tmp_path / "data" / "train-00000-of-00001.parquet")
    pq.write_table(pa.table({"text": [TEA]}), tmp_path / "data" / "test-00000-of-00001.parquet")
    assert len(texts(tmp_path)) == 2
    assert texts(tmp_path, options=ReadOptions(split="train")) == [BEES]
    with pytest.raises(CorpusError) as caught:
        read_corpus(tmp_path, options=ReadOptions(split="dev"))
    assert str(caught.value).endswith(
        "must hold files of the split 'dev'; got 2 files and the splits: train, test. Name one of them, or leave "
        "--split out to read all files."
    )


def test_folders_that_other_programs_write(tmp_path: Path) -> None:
    table = pa.table({"text": [BEES, TEA], "n": [1, 2]})
    saved = tmp_path / "saved"  # datasets' save_to_disk
    saved.mkdir()
    with pa.ipc.new_stream(str(saved / "data-00000-of-00001.arrow"), table.schema) as stream:
        stream.write_table(table)
    (saved / "dataset_info.json").write_text('{\n "features": {}\n}')
    (saved / "state.json").write_text('{\n "_data_files": []\n}')
    (saved / "cache-0123.arrow").write_bytes(b"not to be read")
    assert texts(saved) == [BEES, TEA]
    pyarrow.feather.write_feather(table, str(tmp_path / "table.feather"))
    assert texts(tmp_path / "table.feather") == [BEES, TEA]
    spark = tmp_path / "spark"
    spark.mkdir()
    (spark / "_SUCCESS").touch()
    (spark / "part-00000").write_bytes(lines({"text": BEES}))
    (spark / "part-00001.gz").write_bytes(gzip.compress(lines({"text": TEA})))
    assert texts(spark) == [BEES, TEA]


def test_a_folder_of_text_files_is_one_document_each(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_text(BEES)
    (tmp_path / "b" / "c.md").write_text(f"# Tea\n\n{TEA}\n")
    (tmp_path / "README.md").write_text("about these files and where they are from")
    corpus = read_corpus(tmp_path, counter="words")
    assert corpus.documents["id"].tolist() == ["a.txt", "b/c.md"]
    assert corpus.documents["text"].tolist() == [BEES, f"# Tea\n\n{TEA}\n"]


# ---- content, not suffix --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("c4-train.00000-of-01024.json.gz", gzip.compress),
        ("dolma.json.zst", zstandard.compress),
        ("mc4.json.bz2", bz2.compress),
        ("red.json.xz", lzma.compress),
        ("pool.jsonl.zstd", zstandard.compress),
        ("pool.json", bytes),
        ("part-00000", bytes),
        ("served-unpacked.json.gz", bytes),
        ("packed-without-saying.jsonl", gzip.compress),
    ],
)
@pytest.mark.parametrize("as_list", [False, True])
def test_content_decides(tmp_path: Path, name: str, pack: Any, as_list: bool) -> None:
    rows = [{"text": BEES, "n": [1, {"x": "]}"}]}, {"text": TEA}]
    data = json.dumps(rows, indent=1).encode() if as_list else lines(*rows)
    (tmp_path / name).write_bytes(pack(data))
    assert texts(tmp_path / name) == [BEES, TEA]
    assert texts(tmp_path) == [BEES, TEA]
    assert preview(tmp_path / name).guesses == Columns("text")


def test_a_list_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pool.json"
    path.write_bytes(json.dumps([{"text": BEES}] * 5).encode()[:-20])
    with pytest.raises(CorpusError, match=r"damaged or cut short \(the list does not end\)"):
        read_corpus(path)
    path.write_text('{\n "text": "one object over several lines"\n}')
    with pytest.raises(CorpusError, match="must hold one JSON object per line, or a list of objects; got one object"):
        read_corpus(path)


# ---- ids ------------------------------------------------------------------------------------------------------------


def test_a_guessed_id_that_repeats_gives_way_to_file_and_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines({"id": 0, "text": BEES}, {"id": 1, "text": TEA}))
    (tmp_path / "b.jsonl").write_bytes(lines({"id": 0, "text": HONEY}, {"id": 1, "text": BEES}))
    corpus = read_corpus(tmp_path, counter="words")
    assert corpus.documents["id"].tolist() == ["a.jsonl:0", "a.jsonl:1", "b.jsonl:0", "b.jsonl:1"]
    assert corpus.documents["id (source)"].tolist() == ["0", "1", "0", "1"]
    assert corpus.columns.id is None
    assert corpus.notes == (
        "The column 'id' does not name each row (row 2 has the same id as row 0), so documents are named by file and "
        "row; name it as the id column to refuse such rows instead",
        "1 of 4 documents have the text of an earlier one (the most frequent text stands 2 times); identical documents "
        "have one vector, so no fit parts them: see near-duplicates",
    )
    named_corpus = read_corpus(tmp_path, columns=choose_columns(tmp_path, id="id"), counter="words")
    assert named_corpus.refused_counts == {"duplicate_id": 2}
    assert len(read_corpus(tmp_path, columns=choose_columns(tmp_path), counter="words").documents) == 4


def test_a_guessed_id_that_is_missing_gives_way(tmp_path: Path) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_bytes(lines(*[{"id": n, "text": BEES} for n in range(60)], {"text": TEA}))
    corpus = read_corpus(path, counter="words")
    assert len(corpus.documents) == 61
    assert corpus.documents["id"].tolist()[-1] == "row-60"


# ---- quotes ---------------------------------------------------------------------------------------------------------

SENTENCES = [
    '"Stop said the driver of the bus',
    "Bread needs flour and water",
    "Rivers carry sand to the sea",
    'The "old" engine needs oil now',
    "Stars are far away from here",
]


def test_a_quote_that_does_not_close_on_its_line_is_text_in_tsv(tmp_path: Path) -> None:
    path = tmp_path / "pool.tsv"
    path.write_text("id\ttext\n" + "".join(f"{n}\t{text}\n" for n, text in enumerate(SENTENCES, 1)))
    assert texts(path) == SENTENCES
    # A later quote that would close the cell does not swallow the lines between either.
    closing = [*SENTENCES[:3], 'She said "stop the bus"']
    path.write_text("id\ttext\n" + "".join(f"{n}\t{text}\n" for n, text in enumerate(closing, 1)))
    assert texts(path) == closing


def test_an_open_quote_in_csv_costs_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("id,text\n" + "".join(f"{n},{text}\n" for n, text in enumerate(SENTENCES, 1)))
    corpus = read_corpus(path, columns=Columns("text", id="id"), counter="words")
    assert corpus.documents["text"].tolist() == SENTENCES[1:]
    assert corpus.refused.to_numpy().tolist() == [[0, "", "broken_row", "line 2: ',' expected after '\"'"]]
    assert corpus.source_rows == 5


# ---- fields ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "strings"])
def test_fields_are_named_by_paths(tmp_path: Path, kind: str) -> None:
    rows: list[dict[str, Any]] = [
        {"doc": {"text": BEES}, "meta": {"name": "a", "lang": "en", "n": 5}},
        {"doc": {"text": TEA}, "meta": {"name": "b", "lang": "de", "n": 6}},
    ]
    if kind == "jsonl":
        path = tmp_path / "pool.jsonl"
        path.write_bytes(lines(*rows))
    else:
        path = tmp_path / "pool.parquet"
        for row in rows if kind == "strings" else []:
            row["meta"] = json.dumps(row["meta"])
        pq.write_table(pa.Table.from_pylist(rows), path)
    columns = choose_columns(path, text="doc.text", id="meta.name", label="meta.lang", tokens="meta.n")
    documents = read_corpus(path, columns=columns).documents
    assert documents["text"].tolist() == [BEES, TEA]
    assert documents["id"].tolist() == ["a", "b"]
    assert documents["meta.lang"].tolist() == ["en", "de"]
    assert documents["tokens"].tolist() == [5, 6]
    with pytest.raises(CorpusError, match=r"the label column 'nosuch\.lang' must be in pool"):
        read_corpus(path, columns=Columns("doc.text", label="nosuch.lang"))


def test_nested_objects_become_columns(tmp_path: Path) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_bytes(
        lines({"text": BEES, "meta": {"lang": "en", "tags": ["a"]}}, {"text": TEA, "meta": {"lang": "de"}})
    )
    documents = read_corpus(path, counter="words").documents
    assert documents["meta.lang"].tolist() == ["en", "de"]
    assert documents["meta.tags"][0] == '["a"]'
    assert "meta" not in documents
    wide = {f"signal_{n}": n for n in range(100)}
    path.write_bytes(lines({"text": BEES, "signals": wide}))
    assert json.loads(read_corpus(path, counter="words").documents["signals"][0]) == wide


def test_a_chat_is_joined_when_its_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    chat = [{"role": "user", "content": "Why do bees dance?"}, {"role": "assistant", "content": "To tell where."}]
    path.write_bytes(lines({"messages": chat}))
    expected = "user: Why do bees dance?\n\nassistant: To tell where."
    assert texts(path, columns=Columns("messages")) == [expected]
    assert choose_columns(path, text="messages") == preview(path).guesses == Columns("messages")
    table = tmp_path / "chat.parquet"
    pq.write_table(pa.table({"id": ["a1b2"], "messages": [chat]}), table)
    assert texts(table, columns=choose_columns(table, text="messages")) == [expected]
    shared = [{"from": "human", "value": "Why do bees dance?"}]
    path.write_bytes(lines({"conversations": shared}))
    assert texts(path, columns=Columns("conversations")) == ["human: Why do bees dance?"]


def test_a_column_of_short_ids_is_never_the_text() -> None:
    assert guess_columns(pd.DataFrame({"hash": ["a1b2c3d4e5f6a7b8"], "note": ["two words"]})).text == "note"
    with pytest.raises(CorpusError, match="one column must hold text; got columns hash without any"):
        guess_columns(pd.DataFrame({"hash": ["a1b2c3d4e5f6a7b8"]}))


# ---- headers, encodings, lengths ------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_file_without_header_loses_no_document(tmp_path: Path, separator: str) -> None:
    path = tmp_path / ("pool.csv" if separator == "," else "pool.tsv")
    path.write_text("".join(f"{n}{separator}{text}\n" for n, text in enumerate((BEES, TEA, HONEY), 1)))
    with pytest.raises(CorpusError) as caught:
        read_corpus(path)
    assert "looks like a row. Give --no-header to read the first line as a row" in str(caught.value)
    with pytest.raises(CorpusError, match="looks like a row"):
        choose_columns(path)
    options = ReadOptions(header=False)
    assert preview(path, options=options).guesses == Columns("column 2")
    assert texts(path, options=options) == [BEES, TEA, HONEY]
    question = "What do you like about the sea"  # a header of a survey: named, it is no row
    path.write_text(f"1{separator}{question}\n2{separator}{BEES}\n")
    assert texts(path, columns=choose_columns(path, text=question)) == [BEES]


def test_a_file_of_another_encoding_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    rows = [f"le café numéro {n} est fermé" for n in range(20)]
    path.write_bytes(("text\n" + "\n".join(rows) + "\nplain ascii text here\n").encode("cp1252"))
    with pytest.raises(CorpusError) as caught:
        read_corpus(path)
    assert str(caught.value) == (
        "pool.csv must be UTF-8; got 20 rows that are not, and that can be read with --encoding cp1252 (Windows, "
        "Western Europe). "
        "Give --encoding cp1252 (or its real encoding), or save the file as UTF-8."
    )
    assert texts(path, options=ReadOptions(encoding="cp1252")) == [*rows, "plain ascii text here"]
    path.write_text("text\n" + "\n".join(rows), encoding="utf-16")
    assert texts(path, options=ReadOptions(encoding="utf-16")) == rows
    with pytest.raises(CorpusError, match="--encoding must be an encoding that Python knows; got klingon"):
        ReadOptions(encoding="klingon")


def test_a_row_beyond_the_longest_is_set_aside_in_bounded_memory(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "bomb.jsonl.zst"
    packer = zstandard.ZstdCompressor(level=19).compressobj()
    parts = [packer.compress(lines({"text": BEES}) + b'{"text": "')]
    parts += [packer.compress(b"a" * (1 << 20)) for _ in range(1024)]  # one line of a gibibyte
    path.write_bytes(b"".join(parts) + packer.compress(b'"}\n' + lines({"text": TEA})) + packer.flush())
    assert path.stat().st_size < 200_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    options = ReadOptions(longest_row=10 << 20)
    corpus = read_corpus(path, counter="words", options=options)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10  # KiB
    assert corpus.documents["text"].tolist() == [BEES, TEA]
    assert corpus.refused.to_numpy().tolist() == [[1, "", "too_long", "the row is longer than 10,485,760 bytes"]]


@pytest.mark.parametrize("name", ["pool.csv", "pool.json", "pool.parquet", "pool.feather"])
def test_long_rows_of_other_formats_are_set_aside(tmp_path: Path, name: str) -> None:
    path, long = tmp_path / name, "word " * 1000
    if name == "pool.csv":
        path.write_text(f"text\n{BEES}\n{long}\n{TEA}\n")
    elif name in ("pool.parquet", "pool.feather"):
        columns = {"text": [BEES, BEES, TEA], "messages": [[{"content": cell}] for cell in (BEES, long, TEA)]}
        write = pq.write_table if name == "pool.parquet" else pyarrow.feather.write_feather
        write(pa.table(columns), str(path))
    else:
        path.write_text(json.dumps([{"text": BEES}, {"text": long}, {"text": TEA}]))
    corpus = read_corpus(path, counter="words", options=ReadOptions(longest_row=1000))
    assert corpus.documents["text"].tolist() == [BEES, TEA]
    assert corpus.refused_counts == {"too_long": 1}


def test_links_to_nothing_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines({"text": BEES}))
    os.symlink(tmp_path / "nowhere", tmp_path / "b.jsonl")
    assert [file.name for file in find_files(tmp_path).files] == ["a.jsonl"]


def test_time_grows_with_the_cells_that_are_there(tmp_path: Path) -> None:
    """Four times the rows take less than five times as long, with eight columns more, and in row groups of one row."""
    import time

    def seconds(path: Path, rows: int, group: int | None) -> float:
        table = pa.table({"text": [BEES] * rows, **{f"c{i}": [i] * rows for i in range(8)}})
        pq.write_table(table, path, **({"row_group_size": group} if group else {}))
        times = []
        for _ in range(3):
            begin = time.process_time()
            read_corpus(path, counter="words")
            times.append(time.process_time() - begin)
        return min(times)

    for group, rows in ((None, 5000), (1, 500)):
        few, many = (seconds(tmp_path / "pool.parquet", n, group) for n in (rows, 4 * rows))
        print(f"row groups of {group}: {rows:,} rows {few:.3f} s, {4 * rows:,} rows {many:.3f} s")
        assert many < 5 * few + 0.05
