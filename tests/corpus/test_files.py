"""Every format gives back what was written, hostile text included, and a preview reads only the beginning."""

import csv
import gzip
import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zstandard

from gem_core.corpus import Columns, choose_columns, guess_columns, preview, read_corpus
from gem_core.errors import CorpusError

HOSTILE = [
    "<script>alert('x')</script> & <b>bold</b> text",
    "=cmd|' /C calc'!A0 is a formula",
    'two lines\nand a "quoted" one, with commas',
    "a bee \U0001f41d, a flag \U0001f1eb\U0001f1f7, joined \U0001f469\u200d\U0001f4bb",
    "right to left: \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u202e and marks",
    "a NUL \x00 in the middle of it",
    "# heading\n\n![x](http://example.org/x.png) | a | b |",
    "line separators \u2028 and \u2029 and \x85 and \x0b stay",
    "  blanks around the text are kept \t",
]
IDS = [f"doc <{n}>" for n in range(len(HOSTILE))]
ROLES = Columns("text", id="id", label="label")


def jsonl(rows: list[dict[str, object]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def write_separated(rows: list[dict[str, object]], path: Path, delimiter: str) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


WRITERS: dict[str, Callable[[list[dict[str, object]], Path], object]] = {
    "csv": lambda rows, path: write_separated(rows, path, ","),
    "tsv": lambda rows, path: write_separated(rows, path, "\t"),
    "jsonl": lambda rows, path: path.write_bytes(jsonl(rows)),
    "jsonl.gz": lambda rows, path: path.write_bytes(gzip.compress(jsonl(rows))),
    # Two frames, as parallel compressors write them.
    "jsonl.zst": lambda rows, path: path.write_bytes(
        zstandard.compress(jsonl(rows[:2])) + zstandard.compress(jsonl(rows[2:]))
    ),
    "parquet": lambda rows, path: pd.DataFrame(rows).to_parquet(path),
}


@pytest.fixture
def rows() -> list[dict[str, object]]:
    return [
        {"id": name, "text": text, "label": f"label {n % 2}"}
        for n, (name, text) in enumerate(zip(IDS, HOSTILE, strict=True))
    ]


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_gives_back_every_letter(suffix: str, rows: list[dict[str, object]], tmp_path: Path) -> None:
    path = tmp_path / f"pool.{suffix}"
    WRITERS[suffix](rows, path)
    corpus = read_corpus(path, counter="words")
    assert corpus.columns == ROLES
    assert corpus.documents["text"].tolist() == HOSTILE
    assert corpus.documents["id"].tolist() == IDS
    assert corpus.documents.columns.tolist() == ["id", "text", "tokens", "label"]
    assert len(corpus.refused) == 0
    # Ids and texts alone, each after its length: the same in every format.
    parts = [part.encode() for pair in zip(IDS, HOSTILE, strict=True) for part in pair]
    whole = b"".join(struct.pack("<Q", len(part)) + part for part in parts)
    assert corpus.data_hash == hashlib.sha256(whole).hexdigest()


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_folder_is_read_in_the_order_of_its_names(suffix: str, rows: list[dict[str, object]], tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    (folder / "b").mkdir(parents=True)
    WRITERS[suffix](rows[:4], folder / f"a.{suffix}")
    WRITERS[suffix](rows[4:], folder / "b" / f"part.{suffix}")
    (folder / "README.md").write_text("not data")
    (folder / ".hidden.csv").write_text("not,data")
    corpus = read_corpus(folder, columns=ROLES, counter="words")
    assert corpus.documents["text"].tolist() == HOSTILE
    assert preview(folder).files == 2


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_bytes(b"\xef\xbb\xbfid,text\r\n7,bees dance in circles\r\n\r\n8,tea is picked by hand\r\n")
    corpus = read_corpus(path, counter="words")
    assert corpus.documents[["id", "text"]].to_numpy().tolist() == [
        ["7", "bees dance in circles"],
        ["8", "tea is picked by hand"],
    ]
    lines = tmp_path / "pool.jsonl"
    lines.write_bytes(b'\xef\xbb\xbf{"text": "bees dance in circles"}\r\n')
    assert read_corpus(lines, counter="words").documents["text"].tolist() == ["bees dance in circles"]


def test_semicolons_and_lone_carriage_returns(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_bytes(b"key;text\r1;bees, wasps and ants\r2;tea is picked")
    assert read_corpus(path, counter="words").documents["text"].tolist() == ["bees, wasps and ants", "tea is picked"]


def test_ids_are_made_from_row_numbers_where_no_column_has_them(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text\nbees dance in circles\nno\ntea is picked by hand\n")
    corpus = read_corpus(path, counter="words")
    assert corpus.documents["id"].tolist() == ["row-0", "row-2"]
    assert corpus.rows.tolist() == [0, 2]
    assert corpus.source_rows == 3
    assert not corpus.rows.flags.writeable


def test_hash_knows_order_and_content(tmp_path: Path) -> None:
    hashes = set()
    for number, body in enumerate(
        (
            "1,one two three\n2,four five six\n",
            "2,four five six\n1,one two three\n",
            "1,one two three\n2,four five seven\n",
        )
    ):
        path = tmp_path / f"{number}.csv"
        path.write_text("id,text\n" + body)
        hashes.add(read_corpus(path, counter="words").data_hash)
    assert len(hashes) == 3


def test_tokens_say_where_they_come_from(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text,token_count\nbees dance in circles,11\ntea is picked by hand,?\n")
    corpus = read_corpus(path, columns=Columns("text", tokens="token_count"))
    assert corpus.tokens_from == "column token_count (1 without a number there: words x 1.3)"
    assert corpus.documents["tokens"].tolist() == [11, 7]  # 5 words x 1.3 = 6.5, halves up
    assert "token_count" not in corpus.documents
    counted = read_corpus(path, columns=Columns("text"))
    assert counted.tokens_from == "tokenizer of all-MiniLM-L6-v2"
    assert counted.documents["tokens"].tolist() == [4, 5]
    words = read_corpus(path, columns=Columns("text"), counter="words")
    assert words.tokens_from == "words x 1.3"
    assert words.documents["tokens"].tolist() == [5, 7]
    own = read_corpus(path, columns=Columns("text"), counter=lambda texts: [len(text) for text in texts])
    assert own.tokens_from == "a tokenizer of the caller"
    assert own.documents["tokens"].tolist() == [21, 21]


def test_other_columns_come_along_in_one_type_each(tmp_path: Path) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_bytes(
        jsonl(
            [
                {
                    "key": 1,
                    "text": "bees dance in circles",
                    "tags": ["a", "b"],
                    "n": 1,
                    "score": 0.5,
                    "id": "x",
                    "good": True,
                },
                {
                    "key": 2,
                    "text": "tea is picked by hand",
                    "tags": None,
                    "n": 2,
                    "score": 2,
                    "good": False,
                    "late": 10**30,
                },
            ]
        )
    )
    documents = read_corpus(path, columns=Columns("text", id="key"), counter="words").documents
    assert documents.columns.tolist() == ["id", "text", "tokens", "tags", "n", "score", "id (source)", "good", "late"]
    assert documents["id"].tolist() == ["1", "2"]
    assert documents["tags"][0] == '["a", "b"]'
    assert pd.isna(documents["tags"][1])
    assert documents["late"][1] == "1000000000000000000000000000000"
    assert [str(documents[name].dtype) for name in ("n", "score", "good")] == ["int64", "float64", "bool"]
    documents.to_parquet(tmp_path / "round.parquet")  # every column can be stored


def test_a_field_that_some_rows_lack_stays_with_its_document(tmp_path: Path) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_bytes(
        jsonl(
            [
                {"text": "bees dance in circles", "topic": "bees"},
                {"text": "honey keeps for years"},
                {"text": "tea is picked by hand", "topic": "tea"},
            ]
        )
    )
    topics = read_corpus(path, columns=Columns("text"), counter="words").documents["topic"]
    assert [None if pd.isna(topic) else topic for topic in topics] == ["bees", None, "tea"]


def test_ten_megabyte_document_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    long = "honey and wax " * 750_000
    write_separated([{"id": "long", "text": long}, {"id": "short", "text": "tea is picked by hand"}], path, ",")
    corpus = read_corpus(path)
    assert corpus.documents["text"][0] == long
    assert corpus.documents["tokens"].tolist() == [3 * 750_000, 5]


def test_preview_guesses_and_reads_only_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "pool.jsonl.gz"
    first = [
        {
            "doc_id": f"d{n}",
            "Category": "news",
            "title": "Bees",
            "Content": "bees dance in circles " * 20,
            "n_tokens": 100,
            "weight": 0.5,
        }
        for n in range(60)
    ]
    # What follows the first block is no gzip at all: a preview must not get that far.
    noise = np.random.default_rng(0).integers(32, 127, 2_000_000, dtype=np.uint8).tobytes().replace(b"\\", b"/")
    packed = gzip.compress(jsonl(first) + b'{"Content": "' + noise.replace(b'"', b"'") + b'"}\n')
    path.write_bytes(packed[: len(packed) - 200_000])
    look = preview(path, rows=50)
    assert look.guesses == Columns("Content", id="doc_id", label="Category", tokens="n_tokens", weight="weight")
    assert len(look.table) == 50
    assert look.columns == ("doc_id", "Category", "title", "Content", "n_tokens", "weight")
    assert look.size == len(packed) - 200_000


def test_guesses_go_by_length_where_no_name_tells() -> None:
    table = pd.DataFrame(
        {
            "url": ["a", "a"],
            "headline": ["Bees", "Tea"],
            "story": ["Bees dance.", "Tea is picked."],
            "tokens": [["bees"], ["tea"]],
            "topic": ["x", "y"],
            "text": ["", "."],
        }
    )
    # url is no id, for it repeats; tokens is no count, for it holds lists; text is far too short to be the text.
    assert guess_columns(table) == Columns("story", label="topic")


def test_named_columns_are_guessed_for_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("id,text,source,summary\n1,bees dance in circles all day,web,bees dance\n")
    assert choose_columns(path) == Columns("text", id="id", label="source")
    assert choose_columns(path, text="summary", label="id") == Columns("summary", label="id")
    assert choose_columns(path, label="text") == Columns("summary", id="id", label="text")
    with pytest.raises(CorpusError) as caught:
        choose_columns(path, text="sumary")
    assert str(caught.value) == (
        "the text column 'sumary' must be in pool.csv; got 4 columns: id, text, source, "
        "summary. Did you mean 'summary'."
    )
    late = tmp_path / "late.jsonl"
    late.write_bytes(jsonl([{"text": "bees dance in circles"}] * 60 + [{"text": "honey keeps", "topic": "bees"}]))
    assert choose_columns(late, label="topic") == Columns("text", label="topic")


def test_words_of_scripts_without_blanks_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text\n蜜蜂在跳舞\nbees\n", encoding="utf-8")
    corpus = read_corpus(path, counter="words")
    assert corpus.documents["text"].tolist() == ["蜜蜂在跳舞"]
    assert corpus.refused_counts == {"too_short": 1}


def test_progress_covers_all_bytes_and_documents(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text\n" + "bees dance in circles\n" * 300)
    heard: list[tuple[str, int, int]] = []
    read_corpus(path, progress=lambda step, completed, total: heard.append((step, completed, total)))
    size = path.stat().st_size
    assert heard[0] == ("read", 0, size)
    assert ("read", size, size) in heard
    assert heard[-1] == ("count tokens", 300, 300)
