"""Background jobs with real processes: how each way to end is told apart, and what is kept."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from app.jobs import runner
from app.jobs.overall_progress import STEP_WEIGHTS, overall_share
from gem_core.corpus import Columns
from gem_core.errors import InputError
from gem_core.pipeline import Source, build, home
from gem_core.workspace import Settings, Workspace
from tests.helpers.cli_process import texts, wait_for

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = 1600


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEM_EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def embedding(tmp_path: Path) -> runner.Job:
    """A job that is in the middle of its embedding."""
    path = tmp_path / "pool.csv"
    pd.DataFrame({"text": texts(DOCUMENTS, 20)}).to_csv(path, index=False)
    root = tmp_path / "home" / "pool"
    job = runner.start("pool", ["embed", str(path), f"--workspace={root}"], root)
    wait_for(lambda: (at := runner.status(job).progress).get("step") == "embed" and 300 < at["done"] < at["total"])
    return job


def ended(job: runner.Job) -> runner.Status:
    return wait_for(lambda: (now := runner.status(job)).ended and now, 120)


def another_server(code: str) -> str:
    """Run code in another process, as a restarted server would."""
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom app.jobs import runner\n{code}"
    completed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert completed.returncode == 0, completed.stderr
    return completed.stdout.strip()


def test_cancel_keeps_batches_and_resume_goes_on(embedding: runner.Job) -> None:
    assert [job.pid for job in runner.list_jobs()] == [embedding.pid]
    assert another_server("print([runner.status(j).state for j in runner.list_jobs()])") == "['running']"
    with pytest.raises(InputError, match="Only one job of a kind can run on a workspace"):
        runner.start("again", list(embedding.arguments), Path(embedding.workspace))
    runner.cancel(embedding)
    state = ended(embedding)
    assert (state.state, state.result) == ("stopped", None)
    assert state.message == "Stopped. Finished work is kept."
    completed_count = state.progress["done"]
    again = runner.resume(embedding)
    first = wait_for(lambda: (at := runner.status(again).progress).get("step") == "embed" and at)
    assert first["done"] >= completed_count - 256 > 0
    last = ended(again)
    assert last.state == "finished", last.message
    assert last.result is not None
    assert last.result["documents"] == DOCUMENTS
    assert [job.folder for job in runner.list_jobs()] == [again.folder]
    assert len(Workspace(again.workspace).embeddings) == DOCUMENTS
    runner.forget(again)
    assert runner.list_jobs() == []
    assert not again.folder.exists()


def test_a_killed_process_failed_with_a_reason(embedding: runner.Job) -> None:
    """The system ends a process that takes too much memory this way; a restarted server can still say it."""
    os.kill(embedding.pid, signal.SIGKILL)
    state = ended(embedding)
    assert (state.state, state.code) == ("failed", 128 + signal.SIGKILL)
    assert state.message == (
        "The process was killed (SIGKILL); the machine may be out of memory. Finished work is kept."
    )
    answer = another_server("print([(runner.status(j).state, runner.status(j).message) for j in runner.list_jobs()])")
    assert answer == repr([("failed", state.message)])


def test_a_whole_killed_group_failed_too(embedding: runner.Job, monkeypatch: pytest.MonkeyPatch) -> None:
    os.killpg(os.getpgid(embedding.pid), signal.SIGKILL)  # note-taker and all, as when the machine restarts
    state = ended(embedding)
    assert (state.state, state.code) == ("failed", None)
    assert "ended without an error message" in state.message
    # Its number may belong to another process by now: that one is neither taken for the job nor signalled.
    monkeypatch.setattr(runner, "_children", {})
    (embedding.folder / "pid").write_text(str(os.getpid()))
    other = runner.list_jobs()[0]
    assert (other.pid, runner.status(other).state) == (os.getpid(), "failed")
    runner.cancel(other)
    assert runner.status(other).state == "stopped"


def test_a_job_outlives_its_killed_server(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    pd.DataFrame({"text": texts(60)}).to_csv(path, index=False)
    root = tmp_path / "home" / "pool"
    server = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from app.jobs import runner
from app.jobs.overall_progress import STEP_WEIGHTS, overall_share
from gem_core.corpus import Columns
runner.start('pool', ['embed', {str(path)!r}, '--workspace={root}'], Path({str(root)!r}))
os.killpg(0, signal.SIGKILL)"""
    completed = subprocess.run([sys.executable, "-c", server], capture_output=True, timeout=60, start_new_session=True)
    assert completed.returncode == -signal.SIGKILL, completed.stderr
    job = runner.list_jobs()[0]
    assert runner.status(job).state in ("running", "finished")
    state = ended(job)
    assert state.state == "finished", state.message
    assert 0 < state.seconds < 120
    assert wait_for(lambda: runner.status(job).code is not None)  # its shell lives on too and notes the end
    assert (
        another_server("print([(runner.status(j).state, runner.status(j).code) for j in runner.list_jobs()])")
        == "[('finished', 0)]"
    )


def test_our_own_error_is_the_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    job = runner.start("empty", ["fit", str(tmp_path / "empty.csv"), f"--workspace={tmp_path / 'w'}"], tmp_path / "w")
    state = ended(job)
    assert state.state == "failed"
    assert state.message == (
        "empty.csv must hold at least one row; got an empty file (0 bytes). Check the export that wrote it."
    )


def test_half_written_folders_are_no_trouble(tmp_path: Path) -> None:
    folder = home() / "jobs" / "abc"
    folder.mkdir(parents=True)
    assert runner.list_jobs() == []
    strange = '{"title": 1, "arguments": 3, "workspace": "w", "started": 0}'
    for text in ("", "{", "[]", '{"title": "x"}', strange):
        (folder / "job.json").write_text(text)
        assert runner.list_jobs() == []
    page = {"title": "x", "arguments": ["fit"], "workspace": str(tmp_path / "w"), "started": time.time()}
    (folder / "job.json").write_text(json.dumps(page))
    state = runner.status(runner.list_jobs()[0])
    assert (state.state, state.message) == ("failed", "The app ended before the process started.")
    for name in ("result.json", "progress.json", "log.txt"):
        (folder / name).write_bytes(b'{"documents": 3, "na\xff')
    assert runner.status(runner.list_jobs()[0]).state == "failed"


def test_an_estimate_is_not_listed_and_is_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pool.csv"
    pd.DataFrame({"text": texts(5)}).to_csv(path, index=False)
    job = runner.start("estimate", ["estimate", str(path)])
    state = ended(job)
    assert state.result is not None, state.message
    assert state.result["documents"] == 5
    assert runner.list_jobs() == []
    assert job.folder.exists()
    monkeypatch.setattr(runner, "FORGOTTEN", 0.0)
    assert runner.list_jobs() == []
    assert not job.folder.exists()


def command(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let jobs run a line of Python in the place of gem-explorer."""
    monkeypatch.setattr(runner, "NOTE_TAKER", runner.NOTE_TAKER.replace('"$@"', f'"$1" -c {shlex.quote(code)}', 1))


def test_a_job_that_does_not_listen_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(60)",
        monkeypatch,
    )
    monkeypatch.setattr(runner, "PATIENCE", 0.3)
    job = runner.start("deaf", ["fit"], tmp_path / "w")
    wait_for(lambda: (job.folder / "result.json").read_text())
    runner.cancel(job)
    time.sleep(0.4)
    assert runner.status(job).state == "stopping"
    runner.cancel(job)
    assert ended(job).state == "stopped"


@pytest.mark.parametrize(
    ("code", "state", "exit_status", "message"),
    [
        ("import os; os.abort()", "failed", 134, "The process was killed (SIGABRT). Finished work is kept."),
        ("1 / 0", "failed", 1, "The program failed (exit status 1): ZeroDivisionError: division by zero"),
        (
            "raise SystemExit(3)",
            "failed",
            3,
            "The process ended without an error message (exit status 3). Finished work is kept.",
        ),
        ("raise SystemExit(130)", "stopped", 130, "Stopped. Finished work is kept."),
        ("pass", "finished", 0, ""),  # its result found no room
    ],
)
def test_how_it_ended_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, state: str, exit_status: int, message: str
) -> None:
    command(code, monkeypatch)
    job = runner.start("x", ["fit"], tmp_path / "w")
    outcome = ended(job)
    assert (outcome.state, outcome.code, outcome.message) == (state, exit_status, message)
    monkeypatch.setattr(runner, "_children", {})  # a restarted server reads the same
    assert runner.status(runner.list_jobs()[0]) == outcome


def test_a_list_is_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command("print([1, 2])", monkeypatch)
    assert ended(runner.start("x", ["path"], tmp_path / "w")).result == {"rows": [1, 2]}


def test_kinds_run_side_by_side_but_builders_exclude_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("import time; time.sleep(60)", monkeypatch)
    root = tmp_path / "w"
    running = [
        runner.start("a", ["embed"], root),
        runner.start("b", ["path"], root),
        runner.start("c", ["fit"], tmp_path),
    ]
    for kind in ("embed", "fit", "path"):
        with pytest.raises(InputError, match="Only one job of a kind can run on a workspace"):
            runner.start("again", [kind], root)
    assert runner.busy(root, "path")
    assert not runner.busy(root, "fit")
    assert runner.find(root, "path") == running[1]
    assert [job.title for job in runner.list_jobs(root)] == ["b", "a"]
    assert [job.title for job in runner.list_jobs()] == ["c", "b", "a"]
    for job in running:
        runner.cancel(job)
    assert {ended(job).state for job in running} == {"stopped"}
    assert runner.status(running[1]).message == "Stopped."  # a path keeps nothing


def test_two_starts_at_once_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command("import time; time.sleep(60)", monkeypatch)

    def press(_: int) -> str:
        try:
            return runner.start("x", ["fit"], tmp_path / "w").folder.name
        except InputError:
            return ""

    with ThreadPoolExecutor(8) as pool:
        started = [name for name in pool.map(press, range(8)) if name]
    assert [job.folder.name for job in runner.list_jobs()] == started
    runner.cancel(runner.list_jobs()[0])
    assert len(started) == 1


def test_old_ended_jobs_are_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command("pass", monkeypatch)
    for name in ("old", "new"):
        ended(runner.start(name, ["fit"], tmp_path / name))
    page = json.loads((runner.list_jobs()[1].folder / "job.json").read_text())
    assert page["title"] == "old"
    (runner.list_jobs()[1].folder / "job.json").write_text(
        json.dumps({**page, "started": time.time() - 15 * 24 * 3600})
    )
    runner.list_jobs()
    assert [job.title for job in runner.list_jobs()] == ["new"]


def test_a_full_disk_for_log_and_progress_does_not_stop_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write to /dev/full fails with "no space left", as the log does on a full disk."""
    path = tmp_path / "pool.csv"
    pd.DataFrame({"text": texts(60)}).to_csv(path, index=False)
    root = tmp_path / "home" / "pool"
    full = 'mkdir "$0/progress.json.new"\n' + runner.NOTE_TAKER.replace('"$@"', '"$@" > /dev/full 2> /dev/full')
    monkeypatch.setattr(runner, "NOTE_TAKER", full)
    job = runner.start("pool", ["embed", str(path), f"--workspace={root}"], root)
    state = ended(job)
    assert len(Workspace(root).embeddings) == 60
    assert Workspace(root).database.indexed()
    assert state.progress == {}
    assert (state.state, state.result) == ("failed", None)  # its last words found no room: that is said
    assert state.code == 2
    assert "exit status 2" in state.message


def test_no_home_to_write_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GEM_EXPLORER_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(InputError, match="must be writable"):
        runner.start("x", [], tmp_path / "w")


def test_one_percentage_covers_the_whole_job_and_never_falls() -> None:
    steps = [("read", 1.0), ("embed", 0.5), ("layout", 0.1), ("seed", 1.0), ("fit", 0.4), ("path", 0.5), ("seed", 0.1)]
    shares = [overall_share("fit", step, share, "job") for step, share in steps]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.1
    assert 0.3 < shares[1] < 0.5
    assert overall_share("duplicates", "compare", 0.25) == 0.25


def test_the_weights_name_steps_that_the_build_reports(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    path, vectors = corpus
    reported: list[str] = []
    columns = Columns(text="text", id="id", label="subject", tokens=None, weight=None)
    build(
        Source(path, columns=columns, vectors=vectors),
        tmp_path / "workspace",
        Settings(n_clusters=4),
        progress=lambda step, completed, total: reported.append(step) if step not in reported else None,
    )
    step_names = [step for step, _ in STEP_WEIGHTS["fit"]]
    assert [step for step in step_names if step in reported] == reported
