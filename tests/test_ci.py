""".ci/run on a small repository: the README's command, its status, its time limit, and what it leaves behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HANGING = """
import subprocess, sys, time
from pathlib import Path

def test_passes():
    pass

def test_hangs():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    Path("child").write_text(str(child.pid))
    time.sleep(300)
"""


def run_ci(folder: Path, tests: str, limit: str = "60s", options: str = "") -> subprocess.CompletedProcess[str]:
    """Run a copy of .ci/run in a folder whose README has a test command that needs no installation."""
    (folder / ".ci").mkdir()
    (folder / "bin").mkdir()
    (folder / "tests").mkdir()
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    shutil.copy(ROOT / "tests/helpers/running_tests.py", folder / "tests/conftest.py")
    (folder / "tests/test_some.py").write_text(tests)
    command = f"python3 -c pass && {sys.executable} -m pytest -p no:cacheprovider {options} tests"
    (folder / "README.md").write_text(f"```sh\n{command}\n```\n")
    (folder / "bin/chromium").touch(mode=0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GEM_RUNNING"))},
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "GEM_CI_LIMIT": limit,
    }
    return subprocess.run(
        [folder / ".ci/run"], capture_output=True, text=True, cwd=folder, env=environment, timeout=120, check=False
    )


def is_running(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
def test_time_is_up(tmp_path: Path) -> None:
    completed = run_ci(tmp_path, HANGING, limit="8s")
    assert completed.returncode == 1
    assert "did not end within 8s" in completed.stderr
    assert "  tests/test_some.py::test_hangs" in completed.stderr
    assert "test_passes" not in completed.stderr
    assert 'test_some.py", line 11 in test_hangs' in completed.stdout  # the stack of the test
    assert not is_running(int((tmp_path / "child").read_text()))


def test_status_of_the_tests(tmp_path: Path) -> None:
    completed = run_ci(tmp_path, "def test_passes(): pass")
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "1 passed" in completed.stdout


def test_a_failed_test_fails(tmp_path: Path) -> None:
    assert run_ci(tmp_path, "def test_fails(): assert False").returncode == 1


@pytest.mark.parametrize("tests", ["", "import pytest\ndef test_skipped(): pytest.skip('no')"])
def test_no_test_passed_fails(tmp_path: Path, tests: str) -> None:
    completed = run_ci(tmp_path, tests)
    assert completed.returncode != 0
    assert "No test passed." in completed.stderr or completed.returncode == 5
