"""What the tests of the app share: a view that fails is a failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_screen_fails(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest) -> Iterator[None]:
    """A screen that fails shows a card instead of a traceback; here that is a failure all the same."""
    yield
    failed = [
        record for phase in ("setup", "call") for record in caplog.get_records(phase) if record.name == "gem_explorer"
    ]
    if failed and request.node.get_closest_marker("screen_fails") is None:
        pytest.fail(f"{failed[0].getMessage()}: {failed[0].exc_info and failed[0].exc_info[1]!r}")
