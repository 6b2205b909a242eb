"""Background jobs: each is a gem-explorer command in its own process with its state in a folder.

A job outlives the tab and the server. What tells a running job from a dead one is a file lock that its processes
inherit: the system frees it whatever way they end, so neither a crash nor a reused process number deceives. A small
shell waits for the command and notes how it ended, so that a restarted server can say it too.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from app.jobs.failures import describe_failure, log_lines
from gem_core.errors import InputError
from gem_core.pipeline import home
from gem_core.workspace.atomic_files import unwritable, write_json

State = Literal["running", "stopping", "finished", "failed", "stopped"]
PATIENCE = 10.0  # seconds after which a second cancel ends the process at once
NICE = 5  # jobs leave the processor to the screens
FORGOTTEN = 3600.0  # seconds after which an unread estimate is deleted
KEPT, KEPT_SECONDS = 40, 14 * 24 * 3600.0  # jobs that have ended stay on the list: so many, so long
RECENT = 1.0  # seconds
BUILDERS = ("embed", "fit", "add")  # they make the corpus itself: one of them at a time on a workspace
# They keep nothing of a run that was stopped.
STARTS_OVER = ("estimate", "path", "duplicates", "compare", "report", "export", "distill", "assign", "umap")

# Notes the number of its command and how that ended. Notes are written over blanks that are there already, so that a
# full disk has room for them; a cancel that came before there was a number is found by its mark.
NOTE_TAKER = """"$@" &
echo $! 1<> "$0/pid"
if [ -e "$0/stopped" ]; then kill $!; fi
wait $!
echo $? 1<> "$0/exit"
"""
BLANK = " " * 15 + "\n"


@dataclass(frozen=True)
class Job:
    """One command, and where it keeps its progress, result and log; `workspace` is empty for an estimate."""

    folder: Path
    title: str
    arguments: tuple[str, ...]
    workspace: str
    started: float

    @property
    def pid(self) -> int:
        """Process number of the command; 0 as long as there is none."""
        return _number(self.folder / "pid") or 0

    @property
    def kind(self) -> str:
        """The command: embed, fit, path, ..."""
        return self.arguments[0] if self.arguments else ""

    @property
    def starts_over(self) -> bool:
        """Whether a new run starts from the beginning."""
        return self.kind in STARTS_OVER


@dataclass(frozen=True)
class Status:
    """Status of a job.

    `progress` holds step, done, total, rate (a second) and left (seconds, or None); `code` is the exit status as a
    shell says it (128 + n: ended by signal n), None while it runs or where it was not recorded.
    """

    state: State
    progress: dict[str, Any]
    result: dict[str, Any] | None
    message: str
    seconds: float
    code: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come from it."""
        return self.state not in ("running", "stopping")


_children: dict[str, subprocess.Popen[bytes]] = {}  # started by this server, so that their end can be collected
_overviews: dict[Path, tuple[float, list[tuple[Job, Status]]]] = {}
_starting = threading.Lock()


def start(title: str, arguments: list[str], workspace: Path | None = None) -> Job:
    """Start `gem-explorer ARGUMENTS` (which must take --json and --progress-file) and return its job.

    Raises
    ------
    InputError
        If a job of the kind works on that workspace already, or the home folder cannot be written.
    """
    workspace_path, kind = str(workspace or ""), arguments[0] if arguments else ""
    folder = home() / "jobs" / uuid.uuid4().hex[:12]
    value = {"title": title, "arguments": arguments, "workspace": workspace_path, "started": time.time()}
    try:
        with _one_starts(folder.parent):
            rivals = BUILDERS if kind in BUILDERS else (kind,)
            if workspace_path and any(
                job.workspace == workspace_path and job.kind in rivals and not status(job).ended for job in list_jobs()
            ):
                raise InputError(
                    "Only one job of a kind can run on a workspace",
                    f"one is running on {workspace_path}",
                    "Wait for it or cancel it",
                )
            folder.mkdir(parents=True)
            lock = os.open(folder / "alive", os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for name in ("pid", "exit"):
                    (folder / name).write_text(BLANK)
                write_json(folder / "job.json", value)  # before the process: no process without a page in the book
                process = _launch(folder, arguments, lock)
            finally:
                os.close(lock)  # the processes keep their own
            _children[folder.name] = process
            _overviews.clear()
    except OSError as error:
        raise unwritable(folder, error) from error
    return Job(folder, title, tuple(arguments), workspace_path, float(str(value["started"])))


@contextmanager
def _one_starts(folder: Path) -> Iterator[None]:
    """Two windows, or two servers, that press Start at once start one job."""
    folder.mkdir(parents=True, exist_ok=True)
    with _starting, (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _launch(folder: Path, arguments: list[str], lock: int) -> subprocess.Popen[bytes]:
    command = [
        "/bin/sh",
        "-c",
        NOTE_TAKER,
        str(folder),
        sys.executable,
        "-m",
        "gem_core.cli",
        *arguments,
        "--json",
        "--progress-file",
        str(folder / "progress.json"),
    ]
    with (folder / "result.json").open("wb") as out, (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=out, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, pass_fds=(lock,)
        )
    with suppress(OSError):
        os.setpriority(os.PRIO_PGRP, process.pid, NICE)
    return process


def list_jobs(workspace: Path | None = None, kind: str = "") -> list[Job]:
    """Jobs on workspaces (all, or one, or of one kind), newest first; a restarted server finds them again."""
    for name in [name for name, child in list(_children.items()) if child.poll() is not None]:
        if not (home() / "jobs" / name).exists():
            _children.pop(name, None)
    jobs = []
    for path in (home() / "jobs").glob("*/job.json"):
        value = _json(path) or {}
        with suppress(KeyError, TypeError, ValueError):  # a page that cannot be read is no job
            jobs.append(
                Job(
                    path.parent,
                    str(value["title"]),
                    tuple(map(str, value["arguments"])),
                    str(value["workspace"]),
                    float(value["started"]),
                )
            )
    jobs.sort(key=lambda job: -job.started)
    _clear_old(jobs)
    return [
        job
        for job in jobs
        if job.workspace and (workspace is None or job.workspace == str(workspace)) and kind in ("", job.kind)
    ]


def overview() -> list[tuple[Job, Status]]:
    """All jobs and how they stand, at most a second old: many windows ask for it every few seconds."""
    key, now = home(), time.monotonic()
    read_at, job_statuses = _overviews.get(key, (-RECENT, []))
    if now - read_at < RECENT:
        return job_statuses
    job_statuses = [(job, status(job)) for job in list_jobs()]
    _overviews.clear()
    _overviews[key] = (now, job_statuses)
    return job_statuses


def find(workspace: Path, kind: str) -> Job | None:
    """Return the newest job of a kind on a workspace, whatever became of it."""
    return next(iter(list_jobs(workspace, kind)), None)


def busy(workspace: Path, kind: str) -> bool:
    """Whether a job of that kind runs on a workspace."""
    job = find(workspace, kind)
    return job is not None and not status(job).ended


def status(job: Job) -> Status:
    """Read how a job stands from its folder."""
    progress = _json(job.folder / "progress.json") or {}
    running = _alive(job)  # asked before the result is read: a result that comes in between is not missed
    result = _json(job.folder / "result.json")
    stop_requested = (job.folder / "stopped").exists()
    code = _number(job.folder / "exit")
    if result is None and code == 0:
        result = {}  # the work is done; only its last words found no room on the disk
    if result is not None:
        return Status("finished", progress, result, "", _seconds(job, "result.json"), code)
    if running:
        return Status("stopping" if stop_requested else "running", progress, None, "", time.time() - job.started)
    log = log_lines(job.folder)
    if stop_requested or code == 130 or (log and log[-1].startswith("Stopped;")):
        words = "Stopped." if job.starts_over else "Stopped. Finished work is kept."
        return Status("stopped", progress, None, words, _seconds(job, "log.txt"), code)
    why = describe_failure(job.folder, log, code, started=job.pid > 0, resumable=not job.starts_over)
    return Status("failed", progress, None, why, _seconds(job, "log.txt"), code)


def cancel(job: Job) -> None:
    """Ask a job to stop, and end it at once when asked again after `PATIENCE` seconds; finished work is kept."""
    if not job.folder.exists():  # forgotten already
        return
    _overviews.clear()
    mark = job.folder / "stopped"
    impatient = mark.exists() and time.time() - mark.stat().st_mtime > PATIENCE
    with suppress(OSError):  # a full disk is no reason to go on
        if not mark.exists():
            mark.touch()
    if (number := job.pid) > 0 and _alive(job):  # its lock is held, so the number is still its own
        with suppress(ProcessLookupError):
            if impatient:
                os.killpg(os.getpgid(number), signal.SIGKILL)
            else:
                os.kill(number, signal.SIGTERM)


def resume(job: Job) -> Job:
    """Start the same command again: it goes on from what is on disk."""
    again = start(job.title, list(job.arguments), Path(job.workspace))
    forget(job)
    return again


def forget(job: Job) -> None:
    """Take a job that has ended off the list; the workspace stays."""
    _overviews.clear()
    if status(job).ended:
        shutil.rmtree(job.folder, ignore_errors=True)


def _clear_old(jobs: list[Job]) -> None:
    """Forget estimates whose tab was closed, and jobs that ended long ago."""
    for position, job in enumerate(jobs):
        age = time.time() - job.started
        if age > (KEPT_SECONDS if job.workspace and position < KEPT else FORGOTTEN):
            forget(job)


def _alive(job: Job) -> bool:
    child = _children.get(job.folder.name)
    if child is not None:
        child.poll()  # collects it, or it would stay a zombie
    try:
        handle = os.open(job.folder / "alive", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _seconds(job: Job, last: str) -> float:
    """Seconds from the start to the last word of a job that has ended."""
    try:
        return max(0.0, (job.folder / last).stat().st_mtime - job.started)
    except OSError:
        return 0.0


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _json(path: Path) -> dict[str, Any] | None:
    """Read JSON; a list, which some commands print, is wrapped as rows."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {"rows": value} if isinstance(value, list) else value if isinstance(value, dict) else None
