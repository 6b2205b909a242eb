"""Progress for a terminal and for another process."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from gem_core._progress import Console


def test_the_file_holds_the_present_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(tmp_path / "p.json")
    console("embed", 0, 10)
    first = json.loads((tmp_path / "p.json").read_text())
    assert (first["step"], first["done"], first["total"], first["left"]) == ("embed", 0, 10, None)
    console("embed", 5, 10)  # too soon after the last word
    assert json.loads((tmp_path / "p.json").read_text())["done"] == 0
    console("embed", 10, 10)  # the end is always said
    last = json.loads((tmp_path / "p.json").read_text())
    assert (last["done"], last["left"]) == (10, 0)
    assert last["rate"] > 0
    assert capsys.readouterr().err == "embed: 10 of 10\n"
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]


def test_work_that_goes_on_counts_its_rate_from_where_it_began() -> None:
    console = Console()
    console("embed", 900, 1000)
    assert console.first == 900
    console("lay out", 0, 3)
    assert (console.step, console.first) == ("lay out", 0)


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    console = Console(tmp_path / "nowhere" / "p.json")
    console("embed", 0, 10)
    console("embed", 10, 10)
    assert console.step == "embed"
    assert not (tmp_path / "nowhere").exists()


def test_a_full_log_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as full:  # every write fails: no space left
        monkeypatch.setattr("sys.stderr", full)
        console = Console()
        console("embed", 0, 10)
        console("embed", 10, 10)
        console.end()
        monkeypatch.undo()
        with suppress(OSError):
            full.close()
    assert console.step == ""


def test_a_terminal_shows_a_bar_for_each_step() -> None:
    script = (
        "from gem_core._progress import Console\n"
        "console = Console()\n"
        "console('embed', 900, 1000)\n"
        "console('embed', 1000, 1000)\n"
        "console('lay out', 3, 3)\n"
        "console.end()\n"
    )
    text = on_a_terminal([sys.executable, "-c", script])
    assert "embed: 100%" in text
    assert "1000/1000" in text
    assert "lay out: 100%" in text
    assert text.count("\n") == 2  # a line per step


def on_a_terminal(command: list[str]) -> str:
    """Run a command whose standard error is a terminal; return what it wrote there."""
    inside, outside = pty.openpty()
    fcntl.ioctl(outside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    child = subprocess.Popen(command, stderr=outside, cwd=Path(__file__).parents[1])
    os.close(outside)
    assert child.wait(60) == 0
    output = b""
    with suppress(OSError):  # the terminal is gone when all was read
        while block := os.read(inside, 65536):
            output += block
    os.close(inside)
    return output.decode()


def test_the_time_left_is_steady_while_a_slow_answer_is_awaited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("gem_core._progress.time.monotonic", lambda: clock[0])
    console = Console(tmp_path / "p.json")
    waits = []
    for second in range(61):
        clock[0] = 100.0 + second
        console("ask the model", second // 10, 12)  # an answer every ten seconds, several looks at each
        waits.append(json.loads((tmp_path / "p.json").read_text()))
    console.end()
    assert all(state["rate"] == pytest.approx(0.1) for state in waits[10:])
    assert [round(state["left"]) for state in waits[10:]] == list(range(110, 59, -1))
