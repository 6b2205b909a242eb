"""A person uploads a file, sees what it will cost, builds it in the background and opens the result."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gem_core.workspace import Workspace
from tests.helpers.cli_process import texts
from tests.helpers.pages import ready

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)> **bold** $x$"


def shot(page: Any, name: str) -> None:
    """Keep a picture where GEM_SHOTS says, for a person to look at."""
    if folder := os.environ.get("GEM_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_upload_build_and_open(serve: Any, browser_page: Any, built_sample: Path, tmp_path: Path) -> None:
    source = tmp_path / "field notes.csv"
    pd.DataFrame(
        {"id": [f"{HOSTILE} {i}" for i in range(15)], "text": [*texts(14), ""], "topic": [HOSTILE] * 15}
    ).to_csv(source, index=False)
    home = tmp_path / "home"
    served = serve("app/main.py", "--workspace", str(built_sample), env={"GEM_EXPLORER_HOME": str(home)})
    page = browser_page(f"{served.url}/corpus")
    page.get_by_text("New workspace from your data").wait_for()
    shot(page, "1-corpus")
    page.locator("input[type=file]").first.set_input_files(str(source))
    page.get_by_text("Create workspace").wait_for()
    assert page.get_by_role("textbox", name="Name").input_value() == "field notes"
    page.get_by_text("Embedding time").wait_for(timeout=120_000)
    ready(page)
    shot(page, "2-measured")
    clusters = page.get_by_role("spinbutton", name="Clusters")
    clusters.fill("3")
    clusters.press("Enter")
    ready(page)
    page.get_by_role("button", name="Create workspace").click()
    page.get_by_role("button", name="Cancel").wait_for()
    page.wait_for_timeout(1500)
    shot(page, "3-running")
    page.reload()  # a closed tab does not stop it
    page.get_by_text("14 documents in 3 clusters").wait_for(timeout=180_000)
    ready(page)
    shot(page, "4-finished")
    page.get_by_role("button", name="Open workspace").last.click()
    page.get_by_text(re.compile("14 documents")).first.wait_for()
    ready(page)
    page.wait_for_timeout(1000)
    shot(page, "5-opened")
    opened = Workspace(home / "field notes")
    assert len(opened.taxonomy().clusters) == 3
    assert opened.manifest.refused == {"empty_text": 1}
    assert opened.manifest.encoder == "packaged"
    assert page.locator("img[src=x]").count() == 0
    assert page.outside == []
    assert not [error for error in page.errors if "404" not in error]
