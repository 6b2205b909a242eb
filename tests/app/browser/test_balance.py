"""A person strengthens the balance, sees the shares change, applies, goes back, and takes the tables away."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gem_core.pipeline import Rename, edit
from gem_core.workspace import Workspace
from tests.helpers.pages import ready, until

pytestmark = pytest.mark.browser
SLIDER = "[data-testid=stSlider] input[type=range]"


@pytest.fixture
def workspace(built_sample: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(built_sample, tmp_path / "corpus")
    return Workspace(tmp_path / "corpus")


def figure(page: Any, name: str) -> str:
    """Value of one of the figures above the charts."""
    return page.locator("[data-testid=stMetric]", has_text=name).locator("[data-testid=stMetricValue]").inner_text()


def saved(page: Any, folder: Path, name: str) -> Path:
    """Press the download button of a file."""
    button = page.locator(f".st-key-export-{name.replace('.', '-')} button").first  # a hidden copy is for measuring
    with page.expect_download(timeout=60_000) as waiting:
        button.click()
    assert waiting.value.suggested_filename == name
    waiting.value.save_as(folder / name)
    return folder / name


def test_balance_apply_undo_and_take_the_tables_away(
    serve: Any, browser_page: Any, workspace: Workspace, tmp_path: Path
) -> None:
    before = edit(workspace, Rename("cluster", 0, "=1+1 <b>sum</b>"))
    page = browser_page(f"{serve('app/main.py', '--workspace', str(workspace.root)).url}/balance")
    page.wait_for_selector(SLIDER, state="attached")
    ready(page)
    largest = figure(page, "Largest")
    assert largest == f"{100 * max(c.share_documents for c in before.clusters):.1f}%"
    page.locator(SLIDER).focus()
    page.keyboard.press("End")  # by keyboard alone: to exact
    until(lambda: page.get_by_text("Solid: preview, strength exact").count() == 1)
    ready(page)
    assert float(figure(page, "Largest")[:-1]) < float(largest[:-1])
    moved_count = int(figure(page, "Documents moved").replace(",", ""))
    assert moved_count > 0
    assert page.get_by_text(f"{moved_count:,} documents would move").count() == 1
    assert page.locator(".js-plotly-plot").count() == 2

    page.get_by_role("button", name="Apply", exact=True).click()
    until(lambda: workspace.taxonomy().key != before.key and workspace.taxonomy().has_path)
    until(lambda: page.get_by_text("No changes. Adjust a setting").count() == 1)
    assert workspace.taxonomy().settings.strength == float("inf")
    page.get_by_role("button", name="Undo", exact=True).click()
    until(lambda: workspace.taxonomy().key == before.key)
    until(lambda: figure(page, "Largest") == largest)

    page.get_by_role("link", name="Export").click()
    page.wait_for_selector(".st-key-export-taxonomy-csv button")
    ready(page)
    table = pd.read_csv(saved(page, tmp_path, "taxonomy.csv"))
    assert list(table["documents"]) == [c.documents for c in before.clusters]
    assert table["label"].iloc[0] == "'=1+1 <b>sum</b>"
    rows = pd.read_csv(saved(page, tmp_path, "assignments.csv"))
    assert list(rows["id"].astype(str)) == list(workspace.documents["id"].astype(str))
    assert np.array_equal(rows["cluster_id"], before.documents["cluster_id"])
    assert not any(str(cell).startswith(("=", "+", "@")) for name in ("id", "label") for cell in rows[name])
    assert len(pd.read_parquet(saved(page, tmp_path, "assignments.parquet"))) == len(workspace)
    assert page.outside == []
    assert not [text for text in page.errors if "404" not in text]


def test_a_point_of_the_path_sets_the_strength(serve: Any, browser_page: Any, workspace: Workspace) -> None:
    page = browser_page(f"{serve('app/main.py', '--workspace', str(workspace.root)).url}/balance")
    page.wait_for_selector(".st-key-balance-path .scatterlayer .point")
    ready(page)
    spot = page.locator(".st-key-balance-path .scatterlayer .trace").first.locator(".point").last
    box = spot.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(lambda: page.get_by_text("Solid: preview, strength exact").count() == 1)
    until(lambda: page.locator(SLIDER).count() == 1)  # the old slider has gone
    assert page.locator(SLIDER).get_attribute("aria-valuetext") == "exact"
