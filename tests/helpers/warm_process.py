"""A process that has imported the libraries and runs each command in a forked copy of itself.

Importing torch, scikit-learn, faiss and the rest takes seconds, and most tests of a command need none of them to be
imported anew. A forked copy is a process of its own, with its own memory, environment, arguments, working folder and
exit status. Tests that send signals, set limits or watch what is imported start the command with a new interpreter.
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
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

_IMPORTS = (
    *("faiss", "numba", "numpy", "pandas", "pyarrow.parquet", "scipy.optimize", "sklearn.cluster", "torch"),
    *("gem_core.pipeline", "gem_core.export", "gem_core.embedding", "gem_core.student", "gem_core.cli"),
)


def _serve() -> None:
    """Read one request a line, run it in a fork, write its process number and then its exit status."""
    for name in _IMPORTS:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a thread of the parent does not live in a fork"
    gc.collect()
    gc.freeze()  # A collection in a fork must not touch, and so copy, every page of the libraries.
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _run_command(request)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _run_command(request: dict[str, Any]) -> NoReturn:
    """Run the requested command in this fork and end it."""
    from gem_core import cli

    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for descriptor, path, mode in (
        (0, os.devnull, os.O_RDONLY),
        (1, request["out"], flags),
        (2, request["err"], flags),
    ):
        opened = os.open(path, mode)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = ["gem-explorer", *request["arguments"]]
    status: Any = 0
    try:
        cli.main()
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
        status = 1
    if not isinstance(status, int):
        print(status, file=sys.stderr)
        status = 1
    # Taking the libraries down takes a second a command and says nothing about the command.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


class WarmProcess:
    """Client of one such process; it ends with the interpreter that started it."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.warm_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        atexit.register(self.end)

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run gem-explorer to its end; after `timeout` seconds kill it and raise TimeoutExpired."""
        assert self._server.stdin is not None
        with tempfile.TemporaryDirectory(prefix="gem-command-") as scratch:
            out, err = Path(scratch, "out"), Path(scratch, "err")
            request = {
                "arguments": list(arguments),
                "folder": str(folder),
                "environment": dict(environment),
                "out": str(out),
                "err": str(err),
            }
            self._server.stdin.write(json.dumps(request) + "\n")
            self._server.stdin.flush()
            child = self._answer()
            late = threading.Event()
            timer = threading.Timer(timeout, lambda: (late.set(), os.kill(child, signal.SIGKILL)))
            timer.start()
            try:
                status = self._answer()
            finally:
                timer.cancel()
            texts = [path.read_text(encoding="utf-8") if path.exists() else "" for path in (out, err)]
        if late.is_set():
            raise subprocess.TimeoutExpired(list(arguments), timeout, *texts)
        return subprocess.CompletedProcess(list(arguments), status, *texts)

    def _answer(self) -> int:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        if not line:
            raise RuntimeError(f"the process that runs commands ended with {self._server.wait()}")
        return int(line)

    def end(self) -> None:
        """End the process; it has no command running."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(30)


if __name__ == "__main__":
    _serve()
