"""Background jobs with real processes: how each way to end is told apart, and what is kept."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from cli_process import texts, wait_for

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "app"))
import jobs

from gem_core.errors import InputError
from gem_core.pipeline import home
from gem_core.workspace import Workspace


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEM_EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def embedding(tmp_path: Path) -> jobs.Job:
    """A job that is in the middle of its embedding."""
    path = tmp_path / "pool.csv"
    pd.DataFrame({"text": texts(700, 60)}).to_csv(path, index=False)
    root = tmp_path / "home" / "pool"
    job = jobs.start("pool", ["embed", str(path), f"--workspace={root}"], root)
    wait_for(lambda: (at := jobs.status(job).progress).get("step") == "embed" and 300 < at["done"] < at["total"])
    return job


def ended(job: jobs.Job) -> jobs.Status:
    return wait_for(lambda: (now := jobs.status(job)).ended and now, 120)


def another_server(code: str) -> str:
    """Run code in another process, as a restarted server would."""
    script = f"import sys; sys.path.insert(0, {jobs.__file__.removesuffix('jobs.py')!r})\nimport jobs\n{code}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_cancel_keeps_batches_and_resume_goes_on(embedding: jobs.Job) -> None:
    assert [job.pid for job in jobs.listed()] == [embedding.pid]
    assert another_server("print([jobs.status(j).state for j in jobs.listed()])") == "['running']"
    with pytest.raises(InputError, match="One job at a time works on a workspace"):
        jobs.start("again", list(embedding.arguments), Path(embedding.workspace))
    jobs.cancel(embedding)
    state = ended(embedding)
    assert (state.state, state.result) == ("stopped", None)
    assert state.message == "Stopped. What was finished is kept."
    done = state.progress["done"]
    again = jobs.resume(embedding)
    first = wait_for(lambda: (at := jobs.status(again).progress).get("step") == "embed" and at)
    assert first["done"] >= done - 256 > 0
    last = ended(again)
    assert last.state == "finished", last.message
    assert last.result is not None
    assert last.result["documents"] == 700
    assert [job.folder for job in jobs.listed()] == [again.folder]
    assert len(Workspace(again.workspace).embeddings) == 700
    jobs.forget(again)
    assert jobs.listed() == []
    assert not again.folder.exists()


def test_a_killed_process_failed_with_a_reason(embedding: jobs.Job, monkeypatch: pytest.MonkeyPatch) -> None:
    os.kill(embedding.pid, signal.SIGKILL)
    state = ended(embedding)
    assert state.state == "failed"
    assert "killed (SIGKILL)" in state.message
    with pytest.raises(ProcessLookupError):  # collected: no zombie holds its number
        os.kill(embedding.pid, 0)
    said = another_server("print([(jobs.status(j).state, jobs.status(j).message) for j in jobs.listed()])")
    assert "'failed'" in said
    assert "ended without a word" in said
    # Its number may belong to another process by now: that one is neither taken for the job nor signalled.
    monkeypatch.setattr(jobs, "_children", {})
    page = json.loads((embedding.folder / "job.json").read_text())
    (embedding.folder / "job.json").write_text(json.dumps({**page, "pid": os.getpid()}))
    other = jobs.listed()[0]
    assert (other.pid, jobs.status(other).state) == (os.getpid(), "failed")
    jobs.cancel(other)
    assert jobs.status(other).state == "stopped"


def test_a_job_outlives_its_server(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    pd.DataFrame({"text": texts(60)}).to_csv(path, index=False)
    root = tmp_path / "home" / "pool"
    another_server(f"from pathlib import Path\njobs.start('pool', ['embed', {str(path)!r}, '--workspace={root}'], "
                   f"Path({str(root)!r}))")
    job = jobs.listed()[0]
    assert jobs.status(job).state in ("running", "finished")
    state = ended(job)
    assert state.state == "finished", state.message
    assert 0 < state.seconds < 120


def test_our_own_error_is_the_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    job = jobs.start("empty", ["fit", str(tmp_path / "empty.csv"), f"--workspace={tmp_path / 'w'}"], tmp_path / "w")
    state = ended(job)
    assert state.state == "failed"
    assert state.message == ("empty.csv must hold at least one row; got an empty file (0 bytes). "
                             "Check the export that wrote it.")


def test_half_written_folders_are_no_trouble(tmp_path: Path) -> None:
    folder = home() / "jobs" / "abc"
    folder.mkdir(parents=True)
    assert jobs.listed() == []
    strange = '{"title": 1, "arguments": 3, "workspace": "w", "pid": 1, "started": 0}'
    for text in ("", "{", "[]", '{"title": "x"}', strange):
        (folder / "job.json").write_text(text)
        assert jobs.listed() == []
    page = {"title": "x", "arguments": ["fit"], "workspace": str(tmp_path / "w"), "pid": 0, "started": time.time()}
    (folder / "job.json").write_text(json.dumps(page))
    state = jobs.status(jobs.listed()[0])
    assert (state.state, state.message) == ("failed", "The process was never started: the app ended first.")
    for name in ("result.json", "progress.json", "log.txt"):
        (folder / name).write_bytes(b'{"documents": 3, "na\xff')
    assert jobs.status(jobs.listed()[0]).state == "failed"


def test_an_estimate_is_not_listed_and_is_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pool.csv"
    pd.DataFrame({"text": texts(5)}).to_csv(path, index=False)
    job = jobs.start("estimate", ["estimate", str(path)])
    state = ended(job)
    assert state.result is not None, state.message
    assert state.result["documents"] == 5
    assert jobs.listed() == []
    assert job.folder.exists()
    monkeypatch.setattr(jobs, "FORGOTTEN", 0.0)
    assert jobs.listed() == []
    assert not job.folder.exists()


def test_a_job_that_does_not_listen_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(60)"

    def launch(folder: Path, arguments: list[str], lock: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", deaf], stdout=(folder / "result.json").open("wb"),
                                pass_fds=(lock,))

    monkeypatch.setattr(jobs, "_launch", launch)
    monkeypatch.setattr(jobs, "PATIENCE", 0.3)
    job = jobs.start("deaf", [], tmp_path / "w")
    wait_for(lambda: (job.folder / "result.json").read_text())
    jobs.cancel(job)
    time.sleep(0.4)
    assert jobs.status(job).state == "stopping"
    jobs.cancel(job)
    assert ended(job).state == "stopped"


def test_no_home_to_write_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GEM_EXPLORER_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(InputError, match="must be writable"):
        jobs.start("x", [], tmp_path / "w")
