"""Describe a failed job: our own error, or the signal, the exit status and the end of its log."""

import os
import re
import shutil
import signal
from pathlib import Path

LOG_TAIL = 20_000  # bytes
PROGRESS_LINE = re.compile(r"^[^:]+: [\d,]+ of [\d,]+")
SCARCE = 1_000_000  # bytes free below which a disk counts as full
SIGNALLED = 128  # a shell says 128 + n of a command that signal n ended


def describe_failure(folder: Path, log: list[str], code: int | None, *, started: bool, resumable: bool) -> str:
    """Return the reason why a job failed.

    Parameters
    ----------
    folder : Path
        Of the job.
    log : list of str
        Its last lines.
    code : int, optional
        Exit status as a shell says it; None where it was not recorded.
    started : bool
        Whether there ever was a process.
    resumable : bool
        Whether running it again goes on from what was finished.
    """
    for line_index, line in enumerate(log):
        if line.startswith("Error: "):
            return "\n".join([line.removeprefix("Error: "), *log[line_index + 1 :]])
    after = " Finished work is kept." if resumable else ""
    if code is not None and code > SIGNALLED:
        number = code - SIGNALLED
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        why = "; the machine may be out of memory" if number == signal.SIGKILL else ""
        return f"The process was killed ({name}){why}.{after}"
    messages = [line for line in log if not PROGRESS_LINE.match(line)]
    status = f" (exit status {code})" if code is not None else ""
    if messages and not messages[0].startswith("Traceback") and code is None:
        return messages[-1]
    if messages:
        return f"The program failed{status}: {messages[-1]}"
    if not started:
        return "The app ended before the process started."
    if _full(folder):
        return f"The disk is full{status}. Free some space and resume.{after}"
    if code is not None:
        return f"The process ended without an error message{status}.{after}"
    return f"The process ended without an error message: it was killed, or the machine restarted.{after}"


def log_lines(folder: Path) -> list[str]:
    """Return the last lines of a job's log that hold anything."""
    try:
        with (folder / "log.txt").open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < SCARCE
    except OSError:
        return False
