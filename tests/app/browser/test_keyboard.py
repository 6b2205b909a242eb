"""A person without a pointer opens the third cluster, reads its second typical document, renames it, and undoes it."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.app.keyboard_journey import GLOBE, rename_by_keyboard
from gem_core.workspace import Workspace
from tests.helpers.pages import ready

pytestmark = pytest.mark.browser


def test_the_third_cluster_is_read_renamed_and_restored(serve: Any, browser_page: Any, sample: Workspace) -> None:
    page = browser_page(serve("app/main.py", "--workspace", str(sample.root)).url)
    page.set_default_timeout(120_000)
    page.wait_for_selector(GLOBE)
    ready(page)
    presses = dict(rename_by_keyboard(page, sample, "A name typed by hand"))
    assert presses["from the globe to the list"] <= 30
    assert len(sample.history().steps) == 2
    assert page.errors == []
