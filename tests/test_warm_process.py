"""The helper that runs commands in forks: status, output, folder, environment and time limit are a process's own."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.helpers.warm_process import WarmProcess


@pytest.fixture(scope="module")
def warm() -> WarmProcess:
    return WarmProcess()


def test_status_output_and_folder(warm: WarmProcess, tmp_path: Path) -> None:
    completed = warm.run(["--help"], tmp_path, os.environ, 60)
    assert completed.returncode == 0
    assert "gem-explorer" in completed.stdout
    assert completed.stderr == ""
    refused = warm.run(["info", "nowhere"], tmp_path, os.environ, 60)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert f"got {tmp_path / 'nowhere'}" in refused.stderr
    (tmp_path / "pool.csv").write_text("text\nWater flows to the sea.\nBread bakes in the oven.\n")
    assert warm.run(["estimate", "pool.csv", "--json"], tmp_path, os.environ, 60).returncode == 0


def test_a_command_has_an_environment_of_its_own(warm: WarmProcess, tmp_path: Path) -> None:
    narrow = warm.run(["fit", "--help"], tmp_path, {**os.environ, "COLUMNS": "60"}, 60).stdout
    wide = warm.run(["fit", "--help"], tmp_path, {**os.environ, "COLUMNS": "200"}, 60).stdout
    assert max(map(len, narrow.splitlines())) <= 60 < max(map(len, wide.splitlines()))


def test_a_late_command_is_killed(warm: WarmProcess, tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        warm.run(["sample", "docstrings", "--out", "docs.parquet"], tmp_path, os.environ, 0.1)
    assert warm.run(["--help"], tmp_path, os.environ, 60).returncode == 0
