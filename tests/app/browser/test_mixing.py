"""A person chooses a strategy, moves a slider, sees weights and predicted loss follow, and takes the weights away."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.workspace import Workspace
from tests.helpers.pages import ready, until

pytestmark = pytest.mark.browser


def figure(page: Any, name: str) -> str:
    metric = page.locator("[data-testid=stMetric]", has_text=name).locator("[data-testid=stMetricValue]")
    return str(metric.inner_text()) if metric.count() == 1 else ""


def test_from_strategy_to_file(serve: Any, browser_page: Any, built_sample: Path, tmp_path: Path) -> None:
    shutil.copytree(built_sample, tmp_path / "corpus")
    workspace = Workspace(tmp_path / "corpus")
    page = browser_page(f"{serve('app/main.py', '--workspace', str(workspace.root)).url}/mixing")
    until(lambda: figure(page, "Predicted loss") != "", seconds=60)
    ready(page)
    losses, bars = figure(page, "Predicted loss"), page.locator(".st-key-mixing-weights .bars .point path")
    bar_paths = bars.evaluate_all("all => all.map(one => one.getAttribute('d')).join()")

    page.locator(".stRadio").get_by_text("Temperature", exact=True).click()
    slider = page.locator(".st-key-mixing-tau").get_by_role("slider")
    slider.wait_for()
    ready(page)
    slider.focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    page.locator(".st-key-mixing-commands summary").click()
    until(lambda: "--tau 0.2 " in page.locator(".st-key-mixing-export").inner_text(), seconds=60)
    ready(page)
    weighting = weights_by(workspace, workspace.taxonomy(), "temperature", tau=0.2)
    until(lambda: figure(page, "Effective clusters") == f"{weighting.effective:.1f}", seconds=60)
    until(lambda: figure(page, "Predicted loss") not in ("", losses), seconds=60)
    assert bars.evaluate_all("all => all.map(one => one.getAttribute('d')).join()") != bar_paths
    table = page.locator(".st-key-mixing-numbers [data-testid=stDataFrame]")
    table.scroll_into_view_if_needed()
    assert table.is_visible()

    with page.expect_download() as fetched:
        page.locator(".st-key-mixing-csv").get_by_role("button").click()
    fetched.value.save_as(tmp_path / "weights.csv")
    rows = pd.read_csv(tmp_path / "weights.csv").set_index("cluster_id")
    assert list(rows["weight"][list(weighting.numbers)]) == pytest.approx(weighting.weights)
    assert set(rows["taxonomy_hash"]) == {workspace.taxonomy().taxonomy_hash}
    assert page.outside == []
    assert not [text for text in page.errors if "404" not in text]
