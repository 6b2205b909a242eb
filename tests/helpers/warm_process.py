"""A process that has imported the libraries and runs each command in a forked copy of itself.

Importing torch, scikit-learn, faiss and the rest takes seconds, and most tests of a command need none of them to be
imported anew. A forked copy is a process of its own, with its own memory, environment, arguments, working folder,
signal handlers and exit status. Tests that set limits or watch what is imported start the command with a new
interpreter.
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
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

COMMAND_LINE = "from gem_core.cli import main; main()"
_IMPORTS = (
    *("faiss", "numba", "numpy", "pandas", "pyarrow.parquet", "scipy.optimize", "sklearn.cluster"),
    *("torch", "torch._dynamo"),  # The first optimizer loads torch._dynamo.
    *("gem_core.pipeline", "gem_core.export", "gem_core.embedding", "gem_core.student", "gem_core.cli"),
)


def load_numba() -> None:
    """Load what Numba knows of types and operators; otherwise every fork loads it before its first kernel."""
    from numba.core.registry import cpu_target

    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


def _serve() -> None:
    """Read one request a line and answer it with a number: start a fork, or look whether one has ended."""
    for name in _IMPORTS:
        importlib.import_module(name)
    load_numba()
    assert threading.active_count() == 1, "a thread of the parent does not live in a fork"
    gc.collect()
    gc.freeze()  # A collection in a fork must not touch, and so copy, every page of the libraries.
    for line in sys.stdin:
        request = json.loads(line)
        if "process" in request:
            process, status = os.waitpid(request["process"], os.WNOHANG)
            print(os.waitstatus_to_exitcode(status) if process else "runs", flush=True)
            continue
        child = os.fork()
        if child == 0:
            _run_command(request)
        os.setpgid(child, child)  # before anybody can know the number and kill the group
        print(child, flush=True)


def _run_command(request: dict[str, Any]) -> NoReturn:
    """Run the requested code in this fork and end it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background of a shell
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
        exec(compile(request["code"], "<command>", "exec"), {"__name__": "__main__"})
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


class ForkedCommand:
    """A command that was started, with what tests use of `subprocess.Popen`; its output lies in files."""

    def __init__(self, server: WarmProcess, process: int, arguments: Sequence[str], folder: Path) -> None:
        self.pid, self.returncode = process, None
        self._server, self._arguments, self._folder = server, list(arguments), folder

    def poll(self) -> int | None:
        """Return the exit status, None while the command runs."""
        if self.returncode is None:
            self.returncode = self._server.exit_status(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status when the command has ended."""
        until, pause = time.monotonic() + (timeout or float("inf")), 0.002
        while (status := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(self._arguments, timeout or 0, *self._texts())
            time.sleep(pause)
            pause = min(0.05, 1.5 * pause)
        return status

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end; return what was written to standard output and to standard error."""
        self.wait(timeout)
        return self._texts()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the command has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, unless the command has ended."""
        self.send_signal(signal.SIGKILL)

    def output(self) -> str:
        """Return what has been written to standard output up to now."""
        return self._texts()[0]

    def _texts(self) -> tuple[str, str]:
        files = (self._folder / name for name in ("out", "err"))
        out, err = (path.read_text(encoding="utf-8") if path.exists() else "" for path in files)
        return out, err


class WarmProcess:
    """Client of one such process; it ends with the interpreter that started it."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="gem-command-")
        self._number = 0
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.warm_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        atexit.register(self.end)

    def start(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], code: str = COMMAND_LINE
    ) -> ForkedCommand:
        """Start gem-explorer, or other code, with these arguments in a process group of its own."""
        self._number += 1
        scratch = Path(self._scratch.name, str(self._number))
        scratch.mkdir()
        request = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
            "out": str(scratch / "out"),
            "err": str(scratch / "err"),
            "code": code,
        }
        return ForkedCommand(self, int(self._ask(request)), arguments, scratch)

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run gem-explorer to its end; after `timeout` seconds kill it and raise TimeoutExpired."""
        command = self.start(arguments, folder, environment)
        try:
            texts = command.communicate(timeout)
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait()
            raise
        return subprocess.CompletedProcess(list(arguments), command.wait(), *texts)

    def exit_status(self, process: int) -> int | None:
        """Return the exit status of a started command and forget it; None while it runs."""
        answer = self._ask({"process": process})
        return None if answer == "runs" else int(answer)

    def _ask(self, request: Mapping[str, Any]) -> str:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        line = self._server.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"the process that runs commands ended with {self._server.wait()}")
        return line

    def end(self) -> None:
        """End the process; a command that still runs stays."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(30)
        self._scratch.cleanup()


if __name__ == "__main__":
    _serve()
