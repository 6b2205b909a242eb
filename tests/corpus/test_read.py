"""What is refused: rows by reason and counted, files with three parts typed by hand."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
import zstandard

from gem_core.corpus import Columns, preview, read_corpus
from gem_core.errors import CorpusError


def refusals(path: Path, columns: Columns, **options: int) -> list[list[object]]:
    corpus = read_corpus(path, columns=columns, counter="words", **options)  # type: ignore[arg-type]
    assert len(corpus.documents) + len(corpus.refused) == corpus.source_rows, "a row was lost without a reason"
    assert sum(corpus.refused_counts.values()) == len(corpus.refused)
    assert corpus.refused.columns.tolist() == ["row", "id", "reason", "detail"]
    assert corpus.refused["row"].dtype == "int64"
    return corpus.refused.to_numpy().tolist()


def message(path: Path, **options: Columns) -> str:
    with pytest.raises(CorpusError) as caught:
        read_corpus(path, counter="words", **options)  # type: ignore[arg-type]
    return str(caught.value)


# ---- rows -----------------------------------------------------------------------------------------------------------


def test_rows_of_json_lines_are_refused_by_reason(tmp_path: Path) -> None:
    path = tmp_path / "pool.jsonl"
    lines = [
        b'{"id": "a", "text": "bees dance in circles"}',
        b'{"id": "b", "text": ""}',
        b'{"id": "c", "text": " \\n\\t "}',
        b'{"id": "d", "text": null}',
        b'{"id": "e"}',
        b'{"id": "f", "text": "two words"}',
        b'{"id": "g", "text": "caf\xe9 on the corner"}',
        b'{"id": "h", "text": "half a \\ud83d surrogate pair"}',
        b'{"id": "a", "text": "wasps build with paper"}',
        b'{"id": "i", "text": 12}',
        b'{"id": "j", "text": ["bees", "dance"]}',
        b'{"text": "no id on this one"}',
        b'{"id": true, "text": "an odd id here"}',
        b'{"id": "k", "text": "not closed',
        b"[1, 2]",
        b'{"id": 7, "text": "tea is picked by hand"}',
    ]
    path.write_bytes(b"\n".join(lines))
    assert refusals(path, Columns("text", id="id")) == [
        [1, "b", "empty_text", "no text"],
        [2, "c", "empty_text", "only blanks"],
        [3, "d", "empty_text", "no text"],
        [4, "e", "empty_text", "no text"],
        [5, "f", "too_short", "2 words, fewer than 3"],
        [6, "g", "not_utf8", "character 3 of the text is not UTF-8"],
        [7, "h", "not_utf8", "character 7 of the text is not UTF-8"],
        [8, "a", "duplicate_id", "the same id as row 0"],
        [9, "i", "wrong_type", "the text is a int, not a string"],
        [10, "j", "wrong_type", "the text is a list, not a string"],
        [11, "", "wrong_type", "the id is missing"],
        [12, "", "wrong_type", "the id is a bool, not a string or a number"],
        [13, "", "broken_row", "not JSON: Unterminated string starting at: line 1 column 21 (char 20)"],
        [14, "", "broken_row", "a JSON list, not an object"],
    ]
    corpus = read_corpus(path, columns=Columns("text", id="id"), counter="words")
    assert corpus.documents["id"].tolist() == ["a", "7"]
    assert corpus.refused_counts == {
        "wrong_type": 4,
        "empty_text": 4,
        "not_utf8": 2,
        "broken_row": 2,
        "too_short": 1,
        "duplicate_id": 1,
    }


def test_ragged_csv_and_mixed_encodings_lose_only_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_bytes(
        b"id,text,note\n1,bees dance in circles,x\n2,too few cells\n3,far,too,many,cells\n"
        b'4,na\xefve latin one letters,x\n5,tea is picked by hand,caf\xe9\n6,"a "bad" quote here",x\n'
        b"\xff7,the id is not utf8,x\n8,honey keeps for years,x\n"
    )
    assert refusals(path, Columns("text", id="id")) == [
        [1, "", "broken_row", "2 cells where the header has 3"],
        [2, "", "broken_row", "5 cells where the header has 3"],
        [3, "4", "not_utf8", "character 2 of the text is not UTF-8"],
        [5, "", "broken_row", "line 7: ',' expected after '\"'"],
        [6, "\ufffd7", "not_utf8", "the id is not UTF-8"],
    ]
    documents = read_corpus(path, columns=Columns("text", id="id"), counter="words").documents
    assert documents["id"].tolist() == ["1", "5", "8"]
    assert documents["note"].tolist() == ["x", "caf\ufffd", "x"]  # other columns are cleaned instead


def test_not_utf8_in_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "pool.parquet"
    texts = pa.array([b"bees dance in circles", b"na\xefve latin one letters"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": texts}), path)
    assert refusals(path, Columns("text")) == [[1, "row-1", "not_utf8", "character 2 of the text is not UTF-8"]]
    pq.write_table(pa.table({"text": texts.view(pa.binary())}), path)
    assert refusals(path, Columns("text")) == [[1, "row-1", "not_utf8", "character 2 of the text is not UTF-8"]]


def test_weights_must_be_numbers(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text,weight\nbees dance in circles,0.5\ntea is picked by hand,-1\nhoney keeps for years,\n")
    columns = Columns("text", weight="weight")
    assert refusals(path, columns) == [
        [1, "row-1", "wrong_type", "the weight is -1, not a number from 0 up"],
        [2, "row-2", "wrong_type", "the weight is missing, not a number from 0 up"],
    ]
    assert read_corpus(path, columns=columns, counter="words").documents["weight"].tolist() == [0.5]


def test_least_number_of_words_is_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text\nbees\nbees dance\nbees dance in circles\n")
    assert refusals(path, Columns("text"), min_words=1) == []
    assert refusals(path, Columns("text"), min_words=2) == [[0, "row-0", "too_short", "1 word, fewer than 2"]]


def test_one_document_is_a_corpus(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text\nbees dance in circles\n")
    assert len(read_corpus(path, counter="words").documents) == 1


# ---- files ----------------------------------------------------------------------------------------------------------


def test_missing_file_and_unknown_suffix(tmp_path: Path) -> None:
    assert message(tmp_path / "none.csv") == (
        f"the corpus must be a file or a folder; got {tmp_path / 'none.csv'}, which does not exist. Check the path."
    )
    (tmp_path / "pool.docx").write_text("x")
    assert message(tmp_path / "pool.docx") == (
        "a corpus file must be csv, tsv, jsonl, json (each also .gz, .zst, .bz2 or .xz), parquet, arrow, feather, "
        "warc or wet; "
        "got pool.docx. "
        "Convert it, for example to JSON Lines."
    )


@pytest.mark.parametrize(
    "name", ["pool.csv", "pool.tsv", "pool.jsonl", "pool.jsonl.gz", "pool.jsonl.zst", "pool.parquet"]
)
def test_empty_file(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert message(tmp_path / name) == (
        f"{name} must hold at least one row; got an empty file (0 bytes). Check the export that wrote it."
    )


def test_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("id,text\n")
    assert message(path) == (
        "pool.csv must hold at least one row; got no row that can be read. Check the export that wrote it."
    )
    assert message(path, columns=Columns("text")) == (
        "pool.csv must hold at least one row; got a file without rows. Check the export that wrote it."
    )


def test_missing_column_of_a_wide_csv_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    names = [f"column_{n:03d}" for n in range(199)] + ["text"]
    path.write_text(",".join(names) + "\n" + ",".join(["x"] * 199 + ["bees dance in circles"]) + "\n")
    assert message(path, columns=Columns("body")) == (
        "the text column 'body' must be in wide.csv; got 200 columns: column_000, column_001, column_002, column_003, "
        "column_004, column_005, column_006, column_007, column_008, column_009, column_010, column_011 and 188 more. "
        "Choose the text column from these."
    )
    assert message(path, columns=Columns("texts")).endswith("and 188 more. Did you mean 'text'.")
    assert read_corpus(path, counter="words").documents.shape == (1, 202)
    assert preview(path).guesses == Columns("text")


def test_missing_column_of_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_text('{"id": 1, "text": "bees dance in circles"}\n{"id": 2, "title": "tea"}\n')
    assert message(path, columns=Columns("text", label="topic")) == (
        "the label column 'topic' must be in pool.jsonl; got 3 columns: id, text, title. "
        "Choose the label column from these."
    )


def test_one_column_in_two_roles(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text\nbees dance in circles\n")
    assert message(path, columns=Columns("text", id="text")) == (
        "every role must have a column of its own; got 'text' as text and id. Choose another column for one of them."
    )


def test_no_column_of_text(tmp_path: Path) -> None:
    path = tmp_path / "pool.parquet"
    pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}).to_parquet(path)
    assert message(path) == (
        "one column must hold text; got columns a, b without any. Choose another file, or name the text column."
    )


def test_no_row_is_a_document(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text\nbees\ntea\n")
    assert message(path) == (
        "pool.csv must hold at least one document; got 2 rows, all refused (2 too_short; row 0: 1 word, fewer than 3). "
        "Lower the least number of words with --min-words, or check that 'text' is the text column and how the file "
        "was written."
    )


def test_cut_short_files(tmp_path: Path) -> None:
    body = "".join(json.dumps({"text": f"bees dance in circles {n}"}) + "\n" for n in range(5000)).encode()
    whole = {"pool.jsonl.gz": gzip.compress(body), "pool.jsonl.zst": zstandard.compress(body)}
    frame = pd.DataFrame({"text": ["bees dance in circles"] * 100})
    frame.to_parquet(tmp_path / "whole.parquet")
    whole["pool.parquet"] = (tmp_path / "whole.parquet").read_bytes()
    for name, data in whole.items():
        path = tmp_path / name
        path.write_bytes(data[: len(data) * 2 // 3])
        text = message(path, columns=Columns("text"))
        kind = name.removeprefix("pool.")
        assert text.startswith(f"{name} must be a whole {kind} file; got one that is damaged or cut short ("), text
        assert text.endswith(") . Copy or download it again.".replace(" .", "."))
        path.write_bytes(b"this is not at all what the name says")
        assert "damaged or cut short" in message(path, columns=Columns("text"))


def test_a_quote_that_never_closes_costs_its_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text('text\nbees dance in circles\n"tea is picked by hand\nhoney keeps for years\nas a food\n')
    assert refusals(path, Columns("text")) == [[1, "", "broken_row", "line 3: a quote that is never closed"]]
    documents = read_corpus(path, columns=Columns("text"), counter="words").documents
    assert documents["text"].tolist() == ["bees dance in circles", "honey keeps for years", "as a food"]


def test_other_encodings_with_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text\nbees dance in circles\n", encoding="utf-16")
    assert message(path) == (
        "pool.csv must be UTF-8; got a UTF-16 byte-order mark. Give --encoding utf-16, or "
        "save it as UTF-8 (for example iconv -f UTF-16 -t UTF-8)."
    )


def test_folders(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    folder.mkdir()
    (folder / "README.md").write_text("x")
    assert message(folder) == (
        "a corpus folder must hold csv, tsv, jsonl, json (each also .gz, .zst, .bz2 or .xz), parquet, arrow, feather, "
        "warc or wet "
        "files; got pool with 1 other file: 1 .md. Point at the folder that holds the data files."
    )
    (folder / "a.csv").write_text("id,text\n1,bees dance in circles\n")
    (folder / "b.csv").write_text("id,body\n2,tea is picked by hand\n")
    assert message(folder) == (
        "the text column 'text' must be in b.csv; got 2 columns: id, body. Choose the text column from these."
    )
    (folder / "b.csv").write_text("text,id\ntea is picked by hand,2\n")
    assert read_corpus(folder, counter="words").documents["id"].tolist() == ["1", "2"]
    (folder / "c.jsonl").write_text('{"text": "honey keeps for years", "id": 3, "topic": "bees"}\n')
    corpus = read_corpus(folder, counter="words")  # columns are united, whatever the format
    assert corpus.documents["id"].tolist() == ["1", "2", "3"]
    assert corpus.documents["topic"].isna().tolist() == [True, True, False]
    assert corpus.notes == ("1 file skipped, not data: README.md",)


def test_many_identical_documents_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "copies.jsonl"
    texts = ["the same words in each"] * 4 + [f"other words of number {i}" for i in range(96)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    (note,) = read_corpus(path, counter="words").notes
    assert note.startswith("3 of 100 documents have the text of an earlier one (the most frequent text stands 4 times)")
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts[4:]))
    assert read_corpus(path, counter="words").notes == ()
