"""Background jobs: each is a gem-explorer command in its own process with its state in a folder.

A job outlives the tab and the server. What tells a running job from a dead one is a file lock that the process
inherits: the system frees it whatever way the process ends, so neither a crash nor a reused process number deceives.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gem_core.errors import InputError
from gem_core.pipeline import home
from gem_core.workspace.files import unwritable, write_json

State = Literal["running", "stopping", "finished", "failed", "stopped"]
PATIENCE = 10.0  # seconds after which a second cancel ends the process at once
NICE = 5  # jobs leave the processor to the screens
LOG_TAIL = 20_000
FORGOTTEN = 3600.0  # seconds after which an estimate that nobody has read is cleared away
PROGRESS_LINE = re.compile(r"^[^:]+: [\d,]+ of [\d,]+")


@dataclass(frozen=True)
class Job:
    """One command, and where it keeps its progress, result and log; `workspace` is empty for an estimate."""

    folder: Path
    title: str
    arguments: tuple[str, ...]
    workspace: str
    pid: int
    started: float


@dataclass(frozen=True)
class Status:
    """How a job stands. `progress` holds step, done, total, rate (a second) and left (seconds, or None)."""

    state: State
    progress: dict[str, Any]
    result: dict[str, Any] | None
    message: str
    seconds: float

    @property
    def ended(self) -> bool:
        """Whether nothing more will come from it."""
        return self.state not in ("running", "stopping")


_children: dict[str, subprocess.Popen[bytes]] = {}  # started by this server, so that their end can be collected


def start(title: str, arguments: list[str], workspace: Path | None = None) -> Job:
    """Start `gem-explorer ARGUMENTS` (which must take --json and --progress-file) and return its job.

    Raises
    ------
    InputError
        If a job works on that workspace already, or the home folder cannot be written.
    """
    place = str(workspace or "")
    if place and any(job.workspace == place and not status(job).ended for job in listed()):
        raise InputError("One job at a time works on a workspace", f"{place}, where one is running",
                         "Wait for it, cancel it, or choose another name")
    folder = home() / "jobs" / uuid.uuid4().hex[:12]
    value = {"title": title, "arguments": arguments, "workspace": place, "pid": 0, "started": time.time()}
    try:
        folder.mkdir(parents=True)
        lock = os.open(folder / "alive", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            write_json(folder / "job.json", value)  # before the process: no process without a page in the book
            process = _launch(folder, arguments, lock)
        finally:
            os.close(lock)  # the process keeps its own
        _children[folder.name] = process
        write_json(folder / "job.json", {**value, "pid": process.pid})
    except OSError as error:
        raise unwritable(folder, error) from error
    return Job(folder, title, tuple(arguments), place, process.pid, value["started"])


def _launch(folder: Path, arguments: list[str], lock: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gem_core.cli", *arguments, "--json",
               "--progress-file", str(folder / "progress.json")]
    with (folder / "result.json").open("wb") as out, (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdout=out, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                   pass_fds=(lock,))
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
    return process


def listed() -> list[Job]:
    """All jobs that build a workspace, newest first; a restarted server finds them again."""
    for name in [name for name, child in _children.items() if child.poll() is not None]:
        if not (home() / "jobs" / name).exists():
            del _children[name]
    found = []
    for path in (home() / "jobs").glob("*/job.json"):
        value = _json(path) or {}
        with suppress(KeyError, TypeError, ValueError):  # a page that cannot be read is no job
            found.append(Job(path.parent, str(value["title"]), tuple(map(str, value["arguments"])),
                             str(value["workspace"]), int(value["pid"]), float(value["started"])))
    for job in found:  # an estimate whose tab was closed
        if not job.workspace and time.time() - job.started > FORGOTTEN:
            forget(job)
    return sorted((job for job in found if job.workspace), key=lambda job: -job.started)


def status(job: Job) -> Status:
    """Read how a job stands from its folder."""
    progress = _json(job.folder / "progress.json") or {}
    running = _alive(job)  # asked before the result is read: a result that comes in between is not missed
    result = _json(job.folder / "result.json")
    asked = (job.folder / "stopped").exists()
    if result is not None:
        return Status("finished", progress, result, "", _seconds(job, "result.json"))
    if running:
        return Status("stopping" if asked else "running", progress, None, "", time.time() - job.started)
    log = _log(job)
    if asked or (log and log[-1].startswith("Stopped;")):
        return Status("stopped", progress, None, "Stopped. What was finished is kept.", _seconds(job, "log.txt"))
    return Status("failed", progress, None, _reason(job, log), _seconds(job, "log.txt"))


def cancel(job: Job) -> None:
    """Ask a job to stop, and end it at once when asked again after `PATIENCE` seconds; finished work is kept."""
    if not job.folder.exists():  # forgotten already
        return
    mark = job.folder / "stopped"
    impatient = mark.exists() and time.time() - mark.stat().st_mtime > PATIENCE
    if not mark.exists():
        mark.touch()
    if job.pid > 0 and _alive(job):  # its lock is held, so the number is still its own
        with suppress(ProcessLookupError):
            os.kill(job.pid, signal.SIGKILL if impatient else signal.SIGTERM)


def resume(job: Job) -> Job:
    """Start the same command again: it goes on from what is on disk."""
    again = start(job.title, list(job.arguments), Path(job.workspace))
    forget(job)
    return again


def forget(job: Job) -> None:
    """Take a job that has ended off the list; the workspace stays."""
    if status(job).ended:
        shutil.rmtree(job.folder, ignore_errors=True)


def _alive(job: Job) -> bool:
    child = _children.get(job.folder.name)
    if child is not None and child.poll() is not None:  # collected here, or it would stay a zombie
        return False
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


def _reason(job: Job, log: list[str]) -> str:
    """Why a job failed: our own error, else how its process ended."""
    for place, line in enumerate(log):
        if line.startswith("Error: "):
            return "\n".join([line.removeprefix("Error: "), *log[place + 1:]])
    child = _children.get(job.folder.name)
    code = child.poll() if child is not None else None
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        why = "; often the machine is out of memory" if -code == signal.SIGKILL else ""
        return f"The process was killed ({name}){why}. Its finished batches are kept."
    said = [line for line in log if not PROGRESS_LINE.match(line)]
    if said and not said[0].startswith("Traceback"):
        return said[-1]
    if said:
        return f"The program failed: {said[-1]}"
    if job.pid == 0:
        return "The process was never started: the app ended first."
    return "The process ended without a word: it was killed, or the machine restarted. Its finished batches are kept."


def _log(job: Job) -> list[str]:
    try:
        with (job.folder / "log.txt").open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _seconds(job: Job, last: str) -> float:
    """Seconds from the start to the last word of a job that has ended."""
    try:
        return max(0.0, (job.folder / last).stat().st_mtime - job.started)
    except OSError:
        return 0.0


def _json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
