"""What several rooms' tests share: a home of their own, and the sample built once."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.browser import browser_page, chromium, offline_page, serve, serve_module
from tests.helpers.corpora import small_corpus
from tests.helpers.running_tests import pytest_runtest_protocol

__all__ = ["browser_page", "chromium", "offline_page", "pytest_runtest_protocol", "serve", "serve_module"]

os.environ["GEM_EXPLORER_HOME"] = tempfile.mkdtemp(prefix="gem-home-")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers share the processors; threads that wait take them away

from gem_core.pipeline import home, open_sample
from gem_core.workspace import Workspace

(home() / "first-visit-done").touch()  # nobody here needs the first steps


#: Files that take longest; they begin first, so that no worker is left alone with one of them at the end.
LONGEST_FILES = ("browser/test_hostile.py", "tests/test_docs.py", "browser/test_sessions.py", "commands/test_cli.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file stays."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONGEST_FILES))


@pytest.fixture(scope="session")
def built_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Workspace of the sample, built once; a test that changes it fails."""
    return open_sample(tmp_path_factory.mktemp("sample") / "workspace").root


@pytest.fixture(autouse=True)
def built_sample_is_unchanged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that edits the shared sample, not one that reads it later."""
    if "built_sample" not in request.fixturenames:
        yield
        return
    history = request.getfixturevalue("built_sample") / "edits.jsonl"
    before = history.read_bytes()
    yield
    assert history.read_bytes() == before, "the shared sample was changed: use a copy (fixture `sample`)"


@pytest.fixture
def sample(built_sample: Path, tmp_path: Path) -> Workspace:
    """A copy of the sample's workspace that a test may change."""
    shutil.copytree(built_sample, tmp_path / "sample")
    return Workspace(tmp_path / "sample")


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[Path, Path]:
    """A small corpus file and its vectors."""
    return small_corpus(tmp_path / "source")


@pytest.fixture
def bound_by_permissions() -> list[str]:
    """What a command must start with so that file permissions bind it, also when root runs the tests."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("run the tests as an ordinary user, or install util-linux (setpriv)")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
