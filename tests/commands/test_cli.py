"""The command line through real processes: help, output, exit status, stopping, the server."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pandas as pd
import pytest

import gem_core
from gem_core.cli import _after_stop
from gem_core.pipeline import Rename, edit
from gem_core.workspace import Workspace
from tests.helpers.cli_process import COMMAND, QUIET, end, facts, progress, refusal, run, start, texts, wait_for

COMMANDS = ("app", "sample build", "sample docstrings", "estimate", "embed", "fit", "path", "info", "export")


def test_every_command_shows_an_example() -> None:
    for command in COMMANDS:
        completed = run(*command.split(), "--help")
        assert completed.returncode == 0, completed.stderr
        assert f"gem-explorer {command}" in completed.stdout
        assert "Example" in completed.stdout
    assert "Traceback" not in run().stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("fit",),
        ("nonsense",),
        ("fit", "a.csv", "--workspace", "w", "--clusters", "0"),
        ("info", "w", "--nonsense"),
        ("fit", "a.csv", "--workspace", "w", "--strength", "-1"),
        ("app", "--port", "99999"),
        ("fit", "a.csv", "--workspace", "w", "--strength", "nan"),
    ],
)
def test_usage_errors(arguments: tuple[str, ...]) -> None:
    completed = run(*arguments)
    assert completed.returncode == 2
    assert completed.stdout == ""
    assert "Traceback" not in completed.stderr
    assert "Error" in completed.stderr


def test_the_version_is_that_of_the_package() -> None:
    completed = run("--version")
    assert completed.stdout == f"gem-explorer {gem_core.__version__}\n"
    assert completed.returncode == 0


def test_fit_info_path_export_estimate(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    """One pool through every command; what a program may read is JSON and nothing else."""
    path, vectors = corpus
    keep = tmp_path / "progress.json"
    fitted = facts(
        run(
            "fit",
            path,
            "--workspace",
            tmp_path / "w",
            "--embeddings",
            vectors,
            "--clusters",
            4,
            "--label-column",
            "subject",
            "--strength",
            "inf",
            "--seed",
            5,
            "--name",
            "My pool",
            "--json",
            "--progress-file",
            keep,
        )
    )
    assert (fitted["documents"], fitted["name"], fitted["dimension"]) == (60, "My pool", 16)
    assert fitted["taxonomy"]["settings"]["strength"] == "inf"
    assert [c["mass"] for c in fitted["taxonomy"]["clusters"]] == pytest.approx([0.25] * 4, abs=1e-6)
    assert progress(keep)["done"] == progress(keep)["total"]
    text = run("info", tmp_path / "w")
    assert text.stdout.startswith("My pool in ")
    assert "60 documents" in text.stdout
    info = facts(run("info", tmp_path / "w", "--json"))
    assert info == fitted
    rows = facts(run("path", tmp_path / "w", "--json"))
    assert [rows[0]["strength"], rows[-1]["strength"]] == [0.0, "inf"]
    assert rows[-1]["normalised_entropy"] == pytest.approx(1, abs=1e-6)
    files = facts(run("export", tmp_path / "w", "--out", tmp_path / "out", "--json"))["files"]
    assert {Path(f).name for f in files} == {p.name for p in (tmp_path / "out").iterdir()}
    text = run("export", tmp_path / "w", "--out", tmp_path / "out")
    assert text.stdout.split() == files
    plan = facts(run("estimate", path, "--embeddings", vectors, "--json"))
    assert (plan["documents"], plan["tokens"], plan["seconds"]) == (60, fitted["tokens"], 0.0)


def test_sample_docstrings_are_a_corpus(tmp_path: Path) -> None:
    completed = run("sample", "docstrings", "--out", tmp_path / "d.parquet", "--limit", 40)
    assert completed.returncode == 0, completed.stderr
    assert len(pd.read_parquet(tmp_path / "d.parquet")) == 40
    plan = facts(run("estimate", tmp_path / "d.parquet", "--json"))
    assert plan["documents"] + sum(plan["refused"].values()) == 40
    assert plan["documents_per_second"] > 0
    assert plan["seconds"] > 0


def test_labels_cannot_drive_a_terminal(sample: Workspace) -> None:
    """Escape sequences, bells and direction marks in labels, names and columns are not printed."""
    evil = "\x1b[31mred\x07\x9b2J\u202egnihton"
    edit(sample, Rename("cluster", 0, evil))
    manifest = json.loads((sample.root / "manifest.json").read_text())
    (sample.root / "manifest.json").write_text(json.dumps({**manifest, "name": evil, "tokens_from": f"column {evil}"}))
    completed = run("info", sample.root)
    assert completed.returncode == 0, completed.stderr
    assert "gnihton" in completed.stdout
    assert all(c.isprintable() or c == "\n" for c in completed.stdout)
    read = run("info", sample.root, "--json")
    assert all(c.isprintable() or c == "\n" for c in read.stdout)
    assert facts(read)["taxonomy"]["clusters"][0]["label"] == "[31mred 2J gnihton"
    wrong = run("info", sample.root / evil)
    assert all(c.isprintable() for c in refusal(wrong))


def test_a_stopped_embedding_goes_on(tmp_path: Path) -> None:
    """Exit status 130, one line, no traceback; the next run starts from what was finished."""
    path, keep = tmp_path / "long.csv", tmp_path / "progress.json"
    pd.DataFrame({"text": texts(2000, 25)}).to_csv(path, index=False)
    finished = 0
    for number in (signal.SIGTERM, signal.SIGINT):
        keep.unlink(missing_ok=True)
        child = start("embed", path, "--workspace", tmp_path / "w", "--progress-file", keep)
        first = wait_for(lambda: (now := progress(keep)).get("step") == "embed" and now)
        assert first["done"] >= finished
        wait_for(lambda least=finished: least + 300 < progress(keep)["done"] < 2000)
        status, out, err = end(child, number)
        assert (status, out) == (130, "")
        assert err.endswith("Stopped; what was finished is kept, the same command goes on from there.\n")
        assert "Traceback" not in err
        finished += 256
    assert not (tmp_path / "w" / "embeddings.npy").exists()


def test_a_missing_workspace_does_not_open(tmp_path: Path) -> None:
    assert "which has none" in refusal(run("app", "--workspace", tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def test_the_server_starts_answers_and_ends(built_sample: Path, tmp_path: Path) -> None:
    with socket.socket() as busy_socket:
        busy_socket.bind(("127.0.0.1", 0))
        busy_socket.listen()
        port = busy_socket.getsockname()[1]
        assert f"got {port}, in use" in refusal(run("app", "--workspace", built_sample, "--port", port))
    child = subprocess.Popen(
        [*COMMAND, "app", "--workspace", str(built_sample), "--port", str(port)],
        cwd=tmp_path,
        env=QUIET,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:

        def healthy() -> bool:
            assert child.poll() is None, child.communicate()[0]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        assert wait_for(healthy)
        with socket.socket() as outside:  # bound to this machine only
            outside.settimeout(2)
            assert outside.connect_ex((_own_address(), port)) != 0 or _own_address().startswith("127.")
    finally:
        child.terminate()
        child.communicate(timeout=30)
    with socket.socket() as probe:  # nothing is left behind on the port
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def _own_address() -> str:
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"


def test_a_read_only_workspace_is_read_and_not_changed(
    sample: Workspace, tmp_path: Path, bound_by_permissions: list[str]
) -> None:
    folder = tmp_path / "locked"
    shutil.copytree(sample.root, folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    source = tmp_path / "own.csv"
    source.write_text("text\nthree plain words\n")
    try:
        assert facts(run("info", folder, "--json", prefix=bound_by_permissions))["documents"] == len(sample)
        message = refusal(run("fit", source, "--workspace", folder, prefix=bound_by_permissions))
        assert "The workspace must be writable" in message
        for command in (
            ("duplicates", folder, "--out", tmp_path / "d.csv"),
            ("select", folder, "--query", "bread", "--out", tmp_path / "s.csv"),
            ("mix", "weights", folder, "--out", tmp_path / "w.csv"),
            ("export", folder, "--out", tmp_path / "export"),
        ):
            completed = run(*command, prefix=bound_by_permissions)
            assert completed.returncode == 0, completed.stderr
            assert command[-1].exists()  # type: ignore[union-attr]  # a path
        message = refusal(run("export", folder, "--out", folder / "out", prefix=bound_by_permissions))
        assert "must be writable" in message
    finally:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)


def test_python_module_and_script_are_one() -> None:
    script = Path(sys.executable).with_name("gem-explorer")
    if not script.exists():
        pytest.skip("run from a source tree that was never installed")
    assert subprocess.run([script, "--help"], capture_output=True, text=True, env=QUIET).returncode == 0


def test_a_signal_after_the_result_does_not_change_the_status() -> None:
    code = (
        "import atexit, os, signal, sys\n"
        "from gem_core.cli import main\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGTERM))\n"  # As while libraries shut down.
        "sys.argv = ['gem-explorer', '--version']\n"
        "main()"
    )
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=QUIET)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout.startswith("gem-explorer ")


def test_the_words_of_a_stop_are_true_for_the_command() -> None:
    assert _after_stop(["label", "student", "in", "out"]).endswith("with --resume goes on from there")
    assert _after_stop(["mix", "sample", "news"]) == _after_stop(["fit"])
    assert _after_stop(["report", "news"]) == "nothing was left half written, the same command begins anew"
