"""A process that has imported the app and its libraries and starts each Streamlit server as a forked copy of itself.

A server is a process of its own, with its own memory, environment, arguments, port and log. Only the imports, several
seconds a server, happen once. A test that watches how the app is started runs `gem-explorer app` instead.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tests.helpers.warm_process import load_numba

ROOT = Path(__file__).resolve().parents[2]
_LIBRARIES = ("faiss", "numba", "pandas", "plotly.graph_objects", "pyarrow.parquet", "sklearn.cluster", "torch")


def _import_app() -> None:
    """Import every module of the app but the pages, which draw when they are run."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    for path in sorted((ROOT / "app").rglob("*.py")):
        if path.name not in {"__init__.py", "main.py", "page.py"}:
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def _serve() -> None:
    """Read one request a line, start a server in a fork, write its process number."""
    _import_app()
    load_numba()
    assert threading.active_count() == 1, "a thread of the parent does not live in a fork"
    gc.collect()
    gc.freeze()  # A collection in a fork must not touch, and so copy, every page of the libraries.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # The kernel reaps the servers.
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run_server(json.loads(line))
        print(child, flush=True)


def _run_server(request: dict[str, Any]) -> NoReturn:
    """Run Streamlit in this fork until it is told to end."""
    from streamlit.web import cli

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.environ.clear()
    os.environ.update(request["environment"])
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, descriptor)
    sys.argv = ["streamlit", *request["arguments"]]
    status = 0
    try:
        cli.main(args=request["arguments"], standalone_mode=False)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    os._exit(status)


class ServerProcess:
    """A started server: whether it runs, and its end."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def running(self) -> bool:
        """Tell whether the process exists; an ended one is reaped by the kernel."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def end(self) -> None:
        """Ask the server to end and, after ten seconds, kill it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.running():
                return
            os.kill(self.pid, number)
            until = time.monotonic() + 10
            while self.running() and time.monotonic() < until:
                time.sleep(0.02)


class WarmStreamlit:
    """Client of one such process; it ends with the interpreter that started it."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.warm_streamlit"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        atexit.register(self.end)

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> ServerProcess:
        """Start ``streamlit`` with these arguments from the repository's root; its output goes to the log."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        request = {"arguments": list(arguments), "environment": dict(environment), "log": str(log)}
        self._parent.stdin.write(json.dumps(request) + "\n")
        self._parent.stdin.flush()
        answer = self._parent.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process that starts servers ended with {self._parent.wait()}")
        return ServerProcess(int(answer))

    def end(self) -> None:
        """End the process; a server that still runs stays."""
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.wait(30)


if __name__ == "__main__":
    _serve()
