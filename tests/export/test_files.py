"""What goes out: safe for spreadsheets, complete, and reproducible from its receipt."""

import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core.export import csv_text, export, weights_table
from gem_core.export.safe_csv import neutral
from gem_core.pipeline import Exclude, Merge, Rename, Source, build, edit, replay_steps
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.workspace import Settings, Workspace

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "<script>alert(1)</script>",
    "a\nb",
    "é🙂",
    "שלום",
    '"quoted", with comma',
    "![x](http://x)",
]


@pytest.mark.parametrize("cell", HOSTILE)
def test_text_cells_cannot_start_a_formula_and_read_back(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(csv_text(pd.DataFrame({"a": [cell], "b": [1]})), encoding="utf-8", newline="")
    back = pd.read_csv(path, dtype={"a": str})["a"][0]
    assert not back.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert back in (cell, "'" + cell)


def test_numbers_stay_numbers() -> None:
    assert [neutral(v) for v in ("-3.5", "+1e-9", ".5", -2, None)] == ["-3.5", "+1e-9", ".5", -2, None]
    assert csv_text(pd.DataFrame({"margin": [-0.25]})) == "margin\r\n-0.25\r\n"


def test_ids_are_never_changed_and_parse_back(sample: Workspace, tmp_path: Path) -> None:
    """Ids that look like formulas, numbers, dates and lists of words join with the corpus again."""
    odd = ["=1+1", "-3-4", "+49 30 1", "00123", "@user", "a b", 'say "x"', "[1]", "2024-01", "é, ü"]
    table = pd.read_parquet(sample.root / "documents.parquet")
    rows = [row for cluster in sample.taxonomy().clusters for row in cluster.exemplars]
    for row, name in zip(rows, odd, strict=False):
        table.loc[row, "id"] = name
    table.to_parquet(sample.root / "documents.parquet", row_group_size=1024)
    workspace = Workspace(sample.root)
    files = {file.name: file for file in export(workspace, tmp_path / "out")}
    assert pd.read_csv(files["assignments.csv"], dtype={"id": str})["id"].tolist() == table["id"].tolist()
    exemplars = [json.loads(cell) for cell in pd.read_csv(files["taxonomy.csv"])["exemplar_ids"]]
    assert exemplars == [table["id"].iloc[list(c.exemplars)].tolist() for c in workspace.taxonomy().clusters]
    assert "00123" in json.loads(files["receipt.json"].read_text())["opening_csv"]
    excel = {file.name: file for file in export(workspace, tmp_path / "excel", excel=True)}
    assert all(excel[f"{name}.csv"].read_bytes().startswith(b"\xef\xbb\xbf") for name in ("taxonomy", "weights"))
    assert "'=1+1" in pd.read_csv(excel["assignments.csv"], dtype={"id": str})["id"].tolist()
    receipt = json.loads(excel["receipt.json"].read_text())
    assert receipt["files"]["weights.csv"] == hashlib.sha256(excel["weights.csv"].read_bytes()).hexdigest()


def test_a_header_cannot_start_a_formula() -> None:
    assert csv_text(pd.DataFrame({"=x": [1]})).startswith("'=x")


def test_the_files_hold_what_others_rely_on(sample: Workspace, tmp_path: Path) -> None:
    edit(sample, Rename("cluster", 2, '=HYPERLINK("http://x")'))
    files = export(sample, tmp_path / "out")
    assert [f.name for f in files] == [
        "taxonomy.csv",
        "assignments.csv",
        "assignments.parquet",
        "weights.csv",
        "edits.jsonl",
        "receipt.json",
    ]
    taxonomy = pd.read_csv(files[0])
    assert {
        "cluster_id",
        "label",
        "label_source",
        "parent",
        "keywords",
        "documents",
        "tokens",
        "share_documents",
        "share_tokens",
        "mass",
        "concentration",
        "exemplar_ids",
        "pinned",
        "excluded",
        "coverage",
        "kind",
    } <= set(taxonomy.columns)
    assert taxonomy["documents"].sum() == len(sample)
    assert taxonomy["label"][2] == '\'=HYPERLINK("http://x")'
    assert taxonomy["label_source"][2] == "person"
    assignments = pd.read_csv(files[1])
    assert list(assignments.columns) == ["id", "cluster_id", "label", "margin", "gis", "excluded"]
    assert not assignments["excluded"].any()
    assert assignments["id"].tolist() == sample.documents["id"].tolist()
    placed = pd.read_parquet(files[2])
    assert placed["cluster_id"].tolist() == assignments["cluster_id"].tolist()
    assert np.array_equal(placed[["projection_x", "projection_y"]].to_numpy(), sample.flat)
    weights = pd.read_csv(files[3])
    assert list(weights.columns) == [
        "cluster_id",
        "label",
        "strategy",
        "weight",
        "natural_share",
        "ratio",
        "tokens",
        "epochs",
        "taxonomy_hash",
    ]
    assert set(weights["strategy"]) == {"balanced"}
    assert set(weights["taxonomy_hash"]) == {sample.taxonomy().taxonomy_hash}
    assert weights["weight"].sum() == pytest.approx(1, abs=1e-9)
    assert weights["natural_share"].sum() == pytest.approx(1, abs=1e-9)
    assert np.allclose(weights["ratio"], weights["weight"] / weights["natural_share"])
    receipt = json.loads(files[5].read_text())
    assert receipt["data_hash"] == sample.manifest.data_hash
    assert receipt["parameters"] == sample.taxonomy().settings.to_json()
    assert {c["step"] for c in receipt["costs"]} >= {"read", "embed", "fit", "score", "name"}
    assert all(c["seconds"] >= 0 and c["peak_memory_mib"] > 0 for c in receipt["costs"])
    assert receipt["versions"]["torch"]


def test_excluded_clusters_weigh_nothing_and_keep_their_documents(sample: Workspace, tmp_path: Path) -> None:
    numbers = [c.number for c in sample.taxonomy().clusters]
    excluded = [numbers[1], numbers[4]]
    edit(sample, Exclude(tuple(excluded)))
    files = {f.name: f for f in export(sample, tmp_path / "out")}
    weights = pd.read_csv(files["weights.csv"]).set_index("cluster_id")
    assert (weights.loc[excluded, ["weight", "ratio"]] == 0).all(axis=None)
    left = weights.drop(excluded)
    assert left["weight"].sum() == pytest.approx(1, abs=1e-12)
    masses = {c.number: c.mass for c in sample.taxonomy().clusters}
    assert left["weight"].to_numpy() == pytest.approx(
        np.array([masses[n] for n in left.index]) / sum(masses[n] for n in left.index)
    )
    assert left["natural_share"].sum() == pytest.approx(1)
    assignments = pd.read_csv(files["assignments.csv"])
    assert len(assignments) == len(sample)
    assert assignments["excluded"].tolist() == assignments["cluster_id"].isin(excluded).tolist()
    assert set(files["assignments.csv"].read_text().splitlines()[1].rsplit(",", 1)[1:]) <= {"true", "false"}
    taxonomy = pd.read_csv(files["taxonomy.csv"]).set_index("cluster_id")
    assert taxonomy.index[taxonomy["excluded"]].tolist() == excluded
    assert taxonomy.index[taxonomy["pinned"]].tolist() == excluded
    assert (taxonomy.loc[excluded, ["share_documents", "share_tokens"]] == 0).all(axis=None)


def test_exported_edits_can_be_replayed_and_undone_steps_stay_behind(
    sample: Workspace, built_sample: Path, tmp_path: Path
) -> None:
    numbers = [c.number for c in sample.taxonomy().clusters]
    edit(sample, Rename("cluster", numbers[0], "Bread & <b>cake</b>"))
    edit(sample, Merge((numbers[1], numbers[2])))
    edit(sample, Rename("cluster", numbers[3], "never mind"))
    sample.undo()
    files = {f.name: f for f in export(sample, tmp_path / "out")}
    lines = [json.loads(line) for line in files["edits.jsonl"].read_text(encoding="utf-8").splitlines()]
    assert [set(line) for line in lines] == [{"key", "at", "sentence", "edits"}] * 3
    assert [line["edits"][0]["do"] for line in lines] == ["fit", "rename", "merge"]
    assert lines[-1]["key"] == sample.taxonomy().key
    receipt = json.loads(files["receipt.json"].read_text())
    assert (receipt["steps"], receipt["edited"]) == (3, True)
    shutil.copytree(built_sample, tmp_path / "fresh")
    fresh = Workspace(tmp_path / "fresh")
    again = replay_steps(fresh, files["edits.jsonl"].read_text(encoding="utf-8").splitlines())
    assert again.taxonomy_hash == sample.taxonomy().taxonomy_hash


def test_the_receipt_command_makes_the_same_taxonomy(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    taxonomy = build(Source(path, vectors=vectors), tmp_path / "one", Settings(n_clusters=4, strength=2.0, seed=3))
    export(Workspace(tmp_path / "one"), tmp_path / "out")
    command = json.loads((tmp_path / "out" / "receipt.json").read_text())["command"]
    words = [w if w != "DIR" else str(tmp_path / "two") for w in shlex.split(command)]
    assert words[0] == "gem-explorer"
    completed = subprocess.run([sys.executable, "-m", "gem_core.cli", *words[1:]], capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    again = Workspace(tmp_path / "two").taxonomy()
    assert again.taxonomy_hash == taxonomy.taxonomy_hash
    assert again.key == taxonomy.key


def test_exported_weights_are_those_of_mixing_and_empty_clusters_get_none(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    mixing = weights_by(sample, taxonomy, "balanced")
    assert np.array_equal(weights_table(taxonomy)["weight"], mixing.weights)
    # A cluster of a fit may hold no document and still have soft mass.
    first, *others = taxonomy.clusters
    emptied = replace(taxonomy, clusters=(replace(first, documents=0, tokens=0, mass=0.4), *others))
    table = weights_table(emptied)
    assert table["weight"][0] == 0
    assert table["weight"].sum() == pytest.approx(1, abs=1e-12)
    assert np.isnan(table["ratio"][0])


def test_a_stopped_export_leaves_the_older_files(
    sample: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = export(sample, tmp_path)
    before = {file.name: file.read_bytes() for file in files}
    hashes = json.loads(before["receipt.json"])["files"]
    assert hashes == {name: sha256(content).hexdigest() for name, content in before.items() if name != "receipt.json"}
    edit(sample, Rename("cluster", 0, "Another"))
    # Stands for a signal in the middle of the export: the last table cannot be written any more.
    monkeypatch.setattr("gem_core.export.folder.edits_text", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        export(sample, tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
