"""Background jobs: each is a gem-explorer command in its own process with its state in a folder."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from gem_core.pipeline import home

State = Literal["running", "finished", "failed", "stopped"]


@dataclass(frozen=True)
class Job:
    """One command, and where it keeps its progress, result and log."""

    folder: Path
    title: str
    arguments: tuple[str, ...]
    workspace: str
    pid: int
    started: float


@dataclass(frozen=True)
class Status:
    """How a job stands. `progress` holds step, done, total, rate (a second) and left (seconds)."""

    state: State
    progress: dict[str, Any]
    result: dict[str, Any] | None
    message: str


@st.cache_resource
def _children() -> dict[str, subprocess.Popen[bytes]]:
    """Processes started by this server, so that their end can be collected."""
    return {}


def start(title: str, arguments: list[str], workspace: Path) -> Job:
    """Start `gem-explorer ARGUMENTS` (which must take --json and --progress-file) and return its job."""
    folder = home() / "jobs" / uuid.uuid4().hex[:12]
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "gem_core.cli", *arguments, "--json",
               "--progress-file", str(folder / "progress.json")]
    with (folder / "result.json").open("wb") as out, (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdout=out, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    _children()[folder.name] = process
    job = Job(folder, title, tuple(arguments), str(workspace), process.pid, time.time())
    value = {"title": title, "arguments": arguments, "workspace": str(workspace), "pid": process.pid,
             "started": job.started}
    (folder / "job.json").write_text(json.dumps(value), encoding="utf-8")
    return job


def listed() -> list[Job]:
    """All jobs known on this machine, newest first; a restarted server finds them again."""
    found = []
    for path in (home() / "jobs").glob("*/job.json"):
        value = _json(path)
        if value:
            found.append(Job(path.parent, value["title"], tuple(value["arguments"]), value["workspace"],
                             value["pid"], value["started"]))
    return sorted(found, key=lambda job: -job.started)


def status(job: Job) -> Status:
    """Read how a job stands from its folder."""
    result = _json(job.folder / "result.json")
    progress = _json(job.folder / "progress.json") or {}
    if result:
        return Status("finished", progress, result, "")
    if _alive(job):
        return Status("running", progress, None, "")
    if (job.folder / "stopped").exists():
        return Status("stopped", progress, None, "Stopped. What was finished is kept.")
    log = (job.folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip()
    lines = [line for line in log.splitlines() if line.strip()]
    return Status("failed", progress, None, lines[-1] if lines else "The process ended without a word.")


def cancel(job: Job) -> None:
    """Ask a job to stop; it keeps what it has finished."""
    (job.folder / "stopped").touch()
    if _alive(job):
        os.kill(job.pid, signal.SIGTERM)


def resume(job: Job) -> Job:
    """Start the same command again: it goes on from what is on disk."""
    forget(job)
    return start(job.title, list(job.arguments), Path(job.workspace))


def forget(job: Job) -> None:
    """Take a job that has ended off the list."""
    (job.folder / "job.json").unlink(missing_ok=True)


def _alive(job: Job) -> bool:
    child = _children().get(job.folder.name)
    if child is not None:
        return child.poll() is None
    try:
        os.kill(job.pid, 0)
        return b"gem_core" in Path(f"/proc/{job.pid}/cmdline").read_bytes()
    except FileNotFoundError:  # no /proc on this system: trust the signal
        return not Path("/proc").exists()
    except (ProcessLookupError, PermissionError):
        return False


def _json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
