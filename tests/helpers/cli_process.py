"""Run gem-explorer as a real process and read what it says."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.helpers.warm_process import ForkedCommand, WarmProcess

COMMAND = (sys.executable, "-m", "gem_core.cli")
ROOT = Path(__file__).resolve().parents[2]
QUIET = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
WORDS = (
    "oven dough flour crust yeast loaf",
    "water bank current flood delta stream",
    "piston valve torque diesel exhaust fuel",
    "galaxy telescope orbit nebula comet planet",
)
THREE_PARTS = re.compile(r"Error: .+; got .+\. .+\.")


def run(
    *arguments: object, prefix: Sequence[str] = (), cwd: Path | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `prefix` comes before its words and gives it an interpreter of its own."""
    if not prefix:
        return _warm_process().run([str(word) for word in arguments], cwd or Path.cwd(), QUIET, timeout)
    return subprocess.run(
        [*prefix, *COMMAND, *map(str, arguments)], capture_output=True, text=True, env=QUIET, cwd=cwd, timeout=timeout
    )


@cache
def _warm_process() -> WarmProcess:
    return WarmProcess()


def facts(completed: subprocess.CompletedProcess[str]) -> Any:
    """Return the JSON that is all of standard output."""
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)


def refusal(completed: subprocess.CompletedProcess[str]) -> str:
    """Return the message of a refused command: one line on standard error, in three parts, and nothing else."""
    assert completed.returncode == 2, (completed.returncode, completed.stdout, completed.stderr)
    assert completed.stdout == ""
    assert "Traceback" not in completed.stderr
    lines = [line for line in completed.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, completed.stderr
    assert completed.stderr.endswith(lines[0] + "\n")
    assert THREE_PARTS.fullmatch(lines[0]), lines[0]
    return lines[0]


def start(*arguments: object) -> ForkedCommand:
    """Start a command and return at once."""
    return _warm_process().start([str(word) for word in arguments], Path.cwd(), QUIET)


def start_code(
    code: str, *arguments: object, folder: Path | None = None, environment: Mapping[str, str] = QUIET
) -> ForkedCommand:
    """Start Python code as a program of its own and return at once."""
    return _warm_process().start([str(word) for word in arguments], folder or Path.cwd(), environment, code)


def wait_for(happened: Callable[[], Any], seconds: float = 60) -> Any:
    """Return the first true answer."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := happened():
            return answer
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def progress(file: Path) -> dict[str, Any]:
    """Return what a progress file says now."""
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError):
        return {}


def end(child: ForkedCommand, number: signal.Signals, wait: float = 30) -> tuple[int, str, str]:
    """Send a signal; return exit status, output and errors."""
    child.send_signal(number)
    out, err = child.communicate(timeout=wait)
    return child.returncode, out, err


def texts(n: int, words: int = 40) -> list[str]:
    """Return documents of four subjects, all different."""
    rng = np.random.default_rng(3)
    return [" ".join(rng.choice(WORDS[i % 4].split(), words)) + f" {i}" for i in range(n)]
