"""Shared parts of the benchmarks: the app's server, the browser, interleaved timings, the line on the machine."""

import datetime
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "gem_core.cli")
# Chromium paints pages itself: an emulated graphics card took 4 to 10 times its processor time for that.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
    "--disable-gpu-rasterization",
]
# True in a page of the app when no script runs.
READY = "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"


@dataclass(frozen=True)
class Server:
    """A running server of the app.

    Attributes
    ----------
    url : str
    process : subprocess.Popen
        Leader of a process group of its own.
    healthy : float
        Moment of the first healthy answer, by `time.perf_counter`.
    """

    url: str
    process: "subprocess.Popen[bytes]"
    healthy: float

    def cpu_seconds(self) -> float:
        """Return the processor time used so far; unlike time on the clock it does not grow with the machine's load."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:  # No such file on this system.
            return float("nan")
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def app_server(workspace: Path | None = None, *, home: Path | None = None, log: Path | None = None) -> Iterator[Server]:
    """Serve a workspace (the sample when left out) on a free port; kill the server and its children at the end."""
    # The server has a process group of its own, so a benchmark that is stopped must end it: SIGTERM raises SystemExit.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Without GEM_EXPLORER_TOKEN the server answers every browser of this machine.
    command = [sys.executable, str(ROOT / "app" / "server.py")]
    command += [f"--workspace={workspace.resolve()}"] if workspace else []
    environment = {**os.environ, "GEM_EXPLORER_PORT": str(port)}
    environment |= {"GEM_EXPLORER_HOME": str(home)} if home else {}
    with open(log or os.devnull, "wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        yield Server(url, process, _wait_until_healthy(url, process))
    finally:
        kill_group(process)


def _wait_until_healthy(url: str, process: "subprocess.Popen[bytes]", limit: float = 120.0) -> float:
    until = time.perf_counter() + limit
    while time.perf_counter() < until:
        with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
            return time.perf_counter()
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode} before it answered")
        time.sleep(0.05)
    raise SystemExit(f"the server did not answer within {limit:.0f} s")


def kill_group(process: "subprocess.Popen[bytes]") -> bool:
    """Kill -9 a process group by its leader; return whether the leader was still alive."""
    alive = process.poll() is None
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return alive


def chromium() -> str | None:
    """Return the path of Chromium, or None where there is none; GEM_CHROMIUM comes first."""
    return os.environ.get("GEM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def browser() -> Iterator[Any]:
    """Open a headless Chromium (playwright's synchronous interface)."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), headless=True, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


def seconds(call: Callable[[], object]) -> float:
    """Return the time on the clock of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def seconds_in_turn(calls: list[Callable[[], object]], rounds: int) -> np.ndarray:
    """Time each call once a round, so that other work on the machine hits all of them: (rounds, calls) seconds."""
    return np.array([[seconds(call) for call in calls] for _ in range(rounds)])


def spread(values: Any) -> str:
    """Return median and range, as "1.20 (1.05 to 1.61)"."""
    low, middle, high = np.percentile(np.asarray(values), [0, 50, 100])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def machine() -> str:
    """Return date, processor, cores, Python and the load so far, for the head of a table."""
    return (
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f}"
    )
