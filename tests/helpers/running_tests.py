"""A pytest hook that keeps the name of the running test in a file for .ci/run."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Keep the name of the running test in a file, so that .ci/run can say what still ran when time was up."""
    folder = os.environ.get("GEM_RUNNING_TESTS")
    if folder is None:
        return (yield)
    file = Path(folder) / os.environ.get("PYTEST_XDIST_WORKER", "main")
    file.write_text(f"{item.nodeid}\n", encoding="utf-8")
    try:
        return (yield)
    finally:
        file.unlink(missing_ok=True)
