"""A short run of the benchmark with many sessions at once; the long one is benchmarks/app/many_sessions.py."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from gem_core.workspace import Workspace
from tests.helpers.cli_process import QUIET

pytestmark = pytest.mark.browser


def test_four_sessions_at_once_meet_no_error(chromium: Any, sample: Workspace) -> None:
    completed = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.app.many_sessions",
            "--sessions=4",
            "--rounds=1",
            "--pause=1",  # no figure of memory is judged here
            f"--workspace={sample.root}",
        ],
        capture_output=True,
        text=True,
        env=QUIET,
        timeout=1500,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "round 1, 4 sessions open" in completed.stdout
    assert completed.stdout.count("errors: 0") == 2
