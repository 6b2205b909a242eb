"""A person searches by meaning, filters, draws on both maps, saves and downloads; the file is read back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gem_core.pipeline.search.filters import Column, Filter, mask
from gem_core.pipeline.search.semantic import search_meaning
from gem_core.workspace import Workspace
from gem_core.workspace.selections import Selections
from tests.helpers.pages import ready

pytestmark = pytest.mark.browser
GLOBE = "canvas[role=application]"
CHART = "[data-testid=stPlotlyChart]"


@pytest.fixture
def workspace(built_sample: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(built_sample, tmp_path / "corpus")
    return Workspace(tmp_path / "corpus")


def settled(page: Any, seconds: float = 0.5) -> None:
    page.wait_for_timeout(1000 * seconds)
    ready(page)


def choose(page: Any, name: str) -> None:
    page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name)).first.click()
    settled(page, 1)


def count(page: Any) -> int:
    """How many documents the line above the map says."""
    chip = page.locator(".st-key-gem-chips p").first
    chip.wait_for()
    return int(chip.inner_text().split(" of ")[0].replace(",", ""))


def drag(page: Any, box: dict[str, float], corners: tuple[tuple[float, float], ...]) -> None:
    for corner, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=6)
        if corner == 0:
            page.mouse.down()
    page.mouse.up()


def saved_file(page: Any, name: str, tmp_path: Path) -> pd.DataFrame:
    """Download by a button and read the file."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).click()
    waiting.value.save_as(tmp_path / "file.csv")
    return pd.read_csv(tmp_path / "file.csv")


def test_meaning_filter_box_save_download(serve: Any, browser_page: Any, workspace: Workspace, tmp_path: Path) -> None:
    served = serve("app/main.py", "--workspace", str(workspace.root))
    page = browser_page(served.url)
    page.wait_for_selector(GLOBE)
    choose(page, "Meaning")
    page.get_by_placeholder("Describe what you are looking for").fill("celestial bodies seen at night")
    page.locator("strong").filter(has_text="200 documents closest in meaning").wait_for(timeout=60_000)
    near = search_meaning(workspace, "celestial bodies seen at night", 200)
    assert count(page) == 200

    page.get_by_role("button", name="Download", exact=False).first.click()
    table = saved_file(page, "Download documents", tmp_path)
    assert list(table["id"]) == list(workspace.documents["id"].iloc[near.rows])
    assert table["cosine"].to_numpy() == pytest.approx(near.cosine, abs=1e-5)
    page.keyboard.press("Escape")

    page.get_by_placeholder("Describe what you are looking for").fill("")
    settled(page, 1.5)
    page.get_by_role("button", name="Filter").first.click()
    field = page.get_by_role("combobox", name="subject")
    field.click()
    subject = str(workspace.documents["subject"].mode().iloc[0])
    field.fill(subject)
    page.get_by_role("option", name=subject).first.click()
    settled(page, 1.5)
    page.keyboard.press("Escape")
    document_filter = Filter(columns=(Column("subject", values=(subject,)),))
    assert count(page) == mask(workspace, workspace.taxonomy(), document_filter).sum()
    page.get_by_role("button", name=f"subject is {subject}").click()
    settled(page, 1.5)

    choose(page, "Flat map")
    page.wait_for_selector(f"{CHART} .gl-canvas")
    box = page.locator(CHART).first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("[data-title='Box Select']").first.click()
    drag(page, box, ((0.3, 0.3), (0.65, 0.7)))
    page.get_by_role("button", name="area selected on the flat map").wait_for()
    settled(page, 1)
    inside = count(page)
    flat = np.asarray(workspace.flat)
    assert 20 < inside < len(flat)

    choose(page, "Sphere")  # the other map shows the same selection, and back again
    assert count(page) == inside
    page.locator(".chip").filter(has_text=f"{inside} selected").wait_for()
    choose(page, "Flat map")
    assert count(page) == inside

    page.get_by_role("button", name="Save selection").click()
    page.get_by_placeholder("Selection name").fill("Middle of the map")
    page.keyboard.press("Tab")
    settled(page)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved as Middle of the map").wait_for()
    selection = Selections(workspace).get("Middle of the map")
    assert len(selection.rows) == inside
    assert selection.origin == "area selected on the flat map"
    low, high = flat[selection.rows].min(axis=0), flat[selection.rows].max(axis=0)
    assert ((flat >= low) & (flat <= high)).all(axis=1).sum() == inside  # a box: nobody inside it was left out

    page.reload()
    ready(page)
    page.wait_for_selector(f"{GLOBE}, {CHART}")
    page.get_by_role("button", name="Selections: 1").click()
    page.get_by_role("button", name="Load selection").click()
    settled(page, 1.5)
    page.keyboard.press("Escape")
    assert count(page) == inside
    page.get_by_role("button", name="Download", exact=False).first.click()
    table = saved_file(page, "Download documents", tmp_path)
    assert set(table["id"]) == set(workspace.documents["id"].iloc[selection.rows])
    assert page.outside == []
    assert [e for e in page.errors if "404" not in e] == []


def test_a_lasso_on_the_globe_outlives_a_change_of_map(serve: Any, browser_page: Any, workspace: Workspace) -> None:
    served = serve("app/main.py", "--workspace", str(workspace.root))
    page = browser_page(served.url, dark=True, width=900)
    page.wait_for_selector(GLOBE)
    settled(page, 1)
    box = page.locator(GLOBE).bounding_box()
    page.keyboard.down("Shift")
    drag(page, box, ((0.35, 0.35), (0.65, 0.35), (0.65, 0.65), (0.35, 0.65), (0.35, 0.37)))
    page.keyboard.up("Shift")
    page.get_by_role("button", name="area selected on the globe").wait_for()
    settled(page, 1)
    inside = count(page)
    assert 10 < inside < len(workspace) / 2
    chip = page.locator(".chip").filter(has_text=f"{inside} selected")
    chip.wait_for()
    choose(page, "Flat map")
    page.wait_for_selector(f"{CHART} .gl-canvas")
    grey = page.evaluate(
        "() => document.querySelector('[data-testid=stPlotlyChart] .js-plotly-plot')._fullData"
        ".find((t) => t.name === 'no match').x.length"
    )
    assert grey == len(workspace) - inside
    choose(page, "Sphere")
    page.wait_for_selector(GLOBE)
    settled(page, 1)
    chip.wait_for()
    assert count(page) == inside
    page.locator(GLOBE).focus()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="area selected on the globe").wait_for(state="detached")
    assert page.outside == []


def test_near_duplicates_in_the_browser(serve: Any, browser_page: Any, workspace: Workspace, tmp_path: Path) -> None:
    vectors = np.load(workspace.root / "embeddings.npy")
    vectors[[30, 31]] = vectors[10]
    np.save(workspace.root / "embeddings.npy", vectors)
    served = serve("app/main.py", "--workspace", str(workspace.root))
    page = browser_page(served.url)
    page.wait_for_selector(GLOBE)
    page.get_by_role("button", name="Near-duplicates").click()
    page.get_by_role("button", name="Find near-duplicates").click()
    page.get_by_text("Removing duplicates would drop").wait_for()
    table = saved_file(page, "Download groups", tmp_path)
    ids = workspace.documents["id"]
    group = table[table["id"] == ids.iloc[10]]["group"].iloc[0]
    assert set(table[table["group"] == group]["id"]) >= {ids.iloc[10], ids.iloc[30], ids.iloc[31]}
    assert table.groupby("group")["keep"].sum().eq(1).all()
    assert page.errors == [] or all("404" in e for e in page.errors)
