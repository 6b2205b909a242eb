"""gem-explorer search, select, selections, duplicates as real processes."""

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core.pipeline.search.filters import Column, Filter, mask, select
from gem_core.workspace import Workspace
from gem_core.workspace.selections import Selections
from tests.helpers.cli_process import facts, progress, refusal, run


def test_search_by_words_and_by_meaning(built_sample: Path) -> None:
    workspace = Workspace(built_sample)
    matches = facts(run("search", built_sample, "water", "--limit", "5", "--json"))
    rows = select(workspace, workspace.taxonomy(), Filter(text="water")).rows
    assert matches["found"] == len(rows)
    assert [line["id"] for line in matches["documents"]] == list(workspace.documents["id"].iloc[rows[:5]])
    assert matches["documents"][0]["opening"] in " ".join(workspace.texts([int(rows[0])])[0].split())
    near = facts(run("search", built_sample, "celestial bodies seen at night", "--meaning", "--limit", "5", "--json"))
    subjects = dict(zip(workspace.documents["id"], workspace.documents["subject"], strict=True))
    assert [subjects[line["id"]] for line in near["documents"]].count("astronomy") >= 4
    assert near["documents"][0]["cosine"] >= near["documents"][4]["cosine"]
    plain = run("search", built_sample, "water", "--limit", "3").stdout.splitlines()
    assert plain[-1] == f"3 of {len(rows)} documents"
    assert len(plain) == 4


def test_select_saves_lists_writes_and_forgets(sample: Workspace, tmp_path: Path) -> None:
    subject = str(sample.documents["subject"].iloc[0])
    taxonomy = sample.taxonomy()
    document_filter = Filter(tokens=(80, 130), columns=(Column("subject", values=(subject,)),))
    expected = np.flatnonzero(mask(sample, taxonomy, document_filter))
    assert len(expected) > 1
    result = facts(
        run(
            "select",
            sample.root,
            "--column",
            f"subject={subject}",
            "--min-tokens",
            "80",
            "--max-tokens",
            "130",
            "--name",
            "some",
            "--out",
            tmp_path / "some.csv",
            "--with-text",
            "--json",
        )
    )
    assert result == {
        "documents": len(expected),
        "made": f"tokens from 80 to 130; subject is {subject}",
        "name": "some",
        "file": str(tmp_path / "some.csv"),
    }
    table = pd.read_csv(tmp_path / "some.csv")
    assert set(table["id"]) == set(sample.documents["id"].iloc[expected])
    assert list(table.columns) == ["id", "cluster_id", "label", "margin", "gis", "tokens", "text"]
    again = facts(run("select", sample.root, "--saved", "some", "--contains", "id=doc", "--json"))
    assert again["documents"] == len(expected)
    assert [line["name"] for line in facts(run("selections", sample.root, "--json"))] == ["some"]
    assert [
        line["name"] for line in facts(run("selections", sample.root, "--rename", "some", "--to", "few", "--json"))
    ] == ["few"]
    assert Selections(sample).get("few").rows.tolist() == expected.tolist()
    assert facts(run("selections", sample.root, "--delete", "few", "--json")) == []
    like = facts(run("select", sample.root, "--like", sample.documents["id"].iloc[3], "--limit", "7", "--json"))
    assert like["documents"] == 7


def test_refusals_say_what_to_do(sample: Workspace, tmp_path: Path) -> None:
    assert "gem-explorer info DIR" in refusal(run("select", sample.root, "--cluster", "99"))
    assert "must name a column of the corpus; got 'nope'" in refusal(run("select", sample.root, "--column", "nope=1"))
    assert "--column must be NAME=VALUE; got 'nope'" in refusal(run("select", sample.root, "--column", "nope"))
    assert "--like must be the id of a document" in refusal(run("select", sample.root, "--like", "nope"))
    assert "must hold a document; got none" in refusal(
        run("select", sample.root, "--query", "qqqzzz", "--name", "empty")
    )
    assert "one of this workspace" in refusal(run("selections", sample.root, "--delete", "nope"))
    assert "threshold must be a cosine" in refusal(run("duplicates", sample.root, "--threshold", "1.5"))
    manifest = sample.root / "manifest.json"
    shutil.copy(sample.root / "embeddings.npy", tmp_path / "own.npy")
    manifest.write_text(manifest.read_text().replace(sample.manifest.encoder, str(tmp_path / "own.npy")))
    assert "vectors from own.npy, which do not say" in refusal(run("search", sample.root, "stars", "--meaning"))
    assert run("search", sample.root, "stars", "--meaning", "--encoder", "packaged").returncode == 0
    assert run("search", sample.root, "stars", "--meaning").returncode == 0  # what was said is kept


def test_duplicates_are_found_kept_and_written_safely(sample: Workspace, tmp_path: Path) -> None:
    vectors = np.load(sample.root / "embeddings.npy")
    vectors[[30, 31]] = vectors[10]
    np.save(sample.root / "embeddings.npy", vectors)
    table = pd.read_parquet(sample.root / "documents.parquet")
    table.loc[31, "id"] = "=1+1"
    table.to_parquet(sample.root / "documents.parquet", row_group_size=1024)
    out, watched = tmp_path / "d.csv", tmp_path / "progress.json"
    result = facts(
        run("duplicates", sample.root, "--threshold", "0.9999", "--out", out, "--progress-file", watched, "--json")
    )
    assert (result["groups"], result["documents"], result["extra"], result["of"]) == (1, 3, 2, 651)
    assert progress(watched)["done"] == progress(watched)["total"]
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert {row["id"] for row in rows} == {"=1+1", *table["id"].iloc[[10, 30]]}
    assert [row["keep"].casefold() for row in rows] == ["true", "false", "false"]
    gis = sample.taxonomy().documents["gis"].to_numpy()
    best = max((10, 30, 31), key=lambda row: gis[row])
    assert rows[0]["id"] == {31: "=1+1"}.get(best, table["id"].iloc[best])
    (sample.root / "embeddings.npy").unlink()  # a second time it is read, not found
    assert facts(run("duplicates", sample.root, "--threshold", "0.9999", "--json"))["extra"] == 2


@pytest.mark.parametrize("command", ["search", "select", "selections", "duplicates"])
def test_help_ends_with_an_example(command: str) -> None:
    assert "Example: gem-explorer" in run(command, "--help").stdout
