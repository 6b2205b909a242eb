"""Bad and hostile input through the command line: a clear message, or a whole result; nothing lost."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core.pipeline import Rename, edit
from gem_core.workspace import Workspace
from tests.helpers.cli_process import facts, progress, refusal, run, start, texts, wait_for

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "[a](javascript:1) **b** ![](http://x/y.png)",
    "=cmd|' /C calc'!A0",
    "two\nlines",
    "🦊 fox",
    "\u202eright to left\u202c שלום",
    "+1-555",
    "@SUM(A1)",
    "-2+3",
    "$x^2$ :smile:",
)


# A file may grow to 430 kB, as on a disk that is about to be full: 256 vectors fit, 300 do not.
FULL = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (430_000, 430_000))
os.execv(sys.argv[1], sys.argv[1:])
"""


def csv(path: Path, **columns: list[str]) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    good = csv(tmp_path / "good.csv", body=texts(6), url=[f"u{i}" for i in range(6)])
    pd.DataFrame({"text": texts(50)}).to_parquet(tmp_path / "cut.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "cut.parquet").read_bytes()[:-300])
    (tmp_path / "empty.csv").touch()
    (tmp_path / "header.csv").write_text("text,id\n")
    (tmp_path / "notes.docx").write_text("x")
    cases = [
        ((tmp_path / "nowhere.csv",), "which does not exist"),
        ((good, "--text-column", "bodi"), "Did you mean 'body'"),
        ((good, "--label-column", "body"), "every role must have a column of its own"),
        ((tmp_path / "empty.csv",), "an empty file (0 bytes)"),
        ((tmp_path / "header.csv",), "must hold at least one row"),
        ((tmp_path / "cut.parquet",), "damaged or cut short"),
        ((tmp_path / "notes.docx",), "a corpus file must be csv"),
        ((good, "--target", "half"), "A target must be uniform, natural, floor:x or shares"),
        ((good, "--weighting", "bytes"), "--weighting must be one of"),
    ]
    for arguments, words in cases:
        assert words in refusal(run("fit", *arguments, "--workspace", tmp_path / "w")), arguments
        assert not (tmp_path / "w" / "manifest.json").exists()


def test_vectors_and_settings_that_do_not_fit(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    np.save(tmp_path / "short.npy", np.load(vectors)[:-1])
    (tmp_path / "text.npy").write_text("no array")
    base = ("fit", path, "--workspace", tmp_path / "w", "--embeddings")
    assert "60" in refusal(run("estimate", path, "--embeddings", tmp_path / "short.npy"))
    assert "60" in refusal(run(*base, tmp_path / "short.npy"))
    refusal(run(*base, tmp_path / "text.npy"))
    refusal(run(*base, vectors, "--clusters", 2, "--target", "0.5,0.3,0.2"))
    completed = run(*base, vectors, "--clusters", 4)  # what was refused has spoiled nothing
    assert completed.returncode == 0, completed.stderr
    assert "60 documents" in completed.stdout


def test_hostile_pool_goes_through(tmp_path: Path) -> None:
    """200 columns, a 10 MB document, two encodings, markup in ids and labels: one row refused, the rest whole."""
    n = 40
    names = [f"{HOSTILE[i % 10]} {i}" for i in range(n)]
    table = pd.DataFrame(
        {
            "id": names,
            "text": [f"{text} {HOSTILE[i % 10]}" for i, text in enumerate(texts(n))],
            "label": [HOSTILE[i % 10] for i in range(n)],
        }
    )
    table.loc[7, "text"] = "water bank current " * 550_000
    extra = pd.DataFrame({HOSTILE[i] if i < 10 else f"c{i}": [HOSTILE[i % 10]] * n for i in range(197)})
    path = tmp_path / "pool.csv"
    pd.concat([table, extra], axis=1).to_csv(path, index=False)
    with path.open("ab") as file:
        file.write("latin,caf\xe9 au lait today".encode("latin-1") + b",x" * 198 + b"\n")
    rng = np.random.default_rng(0)
    np.save(tmp_path / "v.npy", rng.normal(size=(n + 1, 8)).astype(np.float32))
    fitted = facts(
        run(
            "fit",
            path,
            "--workspace",
            tmp_path / "w",
            "--embeddings",
            tmp_path / "v.npy",
            "--clusters",
            3,
            "--text-column",
            "text",
            "--id-column",
            "id",
            "--label-column",
            "label",
            "--json",
        )
    )
    assert (fitted["documents"], fitted["refused"]) == (n, {"not_utf8": 1})
    opened = Workspace(tmp_path / "w")
    assert opened.documents["id"].tolist() == names
    assert opened.documents["label"].tolist() == table["label"].tolist()
    assert len(opened.texts([7])[0]) > 10_000_000
    for number, label in enumerate(HOSTILE[:3]):
        edit(opened, Rename("cluster", number, label))
    completed = run("info", tmp_path / "w")
    assert completed.returncode == 0
    assert all(c.isprintable() or c == "\n" for c in completed.stdout)
    completed = run("export", tmp_path / "w", "--out", tmp_path / "out")
    assert completed.returncode == 0, completed.stderr
    for name in ("taxonomy", "assignments", "weights"):
        cells = pd.read_csv(tmp_path / "out" / f"{name}.csv", dtype=str, keep_default_na=False)
        cells = cells.drop(columns="id", errors="ignore")  # Ids are never changed.
        assert not any(str(cell).startswith(("=", "+", "@")) for cell in cells.to_numpy().ravel()), name
    read = pd.read_csv(tmp_path / "out" / "assignments.csv")
    assert read["id"].tolist() == names


def test_a_full_disk_while_embedding(tmp_path: Path) -> None:
    """The system refuses to write on: a message, finished batches kept, and the same command goes on from there."""
    path, keep = csv(tmp_path / "pool.csv", text=texts(300, 10)), tmp_path / "progress.json"
    embed = ("embed", path, "--workspace", tmp_path / "w")
    message = refusal(run(*embed, prefix=(sys.executable, "-c", FULL)))
    assert "the disk must have room for the vectors" in message
    again = start(*embed, "--progress-file", keep, "--json")
    first = wait_for(lambda: (now := progress(keep)).get("step") == "embed" and now)
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert first["done"] >= 256
    assert json.loads(out)["dimension"] == 384
    assert len(Workspace(tmp_path / "w").embeddings) == 300


def test_a_newer_workspace_is_left_alone(sample: Workspace, tmp_path: Path) -> None:
    path = sample.root / "manifest.json"
    newer = json.dumps({**json.loads(path.read_text()), "format": 99})
    path.write_text(newer)
    source = csv(tmp_path / "pool.csv", text=texts(5))
    for arguments in (
        ("info", sample.root),
        ("export", sample.root, "--out", tmp_path / "out"),
        ("path", sample.root),
        ("app", "--workspace", sample.root),
        ("fit", source, "--workspace", sample.root),
    ):
        assert "format 99" in refusal(run(*arguments))
    assert path.read_text() == newer
    assert not (tmp_path / "out").exists()


def test_two_processes_build_one_workspace(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    """Both end well, or one is told to wait; the workspace is whole and read by both."""
    path, vectors = corpus
    arguments = ("fit", path, "--workspace", tmp_path / "w", "--embeddings", vectors, "--clusters", 4, "--json")
    arguments += ("--keyword-names",)  # Names by the vocabulary are a second step.
    pair = [start(*arguments), start(*arguments)]
    ends = [child.communicate(timeout=120) for child in pair]
    for child, (out, err) in zip(pair, ends, strict=True):
        assert "Traceback" not in err
        assert child.returncode == 0 or (child.returncode == 2 and "One process at a time" in err), err
        assert child.returncode == 2 or json.loads(out)["documents"] == 60
    assert any(child.returncode == 0 for child in pair)
    opened = Workspace(tmp_path / "w")
    assert len(opened.taxonomy().clusters) == 4
    assert len(opened.history().steps) == 1


@pytest.mark.parametrize("clusters", [1, 2])
def test_one_document(tmp_path: Path, clusters: int) -> None:
    path = csv(tmp_path / "one.csv", text=["a single lonely document"])
    completed = run("fit", path, "--workspace", tmp_path / "w", "--clusters", clusters)
    if clusters == 1:
        assert completed.returncode == 0, completed.stderr
        assert "1 documents" in completed.stdout
        assert progress(tmp_path / "none") == {}
    else:
        assert "the number of documents (1); got 2" in refusal(completed)
