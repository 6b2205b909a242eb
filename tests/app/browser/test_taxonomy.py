"""A person edits the taxonomy in the browser: marks and merges, splits with a look first, goes back in the history."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from gem_core.workspace import Workspace
from tests.helpers.pages import press, ready

pytestmark = pytest.mark.browser


@pytest.fixture
def workspace(built_sample: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(built_sample, tmp_path / "corpus")
    return Workspace(tmp_path / "corpus")


def mark(page: Any, row: int) -> None:
    """Tick the box in a row of the list of names: a canvas, so by position."""
    box = page.locator("[data-testid=stDataFrame]").first.bounding_box()
    press(page, box["x"] + 24, box["y"] + 38 + 32 * row + 14)
    ready(page)


def test_merge_split_and_go_back(serve: Any, browser_page: Any, workspace: Workspace) -> None:
    before = workspace.taxonomy()
    page = browser_page(f"{serve('app/main.py', '--workspace', str(workspace.root)).url}/taxonomy")
    ready(page)
    group = next(p for p in before.groups if len(p.children) == 2)
    index = 0
    for parent in before.groups:
        if parent.number == group.number:
            break
        index += 1 + len(parent.children)

    page.get_by_text("Select clusters to edit them together").wait_for()
    mark(page, index)  # the whole group
    page.get_by_role("button", name="Merge 2").click()
    page.get_by_role("button", name="All clusters").wait_for()
    ready(page)
    merged = workspace.taxonomy()
    assert len(merged.clusters) == len(before.clusters) - 1
    assert page.get_by_text(f"{len(merged.clusters)} clusters in {len(merged.groups)} groups").count() >= 2

    page.get_by_role("button", name="Split", exact=True).click()
    page.get_by_text("parts, from").wait_for()
    page.get_by_role("slider", name="Parts").press("Home")
    page.get_by_text("2 parts, from").wait_for()
    page.get_by_role("button", name="Split into 2").click()
    page.get_by_text(f"{len(before.clusters)} clusters in").first.wait_for()
    ready(page)
    assert len([c for c in workspace.taxonomy().clusters if c.pinned]) == 2

    page.get_by_role("button", name="Undo").first.click()
    page.get_by_text(f"{len(merged.clusters)} clusters in").first.wait_for()
    page.get_by_role("button", name="History").click()
    page.get_by_role("button", name="Restore", exact=True).last.click()
    page.get_by_text(f"{len(before.clusters)} clusters in").first.wait_for()
    assert workspace.taxonomy().key == before.key
    assert page.outside == []
    assert [e for e in page.errors if "404" not in e] == []


def test_a_merge_closes_its_popover_and_is_undone_by_keys(serve: Any, browser_page: Any, workspace: Workspace) -> None:
    before = workspace.taxonomy()
    page = browser_page(f"{serve('app/main.py', '--workspace', str(workspace.root)).url}/taxonomy?cluster=3")
    ready(page)
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_role("button", name="Merge clusters").click()
    page.get_by_text(f"{len(before.clusters) - 1} clusters in").first.wait_for()
    page.get_by_role("button", name="Merge clusters").wait_for(state="hidden")
    page.get_by_role("status").get_by_text("Merged").wait_for()
    assert len(workspace.taxonomy().clusters) == len(before.clusters) - 1
    page.mouse.click(4, 300)  # the focus leaves every field
    page.keyboard.press("Control+z")
    page.get_by_text(f"{len(before.clusters)} clusters in").first.wait_for()
    ready(page)
    assert workspace.taxonomy().key == before.key
    page.get_by_role("status").get_by_role("button", name="Redo").click()
    page.get_by_text(f"{len(before.clusters) - 1} clusters in").first.wait_for()
