"""Folders of every layout are labeled and sampled as they are fitted, and what is written opens as data elsewhere."""

import csv
import gzip
import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from warcio.warcwriter import WARCWriter

from gem_core.corpus import ReadOptions
from gem_core.errors import CorpusError, InputError
from gem_core.export.mixtures import write_weights
from gem_core.pipeline.labeling.label_folder import label_folder
from gem_core.pipeline.labeling.label_shard import LabelingJob, label_shard
from gem_core.pipeline.labeling.sample_shards import sample_shards
from gem_core.pipeline.labeling.shard_files import find_shards
from gem_core.pipeline.labeling.totals import read_totals
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.pipeline.mixing.training_set import TrainingSetRequest, draw_training_set
from gem_core.pipeline.mixing.weights_file import read_weights
from gem_core.student import load_student
from gem_core.workspace import Workspace
from tests.helpers.cli_process import run, texts
from tests.helpers.readers import READERS, rows_by_reader
from tests.helpers.shards import OURS, expected, folder_of_shards, jsonl, rows_of, saved


@pytest.fixture(scope="module")
def student_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("student") / "student")


def labels(rows: list[dict[str, Any]]) -> list[tuple[int, str, int]]:
    return [(int(row["gem_cluster"]), str(row["gem_label"]), int(row["gem_tokens"])) for row in rows]


def test_every_format_is_labeled_in_its_own(student_folder: Path, tmp_path: Path) -> None:
    source, out, some = tmp_path / "in", tmp_path / "out", texts(8)
    (source / "lang=en").mkdir(parents=True)
    frame = pd.DataFrame({"id": range(8), "text": some})
    frame.to_csv(source / "a.csv", index=False)
    frame.to_csv(source / "b.tsv.gz", index=False, sep="\t")
    (source / "c.json").write_text(frame.to_json(orient="records"))
    (source / "lang=en" / "part-0").write_bytes(jsonl(some))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with pa.ipc.new_file(str(source / "e.feather"), table.schema) as file:
        file.write_table(table)
    with pa.ipc.new_stream(str(source / "f.arrow"), table.schema) as stream:
        stream.write_table(table)
    (source / "empty.parquet").touch()
    label_folder(student_folder, source, out, workers=1)
    says = labels(expected(some))
    with gzip.open(out / "b.tsv.gz", "rt", newline="") as file:
        tsv = list(csv.DictReader(file, delimiter="\t"))
    for rows in (
        pd.read_csv(out / "a.csv").to_dict("records"),
        tsv,
        json.loads((out / "c.json").read_text()),
        [json.loads(line) for line in (out / "lang=en" / "part-0").read_text().splitlines()],
        pa.ipc.open_file(str(out / "e.feather")).read_all().to_pylist(),
        pa.ipc.open_stream(str(out / "f.arrow")).read_all().to_pylist(),
    ):
        assert [row["text"] for row in rows] == some
        assert list(rows[0])[-4:] == list(OURS)
        assert labels(rows) == says
    assert (out / "empty.parquet").stat().st_size == 0


def test_empty_and_stray_files_are_said_by_label_and_sample(student_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.jsonl").write_bytes(jsonl(texts(3)))
    (source / "b.jsonl").touch()
    (source / "notes.docx").write_bytes(b"PK")
    for command in (
        ["label", student_folder, source, tmp_path / "out", "--workers", 1],
        ["sample", "shards", source, "--documents", 2, "--out", tmp_path / "s.parquet"],
    ):
        output = run(*command).stdout
        assert output.count("note: 1 empty file without rows: b.jsonl\n") == 1, output
        assert output.count("note: 1 file skipped, not data: notes.docx\n") == 1
    assert read_totals(tmp_path / "out")["notes"] == [
        "1 empty file without rows: b.jsonl",
        "1 file skipped, not data: notes.docx",
    ]


def test_links_splits_and_guesses_are_those_of_a_corpus(student_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "elsewhere" / "train-1.jsonl").write_bytes(b'{"doc": {"body": "bees dance in circles"}}\n')
    (tmp_path / "in" / "train-0.jsonl").write_bytes(b'{"doc": {"body": "tea is picked by hand"}}\n')
    (tmp_path / "in" / "test-0.jsonl").write_bytes(b'{"doc": {"body": "honey keeps for years"}}\n')
    (tmp_path / "in" / "more").symlink_to(tmp_path / "elsewhere")
    options = ReadOptions(split="train")
    assert [shard.name for shard in find_shards(tmp_path / "in", options)] == ["more/train-1.jsonl", "train-0.jsonl"]
    totals = label_folder(student_folder, tmp_path / "in", tmp_path / "out", options=options, workers=1)
    assert int(totals.documents.sum()) == 2
    assert totals.receipt["command"].endswith("--text-column doc.body")
    sample = sample_shards(tmp_path / "in", 9, tmp_path / "s.parquet", options=options)
    assert (sample.documents, sample.rows_read) == (2, 2)


def test_a_folder_of_text_files_is_sampled_and_labeled_a_document_each(student_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in" / "below").mkdir(parents=True)
    (tmp_path / "in" / "a.txt").write_text("bees dance in circles\n")
    (tmp_path / "in" / "below" / "b.md").write_text("# Tea\n\ntea is picked by hand")
    sample = sample_shards(tmp_path / "in", 9, tmp_path / "s.parquet")
    assert (sample.documents, set(rows_of(tmp_path / "s.parquet")[0])) == (2, {"id", "text"})
    student, job = load_student(student_folder), LabelingJob(tmp_path / "out")
    assert [label_shard(student, shard, job).tally.rows for shard in find_shards(tmp_path / "in")] == [1, 1]
    row = rows_of(tmp_path / "out" / "below" / "b.md.jsonl")[0]
    assert list(row) == ["id", "text", *OURS]
    assert (row["id"], row["text"]) == ("below/b.md", "# Tea\n\ntea is picked by hand")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz"])
def test_shards_without_header_lose_no_document(student_folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    separator = "," if name == "a.csv" else "\t"
    data = "".join(f"{number}{separator}{text}\n" for number, text in enumerate(texts(3))).encode()
    (tmp_path / "in" / name).write_bytes(data if name == "a.csv" else gzip.compress(data))
    with pytest.raises(CorpusError, match=r"looks like a row\. Give --no-header"):
        sample_shards(tmp_path / "in", 9, tmp_path / "s.parquet")
    with pytest.raises(CorpusError, match=r"looks like a row\. Give --no-header"):
        label_folder(student_folder, tmp_path / "in", tmp_path / "out", workers=1)
    options = ReadOptions(header=False)
    assert sample_shards(tmp_path / "in", 9, tmp_path / "s.parquet", options=options).documents == 3
    marker = label_shard(
        load_student(student_folder),
        find_shards(tmp_path / "in", options)[0],
        LabelingJob(tmp_path / "out", text="column 2"),
    )
    assert marker.tally.rows == 3


def test_shards_of_another_encoding_are_refused(student_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    rows = [f"le café numéro {n} est fermé" for n in range(20)]
    (tmp_path / "in" / "a.csv").write_bytes("\n".join(["text", *rows, "plain ascii"]).encode("cp1252"))
    student, refusal = load_student(student_folder), r"a\.csv must be UTF-8; got 20 rows .* --encoding cp1252"
    with pytest.raises(CorpusError, match=refusal):
        label_shard(student, find_shards(tmp_path / "in")[0], LabelingJob(tmp_path / "out"))
    assert not (tmp_path / "out" / "a.csv").exists()
    with pytest.raises(CorpusError, match=refusal):
        sample_shards(tmp_path / "in", 99, tmp_path / "s.parquet")
    options = ReadOptions(encoding="cp1252")
    assert sample_shards(tmp_path / "in", 99, tmp_path / "s.parquet", options=options).documents == 21
    shard = find_shards(tmp_path / "in", options)[0]
    assert label_shard(student, shard, LabelingJob(tmp_path / "out")).tally.rows == 21
    assert "le café numéro 0 est fermé" in (tmp_path / "out" / "a.csv").read_text(encoding="utf-8")


def test_a_path_that_no_row_of_json_text_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": texts(2), "meta": ['{"lang": "en"}', None]}), tmp_path / "in" / "a.parquet")
    assert sample_shards(tmp_path / "in", 9, tmp_path / "s.parquet", by="meta.lang").groups == {
        "(none)": (1, 1),
        "en": (1, 1),
    }
    with pytest.raises(InputError, match=r"Some shard must have the column 'meta\.nosuch'"):
        sample_shards(tmp_path / "in", 9, tmp_path / "s.parquet", by="meta.nosuch")


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_column_that_no_shard_has_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in").mkdir()
    frame = pd.DataFrame({"text": texts(3), "n": [1, 2, 3]})
    if kind == "jsonl":
        frame.to_json(tmp_path / "in" / "a.jsonl", orient="records", lines=True)
    elif kind == "csv":
        frame.to_csv(tmp_path / "in" / "a.csv", index=False)
    else:
        frame.to_parquet(tmp_path / "in" / "a.parquet")
    with pytest.raises(InputError, match="Some shard must have the column 'nosuch'; got 1 without it: a"):
        sample_shards(tmp_path / "in", 2, tmp_path / "s.parquet", by="nosuch")


def test_shares_by_a_nested_field_and_by_a_hive_folder(tmp_path: Path) -> None:
    some = texts(20)
    for lang, part in (("en", some[:15]), ("de", some[15:])):
        (tmp_path / "in" / f"lang={lang}").mkdir(parents=True)
        rows = [{"text": text, "meta": {"site": lang + str(i % 2)}} for i, text in enumerate(part)]
        if lang == "en":
            pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in" / "lang=en" / "a.parquet")
        else:
            lines = "".join(json.dumps({"text": row["text"]}) + "\n" for row in rows)
            (tmp_path / "in" / "lang=de" / "a.jsonl").write_text(lines)
    by_lang = sample_shards(tmp_path / "in", 6, tmp_path / "s.parquet", by="lang")
    assert by_lang.groups == {"de": (5, 3), "en": (15, 3)}
    assert sorted(pq.read_table(tmp_path / "s.parquet").column("lang").to_pylist()) == ["de"] * 3 + ["en"] * 3
    by_site = sample_shards(tmp_path / "in" / "lang=en", 4, tmp_path / "t.parquet", by="meta.site")
    assert by_site.groups == {"en0": (8, 2), "en1": (7, 2)}


def test_a_second_labeling_takes_another_prefix(student_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": texts(5)}), tmp_path / "in" / "a.parquet")
    label_folder(student_folder, tmp_path / "in", tmp_path / "one", workers=1)
    with pytest.raises(InputError, match=r"Add a --prefix for the new columns"):
        label_folder(student_folder, tmp_path / "one", tmp_path / "two", workers=1)
    totals = label_folder(student_folder, tmp_path / "one", tmp_path / "two", prefix="topic_", workers=1)
    names = pq.read_schema(tmp_path / "two" / "a.parquet").names
    assert names == ["text", *OURS, "topic_cluster", "topic_label", "topic_margin", "topic_tokens"]
    assert totals.receipt["command"].endswith("--text-column text --prefix topic_")


# ---- other programs -------------------------------------------------------------------------------------------------


def test_a_labeled_folder_opens_as_data(student_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        pq.write_table(pa.table({"text": [*texts(5), None]}), tmp_path / "in" / f"{name}.parquet")
    label_folder(student_folder, tmp_path / "in", tmp_path / "out", workers=1)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.parquet", "b.parquet"}
    assert rows_by_reader(tmp_path / "out", tmp_path / "hf", READERS) == dict.fromkeys(READERS, 10)


def test_outputs_obey_the_umask(student_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": [*texts(5), None]}), tmp_path / "in" / "a.parquet")
    before = os.umask(0o002)
    try:
        label_folder(student_folder, tmp_path / "in", tmp_path / "out", workers=1)
        sample_shards(tmp_path / "in", 3, tmp_path / "out" / "s.parquet")
    finally:
        os.umask(before)
    for path in (tmp_path / "out").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode) & 0o777
        assert mode == (0o775 if path.is_dir() else 0o664), path


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet"])
def test_a_row_beyond_the_longest_is_set_aside_by_label_and_sample(
    student_folder: Path, tmp_path: Path, name: str
) -> None:
    source, options = tmp_path / "in", ReadOptions(longest_row=2000)
    source.mkdir()
    frame = pd.DataFrame({"text": [*texts(3), "word " * 1000, texts(1)[0]]})
    if name.endswith(".csv"):
        frame.to_csv(source / name, index=False)
    elif name.endswith(".parquet"):
        frame.to_parquet(source / name)
    else:
        frame.to_json(source / name, orient="records", lines=name.endswith("l"))
    job = LabelingJob(tmp_path / "out")
    tally = label_shard(load_student(student_folder), find_shards(source, options)[0], job).tally
    assert (int(tally.documents.sum()), tally.refused) == (4, {"too_long": 1})
    sample = sample_shards(source, 9, tmp_path / "s.parquet", options=options)
    assert (sample.documents, sample.refused) == (4, {"too_long": 1})


def test_web_archives_are_sampled_and_labeled_as_json_lines(student_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    with (source / "a.wet.gz").open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for number, text in enumerate(texts(4)):
            body = io.BytesIO(text.encode())
            writer.write_record(writer.create_warc_record(f"http://e.org/{number}", "conversion", body))
    sample = sample_shards(source, 3, tmp_path / "s.parquet")
    assert (sample.documents, sample.rows_read) == (3, 4)
    assert {"url", "text"} <= set(pq.read_schema(tmp_path / "s.parquet").names)
    (source / "b.jsonl").write_bytes(b"")
    for _ in range(2):  # The second one finds that all is done.
        totals = label_folder(student_folder, source, tmp_path / "out", workers=1, resume=True)
        assert totals.documents.sum() == 4
    rows = rows_of(tmp_path / "out" / "a.wet.jsonl.gz")
    assert [row["text"] for row in rows] == texts(4)
    assert {"url", "gem_cluster", "gem_tokens"} <= rows[0].keys()
    (source / "a.wet.jsonl.gz").write_bytes(gzip.compress(jsonl(["twice"])))
    with pytest.raises(InputError, match=r"the name of another shard: a\.wet\.jsonl\.gz"):
        label_folder(student_folder, source, tmp_path / "other", workers=1)


def test_a_folder_that_version_02_began_is_named(student_folder: Path, sample: Workspace, tmp_path: Path) -> None:
    source, out = folder_of_shards(tmp_path / "in", each=2), tmp_path / "out"
    out.mkdir()
    for name in ("run.json", "manifest.json"):
        (out / name).write_text("{}")
    with pytest.raises(InputError, match=r"begun by version 0\.2, .*Choose another output folder, or let version"):
        label_folder(student_folder, source, out, workers=1, resume=True)
    weights = tmp_path / "weights.csv"
    write_weights(weights, sample.taxonomy(), weights_by(sample, sample.taxonomy(), "natural"))
    with pytest.raises(InputError, match=r"begun by version 0\.2"):
        draw_training_set(sample, sample.taxonomy(), read_weights(weights), out, TrainingSetRequest(1000))
